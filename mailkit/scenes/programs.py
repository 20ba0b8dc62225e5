"""Two small mail programs, one for POP and one for IMAP, with the same buttons; lesson 05 runs them side by side."""

from __future__ import annotations

import imaplib
import poplib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from mailkit.device import Device
from mailkit.imap.syntax import decode_name, encode_name
from mailkit.message import DELETED, SEEN
from mailkit.server import MailServer


class Program(Protocol):
    """What both can do while ``on_line`` and, as far as it goes, without; a letter is named by its subject."""

    device: Device
    on_line: bool

    def look(self) -> None:
        """Ask the server for what is new."""

    def mark(self, subject: str, flag: str) -> None:
        """Set a flag."""

    def delete(self, subject: str) -> None:
        """Remove a letter."""

    def file(self, subject: str, folder: str) -> None:
        """Put a letter into another folder."""

    def keep(self, octets: bytes) -> None:
        """Keep a copy of a letter that was sent."""


@dataclass
class PopProgram:
    """Download and delete (RFC 1939 §1): all that happens later, happens on the device."""

    server: MailServer
    device: Device
    on_line: bool = True

    def look(self) -> None:
        """Collect every letter, and leave none."""
        if self.on_line:
            pop = by_pop(self.server)
            for number in range(1, pop.stat()[0] + 1):
                self.device.save(pop.retr(number))
                pop.dele(number)
            pop.quit()

    def mark(self, subject: str, flag: str) -> None:
        """Set a flag on the device's copy."""
        _rewrite(self.device, subject, lambda flags: flags | {flag})

    def delete(self, subject: str) -> None:
        """Remove the device's copy."""
        folder, number = find(self.device, subject)
        self.device.throw_away(number, folder)

    def file(self, subject: str, folder: str) -> None:
        """Put the device's copy into another of its folders."""
        _refile(self.device, subject, folder)

    def keep(self, octets: bytes) -> None:
        """Keep a copy on the device."""
        self.device.save(octets, "Sent", [SEEN])


@dataclass
class ImapProgram:
    """Work on a cache and replay it on the server: at once, or when the line is back (RFC 1733, disconnected)."""

    server: MailServer
    device: Device
    on_line: bool = True
    waiting: list[Callable[[imaplib.IMAP4], object]] = field(default_factory=list)

    def look(self) -> None:
        """Tell the server what was done here, then copy what it has."""
        if self.on_line:
            with logged_in(self.server) as imap:
                while self.waiting:
                    self.waiting.pop(0)(imap)  # once: what the server refuses, it would refuse each time
                refresh(imap, self.device)

    def mark(self, subject: str, flag: str) -> None:
        """Set a flag in the cache and on the server."""
        self._act(subject, lambda imap, uid: imap.uid("STORE", uid, "+FLAGS", f"({flag})"))
        _rewrite(self.device, subject, lambda flags: flags | {flag})
        self.look()

    def delete(self, subject: str) -> None:
        """Remove a letter from the cache and from the server."""

        def act(imap: imaplib.IMAP4, uid: str) -> None:
            imap.uid("STORE", uid, "+FLAGS", f"({DELETED})")
            imap.uid("EXPUNGE", uid)

        self._act(subject, act)
        folder, uid = find(self.device, subject)
        self.device.throw_away(uid, folder)
        self.look()

    def file(self, subject: str, folder: str) -> None:
        """Move a letter in the cache and on the server."""

        def act(imap: imaplib.IMAP4, uid: str) -> None:
            imap.create(_spelled(folder))  # answers NO where it is there already, which is as good
            imap.uid("MOVE", uid, _spelled(folder))

        self._act(subject, act)
        _refile(self.device, subject, folder)
        self.look()

    def keep(self, octets: bytes) -> None:
        """Put a copy into the server's mailbox for sent mail."""
        self.device.save(octets, "Sent", [SEEN])

        def act(imap: imaplib.IMAP4) -> None:
            imap.create("Sent")
            imap.append("Sent", f"({SEEN})", "", octets)

        self.waiting.append(act)
        self.look()

    def _act(self, subject: str, act: Callable[[imaplib.IMAP4, str], object]) -> None:
        """Note what is to be done on the server, with the letter's UID: it holds, whatever happens meanwhile."""
        folder, uid = find(self.device, subject)

        def replay(imap: imaplib.IMAP4) -> None:
            imap.select(_spelled(folder))
            act(imap, str(uid))

        self.waiting.append(replay)


def _spelled(folder: str) -> str:
    """Spell a mailbox's name for `imaplib`, which sends it as it is (RFC 3501 §5.1.3)."""
    name = encode_name(folder).decode()
    return name if re.fullmatch(r"[\w/&,+-]+", name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def refresh(imap: imaplib.IMAP4, device: Device) -> None:
    """Make a device's folders hold what the server's mailboxes hold; what is gone there, goes here.

    Takes a client that has logged in, and leaves it at INBOX. A real program fetches only what is new; the outcome is
    the same.
    """
    for line in reversed(imap.list()[1]):  # INBOX, which LIST tells first, comes last
        assert isinstance(line, bytes)
        name = line.rpartition(b' "/" ')[2].decode()
        imap.select(name, readonly=True)
        folder = decode_name(re.sub(r"\\(.)", r"\1", name.removeprefix('"').removesuffix('"')).encode())
        device.replace(folder, _copies(imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]))


def _copies(answer: Sequence[object]) -> Iterator[tuple[int, bytes, frozenset[str]]]:
    for entry in answer:
        if isinstance(entry, tuple):
            head = entry[0].decode()
            found = re.search(r"UID (\d+) FLAGS \(([^)]*)\)", head)
            assert found, head
            yield int(found[1]), entry[1], frozenset(found[2].split()) - {"\\Recent"}


def by_pop(server: MailServer) -> poplib.POP3:
    """Connect by POP3 and log in as Amy. Raises `poplib.error_proto` where another session holds the maildrop."""
    pop = poplib.POP3(*server.pop3)
    try:
        pop.user("amy")
        pop.pass_("secret")
    except poplib.error_proto:
        pop.close()
        raise
    return pop


@contextmanager
def logged_in(server: MailServer, account: str = "amy") -> Iterator[imaplib.IMAP4]:
    """Give a client that has logged in, and log it out in the end."""
    with imaplib.IMAP4(*server.imap) as imap:
        imap.login(account, "secret")
        yield imap


def find(device: Device, subject: str) -> tuple[str, int]:
    """Return folder and number of a letter on a device. Raises `LookupError`."""
    for folder, kept in device.snapshot().folders:
        for letter in kept:
            if letter.subject == subject:
                return folder, letter.uid
    raise LookupError(f"{device.name} has no letter {subject!r}")


def _rewrite(device: Device, subject: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
    """Change the flags of a letter on a device."""
    folder, number = find(device, subject)
    device.replace(
        folder,
        [(uid, octets, change(flags) if uid == number else flags) for uid, octets, flags in _kept(device, folder)],
    )


def _refile(device: Device, subject: str, target: str) -> None:
    folder, number = find(device, subject)
    for uid, octets, flags in _kept(device, folder):
        if uid == number:
            device.save(octets, target, flags)
            device.throw_away(number, folder)


def _kept(device: Device, folder: str) -> list[tuple[int, bytes, frozenset[str]]]:
    views = dict(device.snapshot().folders)[folder]
    return [(view.uid, octets, view.flags) for view, octets in zip(views, device.letters(folder), strict=True)]
