"""Lesson 04: what an `imaplib` answer looks like."""

from __future__ import annotations

import html
from typing import Any

from mailkit.render import BLUE, INK, SERVER_FILL, Picture, framed, svg_text

_ROW, _LEFTS = 30, (20, 330, 500)  # px: a row; the columns of the answer's picture


def show_answer(answer: Any) -> Picture:
    """Draw what `imaplib` returned for a FETCH of one message's text, part by part, each with its name.

    Takes the answer, as from ``imap.fetch("1", "(BODY.PEEK[TEXT])")``. Raises `ValueError` for any other.
    """
    match answer:
        case (str() as status, [(bytes() as head, bytes() as octets), bytes() as end]):
            rows = _parts(status, head, octets, end)
        case _:
            raise ValueError('this picture is for one message\'s text; pass imap.fetch("1", "(BODY.PEEK[TEXT])")')
    heads = ("What came back", "Its name", "What it is")
    words = [f"{code:<33}{name:<17}{meaning}".rstrip() for code, name, meaning in (heads, *rows)]
    drawn = [svg_text(x, 28, head, 13, strong=True) for x, head in zip(_LEFTS, heads, strict=True)]
    for at, row in enumerate(rows):
        drawn.append(_draw_part(42 + at * _ROW, *row))
    alt = "An answer of imaplib, part by part: a verdict, then a list whose first entry holds the octets you asked for."
    return Picture("\n".join(words), framed("\n".join(drawn), 880, 52 + len(rows) * _ROW), alt)


def _parts(status: str, head: bytes, octets: bytes, end: bytes) -> list[tuple[str, str, str]]:
    first_line = octets.split(b"\r\n")[0].decode("ascii", "replace")
    return [
        (f"({status!r},", "answer[0]", "the verdict: OK, or NO (refused)"),
        (" [", "answer[1]", "the data: a list"),
        (f"  ({head!r},", "answer[1][0][0]", f"which message, which part, and {{how many}} octets: {len(octets)}"),
        (f"   b'{first_line}…'),", "answer[1][0][1]", "the octets themselves: this is what you want"),
        (f"  {end!r}])", "answer[1][1]", "only the bracket that ends the server's answer"),
    ]


def _draw_part(y: int, code: str, name: str, meaning: str) -> str:
    wanted = name == "answer[1][0][1]"
    rim = f'stroke="{BLUE}" stroke-width="2"' if wanted else 'stroke="none"'
    deep = len(code) - len(code.lstrip())
    return "\n".join((
        f'<rect x="10" y="{y}" width="860" height="{_ROW - 4}" rx="5" fill="{SERVER_FILL}" {rim}/>',
        _typed(_LEFTS[0] + 8 * deep, y + 18, code.strip()),
        _typed(_LEFTS[1], y + 18, name),
        svg_text(_LEFTS[2], y + 18, meaning, 12, strong=wanted),
    ))  # fmt: skip


def _typed(x: int, y: int, code: str) -> str:
    font = "Courier New, Courier, Liberation Mono, monospace"
    return f'<text x="{x}" y="{y}" font-family="{font}" font-size="13" fill="{INK}">{html.escape(code)}</text>'
