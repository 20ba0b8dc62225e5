"""What a learner clicks on; every widget leaves its static twin on the page. Nothing is computed here."""

from mailkit.widgets.prediction import Prediction, predict
from mailkit.widgets.progress import progress_line

__all__ = ["Prediction", "predict", "progress_line"]
