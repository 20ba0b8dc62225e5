"""Input cut into commands: lines, and the literals that they announce (RFC 3501 §2.2.1, §4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailkit.imap.syntax import TAG, Command

_ANNOUNCED = re.compile(rb"\{(\d{1,99})(\+?)\}\Z")
LONGEST_ANNOUNCEMENT = len(b"{+}\r") + 99


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was not taken in: the tag, what to answer, and whether the stream is beyond repair."""

    tag: bytes
    answer: str
    fatal: bool = False


class GoAhead:
    """The client waits for ``+`` before it sends a literal (RFC 3501 §4.3)."""


class CommandReader:
    """Cuts what a client sends into commands, however the network cut it, and holds little of it.

    ``judge(command, octets)`` is asked before each literal, with the command so far and what its literals
    would hold together; it returns None to take the literal, or the answer that refuses it.
    """

    def __init__(self, max_line: int, max_swallow: int, judge: Callable[[Command, int], str | None]) -> None:
        self._max_line = max_line
        self._max_swallow = max_swallow  # the largest literal to read and throw away, in octets
        self._judge = judge
        self.reset()

    def reset(self) -> None:
        """Forget everything received (RFC 9051 §6.2.1, after STARTTLS)."""
        self._buffer = bytearray()
        self._scanned = 0
        self._start_command()

    def _start_command(self) -> None:
        self._command = Command(b"")
        self._awaited: int | None = None  # octets of a literal still to come
        self._announced_octets = 0  # of all literals of this command
        self._refusal: str | None = None

    def feed(self, octets: bytes) -> None:
        """Take what the network brought."""
        self._buffer += octets

    def command(self, goes_on: bool = False) -> Command | Refusal | GoAhead | None:
        """Return the next command, a refusal, or the wish for a ``+``; None when more must come first.

        ``goes_on``: what comes is a line that goes on with a command, such as ``DONE``; no literal belongs there.
        """
        while self._awaited is None or self._cut_literal():
            line = self._cut_line(self._max_line - len(self._command.text))
            if line is None:
                return None
            if not self._refusal:
                self._command.text += line
            announced = _ANNOUNCED.search(line)
            if announced is None:
                return self._finished()
            if goes_on:
                self._refusal = self._refusal or "BAD no literal belongs here; the command is given up"
            answer = self._announced(announced)
            if answer is not None:
                return answer
        return None

    def _announced(self, literal: re.Match[bytes]) -> Refusal | GoAhead | None:
        octets, waits = int(literal[1]), not literal[2]
        self._announced_octets += octets
        total = self._announced_octets
        if not self._refusal:
            self._refusal = self._judge(self._command, total)
        if self._refusal and waits:
            return self._refused()  # the client has not sent it yet, and now will not
        if self._refusal and octets > self._max_swallow:
            return self._refused(fatal=True)
        if not self._refusal:
            self._command.text += b"\r\n"
        self._awaited = octets
        return GoAhead() if waits else None

    def _finished(self) -> Command | Refusal:
        if self._refusal:
            return self._refused()
        command = self._command
        self._start_command()
        return command

    def _refused(self, fatal: bool = False) -> Refusal:
        tag = TAG.match(self._command.text)
        refusal = Refusal(tag[0] if tag else b"*", self._refusal or "BAD", fatal)
        self._start_command()
        return refusal

    def _cut_literal(self) -> bool:
        awaited, buffer = self._awaited or 0, self._buffer
        if self._refusal:  # read it and throw it away
            dropped = min(awaited, len(buffer))
            del buffer[:dropped]
            self._awaited = awaited - dropped or None
            return self._awaited is None
        if len(buffer) < awaited:
            return False
        with memoryview(buffer) as octets:
            self._command.literals.append(bytes(octets[:awaited]))
        del buffer[:awaited]
        self._awaited = None
        return True

    def _cut_line(self, room: int) -> bytes | None:
        buffer = self._buffer
        end = buffer.find(b"\n", self._scanned)
        if (end if end >= 0 else len(buffer)) > room + 1:
            self._overflow()
            end = buffer.find(b"\n", self._scanned)
        if end < 0:
            self._scanned = len(buffer)
            return None
        line = bytes(buffer[:end]).removesuffix(b"\r")
        del buffer[: end + 1]
        self._scanned = 0
        return line

    def _overflow(self) -> None:
        """Keep the tag, to answer it, and the line's end, which may announce a literal."""
        buffer = self._buffer
        if not self._refusal:
            beginning = self._command.text + bytes(buffer[:1000])
            self._command.text = beginning if b" " in beginning else b""  # a tag cut short would be another's
            self._refusal = f"BAD this command is longer than {self._max_line} octets; say it in several"
        end = buffer.find(b"\n")
        del buffer[: max(0, (end if end >= 0 else len(buffer)) - LONGEST_ANNOUNCEMENT)]
        self._scanned = 0
