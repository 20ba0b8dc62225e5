"""`idle`: wait for what an IMAP server says unasked; `imaplib` has no such method before Python 3.14."""

from __future__ import annotations

import imaplib
import sys

CLOSED = "the server closed the line; connect and log in again"
MONTH = 30 * 24 * 3600  # seconds; a socket takes no endless ones


def idle(imap: imaplib.IMAP4, timeout: float = 5.0) -> list[str]:
    """Wait until the mailbox changes, and return what the server said, as ``["3 EXPUNGE"]`` (RFC 2177).

    Args:
        imap: a client that has selected a mailbox.
        timeout: the longest wait in seconds; what came until then, perhaps nothing, is returned.

    Raises:
        imaplib.IMAP4.error: no mailbox is selected, or the server refuses IDLE.
        TypeError: this is no client.
        ValueError: the timeout is no number of seconds above 0.
        ConnectionError: the server closed the line.

    """
    if not isinstance(imap, imaplib.IMAP4):
        raise TypeError(f"idle takes an imaplib client that has selected a mailbox, not {type(imap).__name__}")
    if not isinstance(timeout, (int, float)) or not 0 < timeout < MONTH:
        raise ValueError(f"a timeout is a number of seconds above 0 and below {MONTH:,}, not {timeout!r}")
    if imap.state != "SELECTED":
        raise imap.error(f"IDLE waits for changes in a mailbox, and this client is {imap.state}; select one first")
    tag = imap._new_tag()
    _send(imap, tag + b" IDLE\r\n")
    said: list[str] = []
    while not (answer := _line(imap)).startswith(b"+"):  # news may come before the go-ahead
        if answer.startswith(tag):
            raise imap.error(f"the server refuses IDLE: {answer.decode()}")
        said.append(_words(answer))
    try:
        said = said or _news(imap, timeout)
    except ConnectionError:  # nobody hears DONE any more
        raise
    except BaseException:  # the learner stops the cell: without DONE no other command would be taken
        _done(imap, tag)
        raise
    return said + _done(imap, tag)


def _done(imap: imaplib.IMAP4, tag: bytes) -> list[str]:
    """End the wait, and return what the server has said meanwhile."""
    said = []
    _send(imap, b"DONE\r\n")
    while not (answer := _line(imap)).startswith(tag):
        said.append(_words(answer))
    imap.tagged_commands.pop(tag, None)
    return said


def _news(imap: imaplib.IMAP4, timeout: float) -> list[str]:
    """Return the first line the server says within the time, or nothing."""
    sock = imap.socket()
    before = sock.gettimeout()
    sock.settimeout(timeout)
    try:
        return [_words(_line(imap))]
    except TimeoutError:
        if sys.version_info < (3, 14):  # it reads through a file, which refuses to read on after a timeout: renew it
            imap.file = sock.makefile("rb")
        return []
    finally:
        sock.settimeout(before)


def _send(imap: imaplib.IMAP4, octets: bytes) -> None:
    try:
        imap.send(octets)
    except OSError as error:
        raise ConnectionError(CLOSED) from error


def _line(imap: imaplib.IMAP4) -> bytes:
    try:
        line: bytes = imap.readline()
    except TimeoutError:
        raise
    except OSError as error:  # TLS has its own, where the line ends without a word
        raise ConnectionError(CLOSED) from error
    if not line or line.startswith(b"* BYE "):  # which tells why
        raise ConnectionError(_words(line.rstrip()).removeprefix("BYE ") or CLOSED)
    return line.rstrip(b"\r\n")


def _words(line: bytes) -> str:
    return line.decode("ascii", "backslashreplace").removeprefix("* ")
