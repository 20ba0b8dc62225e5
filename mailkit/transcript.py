"""Who said what on a line, in the notation of the RFCs: ``C:`` the client, ``S:`` the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Speaker = Literal["C", "S"]
MASK = "********"
OVERHEAD = 100  # octets of memory that a recorded piece takes beside its own

_COMMAND = re.compile(  # of POP3 and SMTP: as much as is no password
    rb"(?:PASS|USER(?: [!-~]+)?|AUTH(?: +(?:PLAIN|LOGIN) *)?"
    rb"|(?:CAPA|DELE|LIST|NOOP|QUIT|RETR|RSET|STAT|STLS|TOP|UIDL"
    rb"|DATA|EHLO|HELO|HELP|MAIL|RCPT|STARTTLS|VRFY)(?: [ -~\x80-\xff]*)?)(?= |$)",
    re.IGNORECASE,
)
_SECRETS = re.compile(  # of IMAP, however many spaces a slip has put between the words
    rb"^(\s*(?:\S+\s+)?(?:LOGIN\s+(?:\"[^\"]*\"|\S+)|AUTHENTICATE\s+\S+)\s+)(.+)$", re.IGNORECASE
)
_LOGIN = re.compile(  # that has more lines to come: as many as answers, or literals
    rb"^\s*\S+ +AUTHENTICATE\s+(\S+)(\s+\S+)?\s*$|^\S+ +LOGIN .*\{\d+\+?\}$", re.IGNORECASE
)
_NO_TAGS = (b"", b"*", b"+", b"LOGIN", b"AUTHENTICATE")  # the server's lines begin so, or one without its tag
_SMTP_VERB = re.compile(rb"mail from:|rcpt to:|[a-z]+", re.IGNORECASE)
_LITERAL = re.compile(rb"\{(\d{1,99})(\+?)\}\r?$")


@dataclass(frozen=True, slots=True)
class Said:
    """One line that the client (C) or the server (S) said, without its line end."""

    who: Speaker
    text: str

    def __str__(self) -> str:
        return f"{self.who}: {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole conversation; as text, one line each."""

    protocol: str
    lines: tuple[Said, ...] = ()
    sought: str = ""  # what `find` was asked for

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))

    def __repr__(self) -> str:
        nothing = f"no line contains {self.sought!r}" if self.sought else f"nothing was said by {self.protocol} yet"
        return str(self) or f"({nothing})"

    def said(self, who: Speaker) -> tuple[str, ...]:
        """Return one side's lines."""
        return tuple(line.text for line in self.lines if line.who == who)

    def find(self, words: str) -> Transcript:
        """Return the lines that contain these words, in any case of letters."""
        found = tuple(line for line in self.lines if words.lower() in line.text.lower())
        return Transcript(self.protocol, found, words)


class Recorder:
    """Records one line as it is spoken, up to a limit in octets; what is over the limit is only counted."""

    def __init__(self, protocol: str, limit: int = 1_000_000) -> None:
        self.protocol = protocol
        self._chunks: list[tuple[Speaker, bytes]] = []
        self._room = limit
        self._left_out = 0

    def add(self, who: Speaker, octets: bytes) -> None:
        """Record octets just before they are handled (C) or sent (S)."""
        if len(octets) + OVERHEAD <= self._room:
            self._room -= len(octets) + OVERHEAD
            self._chunks.append((who, octets))
        else:
            self._room = 0
            self._left_out += len(octets)

    def transcript(self, mask: bool = True) -> Transcript:
        """Return what was said; passwords masked unless told otherwise, IMAP's tags renumbered to a1, a2, a3."""
        spoken = _split(self._chunks, literals=self.protocol == "IMAP")
        if self.protocol == "IMAP":
            spoken = _renumber(spoken)
        if self.protocol == "SMTP":
            spoken = _told_apart([*spoken])
        if mask:
            spoken = _masked(spoken, self.protocol)
        said = [Said(who, line.decode("utf-8", "backslashreplace")) for who, line, _ in spoken]
        if self._left_out:
            said.append(Said("S", f"(… {self._left_out} octets more, not recorded)"))
        return Transcript(self.protocol, tuple(said))


Spoken = tuple[Speaker, bytes, bool]  # who, a line, whether it lies inside a literal or a message


def _split(chunks: list[tuple[Speaker, bytes]], literals: bool) -> Iterator[Spoken]:
    """Cut what each side said into lines, in the order in which the lines were finished."""
    rest: dict[Speaker, bytes] = {"C": b"", "S": b""}
    coming: dict[Speaker, int] = {"C": 0, "S": 0}  # octets of a literal (RFC 3501 §4.3)
    offered, tag = 0, b""  # octets of a client's literal that waits for the server's +, and its command's tag
    for who, octets in chunks:
        *lines, rest[who] = (rest[who] + octets).split(b"\n")
        for line in lines:
            inside = coming[who]
            coming[who] = max(0, inside - len(line) - 1)
            yield who, line.rstrip(b"\r"), inside > 0
            announced = _LITERAL.search(line[inside:]) if literals else None
            if who == "C":
                offered = int(announced[1]) if announced and not announced[2] else 0
                tag = line.partition(b" ")[0] + b" " if not inside else tag
            elif offered and not inside and line.startswith((b"+", tag)):  # else it answers what was said before
                coming["C"] = offered if line.startswith(b"+") else 0
                offered = 0
            if announced and (who == "S" or announced[2]):
                coming[who] = int(announced[1])
    yield from ((who, line, coming[who] > 0) for who, line in rest.items() if line)


def _renumber(spoken: Iterable[Spoken]) -> Iterator[Spoken]:
    """Give each command's tag its number: `imaplib` begins with random letters (RFC 3501 §2.2.1)."""
    tags: dict[bytes, bytes] = {}
    for who, line, inside in spoken:
        tag = re.split(rb"\s", line, maxsplit=1)[0]
        if who == "C" and tag != line and not inside and tag.upper() not in _NO_TAGS:
            tags[tag] = b"a%d" % (len(tags) + 1)
        yield who, (tags.get(tag, tag) + line[len(tag) :] if not inside else line), inside


def _told_apart(spoken: Sequence[Spoken]) -> Iterator[Spoken]:
    """Tell a message from SMTP's commands: each has one reply, which may come after the message (RFC 2920 §3.1).

    Write commands as RFC 5321 does: `smtplib` spells them one way before Python 3.13, another since.
    """
    replies = iter([line[:3] for who, line, _ in spoken if who == "S" and line[3:4] != b"-"][1:])  # not the greeting
    reply = b""  # to what the client said last; 354 only to DATA
    for who, line, inside in spoken:
        if who == "C":
            inside = reply == b"354"
            if not inside and reply != b"334" and _COMMAND.match(line):
                line = _SMTP_VERB.sub(lambda found: found[0].upper(), line, count=1)
            if not inside or line == b".":
                reply = next(replies, b"")
                reply = b"" if reply == b"354" and line.strip() != b"DATA" else reply
        yield who, line, inside


def shown(protocol: str, command: bytes) -> str:
    """Return a command as one line, without tag and literals, its password masked; of SMTP, what is no command."""
    ((_, line, _),) = _masked([("C", command.partition(b"\r\n")[0], protocol == "SMTP")], protocol)
    text = line.decode("utf-8", "backslashreplace")
    return re.sub(r" ?\{\d+\+?\}$", "", text.partition(" ")[2] if protocol == "IMAP" else text)


def _masked(spoken: Iterable[Spoken], protocol: str) -> Iterator[Spoken]:
    """Put the mask for every password, and for what could be one."""
    return _imap_masked(spoken) if protocol == "IMAP" else _but_commands_masked(spoken)


def _but_commands_masked(spoken: Iterable[Spoken]) -> Iterator[Spoken]:
    """Mask what a client of POP3 or SMTP says, unless it is a command: it may be a password in the wrong place.

    Of a login's commands show what is no password; of what answers the server's ``+`` or 334, nothing.
    """
    asked = False
    for who, line, inside in spoken:
        if who == "C" and not inside and line not in (b"", b"*"):
            command = None if asked else _COMMAND.match(line)
            clear = command[0] if command else b""
            line = line if clear == line else (clear + b" " + MASK.encode()).lstrip()
        asked = who == "S" and line.startswith((b"+ ", b"334"))
        yield who, line, inside


def _imap_masked(spoken: Iterable[Spoken]) -> Iterator[Spoken]:
    """Mask in IMAP what follows a login in its command, and what answers a challenge.

    A login announces how many such lines are to come. They come after the server's ``+``, whatever it has said before
    that of earlier commands, or unasked; but not after another answer alone, which is a refusal. One word alone is no
    command, and could be a password; the server takes it for a tag and repeats it, so it is masked there, too.
    """
    due = 0  # lines of a login that are still to come
    asked: bool | None = None  # whether the server has asked for the next; None: it has said nothing since
    login: re.Match[bytes] | None = None  # the client's last command, if it is one
    alone = b""  # the last word alone
    for who, line, inside in spoken:
        if who == "S" and not inside:
            asked = asked or line.startswith(b"+ ") or line == b"+"
            line = MASK.encode() + line.removeprefix(alone) if alone and line.startswith(alone + b" ") else line
        elif who == "C" and ((due and asked is not False) or (inside and login)):
            alone = line.replace(b"*", b"")
            due = max(due - 1, _due(_LOGIN.match(line))) if line.strip() != b"*" else 0
            due = due or bool(_LITERAL.search(line))
            line, asked = MASK.encode(), None
        elif who == "C" and not inside:
            login, asked = _LOGIN.match(line), None
            due = _due(login)
            alone = line if b" " not in line and line.upper() not in (b"*", b"DONE") else b""
            line = MASK.encode() if alone else _SECRETS.sub(rb"\g<1>" + MASK.encode(), line)
        yield who, line, inside


def _due(login: re.Match[bytes] | None) -> int:
    """Return how many lines a login still takes: LOGIN's name and password, or one answer; the first may be given."""
    return 1 + (login[1] or b"").upper().count(b"LOGIN") - bool(login[2]) if login else 0
