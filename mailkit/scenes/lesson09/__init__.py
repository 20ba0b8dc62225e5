"""Lesson 09: fifteen complaints, each a box that was broken by the misuse it describes, on a real server."""

from __future__ import annotations

from mailkit.device import Device
from mailkit.samples import letters
from mailkit.scenes.lesson09 import first, with_imap, with_ledger, with_pop, with_two
from mailkit.scenes.lesson09.boxes import TAKE_ALL
from mailkit.scenes.popclient import PopClient
from mailkit.server import MailServer

_with_pop = (with_ledger.downloaded_again, *with_pop.exercises, with_ledger.fourteen_days)
_in_order = (*first.exercises, *_with_pop, with_two.first_computer, *with_imap.exercises)
exercises = {one.key: one for one in _in_order}


def somebody_was_here() -> tuple[MailServer, Device]:
    """Return a server whose box somebody has just emptied by POP, and the laptop that did it."""
    server, laptop = MailServer(letters("three-letters"), password="secret"), Device("laptop")
    PopClient(server, laptop, TAKE_ALL).poll()
    return server, laptop
