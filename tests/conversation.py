"""Read conversations and play them; `tests/conversations/README.md` says how they are written."""

from __future__ import annotations

import ast
import asyncio
import imaplib
import random
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from mailkit.imap.session import ImapSession
from mailkit.mailbox import Mailbox
from mailkit.pop3 import Pop3Session
from mailkit.samples import letters as sample_letters
from mailkit.settings import Settings
from mailkit.smtp import SmtpSession
from mailkit.store import Store
from tests.dovecot import numbers, reaches
from tests.patience import PATIENCE

FOLDER = Path(__file__).parent / "conversations"
PASSWORD = "secret"
ACCOUNTS = ("amy", "ben")
SESSIONS = {"imap": ImapSession, "pop3": Pop3Session, "smtp": SmtpSession}
DATE = "02-Mar-2026 09:00:00 +0000"
ASKS_FOR_TLS = re.compile(rb"\b(STARTTLS|STLS)\r\n")
LINE = re.compile(r"(?P<kind>[CSD])(?P<who>\d?)(?P<mode>[:~?])(?: (?P<text>.*))?")
EVENT = re.compile(r"(?P<kind>CONNECT|TLS|CLOSED|DROP)(?: (?P<who>\d))?(?: (?P<rest>.*))?")
REASON = re.compile(r"# Dovecot(?: (?P<since>2\.[34](?:\.\d+)?))?: \S")
LETTER = re.compile(
    r"(?:letter|DELIVER)(?: (?P<box>[^\s(\":]+))?(?: \((?P<flags>.*?)\))?(?: \"(?P<date>.*?)\")?:(?: (?P<subject>.+))?"
)
MAILBOX = re.compile(r"= (?P<box>[^/ ]+/\S+)(?: (?P<none>none)| (?P<uid>\d+) (?P<subject>.*?)(?: \((?P<flags>.*)\))?)?")
PLACEHOLDER = re.compile(
    r"<(?:(?P<shape>any|word|number|date)(?: (?P<name>[a-z]+))?|words: (?P<words>[^>]*)|letter (?P<letter>\d+)"
    r"|size (?P<size>\d+|all)|(?P<char>.)\*(?P<times>\d+)|x(?P<octet>[0-9a-fA-F]{2})|(?P<nothing>nothing))>"
)
SHAPES = {
    "any": rb".*",
    "word": rb"[^\s()\]]+",
    "number": rb"\d+",
    "date": rb"[ 0-3]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}",
}


@dataclass
class Letter:
    """One letter of a file: where it goes, and what it is."""

    box: str
    flags: tuple[str, ...]
    date: str
    octets: bytes

    @property
    def when(self) -> datetime:
        return datetime.strptime(self.date.strip(), "%d-%b-%Y %H:%M:%S %z")


@dataclass
class Expected:
    """One line that the server is to say; mode ``:`` now, ``~`` in any order, ``?`` perhaps."""

    mode: str
    text: str
    number: int


@dataclass
class Said:
    """Lines that a client sends at once."""

    who: int
    texts: list[str]
    number: int


@dataclass
class Answer:
    """What the server is to say to one client; Dovecot perhaps otherwise, by the version since when ("": always)."""

    who: int
    lines: list[Expected]
    number: int
    dovecot: dict[str, list[Expected]] = field(default_factory=dict)

    def by(self, dovecot: str) -> list[Expected]:
        """Return what is expected of a version of Dovecot, such as 2.4.5, or of ``mailkit`` ("")."""
        if not dovecot:
            return self.lines
        told = [since for since in self.dovecot if reaches(dovecot, since)]
        return self.dovecot[max(told, key=numbers)] if told else self.lines


@dataclass
class Event:
    """CONNECT, TLS, CLOSED, DROP."""

    kind: str
    who: int
    rest: list[str]
    number: int


@dataclass
class Delivery:
    """Mail that arrives."""

    letter: Letter
    number: int


@dataclass
class Holds:
    """What mailboxes are to hold: (UID, subject, flags), or None where there is to be no mailbox."""

    boxes: dict[str, list[tuple[int, str, frozenset[str]]] | None]
    number: int


@dataclass
class Conversation:
    """One file, read."""

    path: Path
    letters: list[Letter] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    secure: bool = False
    login: list[str] = field(default_factory=list)
    without_dovecot: dict[str, str] = field(default_factory=dict)  # version, or "" → reason
    slow_with_dovecot: str = ""
    steps: list[Said | Answer | Event | Delivery | Holds] = field(default_factory=list)

    @property
    def protocol(self) -> str:
        return self.path.parent.name

    def where(self, number: int) -> str:
        return f"{self.path.name}, line {number}"


def read(path: Path) -> Conversation:
    """Read one file. Raises `ValueError` that names the line which is not understood."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) < 2 or not (lines[0].startswith("# ") and re.match(r"# .*(RFC \d+|mailkit)", lines[1])):
        raise ValueError(f"{path}: the first two lines are the title and the RFC's section, after #")
    reader = _Reader(Conversation(path))
    for number, line in enumerate(lines, 1):
        try:
            reader.take(line, number)
        except (ValueError, KeyError, SyntaxError) as error:
            raise ValueError(f"{path}:{number}: {error}: {line!r}") from error
    reader.end()
    return reader.conversation


class _Reader:
    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.block: list[bytes] | None = None  # the lines of a letter given whole
        self.theirs: list[Expected] = []  # D lines that wait for their reason

    def take(self, line: str, number: int) -> None:
        steps = self.conversation.steps
        if self.block is not None and line.startswith("|"):
            self.block.append(encode(line[2:]) + b"\r\n")
            return
        self.end_block()
        if self.theirs and not (LINE.fullmatch(line) and line.startswith("D")):
            if not (reason := REASON.match(line)):
                raise ValueError("after D lines comes '# Dovecot: ' or '# Dovecot 2.4: ' and the reason")
            since, known = reason["since"] or "", self.conversation.steps[-1].dovecot
            if since in known:
                raise ValueError("what this version says stands above already")
            known[since] = self.theirs
            self.theirs = []
        if not line.strip() or line.startswith("#"):
            return
        if found := LINE.fullmatch(line):
            self.talk(found, number)
        elif found := EVENT.fullmatch(line):
            steps.append(Event(found["kind"], int(found["who"] or 1), (found["rest"] or "").split(), number))
        elif found := MAILBOX.fullmatch(line):
            if not steps or not isinstance(steps[-1], Holds):
                steps.append(Holds({}, number))
            self.holds(steps[-1], found)
        elif line.startswith(("letter", "DELIVER")) and (found := LETTER.fullmatch(line)):
            self.letter(found, number, arrives=line.startswith("DELIVER"))
        else:
            self.directive(*line.split(":", 1))

    def talk(self, found: re.Match[str], number: int) -> None:
        steps = self.conversation.steps
        who, text, last = int(found["who"] or 1), found["text"] or "", self.conversation.steps[-1:]
        if found["kind"] == "C":
            if last and isinstance(last[0], Said) and last[0].who == who:
                last[0].texts.append(text)
            else:
                steps.append(Said(who, [text], number))
            return
        expected = Expected(found["mode"], text, number)
        if found["kind"] == "S":
            if last and isinstance(last[0], Answer) and last[0].who == who and not last[0].dovecot:
                last[0].lines.append(expected)
            else:
                steps.append(Answer(who, [expected], number))
            return
        if not (last and isinstance(last[0], Answer) and last[0].who == who):
            raise ValueError("D lines stand after the S lines that they replace")
        self.theirs.append(expected)

    def holds(self, step: Holds, found: re.Match[str]) -> None:
        if found["none"]:
            step.boxes[found["box"]] = None
            return
        held = step.boxes.setdefault(found["box"], [])
        if found["uid"] and held is not None:
            held.append((int(found["uid"]), found["subject"], frozenset((found["flags"] or "").split())))

    def letter(self, found: re.Match[str], number: int, arrives: bool) -> None:
        octets = small_letter(found["subject"]) if found["subject"] else b""
        flags = tuple((found["flags"] or "").split())
        one = Letter(found["box"] or "amy/INBOX", flags, found["date"] or DATE, octets)
        if arrives:
            self.conversation.steps.append(Delivery(one, number))
        else:
            self.conversation.letters.append(one)
        self.block = None if octets else []
        self.owner = one

    def end_block(self) -> None:
        if self.block is not None:
            self.owner.octets = b"".join(self.block)
            self.block = None

    def directive(self, name: str, value: str = "") -> None:
        value, conversation = value.strip(), self.conversation
        if name == "letters":
            octets = sample_letters(*value.split())
            conversation.letters += [Letter("amy/INBOX", (), DATE, one) for one in octets]
        elif name == "mailbox":
            conversation.mailboxes.append(value)
        elif name == "settings":
            pairs = [pair.split("=", 1) for pair in value.split()]
            conversation.settings = {key: ast.literal_eval(text) for key, text in pairs}
        elif name == "tls" and value == "implicit":
            conversation.secure = True
        elif name == "login":
            conversation.login = value.split()
        elif name == "dovecot" and (found := re.match(r"no(?: (2\.[34]))? — (?=\S)", value)):
            conversation.without_dovecot[found[1] or ""] = value[found.end() :]
        elif name == "dovecot" and value.startswith("slow — "):
            conversation.slow_with_dovecot = value.removeprefix("slow — ")
        else:
            raise ValueError("not understood")

    def end(self) -> None:
        self.end_block()
        conversation = self.conversation
        if self.theirs:
            raise ValueError(f"{conversation.where(self.theirs[-1].number)}: D lines need a reason after them")
        if not (conversation.steps and isinstance(conversation.steps[0], Event) and conversation.steps[0].who == 1):
            conversation.steps.insert(0, Event("CONNECT", 1, conversation.login, 1))


def small_letter(subject: str) -> bytes:
    """Return the letter that a file gives by its subject alone."""
    return (
        f"From: Ben <ben@example.org>\r\nTo: Amy <amy@example.org>\r\nSubject: {subject}\r\n"
        "Date: Mon, 02 Mar 2026 09:00:00 +0000\r\n\r\n"
        f"This is about {subject}.\r\n"
    ).encode()


def encode(text: str, expand: Callable[[re.Match[str]], bytes] | None = None) -> bytes:
    """Return the octets of a client's text, its placeholders replaced; by default only ``<x00>`` and ``<a*3>``."""
    octets, at = b"", 0
    for found in PLACEHOLDER.finditer(text):
        new = expand(found) if expand else None
        if found["octet"]:
            new = bytes.fromhex(found["octet"])
        elif found["times"]:
            new = found["char"].encode() * int(found["times"])
        octets += text[at : found.start()].encode() + (found[0].encode() if new is None else new)
        at = found.end()
    return octets + text[at:].encode()


class Play:
    """One conversation with one server: ``mailkit``, or this version of Dovecot, which has words of its own."""

    def __init__(self, conversation: Conversation, server: Direct | Socketed, dovecot: str = "") -> None:
        self.conversation, self.server, self.dovecot = conversation, server, dovecot
        self.names: dict[str, bytes] = {}
        self.script: list[str] = []
        self.number = 1

    def run(self) -> None:
        try:
            for step in self.conversation.steps:
                self.number = step.number
                getattr(self, f"play_{type(step).__name__.lower()}")(step)
            self.server.finish()
        except (AssertionError, OSError, EOFError) as error:
            script = "\n".join(self.script)
            raise AssertionError(f"{self.conversation.where(self.number)}: {error}\n{script}") from error

    def play_event(self, event: Event) -> None:
        if event.kind == "CONNECT":
            words = list(event.rest)
            protocol = (
                words.pop(0) if words[:1] and words[0] in ("pop3", "imap", "smtp") else self.conversation.protocol
            )
            self.server.connect(event.who, protocol, self.conversation.secure)
            if words:
                self.log_in(event.who, protocol, *words)
        else:
            self.script.append(f"({event.kind} {event.who})")
            getattr(self.server, event.kind.lower())(event.who)

    def log_in(self, who: int, protocol: str, account: str, mailbox: str = "") -> None:
        self.server.read_line(who)
        commands = [f"USER {account}", f"PASS {PASSWORD}"]
        if protocol == "imap":
            commands = [f"login LOGIN {account} {PASSWORD}"] + [f"login SELECT {mailbox}"] * bool(mailbox)
        for command in commands:
            self.server.send(who, f"{command}\r\n".encode())
            while not (line := self.server.read_line(who)).startswith((b"login OK", b"+OK")):
                assert line.startswith(b"*"), line

    def play_said(self, said: Said) -> None:
        octets = b""
        for text in said.texts:
            self.script.append(f"C{said.who}: {text}")
            line, more = (text.removesuffix("<+>"), b"") if text.endswith("<+>") else (text, b"\r\n")
            octets += encode(line, self.expand) + more
        self.server.send(said.who, octets)

    def expand(self, found: re.Match[str]) -> bytes | None:
        """Return the octets that a placeholder stands for, or None where it stands for several."""
        if found["letter"]:
            return self.conversation.letters[int(found["letter"]) - 1].octets
        if found["size"]:
            letters = self.conversation.letters
            chosen = letters if found["size"] == "all" else [letters[int(found["size"]) - 1]]
            return str(sum(len(letter.octets) for letter in chosen)).encode()
        if found["name"] in self.names:
            return self.names[found["name"]]
        return None

    def patterns(self, text: str) -> list[bytes]:
        """Return a regular expression for each line that this text expects."""
        pieces, at = [], 0
        for found in PLACEHOLDER.finditer(text):
            pieces += [re.escape(text[at : found.start()].encode()), self.shape(found)]
            at = found.end()
        pattern = b"".join((*pieces, re.escape(text[at:].encode())))
        if pattern.endswith(rb"\ .*"):  # "+OK" alone is a good answer, too
            pattern = pattern.removesuffix(rb"\ .*") + rb"(?: .*)?"
        patterns = pattern.split(rb"\r\n")
        return patterns[:-1] if len(patterns) > 1 and not patterns[-1] else patterns

    def shape(self, found: re.Match[str]) -> bytes:
        known = self.expand(found)
        if found["letter"] and known and self.conversation.protocol == "pop3":
            known = re.sub(rb"(?m)^\.", b"..", known)
        if found["words"] is not None:
            known = None if self.dovecot else found["words"].encode()
        if found["octet"] or found["times"]:
            known = encode(found[0])
        if known is not None:
            return rb"\r\n".join(re.escape(line) for line in known.split(b"\r\n"))
        if found["nothing"]:
            return b""
        shape = SHAPES[found["shape"] or "any"]
        return b"(?P<%s>%s)" % (found["name"].encode(), shape) if found["name"] else shape

    def play_answer(self, answer: Answer) -> None:
        lines = answer.by(self.dovecot)
        if [line.text for line in lines] == ["<nothing>"]:
            return
        at = 0
        while at < len(lines):
            self.number = lines[at].number
            if lines[at].mode == ":":
                for pattern in self.patterns(lines[at].text):
                    self.expect(answer.who, pattern, lines[at].text)
                at += 1
                continue
            group = list(_run(lines[at:]))
            at += len(group)
            self.expect_group(answer.who, group, lines[at] if at < len(lines) else None)

    def expect(self, who: int, pattern: bytes, text: str) -> None:
        line = self.read(who)
        found = re.fullmatch(pattern, line, re.DOTALL)
        assert found, f"expected {text!r}, and the server said {line!r}"
        self.names.update(found.groupdict())

    def expect_group(self, who: int, group: list[Expected], then: Expected | None) -> None:
        """Take lines in any order, until all that must come have, and the line after them stands there."""
        due = [line for line in group if line.mode == "~"]
        while due or then:
            said = self.read(who)
            if not due and self.matches(then, said):
                break
            candidates = [*due, *(line for line in group if line.mode == "?")]
            chosen = next((line for line in candidates if self.matches(line, said)), None)
            assert chosen or not due, f"expected one of {[line.text for line in due]}, and the server said {said!r}"
            if chosen is None:
                break
            self.names.update(re.fullmatch(self.patterns(chosen.text)[0], said, re.DOTALL).groupdict())
            due = [line for line in due if line is not chosen]
        else:
            return
        self.script.pop()
        self.server.put_back(who, said + b"\r\n")

    def matches(self, line: Expected, said: bytes) -> bool:
        return re.fullmatch(self.patterns(line.text)[0], said, re.DOTALL) is not None

    def read(self, who: int) -> bytes:
        line = self.server.read_line(who)
        self.script.append(f"S{who}: {line.decode('utf-8', 'backslashreplace')}")
        return line

    def play_delivery(self, delivery: Delivery) -> None:
        self.server.deliver(delivery.letter)

    def play_holds(self, holds: Holds) -> None:
        for box, expected in holds.boxes.items():
            found = self.server.mailbox(box)
            assert found == expected, f"{box} should hold {expected}, and holds {found}"


def _run(lines: list[Expected]) -> Iterator[Expected]:
    for line in lines:
        if line.mode == ":":
            return
        yield line


def subject_of(octets: bytes) -> str:
    return str(BytesHeaderParser(policy=policy.default).parsebytes(octets).get("Subject", "(no subject)"))


def put(store: Store, letter: Letter) -> None:
    """Put a letter into a store, as the file says."""
    account, _, name = letter.box.partition("/")
    store.accounts[account].get(name).append(letter.octets, letter.flags, letter.when)


def prepare(store: Store, conversation: Conversation) -> None:
    """Make a store's mailboxes and letters those of the file."""
    for box in conversation.mailboxes:
        account, _, name = box.partition("/")
        store.accounts[account].create(name)
    for letter in conversation.letters:
        put(store, letter)


def held(store: Store, box: str) -> list[tuple[int, str, frozenset[str]]] | None:
    account, _, name = box.partition("/")
    mailbox: Mailbox | None = store.accounts[account].mailboxes.get(name)
    if mailbox is None:
        return None
    return [(message.uid, subject_of(message.octets), message.flags) for message in mailbox.messages]


class Direct:
    """Plays straight into sessions; ``piece`` is how many octets they are given at once."""

    def __init__(self, conversation: Conversation, piece: int = 1 << 30) -> None:
        settings = dict(conversation.settings)
        quota = settings.pop("quota", None)
        self.settings = Settings(**settings)
        self.store = Store("example.org", lambda: datetime(2026, 9, 1, 9, tzinfo=UTC))
        for name in ACCOUNTS:
            self.store.add_account(name, PASSWORD, quota)
        prepare(self.store, conversation)
        self.piece = piece
        self.sessions = {}
        self.said: dict[int, bytearray] = {}

    def connect(self, who: int, protocol: str, secure: bool) -> None:
        session = SESSIONS[protocol](self.store, self.settings, secure=secure)
        self.sessions[who] = session
        self.said[who] = bytearray(session.greeting())

    def send(self, who: int, octets: bytes) -> None:
        self._nothing_left(who)
        session = self.sessions[who]
        for at in range(0, len(octets), self.piece):
            self.said[who] += b"".join(session.receive(octets[at : at + self.piece]))
            while session.errand:
                self.said[who] += asyncio.run(session.errand())
                self.said[who] += b"".join(session.receive(b""))
        self._hear_news()

    def _hear_news(self) -> None:
        """Ask each session what it has to say unasked, as a server does at every change."""
        for who, session in self.sessions.items():
            if not session.closed:
                self.said[who] += session.pending()

    def read_line(self, who: int) -> bytes:
        line, end, rest = bytes(self.said[who]).partition(b"\r\n")
        assert end, f"the server has nothing to say, but {line!r}"
        self.said[who] = bytearray(rest)
        return line

    def put_back(self, who: int, line: bytes) -> None:
        self.said[who] = bytearray(line) + self.said[who]

    def _nothing_left(self, who: int) -> None:
        assert not self.said[who], f"the server said more to {who}: {bytes(self.said[who])!r}"

    def tls(self, who: int) -> None:
        assert self.sessions[who].upgrade
        self._nothing_left(who)
        self.sessions[who].tls_started()

    def closed(self, who: int) -> None:
        self._nothing_left(who)
        assert self.sessions[who].closed, "the server has not hung up"

    def drop(self, who: int) -> None:
        self.sessions[who].end()
        self.said[who].clear()

    def deliver(self, letter: Letter) -> None:
        put(self.store, letter)
        self._hear_news()

    def mailbox(self, box: str) -> list[tuple[int, str, frozenset[str]]] | None:
        return held(self.store, box)

    def finish(self) -> None:
        for who, session in self.sessions.items():
            self._nothing_left(who)
            session.end()


class Socketed:
    """Plays over sockets; the subclasses know where to connect, and how mail gets in and is looked at."""

    def __init__(self) -> None:
        self.sockets: dict[int, socket.socket] = {}
        self.said: dict[int, bytes] = {}
        self.cut: random.Random | None = None

    def address(self, protocol: str, secure: bool) -> tuple[str, int]:
        raise NotImplementedError

    def connect(self, who: int, protocol: str, secure: bool) -> None:
        one = socket.create_connection(self.address(protocol, secure), PATIENCE)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets[who], self.said[who] = one, b""
        if secure:
            self.tls(who)

    def send(self, who: int, octets: bytes) -> None:
        at = 0
        asks_for_tls = ASKS_FOR_TLS.search(octets)  # what comes after it must not come after the server's answer
        while at < len(octets):
            size = self.cut.randint(1, 7) if self.cut and not asks_for_tls else len(octets)
            self.sockets[who].sendall(octets[at : at + size])
            at += size

    def read_line(self, who: int) -> bytes:
        while b"\r\n" not in self.said[who]:
            octets = self.sockets[who].recv(65536)
            if not octets:
                raise EOFError(f"the server hung up; its last words: {self.said[who]!r}")
            self.said[who] += octets
        line, _, self.said[who] = self.said[who].partition(b"\r\n")
        return line

    def put_back(self, who: int, line: bytes) -> None:
        self.said[who] = line + self.said[who]

    def tls(self, who: int) -> None:
        self.sockets[who] = self.ssl_context().wrap_socket(self.sockets[who], server_hostname="127.0.0.1")

    def closed(self, who: int) -> None:
        with self.sockets.pop(who) as one:
            rest = self.said.pop(who) + one.recv(65536)
        assert not rest, f"the server said more: {rest!r}"

    def drop(self, who: int) -> bytes:
        """Hang up, and wait until the server has done so too; return its last words."""
        with self.sockets.pop(who) as one:
            encrypted = hasattr(one, "unwrap")
            one.shutdown(socket.SHUT_WR)
            rest = self.said.pop(who)
            try:
                while octets := one.recv(65536):
                    rest += octets
            except ConnectionResetError:
                pass
        return b"" if encrypted else rest

    def finish(self) -> None:
        for who in list(self.sockets):
            rest = self.drop(who)
            assert not rest, f"the server said more to {who}: {rest!r}"

    def close(self) -> None:
        for one in self.sockets.values():
            one.close()


class OverMailServer(Socketed):
    """Plays against `mailkit.MailServer`, in odd pieces."""

    def __init__(self, conversation: Conversation) -> None:
        from mailkit.server import MailServer

        super().__init__()
        self.cut = random.Random(conversation.path.name)
        self.server = MailServer(accounts=dict.fromkeys(ACCOUNTS, PASSWORD), **conversation.settings)
        self._on_store(lambda store: prepare(store, conversation))

    def _on_store(self, function: Callable[[Store], object]) -> object:
        engine = self.server._engine
        return engine.call(lambda: function(engine.store))

    def address(self, protocol: str, secure: bool) -> tuple[str, int]:
        return getattr(self.server, protocol + "s" * secure)

    def ssl_context(self):
        return self.server.ssl_context

    def deliver(self, letter: Letter) -> None:
        self._on_store(lambda store: put(store, letter))

    def mailbox(self, box: str):
        return self._on_store(lambda store: held(store, box))

    def close(self) -> None:
        super().close()
        self.server.stop()


class OverDovecot(Socketed):
    """Plays against Dovecot; what is not the conversation goes by IMAP, in a session of its own."""

    def __init__(self, conversation: Conversation, dovecot) -> None:
        super().__init__()
        self.dovecot = dovecot
        self.dovecot.empty()
        for box in conversation.mailboxes:
            self._ask(box, lambda imap, name: imap.create(f'"{name}"'))
        for letter in conversation.letters:
            self.deliver(letter)

    def _ask(self, box: str, question):
        account, _, name = box.partition("/")
        imap = imaplib.IMAP4(*self.dovecot.imap, timeout=PATIENCE)
        try:
            imap.login(account, PASSWORD)
            return question(imap, name)
        finally:
            imap.logout()

    def address(self, protocol: str, secure: bool) -> tuple[str, int]:
        return getattr(self.dovecot, protocol + "s" * secure)

    def ssl_context(self):
        return self.dovecot.ssl_context

    def deliver(self, letter: Letter) -> None:
        flags = f"({' '.join(letter.flags)})"

        def append(imap, name):
            imap.literal = letter.octets
            answer = imap._simple_command("APPEND", f'"{name}"', flags, f'"{letter.date}"')
            assert answer[0] == "OK", answer

        self._ask(letter.box, append)

    def mailbox(self, box: str) -> list[tuple[int, str, frozenset[str]]] | None:
        return self._ask(box, _look)


def _look(imap: imaplib.IMAP4, name: str) -> list[tuple[int, str, frozenset[str]]] | None:
    if imap.select(f'"{name}"', readonly=True)[0] != "OK":
        return None
    found = []
    for item in imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER])")[1]:
        if isinstance(item, tuple):
            uid = int(re.search(rb"UID (\d+)", item[0])[1])
            flags = re.search(rb"FLAGS \((.*?)\)", item[0])[1].decode().split()
            found.append((uid, subject_of(item[1]), frozenset(flags) - {"\\Recent"}))
    return found
