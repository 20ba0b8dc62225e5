"""Wrong answers to the exercises, a file for each lesson, and what those files share."""

from textwrap import indent

NEXT_CELL = "\n# next cell\n"
"""Between what a learner has run of the lesson and the answer, in an answer that takes from it."""


def stumble(lines: str) -> str:
    """Return lines that end in an error, which a learner's cell shows; then comes ``box.check()``, run alone."""
    return f"try:\n{indent(lines, '    ')}\nexcept Exception as error:\n    print(error)"


def moved(which: str, server: str = "server") -> str:
    """Move letters of Amy's INBOX, by UID, to another mailbox of a box's server."""
    return f"""\
import imaplib

imap = imaplib.IMAP4(*box.{server}.imap)
imap.login("amy", "secret")
imap.select()
imap.create("Done")
imap.uid("MOVE", "{which}", "Done")"""
