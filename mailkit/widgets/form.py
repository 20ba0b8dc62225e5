"""A form around a plain function: change a field, and what the function returns is drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

import ipywidgets

from mailkit.render import FOLD, Picture, in_lines, preformatted
from mailkit.widgets.twin import column, heard, show, text

_WIDE = {"description_width": "initial"}
_LAYOUT = ipywidgets.Layout(width="auto", max_width="44em")
_SHORT = ipywidgets.Layout(width="auto", max_width="20em")
_INDENTED = ipywidgets.Layout(width="auto", max_width="20em", margin="2px 2px 2px 2em")  # what needs another
# And heard: in one line, or a screen reader's key for the next line would read one word at a time.
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
# The fold stands by itself, because what is drawn anew is closed anew: open, it shows the words that come next.
_FOLD = f"""<style>
.mailkit-fold:has(details:not([open])) + *, .mailkit-fold:not(:has(+ * pre)) {{display: none}}
</style>{FOLD}</details>"""
BUTTON = ipywidgets.Layout(width="auto", align_self="flex-start")


@dataclass(frozen=True)
class Choice:
    """One of several values; ``options`` are the values, or pairs of what is shown and the value."""

    label: str
    options: Sequence[Any]
    value: Any = None

    def control(self) -> Any:
        """Return the control, the first option chosen unless told otherwise."""
        chosen = {} if self.value is None else {"value": self.value}
        return ipywidgets.Dropdown(options=self.options, description=self.label, style=_WIDE, layout=_LAYOUT, **chosen)

    def __str__(self) -> str:
        shown = (str(one[0] if isinstance(one, tuple) else one) for one in self.options)
        return f"[{self.label}: {' | '.join(shown)}]"


@dataclass(frozen=True)
class Number:
    """A whole number between two bounds, its unit in the label; ``needs`` names a tick without which it is grey."""

    label: str
    least: int
    most: int
    value: int
    needs: str = ""

    def control(self) -> Any:
        """Return the control; a value out of bounds is drawn back to the bound, and one with a fraction refused."""
        return ipywidgets.BoundedFloatText(  # a BoundedIntText makes 25 of 2.5
            value=self.value, min=self.least, max=self.most, step=1, description=self.label, style=_WIDE,
            tooltip="", layout=_INDENTED if self.needs else _SHORT,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{'    ' * bool(self.needs)}[{self.label}: {self.value}]"


@dataclass(frozen=True)
class Tick:
    """Yes or no; ``needs`` names another tick without which it is grey."""

    label: str
    value: bool = False
    needs: str = ""

    def control(self) -> Any:
        """Return the control."""
        layout = _INDENTED if self.needs else _LAYOUT
        return ipywidgets.Checkbox(value=self.value, description=self.label, indent=False, layout=layout)

    def __str__(self) -> str:
        return f"{'    ' * bool(self.needs)}[{'x' if self.value else ' '}] {self.label}"


@dataclass(frozen=True)
class Words:
    """A line of text, or several."""

    label: str
    value: str = ""
    lines: int = 1

    def control(self) -> Any:
        """Return the control."""
        kind = ipywidgets.Text if self.lines == 1 else ipywidgets.Textarea
        return kind(
            value=self.value, description=self.label, style=_WIDE, layout=_LAYOUT, continuous_update=False
        )  # told when the field is left, so that a button pressed right after comes second

    def __str__(self) -> str:
        return f"[{self.label}: {self.value}]"


Field = Choice | Number | Tick | Words


class Drawn(Protocol):
    """What draws itself on a page, as a picture does."""

    def _repr_mimebundle_(self) -> dict[str, str]: ...


class Result:
    """What a widget draws anew. A picture's words stand below it, folded or open as the reader has left them."""

    def __init__(self) -> None:
        self.shown, self.words = text(), text()
        fold = text(_FOLD)
        fold.add_class("mailkit-fold")
        self.parts = (self.shown, fold, self.words)

    def draw(self, result: Drawn | str) -> None:
        """Show this from now on."""
        self.shown.value = read_out(result)
        self.words.value = preformatted(result.words) if isinstance(result, Picture) else ""


class Form:
    """The controls by name, the result beneath them; without a button it follows every change."""

    def __init__(
        self, title: str, function: Callable[..., Drawn | str], fields: dict[str, Field], button: str | None = None
    ) -> None:
        self.title = title
        self.controls = {name: field.control() for name, field in fields.items()}
        self.result = Result()
        self.button = ipywidgets.Button(description=button, layout=BUTTON) if button else None
        self._function = function
        self._needs = {
            name: field.needs for name, field in fields.items() if isinstance(field, Number | Tick) and field.needs
        }
        for needed in self._needs.values():
            self.controls[needed].observe(self._grey, names="value")
        self._grey()
        if self.button:
            self.button.on_click(self._draw)
        else:
            for control in self.controls.values():
                control.observe(self._draw, names="value")

    def call(self) -> Drawn | str:
        """Call the function with what the fields hold."""
        return self._function(**{name: _value(control) for name, control in self.controls.items()})

    def _grey(self, _: Any = None) -> None:
        """Take from the learner's hands what has no effect now."""
        for name, needed in self._needs.items():
            tick = self.controls[needed]
            self.controls[name].disabled = tick.disabled or not tick.value

    def _draw(self, _: Any = None) -> None:
        if self.button:  # without one the last picture stays till the next: it would flicker
            self.result.draw("Working …")
        try:
            self.result.draw(self.call())
        except (ValueError, LookupError) as error:
            self.result.draw(f"✗ {error}")
        except Exception as error:  # a button has nowhere to raise it: its server has been stopped, as a rule
            self.result.draw(f"✗ {type(error).__name__}: run this page again from “The world”")

    def view(self) -> Any:
        """Return the whole as one widget."""
        heading = text(f"<strong>{escape(self.title, quote=False)}</strong>")
        last = [self.button] if self.button else []
        return column(heading, *self.controls.values(), *last, *self.result.parts)


def form(title: str, function: Callable[..., Drawn | str], *, button: str | None = None, **fields: Field) -> Form:
    """Display a form around a function, and return it.

    Args:
        title: what is to be found out.
        function: takes the fields by name; returns words, or what draws itself; may raise `ValueError` with the remedy.
        button: what a button says that calls the function; None: it is called at every change, and at once.
        fields: the controls, in order.

    """
    made = Form(title, function, fields, button)
    asked = "\n".join(map(str, fields.values()))
    if button:
        show(made.view(), f"{title}\n{asked}\n[{button}]")
        return made
    first = made.call()
    made.result.draw(first)
    words = first if isinstance(first, str) else first._repr_mimebundle_()["text/plain"]
    heading = f"<p><strong>{escape(title, quote=False)}</strong></p>{status(asked)}"
    show(made.view(), f"{title}\n{asked}\n{words}", heading + as_html(first))
    return made


def _value(control: Any) -> Any:
    if not isinstance(control.value, float):
        return control.value
    if not control.value.is_integer():
        raise ValueError(f"{control.description}: {control.value:g} is not a whole number; take {control.value:.0f}")
    return int(control.value)


def as_html(result: Drawn | str) -> str:
    """Return a result as a page shows it."""
    return status(result) if isinstance(result, str) else result._repr_mimebundle_()["text/html"]


def read_out(result: Drawn | str) -> str:
    """Return a result as a widget shows it: a screen reader reads out what it has become.

    Of what it reads out by itself it leaves pictures out, alternative text and all; so that stands here as text.
    """
    if isinstance(result, Picture):
        return heard(in_lines(result.alt), _UNSEEN) + f"<div>{result.image('')}</div>"
    return as_html(result) if isinstance(result, str) else heard(as_html(result))


def status(words: str, head: str = "") -> str:
    """Return words below a ``head`` of HTML, as a page shows them; changes of them are read out by a screen reader."""
    return heard(head + in_lines(words), "overflow-wrap:anywhere")
