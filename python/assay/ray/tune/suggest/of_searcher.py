"""A searcher of Ray 2's as a search algorithm of Tune 0.7's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ..error import TuneError
from ..experiment import convert
from .searcher import Searcher, properties
from .suggestion import SuggestionAlgorithm


class OfSearcher(SuggestionAlgorithm):
    """Asks searcher, which is told metric and mode, and the experiment's config."""

    def __init__(self, searcher: Searcher, metric: Optional[str], mode: Optional[str]) -> None:
        self.searcher = searcher
        self.patience = searcher.patience
        self._said = (metric, mode)
        self._ended = False

    def add_configurations(self, experiments: Any) -> None:
        """And the searcher is told what is searched."""
        for experiment in convert(experiments):
            spec = {key: value for key, value in experiment.spec.items() if key != "config"}
            config = dict(experiment.spec.get("config", {}))
            properties(self.searcher, *self._said, config, spec)
        super().add_configurations(experiments)

    def _suggest(self, trial_id: str) -> Optional[dict[str, Any]]:
        found = self.searcher.suggest(trial_id)
        if isinstance(found, str) and found == Searcher.FINISHED:
            self._ended = True
            return None
        if found is None or isinstance(found, Mapping):
            return None if found is None else dict(found)
        raise TuneError("suggest", "%r is no configuration" % (found,), "a dict, or None")

    def is_finished(self) -> bool:
        """Whether the searcher has said so, or was asked for all."""
        return self._ended or super().is_finished()

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Told to the searcher."""
        self.searcher.on_trial_result(trial_id, result)

    def on_trial_complete(
        self,
        trial_id: str,
        result: Optional[dict[str, Any]] = None,
        error: bool = False,
        early_terminated: bool = False,
    ) -> None:
        """Told to the searcher."""
        self.searcher.on_trial_complete(trial_id, result=result, error=error)
