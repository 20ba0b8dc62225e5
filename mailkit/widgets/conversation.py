"""A conversation to leaf through: client and server side by side, each line explained when it is chosen."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import ipywidgets

from mailkit.render import preformatted
from mailkit.samples import table
from mailkit.transcript import Said, Transcript
from mailkit.widgets.form import status
from mailkit.widgets.twin import column, show, text

SHOWN = 16  # rows of the list, at most


class Conversation:
    """A list of lines, a search, and what the chosen line means."""

    def __init__(self, transcript: Transcript) -> None:
        if not isinstance(transcript, Transcript):
            raise TypeError(f'{transcript!r:.60} is no transcript; write for example server.transcript("POP3")')
        self._transcript = transcript
        example = {"IMAP": "FETCH", "POP3": "DELE"}.get(transcript.protocol, "RCPT")
        self.search = ipywidgets.Text(
            description="Search", placeholder=f"for example {example}", continuous_update=True
        )
        self.lines = ipywidgets.Select(
            options=[],
            rows=min(SHOWN, len(transcript.lines) + 1),
            description="Lines",
            layout=ipywidgets.Layout(width="auto", max_width="60em"),
        )
        self.number = ipywidgets.BoundedIntText(
            value=1, min=1, max=1, description="Line", tooltip="", layout=ipywidgets.Layout(width="12em")
        )
        self.meaning = text()
        self.search.observe(lambda _: self._find(), names="value")
        self.lines.observe(lambda _: self._explain(), names="value")
        self.number.observe(lambda _: self._choose(), names="value")
        self._find()

    def _find(self) -> None:
        self._found = found = self._transcript.find(self.search.value).lines
        self.lines.options = [(side_by_side(line), number) for number, line in enumerate(found)]
        self.number.max = max(1, len(found))
        self.lines.value = 0 if found else None
        self._explain()

    def _choose(self) -> None:
        """Choose a line by its number: JupyterLab takes the arrow keys from a list, but not from where one types."""
        if self.number.value <= len(self._found):
            self.lines.value = self.number.value - 1

    def _explain(self) -> None:
        at = self.lines.value
        self.number.value = 1 if at is None else at + 1
        line = self._found[at] if at is not None else None
        words = explain(self._transcript.protocol, line) if line else "No line contains that."
        # whatever the width: enlarged, the list cuts even short lines
        whole = f"<code>{escape(str(line), quote=False)}</code><br>" if line else ""
        self.meaning.value = status(words, whole)

    def view(self) -> Any:
        """Return the whole as one widget."""
        return column(self.search, self.lines, self.number, self.meaning)


def conversation(transcript: Transcript) -> Conversation:
    """Display a transcript to leaf through; takes ``server.transcript("POP3")`` or what a listener heard."""
    made = Conversation(transcript)
    listed = "\n".join(side_by_side(line) for line in transcript.lines)
    show(made.view(), listed, preformatted(listed))
    return made


def side_by_side(line: Said) -> str:
    """Return a line where its speaker stands: the client left, the server to the right.

    >>> side_by_side(Said("C", "STAT")), side_by_side(Said("S", "+OK 3 320")).split()
    ('C: STAT', ['S:', '+OK', '3', '320'])
    """
    return ("" if line.who == "C" else "\N{NO-BREAK SPACE}" * 8) + str(line)


def explain(protocol: str, line: Said) -> str:
    """Say what a line means, with its section of the RFC, from the table of commands."""
    if line.who == "S":
        return _explain_answer(line.text)
    words = re.sub(r"^a\d+ (UID (?!EXPUNGE))?", "", line.text).upper() + " "
    if protocol == "POP3" and words.startswith("USER "):
        return "USER: say who you are; the password comes next. What it changes on the server: nothing (RFC 1939 §7)."
    known = [(command, row) for row in table("commands") for command in row.get(protocol.lower(), "").split(", ")]
    fitting = [(command, row) for command, row in known if command and _is(command, words)]
    if not fitting and (part := re.search(r"BODY(\.PEEK)?\[", words)):
        changes = "nothing" if part[1] else "sets \\Seen"
        return f"FETCH … {part[0]}…]: read a part of it. What it changes on the server: {changes} (RFC 3501 §6.4.5)."
    if not fitting:
        verb = words.split()[0] if words.strip() else ""
        return f"{verb}: see RFC 3501 §6." if protocol == "IMAP" and verb.isalpha() else "The client goes on."
    command, row = max(fitting, key=lambda pair: len(pair[0]))
    changes = row[f"{protocol.lower()}_changes"]
    return f"{command}: {row['task']}. What it changes on the server: {changes} ({_source(row, protocol)})."


def _source(row: dict[str, str], protocol: str) -> str:
    """Return the section that speaks of this protocol: where a row has two, POP3's comes first."""
    sources = row["source"].split("; ")
    return sources[0 if protocol == "POP3" else -1]


def _is(command: str, words: str) -> bool:
    """Tell whether these words are that command; ``STORE … +FLAGS`` has any message set in the middle."""
    verb, _, rest = command.partition(" … ")
    return words.startswith(verb.split()[0] + " ") and rest.upper() in words


def _explain_answer(text: str) -> str:
    for start, meaning in (
        ("+OK", "Yes: the server is ready, or agrees."),
        ("-ERR", "The server refuses; the words say why and what would help."),
        ("* ", "Untagged: the server tells something, asked or unasked."),
        ("+", "Go on: the server waits for the rest."),
        (".", "A dot alone: the end of the answer (RFC 1939 §3)."),
    ):
        if text.startswith(start):
            return meaning
    if tagged := re.match(r"a\d+ (OK|NO|BAD)", text):
        return {"OK": "Done.", "NO": "Understood, and refused.", "BAD": "Not understood."}[tagged[1]]
    return "Part of the server's answer."
