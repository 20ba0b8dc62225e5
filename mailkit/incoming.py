"""A message on its way in by SMTP, after DATA (RFC 5321 §4.1.1.4, §4.5.2)."""

from __future__ import annotations

import re

from mailkit.settings import Settings

FORGOTTEN_TIMEOUT = 2.0  # seconds for a client that says a command in place of a message; §4.5.3.2.7: rather 300

_END = b"\r\n.\r\n"
_TYPED_END = re.compile(rb"\n\.\n(?:quit\r?\n)?\Z", re.IGNORECASE)
_ALONE = re.compile(rb"(?<!\r)\n|\r(?=[^\n])")
_FORGOTTEN = re.compile(
    rb"\r\n(?:quit|rset|noop|data|(?:ehlo|helo|auth) [^\r\n]*|(?:mail from|rcpt to):[^\r\n]*)\r\n", re.IGNORECASE
)


class Incoming:
    """The message that is coming in.

    Takes the settings with the limits; ``refusal`` is the reply that it will get, empty while nothing is wrong.
    Nothing but CRLF ends a line: who takes less can be made to see two messages where the sender saw one ("SMTP
    smuggling"). Of a message that is refused no more is kept than its last octets, where an end may begin.
    """

    def __init__(self, settings: Settings) -> None:
        self.refusal = ""
        self._settings = settings
        self._text = bytearray(b"\r\n")  # as it came, dots stuffed; with a CRLF before it, an end may come at once
        self._doubled = self._counted = 0  # dots that do not count, and up to where they were looked for
        most = settings.max_line  # CRLF included, but not a dot that was doubled (§4.5.3.1.6)
        self._long_line = re.compile(rb"(?<=\n)(?:\.[^\n]{%d}|[^.\n][^\n]{%d})" % (most, most - 1))

    def take(self, octets: bytes) -> bytes | None:
        """Take octets in; return those that come after the message's end, or None while it goes on."""
        text, start = self._text, max(0, len(self._text) - len(_END) + 1)  # an end may have been cut in two
        text += octets
        end = text.find(_END, start) + len(_END)
        rest = bytes(text[end:]) if end >= len(_END) else None
        if rest is not None:
            del text[end - len(b".\r\n") :]
        self.refusal = self.refusal or self._judge(start)
        if self.refusal:
            del text[: -len(b"\n.\nquit\r\n")]
        return rest

    def _judge(self, start: int) -> str:
        """Return why what has come is to be refused, if it is; what stands before ``start`` is known to be right."""
        text, limits = self._text, self._settings
        if self._long_line.search(text, text.rfind(b"\n", 0, start + 1)):
            return f"500 5.5.2 a line is too long; {limits.max_line} octets is the most"
        whole = text.rfind(b"\r\n")  # what stands after it may be the end
        if whole > limits.max_message:
            self._doubled += text.count(b"\r\n.", self._counted, whole)
            self._counted = whole
        if whole - self._doubled > limits.max_message:
            return f"552 5.3.4 the message is too large; {limits.max_message} octets is the most"
        if _ALONE.search(text, max(0, start - 1)):
            return "554 5.5.2 a CR or LF stands alone; end every line with CRLF"
        return ""

    @property
    def octets(self) -> bytes:
        """The whole message, dots unstuffed."""
        return bytes(self._text.replace(b"\r\n.", b"\r\n"))[len(b"\r\n") :]

    @property
    def timeout(self) -> float | None:
        """For how many seconds to wait for the rest of what looks like a command, or an end; None: as long as ever.

        `smtplib` says QUIT when the message it was given is no text, which it finds out after DATA; who types into
        ``nc`` ends a message with LF.LF, which is none. Neither side would ever say a word again.
        """
        over = _TYPED_END.search(self._text) if self.refusal else _FORGOTTEN.fullmatch(self._text)
        return FORGOTTEN_TIMEOUT if over else None
