"""Input cut into commands: lines, and the literals that they announce (RFC 3501 §2.2.1, §4.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailkit.imap.syntax import TAG, Command

_ANNOUNCED = re.compile(rb"\{(\d{1,99})(\+?)\}\Z")
LONGEST_ANNOUNCEMENT = len(b"{+}\r") + 99
GO_AHEAD = b"+ send the literal\r\n"  # for which a client waits before it sends one (§4.3)


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that was not taken in: the tag, what to answer, and whether the stream is beyond repair."""

    tag: bytes
    answer: str
    fatal: bool = False


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

    def command(self, goes_on: bool = False) -> Command | Refused | bytes | None:
        """Return the next command, a refusal, or what to say meanwhile; None when more must come first.

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
            answer = self._take_announcement(announced)
            if answer is not None:
                return answer
        return None

    def _take_announcement(self, literal: re.Match[bytes]) -> Command | Refused | bytes | None:
        octets, waits = int(literal[1]), not literal[2]
        self._announced_octets += octets
        total = self._announced_octets
        if not self._refusal:
            self._refusal = self._judge(self._command, total)
        if self._refusal and waits:
            return self._finished()  # the client has not sent it yet, and now will not
        if self._refusal and octets > self._max_swallow:
            return self._finished(fatal=True)
        if not self._refusal:
            self._command.text += b"\r\n"
        self._awaited = octets
        return GO_AHEAD if waits else None

    def _finished(self, fatal: bool = False) -> Command | Refused:
        command, refusal = self._command, self._refusal
        self._start_command()
        if not refusal:
            return command
        tag = TAG.match(command.text)
        return Refused(tag[0] if tag else b"*", refusal, fatal)

    def _cut_literal(self) -> bool:
        awaited, buffer = self._awaited or 0, self._buffer
        missing = max(0, awaited - len(buffer))
        if not self._refusal:  # else it is read and thrown away
            if missing:
                return False
            with memoryview(buffer) as octets:
                self._command.literals.append(bytes(octets[:awaited]))
        del buffer[:awaited]
        self._awaited = missing or None
        return not missing

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
