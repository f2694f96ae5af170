"""Code of yours that is told how an experiment goes, at the client, in order.

    class Print(assay.Callback):
        def on_result(self, trial, result):
            print(trial.name, result["loss"])

A slow one holds up nobody but itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .analysis import Analysis, TrialResult


class Callback:
    """Override what you want to hear. What one of these raises stops the experiment."""

    def on_start(self, experiment: Mapping[str, Any]) -> None:
        """Once: EXPERIMENT of docs/JSON.md."""

    def on_status(self, status: Mapping[str, Any]) -> None:
        """Every 5 s, at the beginning and at the end: STATUS of docs/JSON.md."""

    def on_result(self, trial: TrialResult, result: Mapping[str, Any]) -> None:
        """Every result, those of a trial in their order. trial: as it was seen last."""

    def on_trial_complete(self, trial: TrialResult) -> None:
        """A trial has ended well, behind its last result."""

    def on_trial_error(self, trial: TrialResult) -> None:
        """A trial has failed; trial.reason and trial.text say how."""

    def on_end(self, analysis: Analysis) -> None:
        """Once, when all is over."""
