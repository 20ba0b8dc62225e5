"""Where the boxes and rows of a mailbox picture stand. Graphviz draws them; the places are given to it.

A box is a cluster, a row is a node. Letters must stand at one height before and after, and a page must
not grow wider than a notebook: an automatic layout promises neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailkit import render
from mailkit.render import bold, clean, label, pixels, shorten, strong_pixels, svg_from_dot, underlined
from mailkit.snapshot import LetterView

_LOOKS = {  # besides a row's sign and note: never by colour alone
    "plain": {"color": "#444444", "penwidth": "1.2"},
    "new": {"color": render.GREEN, "penwidth": "2.6"},
    "gone": {"color": render.VERMILLION, "penwidth": "2", "style": "rounded,filled,dashed"},
    "changed": {"color": render.BLUE, "penwidth": "2.4"},
    "marked": {"color": render.VERMILLION, "penwidth": "2", "style": "rounded,filled,dotted"},
}
# px: page to panel, column to column, box to box, panel to column, box to row, row to row, a line of text
_EDGE, _GAP, _BETWEEN, _PANEL, _PAD, _SPACE, _LINE = 8, 34, 12, 10, 9, 6, 15

_SUBJECT = 44  # columns of a terminal


@dataclass(frozen=True, slots=True)
class Row:
    """One letter at one moment; ``notes`` are (words, changed?): changed ones are underlined."""

    letter: LetterView
    notes: tuple[tuple[str, bool], ...] = ()
    look: str = "plain"

    @property
    def sign(self) -> str:
        """``+`` for a new letter, ``−`` for one that is gone."""
        return {"new": "+", "gone": "−"}.get(self.look, " ")

    @property
    def subject(self) -> str:
        """The subject, harmless and short enough."""
        return shorten(clean(self.letter.subject), _SUBJECT)

    @property
    def note(self) -> str:
        """All notes as one text."""
        return ", ".join(words for words, _ in self.notes)


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox or a device's folder at one moment: title, lines about it, and rows (None: room left free)."""

    key: str
    title: str
    device: str = ""  # none: it is on the server
    comes: str = "new"  # what is said of a new letter here: "saved" by a device, "shown" by webmail
    count: str = ""  # "3 letters", or "3 letters → 2"
    tally: str = ""  # "1 new, 1 gone"
    lines: tuple[str, ...] = ()  # as at this moment
    joined: tuple[str, ...] = ()  # as they were and are
    rows: tuple[Row | None, ...] = ()
    kept: tuple[LetterView, ...] = ()
    bare: bool = False  # empty and nothing to say: its name in a list is enough
    fate: str = ""  # of a mailbox that comes or goes: `NOT_YET`, "new", "there", `REMOVED`


NOT_YET, REMOVED = "not there yet", "removed"
Columns = Sequence[Sequence[Box]]
Spot = tuple[str, int]  # a box's key, the UID of a letter that is there
_Slots = Mapping[str, Sequence[int]]  # of each box, the heights of its rows


def draw(
    panels: Sequence[tuple[str, Columns]], foot: Sequence[str], arrows: Iterable[tuple[Spot, Spot]], width: int
) -> str:
    """Return SVG of one or two panels (heading, columns of boxes), at most ``width`` px wide.

    Two panels must hold the same boxes with as many rows. Arrows lead from row to row in the last one.
    """
    page = new_page(_EDGE / 72, splines="true", fillcolor=render.GROUND)
    widths = _widths(panels, width)
    slots = _slots(panels, widths)
    left = right = bottom = 0
    names: dict[Spot, str] = {}
    for heading, columns in panels:
        right, bottom = _panel(page, left, heading, columns, widths, slots, names)
        left = right + 2 * _EDGE
    for tail, head in arrows:
        page.edge(f"{names[tail]}:e", f"{names[head]}:w")
    for at, line in enumerate(foot):
        text = shorten(line, right - 20, pixels)
        place(page, f"foot{at}", (0, bottom + 6 + at * 18, right, bottom + 24 + at * 18), [text], shape="none")
    return svg_from_dot(page.source, "nop")


def _panel(
    page: Any, left: int, heading: str, columns: Columns, widths: Sequence[int], slots: _Slots, names: dict[Spot, str]
) -> tuple[int, int]:
    """Draw one panel, note the names of its rows, and return its right edge and its bottom."""
    inset = _PANEL * bool(heading)
    top = 28 * bool(heading)
    right = left + sum(widths) + (len(widths) - 1) * _GAP + 2 * inset
    bottom = top + max(_tall(column, slots) for column in columns) + inset
    with page.subgraph(name=f"cluster_panel{left}" if heading else f"panel{left}") as panel:
        if heading:
            panel.attr(bb=_bb(left, 0, right, bottom), style="rounded,filled", color="#c4c4c4", fillcolor="#fbfbfb")
            place(panel, f"heading{left}", (left, 4, right, 26), [bold(heading)], shape="none")
        x = left + inset
        for column, wide in zip(columns, widths, strict=True):
            y = top
            for box in column:
                y = _box(panel, x, y, wide, box, slots[box.key], names) + _BETWEEN
            x += wide + _GAP
    return right, bottom


def _box(panel: Any, x: int, y: int, wide: int, box: Box, slots: Sequence[int], names: dict[Spot, str]) -> int:
    """Draw one box at x, y and return its bottom."""
    bottom = y + _tall([box], {box.key: slots})
    with panel.subgraph(name=f"cluster_{x}_{y}") as cluster:
        fill = render.DEVICE_FILL if box.device else render.SERVER_FILL
        style = {"style": "rounded,dashed"} if box.fate == NOT_YET else {"style": "rounded,filled", "fillcolor": fill}
        cluster.attr(bb=_bb(x, y, x + wide, bottom), color=render.RIM, **style)
        title = shorten(box.title, wide - 24, strong_pixels)
        lines = [shorten(line, wide - 20, pixels) for line in box.lines]
        end = y + 10 + _LINE * (1 + len(lines))
        place(cluster, f"title_{x}_{y}", (x, y + 4, x + wide, end), [bold(title), *lines], shape="none")
        if not any(box.rows) and box.fate not in (NOT_YET, REMOVED):
            place(cluster, f"empty_{x}_{y}", (x + _PAD, end + 2, x + wide - _PAD, end + 26), ["(empty)"], shape="none")
        y = end + 2
        for row, tall in zip(box.rows, slots, strict=False):
            if row:
                name = f"letter_{x}_{y}"
                if row.look != "gone":
                    names[box.key, row.letter.uid] = name
                style = {"class": f"letter {row.look}", "style": "rounded,filled"} | _LOOKS[row.look]
                place(cluster, name, (x + _PAD, y, x + wide - _PAD, y + tall), _texts(row, wide), **style)
            y += tall + _SPACE
    return bottom


def _tall(column: Sequence[Box], slots: _Slots) -> int:
    """Return the height of boxes one above the other."""
    titles = sum(12 + _LINE * (1 + len(box.lines)) + _PAD for box in column)
    rows = sum(sum(slots[box.key]) + (len(slots[box.key]) - 1) * _SPACE for box in column)
    return titles + rows + (len(column) - 1) * _BETWEEN


def _slots(panels: Sequence[tuple[str, Columns]], widths: Sequence[int]) -> _Slots:
    """Return the height of every row of every box: that of its tallest appearance."""
    slots: dict[str, list[int]] = {}
    for _, columns in panels:
        for column, wide in zip(columns, widths, strict=True):
            for box in column:
                tall = [11 + _LINE * len(_texts(row, wide)) if row else 26 for row in box.rows] or [24]
                slots[box.key] = [max(pair) for pair in zip(tall, slots.get(box.key, tall), strict=True)]
    return slots


def _texts(row: Row, wide: int) -> list[str]:
    """Return a row's lines: number and subject, its notes on the same line or on lines of their own."""
    room = wide - 2 * _PAD - 20
    head = f"{row.sign} {row.letter.uid}  ".lstrip()
    subject, *rest = _wrapped(row.subject, room - pixels(head) * 1.1)
    first, *more = (bold(text) if row.look == "new" else text for text in [head + subject, *rest])
    notes: list[tuple[str, str]] = []  # plain, marked up
    for words, changed in row.notes:
        text = shorten(words, room, pixels)
        shown = underlined(text) if changed else text
        if notes and pixels(f"{notes[-1][0]}, {text}") <= room:
            notes[-1] = f"{notes[-1][0]}, {text}", f"{notes[-1][1]}, {shown}"
        else:
            notes.append((text, shown))
    if len(notes) == 1 and not rest and strong_pixels(head + subject) + pixels(f"    {notes[0][0]}") <= room:
        return [f"{first}    {notes[0][1]}"]
    return [first, *more, *(shown for _, shown in notes)]


def _wrapped(text: str, room: float) -> list[str]:
    """Return a text in one line or, broken between words, in two; cut where these are too narrow."""
    words = [text] if text.startswith("\u2068") else text.split(" ")  # what is isolated stays in one piece
    fits = [at for at in range(1, len(words) + 1) if strong_pixels(" ".join(words[:at])) <= room] or [len(words)]
    first, rest = " ".join(words[: fits[-1]]), " ".join(words[fits[-1] :])
    return [shorten(part, room, strong_pixels) for part in [first, *[rest] * bool(rest)]]


def _widths(panels: Sequence[tuple[str, Columns]], width: int) -> list[int]:
    """Share the page: each column gets what it needs, the widest share what is left."""
    count = len(panels[0][1])
    wanted = [max(_wish(box) for _, columns in panels for box in columns[at]) for at in range(count)]
    inset = 2 * _PANEL * bool(panels[0][0])
    room = (width - 2 * _EDGE * len(panels)) / len(panels) - (count - 1) * _GAP - inset - 1
    if count > 2:  # server and three devices: each at its place, in every row and at every step
        return [int(room / count)] * count
    given = [0] * count
    for done, at in enumerate(sorted(range(count), key=wanted.__getitem__)):
        given[at] = int(min(max(wanted[at], 140), room / (count - done)))
        room -= given[at]
    return given


def _wish(box: Box) -> float:
    """Return the width in px at which nothing in a box is cut."""
    rows = [f"{row.sign} {row.letter.uid}  {row.subject}    {row.note}" for row in box.rows if row]
    return max(strong_pixels(text) for text in [box.title, *box.lines, *rows]) + 2 * _PAD + 22


def _bb(left: int, top: int, right: int, bottom: int) -> str:
    return f"{left},{-bottom},{right},{-top}"  # Graphviz's y points upwards


def new_page(pad: float, splines: str, **node: str) -> Any:
    """Return an empty graph to `place` nodes in: boxes of a given size, and arrows; ``pad`` in inches."""
    import graphviz

    return graphviz.Digraph(
        graph_attr={"pad": f"{pad:.4f}", "splines": splines},
        node_attr={"fontname": "Arial", "fontsize": "12", "shape": "box", "fixedsize": "true", **node},
        edge_attr={"color": render.GREEN, "penwidth": "2", "arrowsize": "0.8"},
    )


def place(graph: Any, name: str, box: tuple[int, int, int, int], lines: Sequence[str], **style: str) -> None:
    """Add a node with lines of text to a graph, in a ``box`` of px: left, top, right, bottom."""
    left, top, right, bottom = box
    graph.node(
        name,
        label(*lines),
        pos=f"{(left + right) / 2},{-(top + bottom) / 2}",
        width=f"{(right - left) / 72:.4f}",
        height=f"{(bottom - top) / 72:.4f}",
        **style,
    )
