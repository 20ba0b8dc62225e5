"""Lines out of octets that come in however they were cut, as POP3's and SMTP's sessions read them."""

from __future__ import annotations


class LineBuffer(bytearray):
    """What has come in and was not taken out yet. ``too_long``: the line that was cut off last is over its limit."""

    def __init__(self) -> None:
        super().__init__()
        self.too_long = False
        self._is_over = False  # the line now coming in is over its limit; its beginning was thrown away

    def cut_line(self, limit: int) -> bytes | None:
        """Cut off a line, and return it without its end; None while it is incomplete.

        Of one over the limit, in octets and with its end, the beginning may be gone; no room is kept for it.
        """
        end = self.find(b"\n") + 1
        self._is_over |= (end or len(self)) > limit
        if not end:
            if self._is_over:
                self.clear()
            return None
        line = bytes(self[: end - 1]).removesuffix(b"\r")
        del self[:end]
        self.too_long, self._is_over = self._is_over, False
        return line
