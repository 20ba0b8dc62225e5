"""The exercises of lesson 07: lines on which somebody sits, and what he gets hold of."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import replace

from mailkit.device import Device
from mailkit.exercise import Exercise, Mistake
from mailkit.samples import compose, letters
from mailkit.scenes.mistakes import FLAGGED_DELETED, MARKED, threatened
from mailkit.scenes.wire import PASSWORD, overheard
from mailkit.server import MailServer
from mailkit.snapshot import DeviceView, LetterView, Snapshot
from mailkit.sockets import Address
from mailkit.wiretap import Wiretap


class Cafe:
    """Amy's server and laptop, and lines to the server on which somebody sits, each an address by its name."""

    def __init__(
        self, lines: Callable[[MailServer], dict[str, Wiretap]], password: str = PASSWORD, letter: bytes | None = None
    ) -> None:
        kept = letters("spare-key") if letter is None else [letter]
        self.server = MailServer(kept, accounts=("amy", "ben"), password=password)
        self.laptop = Device("laptop")
        self.context = ssl.create_default_context(cadata=self.server.authority)
        self._taps = lines(self.server)
        self.lines = [tap.address for tap in self._taps.values()]
        vars(self).update({name: tap.address for name, tap in self._taps.items()})

    def snapshot(self) -> Snapshot:
        """Freeze server and laptop, and beside them what each listener got hold of."""
        seen = self.server.snapshot(self.laptop)
        return replace(seen, devices=(*seen.devices, *(_loot(name, tap) for name, tap in self._taps.items())))

    def stop(self) -> None:
        """Stop the server and the wiretaps."""
        for tap in self._taps.values():
            tap.stop()
        self.server.stop()


def _loot(name: str, tap: Wiretap) -> DeviceView:
    found = {
        "password": overheard(tap).startswith("the password"),
        "what he cannot read": bool(tap.encrypted),
        "a refusal": "hangs up" in str(tap.heard()),
        "a call": bool(tap.heard().said("C")),
    }
    rows = (LetterView(at, what, "", 0, frozenset(), what) for at, what in enumerate(found, 1) if found[what])
    return DeviceView(name, (("INBOX", tuple(rows)),))


def _got(now: Snapshot, name: str) -> set[str]:
    return {row.subject for row in now.device(name).letters}


def _read(now: Snapshot, *names: str) -> bool:
    """Tell whether anybody on these lines has read the password, and with it all that came after."""
    return any("password" in _got(now, name) for name in names)


def _hidden(now: Snapshot, *names: str) -> bool:
    """Tell whether something went over one of these lines that nobody on it could read."""
    return any("what he cannot read" in _got(now, name) for name in names)


def _only_called(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether nothing has happened but that somebody was spoken to, in words that give nothing away."""
    found = {row.subject for device in now.devices for row in device.letters}
    return found <= {"a call"} and now.mailboxes == before.mailboxes and not now.marks("amy")


def _home(now: Snapshot) -> int:
    return len(now.device("laptop").letters)


def _brought(before: Snapshot, now: Snapshot) -> bool:
    """Tell whether the laptop has Amy's letter, octet for octet, and nothing else."""
    at_home = {*now.device("laptop").digests}
    return at_home == {*before.mailbox("amy").digests}


# 07.1

lock_it = Exercise(
    "07.1",
    "Put the lock on",
    lambda: Cafe(lambda server: {"pop3": Wiretap(server.pop3), "pop3s": Wiretap(server.pop3s)}),
    goal=lambda before, now: (
        _brought(before, now) and _hidden(now, "pop3", "pop3s") and not _read(now, "pop3", "pop3s")
    ),
    untouched="The letter is not home yet. Let the script run over one of the café's lines, with "
    "TLS; Amy's password is `secret`.",
    idle=_only_called,
    mistakes=(
        Mistake(
            "too-late",
            lambda before, now: _read(now, "pop3") and not _home(now),
            "The listener has the password, and the letter is not even home. What is said before TLS begins, he hears: "
            "`pop.stls(context=box.context)` comes before `user`. Or begin with TLS: "
            "`poplib.POP3_SSL(*box.pop3s, context=box.context)`.",
        ),
        Mistake(
            "in-the-clear",
            lambda before, now: _read(now, "pop3"),
            "The letter is home, and the listener has it too, and the password with it: everything went over the wire "
            "in the clear. Begin with TLS: `poplib.POP3_SSL(*box.pop3s, context=box.context)`.",
        ),
        Mistake(
            "not-saved",
            lambda before, now: _hidden(now, "pop3", "pop3s"),
            "The listener read nothing, but the letter is not on the laptop. What did the last line say?"
            "\n`WRONG_VERSION_NUMBER` or `record layer failure`: that port does not begin with TLS; take `*box.pop3s`."
            "\n`CERTIFICATE_VERIFY_FAILED`: the context believes another server; take `box.context`."
            "\n`PASS comes right after USER`: `stls` comes before `user`."
            "\n`TLS session already established`: once is enough; no `stls` here."
            "\n`wrong name or password`: it is `secret`."
            "\nNo error: hand what `pop.retr(1)` returns to `box.laptop.save(…)`.",
        ),
        Mistake(
            "went-round",
            lambda before, now: _home(now) > 0,
            "What is on the laptop did not come over the café's lines, and Amy has no others: connect to `*box.pop3` "
            "or `*box.pop3s`.",
        ),
    ),
    praise="The letter is home, and of it and the password the listener has only octets without a meaning. Did you "
    "write `context=`? He only listened, so it made no difference here; in the next exercise it does.",
    instead={"server": "one of the café's lines, `box.pop3` or `box.pop3s`"},
)

# 07.2

two_networks = Exercise(
    "07.2",
    "Two networks",
    lambda: Cafe(
        lambda server: {"cafe": Wiretap(server.pop3s, certificate="its own"), "library": Wiretap(server.pop3s)}
    ),
    goal=lambda before, now: (
        _brought(before, now)
        and "a refusal" in _got(now, "cafe")
        and _hidden(now, "library")
        and not _read(now, "cafe", "library")
    ),
    untouched="Nothing has happened yet. Try the lines one after the other, with TLS and with `context=box.context`.",
    mistakes=(
        Mistake(
            "no-context",
            lambda before, now: _read(now, "cafe"),
            "The man in the middle has the password. There was TLS, but with him: without `context=` nobody looks at "
            "the certificate. Write `poplib.POP3_SSL(*line, context=box.context)`.",
        ),
        Mistake(
            "not-saved",
            lambda before, now: not _brought(before, now) and _hidden(now, "library"),
            "Nothing was betrayed, but the letter is not on the laptop. Was every line refused? Then your context "
            "believes another server: take `box.context`. `wrong name or password`? It is `secret`. No error? Hand "
            "what `pop.retr(1)` returns to `box.laptop.save(…)`, with `box.` before it.",
        ),
        Mistake(
            "gave-up",
            lambda before, now: "a refusal" in _got(now, "cafe") and not _home(now),
            "One line was refused, rightly, and then your program stopped. Catch `ssl.SSLError` inside the loop, "
            "and go on to the next line with `continue`.",
        ),
        Mistake(
            "lucky",
            lambda before, now: _hidden(now, "library"),
            "The letter came over the good line. Would your program have turned the bad one down? Nobody has seen it: "
            "let it try both, in the order of `box.lines`, with `context=box.context`.",
        ),
        Mistake(
            "went-round",
            lambda before, now: _home(now) > 0,
            "What is on the laptop came over neither of the two lines. Connect to `*line`, for each line in "
            "`box.lines`.",
        ),
    ),
    praise="One line was refused before a word was said, the other brought the letter: that is what certificates do.",
    instead={"server": "the lines that `box.lines` has"},
)

# 07.3

FORGOTTEN = "violets-by-the-pond"
NEW_PLACE = "The key has moved"  # a letter that lies nowhere else, so that whoever has it knew the password
UNKNOWN = "It is in the watering can now.\n\nBen\n"


def _phone_sends(address: Address) -> None:
    """Let Amy's old phone hand in a letter to Ben over this line; it still knows the password."""
    with smtplib.SMTP(*address, local_hostname="phone.example.org") as smtp:
        smtp.login("amy", FORGOTTEN)
        smtp.sendmail("amy@example.org", ["ben@example.org"], b"Subject: From the old phone\r\n\r\nHello\r\n")


def _forgotten() -> Cafe:
    cafe = Cafe(lambda server: {}, FORGOTTEN, compose(NEW_PLACE, text=UNKNOWN))
    vars(cafe).update(phone_sends=_phone_sends)
    return cafe


forgotten = Exercise(
    "07.3",
    "The forgotten password",
    _forgotten,
    goal=lambda before, now: (
        _brought(before, now) and len(now.mailbox("amy").letters) == 1 and not (now.marks("amy") or threatened(now))
    ),
    untouched="The laptop has nothing yet. In what the wiretap heard of the phone, look for the line "
    "`C: AUTH PLAIN …`; the word at its end is name and password in base64, which is a spelling and no secret."
    "\n`wrong name or password`? The password is what stands after the last octet 0, as text (`.decode()`); it opens "
    "`box.server`, and no other."
    "\nFetched Amy's letter already? Then save it with `box.laptop.save`.",
    idle=lambda before, now: bool(now.mailbox("amy").letters) and not (_home(now) or now.marks("amy")),
    mistakes=(
        Mistake(
            "removed",
            lambda before, now: not now.mailbox("amy").letters,
            "You are in, but the letter has left the server, and Amy only wanted a copy. Fetch it without `DELE`.",
        ),
        MARKED,
        FLAGGED_DELETED,
        Mistake(
            "went-round",
            lambda before, now: any(letter.subject != NEW_PLACE for letter in now.device("laptop").letters),
            "What is on the laptop does not come from this box. Amy's letter lies on `box.server`, and opens only to "
            "the password that her phone knows.",
        ),
        Mistake(
            "not-whole",
            lambda before, now: _home(now) > 0,
            "What is on the laptop is not Amy's letter, or not all of it: save what `pop.retr(1)` returns.",
        ),
    ),
    praise="Base64 hides nothing: anybody can read it back. What looks scrambled is not therefore encrypted.",
)

# 07.4

_IN_C = re.compile(r" \(_ssl\.c:\d+\)")  # where in Python's own source; differs from version to version


class Lines:
    """Three lines to the same server, of which two are not to be trusted; ``lines(collect)`` tries them all."""

    def __init__(self, cafe: Cafe) -> None:
        self._cafe = cafe

    def __call__(self, collect: Callable[[Address, Device], object]) -> None:
        """Let ``collect(line, laptop)`` work over each line."""
        for name, line in zip(("Café", "Station", "Library"), self._cafe.lines, strict=True):
            before = len(self._cafe.laptop.letters())
            try:
                collect(line, self._cafe.laptop)
            except Exception as error:  # a line refused, by poplib, ssl or the learner's own lines, or a slip
                print(f"{name}: {type(error).__name__}: {_IN_C.sub('', str(error))}")  # noqa: T201
            else:
                brought = len(self._cafe.laptop.letters()) > before
                print(f"{name}: {'collected' if brought else 'nothing collected'}")  # noqa: T201


def _three_lines() -> Cafe:
    cafe = Cafe(
        lambda server: {
            "cafe": Wiretap(server.pop3, strip_tls=True),
            "station": Wiretap(server.pop3, certificate="its own"),
            "library": Wiretap(server.pop3),
        }
    )
    vars(cafe).update(three_lines=Lines(cafe))
    return cafe


if_possible = Exercise(
    "07.4",
    "TLS, if possible",
    _three_lines,
    goal=lambda before, now: (
        _brought(before, now)
        and _hidden(now, "library")
        and not _read(now, "cafe", "station", "library")
        and all("a call" in _got(now, name) for name in ("cafe", "station"))
    ),
    untouched="Nothing has come home yet. Hand your function to `box.three_lines(collect)`; what that prints says how "
    "each line ended.",
    idle=_only_called,
    mistakes=(
        Mistake(
            "in-the-clear",
            lambda before, now: _read(now, "library"),
            "Even the library's line was overheard: no TLS, or too late. `pop.stls(context=box.context)` comes before "
            "`user`.",
        ),
        Mistake(
            "if-possible",
            lambda before, now: _read(now, "cafe"),
            "In the café somebody took the offer of STLS out of the server's answer, and your program went on in the "
            "clear. “If possible” means: if nobody minds. Ask for `pop.stls(…)` in any case; where it is not offered, "
            "`poplib` raises an error: let it, and no password is sent.",
        ),
        Mistake(
            "no-context",
            lambda before, now: _read(now, "station"),
            "At the station somebody answered with a certificate of his own, and nobody looked at it. Give `stls` the "
            "argument `context=box.context`.",
        ),
        Mistake(
            "lucky",
            lambda before, now: _brought(before, now) and _hidden(now, "library"),
            "The letter came over the good line. Would your program have turned the two others down? Nobody has seen "
            "it: it cannot know which line is good, so let it try all three, `box.three_lines(collect)`.",
        ),
        Mistake(
            "not-saved",
            lambda before, now: _hidden(now, "library"),
            "Nobody learned anything, and nothing came home either. Was every line refused? What was printed says why. "
            "These lines begin in the clear: `poplib.POP3(*line)`, and at once, before `user`, "
            "`pop.stls(context=box.context)`. Else: the library's line is good; log in there, and save the letter.",
        ),
        Mistake(
            "went-round",
            lambda before, now: _home(now) > 0,
            "What is on the laptop did not come over the three lines. In `collect`, connect to `*line`.",
        ),
    ),
    praise="Two lines were refused, one brought the letter. A program that insists on TLS cannot be talked out of it.",
    instead=dict.fromkeys(("laptop", "line", "server"), "what `collect(line, laptop)` is given"),
)

exercises = {one.key: one for one in (lock_it, two_networks, forgotten, if_possible)}
