"""What lessons share beside pictures of mailboxes: a table of answers, a listing, and the three models of RFC 1733."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from mailkit.render import (
    DEVICE_FILL,
    GROUND,
    INK,
    RIM,
    SERVER_FILL,
    WIDEST,
    Picture,
    columns,
    framed,
    in_lines,
    pad,
    svg_text,
)
from mailkit.samples import table


@dataclass(frozen=True, slots=True)
class Table:
    """A table of answers, which a page sets as one: read out cell by cell, copied, enlarged, in the page's colours.

    Takes the heads of two columns or more, and rows of as many cells. Raises `ValueError` for any others.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        if len(self.heads) < 2 or not self.rows or any(len(row) != len(self.heads) for row in self.rows):
            raise ValueError("a table needs two heads or more, and rows with a cell for each")

    def __str__(self) -> str:
        lines = [self.heads, *self.rows]
        wide = [max(columns(line[at]) for line in lines) for at in range(len(self.heads))]
        return "\n".join("  ".join(map(pad, line, wide)).rstrip() for line in lines)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        head = "".join(_cell('th scope="col"' if one else "td", one) for one in self.heads)  # no head without words
        rows = ([_cell('th scope="row"', first), *(_cell("td", one) for one in others)] for first, *others in self.rows)
        body = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
        html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return {"text/plain": str(self), "text/html": html}


def _cell(tag: str, words: str) -> str:
    return f'<{tag} style="text-align:left">{escape(words, quote=False)}</{tag[:2]}>'


@dataclass(frozen=True, slots=True)
class Listing:
    """Heads with lines below them: in plain text wrapped, on a page as wide as the page is.

    Takes for each entry its head and its lines.
    """

    entries: Sequence[tuple[str, Sequence[str]]]

    def __str__(self) -> str:
        return "\n".join("\n".join([head, *map(_indented, lines)]) for head, lines in self.entries)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        safe = ((in_lines(head), in_lines("\n".join(lines))) for head, lines in self.entries)
        html = "".join(f"<p><strong>{head}</strong><br>{lines}</p>" for head, lines in safe)
        return {"text/plain": str(self), "text/html": f'<div style="max-width:44em">{html}</div>'}


def _indented(words: str) -> str:
    return textwrap.fill(words, 74, initial_indent="    ", subsequent_indent="    ")


def milestones(rows: Iterable[Mapping[str, str]]) -> Listing:
    """Return rows of ``data/history.csv`` as a listing: when it came, what it is called, what it brought."""
    return Listing([(f"{row['when'][:4]} · {row['name']} ({row['source']})", [row["what"]]) for row in rows])


def show_models() -> Picture:
    """Draw the three models of RFC 1733: where the letters are, and how long the line is open."""
    rows = table("models")
    drawn: list[str] = []
    words: list[str] = []
    for at, row in enumerate(rows):
        drawn += _model(12 + at * 296, row)
        words += [
            f"{row['model']} ({row['typical']})",
            f"  letters: {row['where_the_mail_is']}",
            f"  line: {row['connected']}; several devices: {row['several_clients']}; "
            f"read without a line: {row['read_without_a_line']}",
        ]
    alt = "Three models side by side. Offline: letters on the device. Online: on the server. Disconnected: on both."
    return Picture("\n".join(words), framed("\n".join(drawn), WIDEST, 300), alt)


def _model(x: int, row: Mapping[str, str]) -> Iterator[str]:
    model = row["model"]
    dashes = {"offline": "2 10", "online": "", "disconnected": "10 6"}[model]
    yield svg_text(x + 6, 26, model, 14, strong=True)
    for y, name, fill, full in (
        (40, "Server", SERVER_FILL, model != "offline"),
        (160, "Device", DEVICE_FILL, model != "online"),
    ):
        yield f'<rect x="{x}" y="{y}" width="284" height="66" rx="8" fill="{fill}" stroke="{RIM}"/>'
        yield svg_text(x + 10, y + 20, name, 12, strong=True)
        yield from _envelopes(x + 12, y + 30) if full else [svg_text(x + 12, y + 46, "(keeps none)", 12)]
    yield f'<path d="M{x + 60},106V160" stroke="{INK}" stroke-width="3" stroke-dasharray="{dashes}"/>'
    for at, line in enumerate(textwrap.wrap(f"line: {row['connected']}", 30)):
        yield svg_text(x + 74, 128 + 16 * at, line, 12)
    for at, line in enumerate((f"like {row['typical']}", f"several devices: {row['several_clients']}",
                               f"read without a line: {row['read_without_a_line']}")):  # fmt: skip
        yield svg_text(x + 6, 248 + 18 * at, line, 12)


def _envelopes(x: int, y: int) -> Iterator[str]:
    for left in range(x, x + 132, 44):
        yield f'<rect x="{left}" y="{y}" width="36" height="24" rx="3" fill="{GROUND}" stroke="{INK}"/>'
        yield f'<path d="M{left},{y + 2}l18,12l18,-12" fill="none" stroke="{INK}"/>'
