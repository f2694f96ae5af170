"""What suggests configurations one by one, as Tune 0.7 has it."""

from __future__ import annotations

from typing import Any, Optional

from ..config_parser import Planned, create_trial_from_spec
from ..experiment import Experiment, convert
from .search import SearchAlgorithm
from .searcher import ConcurrencyLimiter, Searcher

__all__ = ["ConcurrencyLimiter", "Searcher", "SuggestionAlgorithm"]


class SuggestionAlgorithm(SearchAlgorithm):
    """Override _suggest, and on_trial_complete to learn. num_samples times it is asked."""

    _todo: list[tuple[Experiment, int]]
    _trial_id: Optional[str] = None
    _counter = 0

    def add_configurations(self, experiments: Any) -> None:
        """Its suggestions go into their config, num_samples for each."""
        more = [(one, int(one.spec.get("num_samples", 1))) for one in convert(experiments)]
        self._todo = [*getattr(self, "_todo", []), *more]

    def next_trials(self) -> list[Any]:
        """One, or none where _suggest has none now. Until it has one it is asked with one id."""
        while self._todo and self._todo[0][1] <= 0:
            self._todo.pop(0)
        if not self._todo:
            return []
        experiment, left = self._todo[0]
        self._trial_id = self._trial_id or Planned.generate_id()
        config = self._suggest(self._trial_id)
        if config is None:
            return []
        self._todo[0] = (experiment, left - 1)
        self._counter += 1
        trial = create_trial_from_spec(
            {**experiment.spec, "config": config},
            experiment.name,
            trial_id=self._trial_id,
            experiment_tag=str(self._counter),
        )
        self._trial_id = None
        return [trial]

    def is_finished(self) -> bool:
        """Whether it was asked for all of them."""
        return not any(left > 0 for _, left in self._todo)

    def _suggest(self, trial_id: str) -> Optional[dict[str, Any]]:
        """A configuration, in part: it goes into that of the experiment. None: not now.

        trial_id: as on_trial_result and on_trial_complete will have it.
        """
        raise NotImplementedError
