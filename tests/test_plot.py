"""Plots: the table in words, and of the SVG what a reader depends on."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailkit.plot import bars, steps

SVG = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e12, 1e12)


def test_steps_in_words() -> None:
    picture = steps("Fill", {"leave": [(0, 0), (2, 1500)], "take": [(1, 0.5)]}, "day", "octets", quota=1000)
    assert str(picture) == (
        "Fill (octets)\n  day  leave  take\n    0      0     –\n    1      0   0.5\n    2  1,500   0.5\nquota 1,000"
    )
    assert picture.alt == "Fill (octets): leave ends at 1,500, take ends at 0.5, quota 1,000."


def test_bars_in_words() -> None:
    picture = bars("Time", {"modem": 23.148, "DSL": 1}, "min")
    assert str(picture) == "Time (min)\n           min\n  modem  23.15\n  DSL        1"
    assert picture.alt == "Time (min). modem, 23.15; DSL, 1."
    grouped = bars("Lost", {"fire": {"POP3": 3, "IMAP": 0}, "no road": {"IMAP": 2}})
    assert str(grouped) == "Lost\n           POP3  IMAP\n  fire        3     0\n  no road     –     2"
    assert grouped.alt == "Lost. fire, POP3: 3, IMAP: 0; no road, IMAP: 2."


def test_series_differ_by_more_than_colour() -> None:
    lines = ET.fromstring(steps("t", {name: [(0, at), (1, at)] for at, name in enumerate("abcd")}).svg)
    wide = [path for path in lines.iter(f"{SVG}path") if path.get("stroke-width") == "2.4"]
    assert len({path.get("stroke-dasharray") for path in wide}) == 4
    assert {"a", "b", "c", "d"} <= {text.text for text in lines.iter(f"{SVG}text")}
    boxes = ET.fromstring(bars("t", {"x": dict.fromkeys("abcd", 1)}).svg)
    fills = [bar.get("fill") for bar in boxes.iter(f"{SVG}rect")][1:]
    assert len(set(fills)) == 4


def test_a_value_stands_where_its_number_stands() -> None:
    root = ET.fromstring(steps("t", {"a": [(0, 0), (10, 40)]}).svg)
    [line] = [path.get("d") for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "2.4"][:1]
    [(x, y)] = re.findall(r"H([\d.]+)V([\d.]+)H", line)
    at = {(one.text, one.get("text-anchor")): (one.get("x"), one.get("y")) for one in root.iter(f"{SVG}text")}
    assert x == at["10", "middle"][0]
    assert float(y) == float(at["40", "end"][1]) - 4  # its middle, as high as the line
    wide = [float(bar.get("width")) for bar in ET.fromstring(bars("t", {"a": 20, "b": 10}).svg).iter(f"{SVG}rect")]
    assert wide[1] == pytest.approx(2 * wide[2], abs=0.2)


def test_labels_do_not_cover_each_other() -> None:
    root = ET.fromstring(steps("t", {name: [(0, 0), (1, 5 + at / 100)] for at, name in enumerate("abcd")}).svg)
    heights = sorted(float(text.get("y")) for text in root.iter(f"{SVG}text") if text.text in list("abcd"))
    assert min(b - a for a, b in pairwise(heights)) >= 14


def test_a_long_table_is_thinned() -> None:
    words = str(steps("t", {"a": [(x, x) for x in range(1001)]}, "day"))
    assert len(words.splitlines()) <= 43
    assert words.splitlines()[-1].split() == ["1,000", "1,000"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: steps("t", {}),
        lambda: steps("t", {"a": []}),
        lambda: steps("t", {name: [(0, 0)] for name in "abcde"}),
        lambda: steps("t", {"a": [(0, float("inf"))]}),
        lambda: bars("t", {}),
        lambda: bars("t", {"a": -1}),
        lambda: bars("t", {"a": float("nan")}),
    ],
)
def test_wrong_numbers_are_refused(wrong) -> None:
    with pytest.raises(ValueError, match=r"draws|finite"):
        wrong()


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=40), st.lists(st.tuples(finite, finite), min_size=1, max_size=8), finite)
def test_whatever_is_plotted(name: str, points: list[tuple[float, float]], quota: float) -> None:
    line = steps(name, {name: points}, name, name, quota=quota)
    bar = bars(name, {f"{name}{at}": {name: abs(y)} for at, (_, y) in enumerate(points)}, name)
    for picture in (line, bar):
        assert int(ET.fromstring(picture.svg).get("width")) <= 900
        assert "nan" not in picture.svg.replace(name, "")
    assert steps(name, {name: points}, name, name, quota=quota) == line
