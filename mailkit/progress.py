"""What a learner has done so far, in one file that git ignores."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal


class Progress:
    """What a learner has done, in a file beside the notebooks: exercises ("tried", "done") and predictions.

    The file is ``notebooks/.progress.json``, where that may be written, or else ``.progress.json`` where the
    kernel began; the environment variable ``MAILKIT_PROGRESS`` names another.
    Nothing that is printed or drawn may depend on it: only the values of widgets show it.
    """

    def __init__(self) -> None:
        self.path = _default_path()
        self._kept = self._read()

    def of(self, exercise: str) -> Literal["open", "tried", "done"]:
        """Return how far the learner is with an exercise, by its key."""
        noted = self._kept["exercises"].get(exercise)
        return noted if noted in ("tried", "done") else "open"

    def note(self, exercise: str, status: Literal["tried", "done"]) -> None:
        """Remember a try; what is done stays done."""
        if self.of(exercise) not in (status, "done"):
            self._write("exercises", exercise, status)

    def guess(self, question: str) -> str | None:
        """Return what the learner predicted, or None."""
        guessed = self._kept["predictions"].get(question)
        return guessed if isinstance(guessed, str) else None

    def note_guess(self, question: str, option: str) -> None:
        """Remember a prediction; the last one counts."""
        self._write("predictions", question, option)

    def reset(self, exercises: Iterable[str]) -> None:
        """Forget these exercises, by their keys."""
        for key in exercises:
            self._kept["exercises"].pop(key, None)
        self._try(self._replace_file)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return {part: dict(kept[part]) for part in ("exercises", "predictions")}
        except (ValueError, KeyError, TypeError):
            aside = self.path.with_name(self.path.name + ".damaged")
            warnings.warn(
                f"{self.path.name} cannot be read; it is now {aside.name}, and progress starts anew", stacklevel=4
            )
            self._try(lambda: self.path.replace(aside))
        except OSError:
            pass  # no file yet: nothing done yet
        return {"exercises": {}, "predictions": {}}

    def _write(self, part: str, key: str, value: str) -> None:
        self._kept[part][key] = value
        self._try(self._replace_file)

    def _replace_file(self) -> None:
        """Write a new file and put it in the old one's place: a reader meets one or the other, never half."""
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(self._kept, file, indent=1, ensure_ascii=False, sort_keys=True)
            os.replace(name, self.path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            words = f"progress is not kept: {self.path} cannot be written ({type(error).__name__})"
            warnings.warn(f"{words}; name another file in MAILKIT_PROGRESS", stacklevel=5)


def _default_path() -> Path:
    if named := os.environ.get("MAILKIT_PROGRESS"):
        return Path(named).expanduser()
    notebooks = Path(__file__).resolve().parents[1] / "notebooks"
    # on a hub the course may lie where only its teacher writes, and each learner's kernel begins in a copy
    return (notebooks if os.access(notebooks, os.W_OK) else Path.cwd()) / ".progress.json"
