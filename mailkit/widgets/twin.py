"""Widgets that share their looks, and a widget together with its static twin: the story for a page without a kernel."""

from __future__ import annotations

from typing import Any

import ipywidgets
from IPython.display import display
from ipywidgets.widgets.widget_string import HTMLStyle

from mailkit.render import in_lines

_PLAIN, _STYLE = ipywidgets.Layout(), HTMLStyle()  # one for all: each widget would send the page two of its own


def text(html: str = "") -> ipywidgets.HTML:
    """Return a widget that shows this HTML, or what its ``value`` is set to."""
    return ipywidgets.HTML(html, tooltip="", layout=_PLAIN, style=_STYLE)  # without one, a label's would be "null"


def heard(html: str, style: str = "") -> str:
    """Return HTML that a screen reader reads out by itself when it has changed."""
    styled = f' style="{style}"' if style else ""
    return f'<div role="status"{styled}>{html}</div>'


def column(*widgets: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return widgets one below the other."""
    return ipywidgets.VBox(widgets, layout=_PLAIN)


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
