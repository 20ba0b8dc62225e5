"""Predict, then let the experiment answer."""

from __future__ import annotations

from html import escape

import ipywidgets
from ipywidgets.widgets.widget_description import DescriptionStyle

from mailkit.progress import Progress
from mailkit.widgets.twin import column, heard, show, text

_NARROW, _STYLE = ipywidgets.Layout(width="max-content"), DescriptionStyle()  # one for all


class Prediction:
    """A question put to the learner before an experiment, and later its measured answer.

    What was guessed is remembered in the progress file and appears in widget values only, so that the
    committed page is the same for everybody. Not answering is fine.
    """

    def __init__(self, question: str, options: tuple[str, ...]) -> None:
        if len(set(map(str, options))) != len(options) or len(options) < 2:
            raise ValueError(f'predict() needs two or more different options, such as "yes", "no"; got {options!r}')
        self.question = question
        self.options = options = tuple(map(str, options))
        earlier = Progress().guess(question)
        self._choice = ipywidgets.RadioButtons(
            options=options,
            value=earlier if earlier in options else None,
            description="Your guess:",
            tooltip="",
            layout=_NARROW,
            style=_STYLE,
        )
        self._choice.observe(self._remember, names="value")

    @property
    def guess(self) -> str | None:
        """What the learner chose, or None."""
        chosen: str | None = self._choice.value
        return chosen

    def ask(self) -> None:
        """Display the question with its options."""
        # Heard: of the options a screen reader says the words alone.
        heading = text(heard(f"<strong>Predict:</strong> {escape(self.question, quote=False)}"))
        options = "\n".join(f"( ) {option}" for option in self.options)
        show(column(heading, self._choice), f"Predict: {self.question}\n{options}")

    def reveal(self, measured: object) -> None:
        """Display what the experiment measured, and to the learner alone what they had guessed.

        Takes one of the options. Raises `ValueError` for anything else: then the page no longer tells the truth.
        """
        answer = str(measured)
        if answer not in self.options:
            known = ", ".join(map(repr, self.options))
            raise ValueError(
                f"the experiment gave {answer!r}, which the question does not offer; it offers: {known}; a cell was "
                "left out or run twice: run those from “The world” on again"
            )
        words = f"It is: {answer}"
        said = f"<strong>{escape(words, quote=False)}</strong><br>{self._comment(answer)}"
        show(text(heard(said)), words)

    def _comment(self, answer: str) -> str:
        if self.guess is None:
            return ""  # not answering is fine, and needs no remark
        if self.guess == answer:
            return "✓ You guessed so."
        return f"✗ You guessed: {escape(self.guess, quote=False)}. What made you think so?"

    def _remember(self, change: dict[str, str | None]) -> None:
        if chosen := change["new"]:
            Progress().note_guess(self.question, chosen)


def predict(question: str, *options: str) -> Prediction:
    """Ask a question with two or more options, and return the `Prediction` that will `Prediction.reveal` the answer."""
    prediction = Prediction(question, options)
    prediction.ask()
    return prediction
