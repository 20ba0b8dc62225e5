"""Two plots, steps and bars, as SVG written by hand: a whole plotting library would be a heavy guest for so little.

Series differ by dash and mark, or by hatching, and carry their name beside them: never by colour alone.
Numbers are rounded before they are written, so that the bytes are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from mailkit import render
from mailkit.render import Picture, clean, columns, framed, pad, pixels, shorten, svg_text

_STYLES = (  # stroke, dashes, mark
    (render.BLUE, "", "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0"),
    (render.VERMILLION, "8 4", "M-3.5,-3.5h7v7h-7z"),
    (render.GREEN, "2 3", "M0,-4.5l4.5,8h-9z"),
    (render.INK, "9 3 2 3", "M0,-4.5l4.5,4.5l-4.5,4.5l-4.5,-4.5z"),
)
_LIMIT = (render.INK, "1 3", "")
_HATCHES = ("", "M0,8L8,0M-2,2L2,-2M6,10L10,6", "M2,2h1.5v1.5h-1.5zM6,6h1.5v1.5h-1.5z", "M0,4H8M4,0V8")
_WIDE, _HIGH, _TOP, _LEFT, _BOTTOM = 720, 330, 42, 74, 54  # px
_ROWS, _MARKS = 40, 8  # of a table in words; on a line, about

Points = Sequence[tuple[float, float]]
_Style = tuple[str, str, str]
_Label = tuple[float, str, _Style]  # how high it stands, in px
_Groups = Mapping[str, Mapping[str, float]]
_Scale = Callable[[float], float]


def steps(
    title: str, series: Mapping[str, Points], xlabel: str = "", ylabel: str = "", *, quota: float | None = None
) -> Picture:
    """Draw values that stay until they change, such as how full a box is day by day.

    Takes one to four series of (x, y), a value y holding from x on, and a ``quota`` to draw as a line.
    Raises `ValueError` where there is nothing to draw, too much, or a number that is not finite.
    """
    ordered = {_name(name): sorted(points) for name, points in series.items()}
    if not 1 <= len(ordered) <= len(_STYLES) or not all(ordered.values()):
        raise ValueError(f"steps draws 1 to {len(_STYLES)} series, each with a point or more; got {len(series)}")
    limits = {} if quota is None else {f"quota {_number(quota)}": quota}
    heading, xs = _heading(title, ylabel), sorted({x for points in ordered.values() for x, _ in points})
    table = _table([xlabel or "x", *ordered], [[x, *(_held(points, x) for points in ordered.values())] for x in xs])
    ends = [f"{name} ends at {_number(points[-1][1])}" for name, points in ordered.items()]
    alt = f"{heading}: {', '.join([*ends, *limits])}."
    return Picture("\n".join([heading, *table, *limits]), _draw_steps(heading, ordered, xs, xlabel, limits), alt)


def _draw_steps(
    heading: str, series: Mapping[str, Points], xs: Sequence[float], xlabel: str, limits: Mapping[str, float]
) -> str:
    across = _ticks(xs, from_zero=False)
    up = _ticks([*(y for points in series.values() for _, y in points), *limits.values()])
    right = _WIDE - 60 - max(pixels(text, 13) for text in [*series, *limits])
    x_at, y_at = _scale(xs[0], xs[-1], _LEFT, right), _scale(up[0], up[-1], _HIGH - _BOTTOM, _TOP)
    drawn = [svg_text(16, 25, heading, 14, strong=True), *_axes(xlabel, across, up, x_at, y_at, right)]
    everywhere = {text: [(xs[0], value)] for text, value in limits.items()}
    labels = []
    styles = [*[_LIMIT] * len(limits), *_STYLES]
    for (name, points), style in zip([*everywhere.items(), *series.items()], styles, strict=False):
        drawn += _stair([(x_at(x), y_at(y)) for x, y in points], right, style)
        labels.append((y_at(points[-1][1]), name, style))
    for y, name, style in _spread(labels):  # each beside a piece of its line, for two may end at one point
        drawn += [*_stair([(right + 12, y)], right + 40, style), svg_text(right + 46, y + 4, name)]
    return framed("\n".join(drawn), _WIDE, _HIGH)


def bars(
    title: str, values: Mapping[str, float | Mapping[str, float]], unit: str = "", *, decimals: int | None = None
) -> Picture:
    """Draw one bar a value, its number beside it.

    Takes name → value, or name → (series → value) to compare series within each group; ``unit`` goes with the
    numbers; each has as many ``decimals``, by default two at most.
    Raises `ValueError` where there is nothing to draw, too much, or a negative or infinite number.
    """
    groups = {_name(k): v if isinstance(v, Mapping) else {"": v} for k, v in values.items()}
    groups = {name: {_name(part): value for part, value in group.items()} for name, group in groups.items()}
    series = list(dict.fromkeys(part for group in groups.values() for part in group))
    numbers = [value for group in groups.values() for value in group.values()]
    if not numbers or min(numbers) < 0 or len(series) > len(_HATCHES):
        raise ValueError(f"bars draws one number or more, none below 0, in at most {len(_HATCHES)} series")
    heading, heads = _heading(title, unit), series if series != [""] else [unit or "value"]
    write = _number if decimals is None else f"{{:,.{decimals}f}}".format
    said = {name: {part: write(value) for part, value in group.items()} for name, group in groups.items()}
    rows = [[name, *(group.get(part) for part in series)] for name, group in said.items()]
    words = "\n".join([heading, *_table(["", *heads], rows)])
    told = [", ".join([name, *(_said(part, number) for part, number in group.items())]) for name, group in said.items()]
    top = _ticks(numbers)[-1]
    return Picture(words, _draw_bars(heading, groups, said, series, top), f"{heading}. {'; '.join(told)}.")


def _draw_bars(
    heading: str, groups: _Groups, numbers: Mapping[str, Mapping[str, str]], series: Sequence[str], top: float
) -> str:
    left = 24 + max(pixels(name, 12.5) for name in groups)
    said = [_said(part, number) for group in numbers.values() for part, number in group.items()]
    x_at = _scale(0, top, left, _WIDE - 24 - max(pixels(text, 12.5) for text in said))
    y, drawn = 44, [_patterns(), svg_text(16, 25, heading, 14, strong=True)]
    for name, group in groups.items():
        drawn.append(svg_text(left - 8, y + 11 * len(group) + 4, name, anchor="end"))
        for part, value in group.items():
            drawn.append(_bar(left, y + 2, x_at(value) - left, series.index(part)))
            drawn.append(svg_text(x_at(value) + 7, y + 15, _said(part, numbers[name][part])))
            y += 22
        y += 8
    drawn.append(_line(f"M{left:.1f},40V{y}", render.RIM, "", 1))
    return framed("\n".join(drawn), _WIDE, y + 12)


def _heading(title: str, unit: str) -> str:
    return shorten(clean(f"{title} ({unit})" if unit else title), 80)


def _name(name: str) -> str:
    return shorten(clean(name), 200, pixels)


def _said(part: str, number: str) -> str:
    return f"{part}: {number}" if part else number


def _bar(x: float, y: float, wide: float, at: int) -> str:
    stroke = _STYLES[at][0]
    fill = f"url(#hatch{at})" if _HATCHES[at] else stroke
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="18" fill="{fill}" stroke="{stroke}"/>'


def _patterns() -> str:
    return "".join(
        f'<pattern id="hatch{at}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path d="{path}" stroke="{_STYLES[at][0]}" fill="none" stroke-width="1.5"/></pattern>'
        for at, path in enumerate(_HATCHES)
        if path
    )


def _stair(points: Sequence[tuple[float, float]], right: float, style: _Style) -> Iterable[str]:
    """Draw one series: along to the next x, then up or down; marks at some points; on to the right edge."""
    stroke, dashes, mark = style
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}" + "".join(f"H{x:.1f}V{y:.1f}" for x, y in points[1:])
    yield _line(f"{path}H{right:.1f}", stroke, dashes, 2.4)
    for x, y in points[:: len(points) // _MARKS or 1] if mark else ():
        yield f'<path d="{mark}" transform="translate({x:.1f} {y:.1f})" fill="{stroke}"/>'


def _axes(
    xlabel: str, across: Sequence[float], up: Sequence[float], x_at: _Scale, y_at: _Scale,
    right: float,
) -> Iterable[str]:  # fmt: skip
    for y in up:
        yield _line(f"M{_LEFT},{y_at(y):.1f}H{right:.1f}", "#dddddd", "", 1)
        yield svg_text(_LEFT - 8, y_at(y) + 4, _number(y), anchor="end")
    for x in across:
        yield _line(f"M{x_at(x):.1f},{_HIGH - _BOTTOM}v5", render.INK, "", 1)
        yield svg_text(x_at(x), _HIGH - _BOTTOM + 19, _number(x), anchor="middle")
    yield _line(f"M{_LEFT},{_TOP}V{_HIGH - _BOTTOM}H{right:.1f}", render.INK, "", 1)
    yield svg_text((_LEFT + right) / 2, _HIGH - 14, clean(xlabel), anchor="middle")


def _line(path: str, stroke: str, dashes: str, width: float) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{width:g}"{dashed}/>'


def _spread(labels: Iterable[_Label]) -> list[_Label]:
    """Move labels down until none covers another, then all up where the last one would leave the plot."""
    placed: list[_Label] = []
    for y, text, style in sorted(labels):
        placed.append((max(y, placed[-1][0] + 16) if placed else y, text, style))
    over = max(0.0, placed[-1][0] - (_HIGH - _BOTTOM))
    return [(y - over, text, style) for y, text, style in placed]


def _ticks(values: Iterable[float], from_zero: bool = True) -> list[float]:
    """Return some five round numbers that reach from the least value (or 0) to the greatest, and beyond.

    >>> _ticks([3, 47])
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    """
    known = list(values)
    if not all(math.isfinite(value) for value in known):
        raise ValueError("a plot needs finite numbers; leave out what is not known")
    low = min([*known, 0.0]) if from_zero else min(known)
    span = max(max(known) - low, 1e-9) if max(known) > low else 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / 5))
    step = magnitude * next(factor for factor in (1, 2, 5, 10) if span / (magnitude * factor) <= 6)
    first = math.floor(low / step) if from_zero else math.ceil(low / step - 1e-9)
    last = math.ceil((low + span) / step - 1e-9) if from_zero else math.floor((low + span) / step + 1e-9)
    return [round(at * step, 9) for at in range(first, last + 1)]


def _scale(low: float, high: float, start: float, end: float) -> _Scale:
    width = high - low or 1.0
    return lambda value: start + (value - low) * (end - start) / width


def _held(points: Points, x: float) -> float | None:
    """Return the value that holds at x, if one does yet."""
    return next((y for at, y in reversed(points) if at <= x), None)


def _number(value: float) -> str:
    """Write a number as people do: thousands parted, two decimals at most.

    >>> _number(23100.0), _number(15.186), _number(0.5)
    ('23,100', '15.19', '0.5')
    """
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str | float | None]]) -> list[str]:
    """Return lines of a table; of a long one every second, third … row and the last."""
    every = -(-len(rows) // _ROWS)
    shown = [row for at, row in enumerate(rows) if at % every == 0 or at == len(rows) - 1]
    cells = [[_cell(cell) for cell in row] for row in [heads, *shown]]
    first, *others = zip(*cells, strict=True)
    aligned = [_aligned(first, to_the_left=isinstance(rows[0][0], str)), *map(_aligned, others)]
    return ["  " + "  ".join(row) for row in zip(*aligned, strict=True)]


def _aligned(cells: Sequence[str], to_the_left: bool = False) -> list[str]:
    """Fill the cells of a column with spaces."""
    wide = max(map(columns, cells))
    return [pad(cell, wide) if to_the_left else " " * (wide - columns(cell)) + cell for cell in cells]


def _cell(cell: str | float | None) -> str:
    return "–" if cell is None else cell if isinstance(cell, str) else _number(cell)
