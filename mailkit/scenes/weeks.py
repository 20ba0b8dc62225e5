"""Lesson 08: a week in the lives of three people who choose between POP and IMAP, lived on the server.

Ada has a laptop and a phone. Bruno has one computer and a small box. Chloé has one computer, and a rule on the server
files her mail. What counts is what can be read on Sunday evening, on a device that its owner still has. The rest may
have been stolen or refused, or lie in a mailbox of the server that the program does not open.
"""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

from mailkit.device import Device
from mailkit.mailbox import MailboxError
from mailkit.message import SEEN
from mailkit.samples import compose, letters
from mailkit.scenes.advice import WAYS
from mailkit.scenes.popclient import NEW_ACCOUNT, PopClient, PopSettings
from mailkit.scenes.programs import logged_in, refresh
from mailkit.server import MailServer
from mailkit.snapshot import Snapshot

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ROOM = 60_000  # octets in each box; four of Bruno's letters fit
NOTE = "Notes for the choir"
PEOPLE = {"ada": "Ada", "bruno": "Bruno", "chloe": "Chloé"}
DEVICES = {"ada": ("ada-laptop", "ada-phone"), "bruno": ("bruno-computer",), "chloe": ("chloe-computer",)}
FILED = ("Swimming moves to Friday", "School trip: form by Monday", "Grandma's plum cake")  # by Chloé's rule: Family
SETTINGS = {"POP": PopSettings(leave=False)}


class Reader:
    """One person's mail program on one device, by one of the three ways."""

    def __init__(self, server: MailServer, account: str, device: Device, way: str) -> None:
        self.device, self._server, self._account, self._way = device, server, account, way
        self._pop = PopClient(server, device, SETTINGS.get(way, NEW_ACCOUNT), account=account)

    def look(self) -> None:
        """Fetch what is new, or bring the cache up to date."""
        if self._way == "IMAP":
            with logged_in(self._server, self._account) as imap:
                refresh(imap, self.device)
        else:
            self._pop.poll()

    def keep(self, octets: bytes) -> None:
        """Keep a letter that was sent, where this program keeps such."""
        if self._way == "IMAP":
            with logged_in(self._server, self._account) as imap:
                imap.create("Sent")
                imap.append("Sent", f"({SEEN})", "", octets)
        else:
            self.device.save(octets, "Sent", [SEEN])


class Weeks:
    """Three weeks that begin together: ``live(ada="POP", bruno="POP", chloe="POP")``."""

    def __init__(self, server: MailServer, devices: dict[str, Device]) -> None:
        self._server, self._devices, self._over = server, devices, False

    def __call__(self, ada: str, bruno: str, chloe: str) -> None:
        """Live the week, and print how many letters each can read in the end.

        Takes "IMAP", "POP" or "POP (leaves mail)" for each. Raises `LookupError` for others, `RuntimeError` the second
        time.
        """
        chosen = {"ada": ada, "bruno": bruno, "chloe": chloe}
        if wrong := dict.fromkeys(f"{way!r}".partition("\n")[0] for way in chosen.values() if way not in WAYS):
            raise LookupError(f"there is no way {', '.join(wrong)}; choose from: {'; '.join(WAYS)}")
        if self._over:
            raise RuntimeError("this week is over; run the cell from its first line for a new one")
        self._over = True
        lives: dict[str, Callable[[list[Reader], int], None]]
        lives = {"ada": self._ada, "bruno": self._bruno, "chloe": self._chloe}
        for name, way in chosen.items():
            readers = [Reader(self._server, name, self._devices[device], way) for device in DEVICES[name]]
            for day in range(7):
                lives[name](readers, day)
            due = len(expected(name))
            there = due - len(unreadable(self._server.snapshot(*self._devices.values()), name))
            print(f"{PEOPLE[name]}, {way}: {there} of {due} letters can be read on Sunday evening")  # noqa: T201

    def _ada(self, readers: list[Reader], day: int) -> None:
        """She reads on the laptop in the morning, until it is stolen on Thursday, and on the phone every evening."""
        laptop, phone = readers
        self._deliver(letters("week")[day], "ada")
        if day <= 3:
            laptop.look()
        if day == 2:
            laptop.keep(sent_note())
        if day == 3:
            laptop.device.empty()
        phone.look()

    def _bruno(self, readers: list[Reader], day: int) -> None:
        """He keeps everything, and every letter has a picture in it."""
        self._deliver(picture(day), "bruno")
        readers[0].look()

    def _chloe(self, readers: list[Reader], day: int) -> None:
        """Her server files what comes from family and school, as soon as it has come."""
        self._deliver(letters("week")[day], "chloe")
        with logged_in(self._server, "chloe") as rule:
            if day == 0:
                rule.create("Family")
            rule.select()
            for subject in FILED:
                for uid in rule.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split():
                    rule.uid("MOVE", uid.decode(), "Family")
        readers[0].look()

    def _deliver(self, octets: bytes, account: str) -> None:
        try:
            self._server.deliver(octets, account)
        except MailboxError:  # the box is full: refused with 452, in the end for good
            return


def sent_note() -> bytes:
    """Write what Ada sends on Wednesday."""
    return compose(NOTE, sender="ada@example.org", to="choir@example.net")


def picture(day: int) -> bytes:
    """Write one of Bruno's letters, some 15,000 octets long."""
    return compose(f"Picture of {DAYS[day]}", to="bruno@example.org", text=f"{'x' * 70}\n" * 200)


def expected(name: str) -> set[str]:
    """Return the subjects of all that a person should be able to read on Sunday evening."""
    if name == "bruno":
        return {f"Picture of {day}" for day in DAYS}
    week = {str(message_from_bytes(octets, policy=default)["Subject"]) for octets in letters("week")}
    return week | {NOTE} if name == "ada" else week


def unreadable(now: Snapshot, name: str) -> set[str]:
    """Return the subjects that a person has on none of their devices."""
    return expected(name) - {letter.subject for device in DEVICES[name] for letter in now.device(device).letters}
