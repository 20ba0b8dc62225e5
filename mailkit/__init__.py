"""A mail server inside the notebook, and pictures of what happens to its mailboxes.

>>> from mailkit import MailServer, letters
>>> with MailServer(letters("three-letters")) as server:
...     [letter.subject for letter in server.snapshot().mailbox("amy").letters]
['Lunch on Thursday', 'Invoice 2026-114', 'Photos of the lake']
"""

from mailkit.device import Device
from mailkit.diagram import show, show_change, show_states
from mailkit.idle import idle
from mailkit.samples import letters
from mailkit.server import MailServer
from mailkit.wiretap import Wiretap

__all__ = ["Device", "MailServer", "Wiretap", "idle", "letters", "show", "show_change", "show_states"]
