"""Done, tried, open: a lesson's exercises at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets

from mailkit.exercise import Exercise
from mailkit.progress import Progress
from mailkit.widgets.form import BUTTON
from mailkit.widgets.twin import column, heard, show, text

_MARKS = {"done": "✓ done", "tried": "✗ tried", "open": "… open"}


def progress_line(exercises: Mapping[str, Exercise]) -> None:
    """Display how far the learner is with these exercises, and a button that forgets it.

    Takes a lesson's exercises. Without a kernel the page lists them, the same for everybody.
    """
    state = text(_state(exercises))
    reset = ipywidgets.Button(description="Start this lesson's exercises over", layout=BUTTON)

    def forget(_: Any) -> None:
        Progress().reset(exercises)
        state.value = _state(exercises)

    reset.on_click(forget)
    titles = "\n".join(f"{key} {one.title}" for key, one in exercises.items())
    show(
        column(state, reset),
        f"The exercises of this lesson (run “The world”, then this cell, to see which are done):\n{titles}",
    )


def _state(exercises: Mapping[str, Exercise]) -> str:
    progress = Progress()
    kept = {key: progress.of(key) for key in exercises}
    counts = ", ".join(f"{list(kept.values()).count(name)} {name}" for name in ("done", "tried", "open"))
    rows = (f"<li>{_MARKS[kept[key]]}: {key} {escape(one.title, quote=False)}</li>" for key, one in exercises.items())
    return heard(f"<strong>Exercises: {counts}</strong>") + f"<ul>{''.join(rows)}</ul>"
