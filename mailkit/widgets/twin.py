"""A widget together with its static twin: the same story for a page without a kernel."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from mailkit.render import in_lines


def show(widget: Any, words: str, html: str | None = None) -> None:
    """Display a widget whose output also holds ``words`` (and ``html``, where plain words are not enough).

    A live page draws the widget, any other the words; so the words must say what the widget is for and
    must be the same on every run: never what a learner chose. `nbval` compares them.
    """
    bundle = {
        "text/plain": words,
        "text/html": html or f"<div>{in_lines(words)}</div>",
    }
    view = widget._repr_mimebundle_()
    display({**view, **bundle}, raw=True)  # type: ignore[no-untyped-call]
