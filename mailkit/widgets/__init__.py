"""What a learner clicks on; every widget leaves its static twin on the page. Nothing is computed here."""

from mailkit.widgets.conversation import conversation
from mailkit.widgets.form import Choice, Number, Tick, Words, form
from mailkit.widgets.live import live
from mailkit.widgets.prediction import Prediction, predict
from mailkit.widgets.progress import progress_line

__all__ = [
    "Choice",
    "Number",
    "Prediction",
    "Tick",
    "Words",
    "conversation",
    "form",
    "live",
    "predict",
    "progress_line",
]
