"""Two kinds of picture that lessons share: a table of answers, and the three models of RFC 1733."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from mailkit.render import DEVICE_FILL, GROUND, INK, RIM, SERVER_FILL, WIDEST, Picture, columns, framed, pad, svg_text
from mailkit.samples import table

_FIRST = 320  # px: where the second column begins


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Picture:
    """Draw a table, its first column the wider one.

    Takes the heads of two columns or more, and rows of as many cells. Raises `ValueError` for any others.
    """
    if len(heads) < 2 or not rows or any(len(row) != len(heads) for row in rows):
        raise ValueError("a table needs two heads or more, and rows with a cell for each")
    lines = [heads, *rows]
    lefts = [16, *range(_FIRST, WIDEST - 10, (WIDEST - 10 - _FIRST) // (len(heads) - 1))]
    wide = [max(columns(line[at]) for line in lines) for at in range(len(heads))]
    words = ["  ".join(map(pad, line, wide)).rstrip() for line in lines]
    drawn = [svg_text(x, 26, head, 13, strong=True) for x, head in zip(lefts, heads, strict=False)]
    for at, row in enumerate(rows):
        fill, y = SERVER_FILL if at % 2 else GROUND, 38 + 28 * at
        drawn.append(f'<rect x="8" y="{y}" width="{WIDEST - 16}" height="25" rx="4" fill="{fill}"/>')
        drawn += [svg_text(x, y + 17, cell) for x, cell in zip(lefts, row, strict=False)]
    alt = f"A table of {len(rows)} rows. Columns: {', '.join(filter(None, heads))}."
    return Picture("\n".join(words), framed("\n".join(drawn), WIDEST, 48 + 28 * len(rows)), alt)


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
