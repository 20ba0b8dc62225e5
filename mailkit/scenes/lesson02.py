"""Lesson 02: two servers for two domains, the way of a letter read from its header, and the exercises."""

from __future__ import annotations

import re
import smtplib
from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from itertools import pairwise

from mailkit import Device, MailServer
from mailkit.exercise import Exercise, Mistake, World
from mailkit.samples import DEFAULT_DATE, compose
from mailkit.scenes.mistakes import QUIT_IN_A_LOOP, REFILED, settled
from mailkit.scenes.programs import logged_in
from mailkit.snapshot import DeviceView, LetterView, MailboxView, SessionView, Snapshot

Hop = tuple[str, str, str]  # name, role, note: what `mailkit.diagram.show_route` draws

_TRACE = re.compile(r"from (?P<sender>\S+).*? by (?P<server>[^\s;]+)(?:.*? with (?P<how>\w+))?", re.IGNORECASE)


def both(org: MailServer, net: MailServer, *devices: Device) -> Snapshot:
    """Freeze two servers as one picture, with devices; each mailbox is named by its whole address."""
    mailboxes: list[MailboxView] = []
    sessions: list[SessionView] = []
    for server in (org, net):
        seen = server.snapshot()
        at = f"@{server.domain}"
        mailboxes += [replace(view, account=view.account + at) for view in seen.mailboxes]
        sessions += [replace(view, account=view.account and view.account + at) for view in seen.sessions]
    return Snapshot(tuple(mailboxes), tuple(sessions), tuple(device.snapshot() for device in devices))


def hops(message: bytes) -> list[Hop]:
    r"""Read a message's way from its ``Received:`` lines, from the lowest up: name, role and note of each station.

    Roles are RFC 5598's, as far as the lines betray them: whoever took the message after a login (the A in
    ESMTPA, RFC 3848) is the MSA; a server that passed it on to another domain, or took it from there, is an
    MTA; the one that put ``Return-Path:`` on top delivered it, as MDA.

    Takes the octets of a message. Raises `TypeError` for a list of them, and `ValueError` where there is no
    ``Received:`` line, or one without its ``from`` and ``by`` (RFC 5321 §4.4).

    >>> hops(b"Received: from laptop.example.org by mail.example.org with ESMTPA; Tue\r\n\r\n")
    [('laptop.example.org', 'MUA', 'hands it in'), ('mail.example.org', 'MSA', 'with ESMTPA')]
    """
    if isinstance(message, list):
        raise TypeError("hops takes one letter; take it out of the list, such as letters('long-way')[0]")
    header = message_from_bytes(message)
    lines = [" ".join(str(line).split()) for line in reversed(header.get_all("Received", []))]
    found = [match for line in lines if (match := _TRACE.match(line))]
    if not lines or len(found) < len(lines):
        raise ValueError("a way is read from Received: lines with from and by; pass a message as it came out of a box")
    roles = _roles([match["server"] for match in found], [match["how"] or "" for match in found])
    if "Return-Path" in header and roles[-1] != "MDA":
        roles[-1] += " + MDA"
    way = [(found[0]["sender"], "MUA", "hands it in")]
    notes = [f"with {match['how']}" if match["how"] else "" for match in found]
    return way + list(zip([match["server"] for match in found], roles, notes, strict=True))


def _roles(servers: list[str], protocols: list[str]) -> list[str]:
    roles = ["MDA" if how.startswith("LMTP") else "MSA" if how.endswith("A") else "MTA" for how in protocols]
    for at, (server, following) in enumerate(pairwise(servers)):
        if roles[at] == "MSA" and server.partition(".")[2] != following.partition(".")[2]:
            roles[at] = "MSA + MTA"
    return roles


# ---- the world of the exercises


class TwoServers:
    """Amy's server and Ben and Noor's, joined; with ``letter``, and whatever else an exercise needs, as attributes."""

    def __init__(self, **things: object) -> None:
        self.org = MailServer(accounts=("amy", "tom"), password="secret")
        self.net = MailServer(accounts=("ben", "noor"), password="secret", domain="example.net")
        self.org.relay_to(self.net)
        vars(self).update(things)

    def snapshot(self) -> Snapshot:
        """Freeze both servers, and what Ben can read."""
        return replace(both(self.org, self.net), devices=(_screen(self.net),))

    def stop(self) -> None:
        """Stop both servers."""
        self.org.stop()
        self.net.stop()


def _screen(net: MailServer) -> DeviceView:
    """Return all that Ben can read, each letter without its ``Received:`` lines as the subject of a row."""
    with logged_in(net, "ben") as imap:
        imap.select(readonly=True)
        _, found = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")  # fine in an empty box, too
    letters = [part[1].decode("ascii", "replace") for part in found if isinstance(part, tuple)]
    shown = [re.sub(r"(?im)^received:.*\n(?:[ \t].*\n)*", "", letter) for letter in letters]
    rows = tuple(LetterView(at, text, "", len(text), frozenset(), text) for at, text in enumerate(shown, 1))
    return DeviceView("_screen", (("INBOX", rows),))


def _invitation(to: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"] = "Amy <amy@example.org>", to
    letter["Date"] = "Tue, 01 Sep 2026 11:00:00 +0200"
    letter["Message-ID"], letter["Subject"] = "<tea@example.org>", TEA
    letter.set_content("At four, by the lake.\n")
    return letter


TEA = "Tea on Sunday?"
AMY, TOM, BEN, NOOR = "amy@example.org", "tom@example.org", "ben@example.net", "noor@example.net"


def _counts(now: Snapshot) -> Counter[str]:
    """Count the letters in each mailbox that has any, by address."""
    return Counter({view.account: len(view.letters) for view in now.mailboxes if view.letters})


def _most(now: Snapshot) -> int:
    return max(_counts(now).values(), default=0)


def _another(now: Snapshot) -> bool:
    return any(letter.subject != TEA for view in now.mailboxes for letter in view.letters)


ANOTHER = Mistake(
    "another-letter",
    lambda before, now: _another(now),
    "What arrived has another subject, or none, so it is not `letter`. Send that one, as it is; `sendmail` wants its "
    "text, without quotes: `letter.as_string()`.",
)

_LINE_ENDS = "554: `send_message` ends lines as SMTP wants it, and so does `sendmail` with `letter.as_string()`."
_ONE_TO = "`at most 1 To headers`: leave the header as it is."


# 02.1

two_guests = Exercise(
    "02.1",
    "One letter, two guests",
    lambda: TwoServers(letter=_invitation("Ben <ben@example.net>, Noor <noor@example.net>")),
    goal=lambda before, now: _counts(now) == {BEN: 1, NOOR: 1} and not _another(now),
    untouched="No letter has arrived anywhere yet. Log in, then send `letter`. Refused? Look at the digits."
    "\n530: the login is missing, and without it this server carries nothing to another domain."
    "\n535: the name or the password has a slip; here they are `amy` and `secret`."
    f"\n550: an address has a slip, or is not written in full.\n{_LINE_ENDS}"
    "\n`get_all`: what `send_message` takes first is `letter`, without quotes.",
    mistakes=(
        ANOTHER,
        Mistake(
            "twice",
            lambda before, now: _most(now) > 1,
            "Somebody has the letter twice. One call of `send_message` is enough: it takes all the addresses from "
            "the header and gives each to the server.",
        ),
        Mistake(
            "only-one",
            lambda before, now: _counts(now).keys() in ({BEN}, {NOOR}),
            "Only one guest has the letter, though the header names both. Whoever is not on the envelope gets "
            "nothing: leave `to_addrs` out, or put both addresses into its list, without a slip: one that is refused "
            "beside a good one raises no error.",
        ),
        Mistake(
            "for-herself-too",
            lambda before, now: {AMY, BEN, NOOR} <= _counts(now).keys(),
            "Ben and Noor have it, and Amy has one, too: she was not asked for. Whoever stands in `to_addrs` gets a "
            "letter; leave her out.",
        ),
        Mistake(
            "to-herself",
            lambda before, now: AMY in _counts(now),
            "The letter lies in Amy's own box. The address of the sender comes first, those of the recipients second.",
        ),
    ),
    praise="Both have it, once each. One call is enough for any number of guests: the servers make the copies.",
)

# 02.2


def _named(now: Snapshot) -> str:
    return " ".join(row.subject for row in now.device("_screen").letters).lower()


secret_copy = Exercise(
    "02.2",
    "A copy in secret",
    lambda: TwoServers(letter=_invitation("Ben <ben@example.net>")),
    goal=lambda before, now: _counts(now) == {BEN: 1, NOOR: 1} and "noor" not in _named(now) and not _another(now),
    untouched="Nobody has a letter yet. Send `letter` to Ben and to Noor; the header is to name Ben only. "
    "A red box? Look at its last line."
    "\n`expected str instance, list found`: say what the list is, `to_addrs=[…]`."
    f"\n{_ONE_TO}\n{_LINE_ENDS}",
    mistakes=(
        ANOTHER,
        Mistake(
            "named",
            lambda before, now: "noor" in _named(now),
            "Noor's name stands in Ben's copy, and Ben reads all of it, the header too. Leave `letter` as it is, and "
            "name her on the envelope: `to_addrs` of `send_message` is that.",
        ),
        Mistake(
            "twice",
            lambda before, now: _most(now) > 1,
            "Somebody has the letter twice. `to_addrs` is the whole envelope, not an addition to the header: one call "
            "with both addresses in it, or one call for each person.",
        ),
        Mistake(
            "only-ben",
            lambda before, now: _counts(now) == {BEN: 1},
            "Ben has it and Noor has not. Without `to_addrs` the header alone says who gets it. With it: a list, "
            '`["…", "…"]`, with her exact address, noor@example.net; an address that is refused beside a good one '
            "raises no error.",
        ),
        Mistake(
            "only-noor",
            lambda before, now: _counts(now) == {NOOR: 1},
            "Now Noor has it and Ben, whose name is in the header, has not. `to_addrs` replaces what the header says; "
            "it must name both.",
        ),
    ),
    praise="Ben cannot see that Noor has it too. This is what Bcc, blind carbon copy, does: an address on the envelope "
    "and none in the header (RFC 5322 §3.6.3).",
)

# 02.3

GUESTS = (BEN, "zoe@example.net", TOM, "lea@example.org", NOOR)

whole_list = Exercise(
    "02.3",
    "The whole list",
    lambda: TwoServers(letter=_invitation("All my guests:;"), guests=list(GUESTS)),
    goal=lambda before, now: _counts(now) == {BEN: 1, TOM: 1, NOOR: 1} and not _another(now),
    untouched="No letter has arrived. If you met `SMTPDataError`: there is no account for Zoe, and a message that is "
    "refused is refused for everybody on it. Send one message for each guest, and say for whom: `to_addrs=[guest]`. "
    f"Otherwise the refusal names nobody, `{{'': …`.\n{_ONE_TO}",
    mistakes=(
        ANOTHER,
        Mistake(
            "twice",
            lambda before, now: _most(now) > 1,
            "A guest has the letter more than once. Give `to_addrs` one address at a time, in a list: `[guest]`.",
        ),
        Mistake(
            "stopped-at-lea",
            lambda before, now: _counts(now) == {BEN: 1, TOM: 1},
            "Ben and Tom have it, Noor has not. Did it stop at Lea? Her refusal is an `SMTPRecipientsRefused`, "
            "and Zoe's is not: catch `smtplib.SMTPException`, which is both.",
        ),
        Mistake(
            "stopped",
            lambda before, now: BEN in _counts(now) and NOOR not in _counts(now),
            "Ben has his letter, and after him it stopped. `try` and `except` belong inside the loop, so that the next "
            "guest gets a turn. Are they there already? Then Zoe's refusal is of a kind that they do not catch: "
            "`smtplib.SMTPException` is every kind. And `smtp.quit()` comes after the loop.",
        ),
        Mistake(
            "by-domain",
            lambda before, now: len(_counts(now)) in (1, 2),
            "Somebody who exists got nothing. Ask the server about every guest, whatever the domain: only it knows. "
            "530 in what was printed? On that line the login is missing.",
        ),
    ),
    praise="Three guests have it, once each. A refusal that is caught harms nobody else: mailing lists work so, and "
    "keep the list of refusals.",
)

# 02.4

TRUE, PLAIN, FORGED = "Where did I leave my scarf?", "Your key, please", "Quick: the key!"


def _three_bens() -> World:
    """Let Ben write once, and a stranger at example.com twice in his name; once with a Received: line of his own."""
    org = MailServer(password="secret")
    net = MailServer(accounts=("ben",), password="secret", domain="example.net")
    com = MailServer(accounts=("mallory",), password="secret", domain="example.com")
    net.relay_to(org)
    com.relay_to(org)
    lie = (
        b"Received: from laptop.example.net ([127.0.0.1])\r\n"
        b"\tby mail.example.net with ESMTPA for <amy@example.org>;\r\n\tTue, 01 Sep 2026 09:00:00 +0000\r\n"
    )
    _submit(com, "mallory", "desk.example.com", PLAIN)
    _submit(net, "ben", "laptop.example.net", TRUE)
    _submit(com, "mallory", "desk.example.com", FORGED, lie)
    net.stop()
    com.stop()
    return World(org, org=org, laptop=Device("laptop"))


def _submit(server: MailServer, account: str, host: str, subject: str, first: bytes = b"") -> None:
    letter = first + compose(subject, "Ben <ben@example.net>", "Amy <amy@example.org>", "Ben\n", DEFAULT_DATE)
    with smtplib.SMTP(*server.smtp, local_hostname=host) as smtp:
        smtp.login(account, "secret")
        smtp.sendmail("ben@example.net", ["amy@example.org"], letter)


def _left(now: Snapshot) -> set[str]:
    return {letter.subject for letter in now.mailbox("amy").letters}


def _marked(now: Snapshot) -> set[str]:
    marks = now.marks("amy")
    return {letter.subject for letter in now.mailbox("amy").letters if letter.uid in marks}


whom_to_believe = Exercise(
    "02.4",
    "Whom to believe",
    _three_bens,
    goal=lambda before, now: _left(now) == {TRUE} and settled(now),
    untouched="All three letters are still there. Read the `Received:` lines of each, then `pop.dele(…)` the false "
    "ones and `pop.quit()`.",
    mistakes=(
        Mistake(
            "marked-wrong",
            lambda before, now: TRUE in _marked(now),
            "One of those that you marked did come from Ben; nothing is lost yet. Read the topmost `Received:` line "
            "of each.",
        ),
        Mistake(
            "no-quit",
            lambda before, now: bool(now.marks("amy")),
            "Marked, but not removed: `DELE` only marks. Say `pop.quit()`.",
        ),
        REFILED,
        Mistake(
            "deleted-the-true-one",
            lambda before, now: TRUE not in _left(now),
            f"“{TRUE}” did come from Ben: in the line on top Amy's own server names his, `mail.example.net`. Now it is "
            "gone.",
        ),
        Mistake(
            "believed-the-lowest",
            lambda before, now: _left(now) == {TRUE, FORGED},
            f"“{FORGED}” is still there. Its lowest line says that it began at Ben's laptop, but whoever hands in a "
            "letter can write such a line. Only the topmost was written by Amy's own server: whom does that name? "
            + QUIT_IN_A_LOOP,
        ),
        Mistake(
            "kept-the-plain-one",
            lambda before, now: PLAIN in _left(now) != _left(before),
            f"“{PLAIN}” is still there. `From:` says Ben, but no line says that the letter passed Ben's server.",
        ),
    ),
    praise="`From:` is only text, and the lower `Received:` lines may be, too. The topmost was written by your own "
    "server: start reading there, and go down as far as you trust. Even there the name is only what the caller called "
    "itself; real servers look up the number in the brackets, which here is 127.0.0.1 for everybody.",
)

exercises = {one.key: one for one in (two_guests, secret_copy, whole_list, whom_to_believe)}
