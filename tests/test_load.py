"""Eight clients at once on one account, each the standard library's: no wrong answer, and no letter lost or doubled.

Three bring letters, five take them away (one does both), one watches. A letter's name says who may take it, so that
each is in one place in the end; where two want the same one, the maildrop's lock, or MOVE being one step, keep it so.
``MAILKIT_LONG=1`` lets them work for a minute.
"""

from __future__ import annotations

import imaplib
import itertools
import os
import poplib
import re
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from email import message_from_bytes
from typing import Any

import pytest

from mailkit import MailServer, idle
from mailkit.samples import compose
from tests.patience import PATIENCE

pytestmark = pytest.mark.slow

LONG = bool(os.environ.get("MAILKIT_LONG"))
ROUNDS = 20
FOR_POP, FOR_MOVE, FOR_HOME = range(3)  # what the number in a letter's name leaves over, divided by three


class Household:
    """One server and what eight clients have sent and brought home."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self.sent: Counter[str] = Counter()
        self.home: Counter[str] = Counter()
        self.brought, self.over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._end = time.monotonic() + 60

    def rounds(self) -> Iterator[int]:
        """Count the rounds of one who brings letters."""
        return itertools.takewhile(lambda _: time.monotonic() < self._end, itertools.count()) if LONG else range(ROUNDS)

    def meanwhile(self) -> Iterator[int]:
        """Count the rounds of one who takes them, until all are brought."""
        return itertools.takewhile(lambda _: not self.brought.is_set(), itertools.count())

    def note(self, place: Counter[str], names: list[str]) -> None:
        """Write down what was sent, or came home."""
        with self._lock:
            place.update(names)

    def imap(self) -> imaplib.IMAP4:
        """Give a client that has selected INBOX."""
        client = imaplib.IMAP4(*self.server.imap, timeout=PATIENCE)
        client.login("amy", "secret")
        client.select()
        return client


def letter(name: str) -> bytes:
    """Write a letter whose text can be told from its name; lines that begin with a dot are among it."""
    return compose(name, text=f"{name}\n.\n..{name}\n" * 40)


def checked(octets: bytes) -> str:
    """Return the name of a letter that has come as it was sent, but for what SMTP puts on top."""
    name = str(message_from_bytes(octets)["Subject"])
    assert octets.endswith(letter(name)), f"{name} is not what was sent"
    return name


def kind(name: str) -> int:
    """Say for whom a letter is."""
    return int(name.rpartition(" ")[2]) % 3


# ---- those who bring letters


def sender(who: str) -> Callable[[Household], None]:
    """Return a client that hands in a letter a round, by SMTP."""

    def work(home: Household) -> None:
        with smtplib.SMTP(*home.server.smtp, local_hostname="laptop.example.org", timeout=PATIENCE) as smtp:
            for number in home.rounds():
                name = f"{who} {number}"
                home.note(home.sent, [name])
                assert smtp.sendmail("ben@example.org", ["amy@example.org"], letter(name)) == {}

    return work


def archivist(home: Household) -> None:
    """Append a letter a round by IMAP; fetch home one kind, and remove it."""
    with home.imap() as imap:
        for number in home.rounds():
            name = f"archivist {number}"
            home.note(home.sent, [name])
            assert imap.append("INBOX", None, None, letter(name))[0] == "OK"
            take_home(home, imap)


def take_home(home: Household, imap: imaplib.IMAP4) -> None:
    """Fetch one kind, and remove it."""
    for uid, name in listed(imap).items():
        if kind(name) == FOR_HOME:
            home.note(home.home, [checked(imap.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1])])
            assert imap.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
            assert imap.uid("EXPUNGE", uid)[0] == "OK"


# ---- those who take them away


def collector(home: Household) -> None:
    """Collect one kind by POP3, and drop the line every third time."""
    for number in home.meanwhile():
        visit(home, goodbye=number % 3 < 2)


def visit(home: Household, goodbye: bool = True) -> None:
    """Collect once, if nobody else does; without a goodbye nothing is taken."""
    with closing(poplib.POP3(*home.server.pop3, timeout=PATIENCE)) as pop:
        pop.user("amy")
        _, refusal = ask(pop.pass_, "secret")
        if refusal:
            assert b"[IN-USE]" in refusal
            return
        taken = collected(pop)
        if goodbye:
            pop.quit()
            home.note(home.home, taken)


def ask(method: Callable[..., Any], *arguments: str) -> tuple[Any, bytes]:
    """Return a method's answer, or the server's refusal."""
    try:
        return method(*arguments), b""
    except poplib.error_proto as error:
        return None, error.args[0]


def collected(pop: poplib.POP3) -> list[str]:
    """Retrieve and mark what is for POP3; another program may have moved the others meanwhile."""
    sizes = dict(line.split() for line in pop.list()[1])
    uidls = [line.split()[1] for line in pop.uidl()[1]]
    assert pop.stat()[0] == len(sizes) == len(set(uidls))
    taken = []
    for number, size in sizes.items():
        answer, refusal = ask(pop.retr, number.decode())
        if refusal:
            assert b"over IMAP" in refusal
            continue
        octets = b"".join(line + b"\r\n" for line in answer[1])
        assert len(octets) == int(size)
        if kind(name := checked(octets)) == FOR_POP:
            pop.dele(number.decode())
            taken.append(name)
    return taken


def mover(home: Household) -> None:
    """Move one kind to another mailbox; there are two who do so."""
    with home.imap() as imap:
        for _ in home.meanwhile():
            move(imap)


def move(imap: imaplib.IMAP4) -> None:
    """Move what is there of that kind."""
    if uids := [uid for uid, name in listed(imap).items() if kind(name) == FOR_MOVE]:
        assert imap.uid("MOVE", ",".join(uids), "Moved")[0] == "OK"


def listed(imap: imaplib.IMAP4) -> dict[str, str]:
    """Return UID → name of all there is now."""
    imap.noop()
    answer = imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    found = [(part[0].decode(), part[1].decode()) for part in answer if isinstance(part, tuple)]
    return {re.search(r"UID (\d+)", head)[1]: words.strip().removeprefix("Subject: ") for head, words in found}


# ---- the one who watches


def watcher(home: Household) -> None:
    """Count the letters in INBOX from what the server says unasked, until all is over; the count must be right."""
    with home.imap() as imap:
        count = int(imap.untagged_responses["EXISTS"][-1])
        while True:
            over, news = home.over.is_set(), idle(imap, 0.5)
            for line in news:
                count = counted(count, line)
            if over and not news:
                break
        assert count == len(home.server.snapshot().mailbox("amy").letters)


def counted(count: int, line: str) -> int:
    """Return how many letters there are after a line of news."""
    number, what = line.split()[:2]
    if what == "EXPUNGE":
        assert 1 <= int(number) <= count, line
        return count - 1
    if what == "EXISTS":
        assert int(number) >= count, line
        return int(number)
    assert what in ("RECENT", "FETCH"), line
    return count


# ---- all together


def finish(home: Household) -> None:
    """Take away, one after the other, what was brought last."""
    with home.imap() as imap:
        move(imap)
        take_home(home, imap)
    visit(home)


def test_eight_clients_lose_nothing_and_double_nothing():
    with MailServer(accounts=("amy", "ben"), password="secret", mailboxes=["Moved"]) as server:
        home = Household(server)
        with ThreadPoolExecutor(8) as pool:
            watching = pool.submit(watcher, home)
            taking = [pool.submit(client, home) for client in (collector, collector, mover, mover)]
            bringing = [pool.submit(client, home) for client in (sender("Ben"), sender("Noor"), archivist)]
            wait(bringing)
            home.brought.set()
            wait(taking)
            try:
                finish(home)
            finally:
                home.over.set()
        for one in (*bringing, *taking, watching):
            one.result()
        boxes = server.snapshot().mailboxes
    moved = Counter(view.subject for box in boxes for view in box.letters if box.name == "Moved")
    assert home.home + moved == home.sent == Counter(set(home.sent))
    assert not any(box.letters for box in boxes if box.name != "Moved")
    assert {kind(name) for name in home.home} == {FOR_POP, FOR_HOME}
    assert {kind(name) for name in moved} == {FOR_MOVE}
