"""Trials by the round: what one brings decides what the next one tries."""

from __future__ import annotations

import itertools
import logging
from typing import Any, Optional

from ..config_parser import Planned, create_trial_from_spec
from ..experiment import Experiment, convert
from ..suggest.search import SearchAlgorithm
from .search_space import SearchSpace

logger = logging.getLogger("ray.tune.automl")


class AutoMLSearcher(SearchAlgorithm):
    """Override _select and _feedback. A round ends when all of its trials have.

    Its trials have `param_config` and `extra_arg` as _select said them, `results`, and
    `best_result`, the one with the highest reward_attr; None: there is none.
    """

    CONTINUE = "CONTINUE"
    TERMINATE = "TERMINATE"

    def __init__(self, search_space: SearchSpace, reward_attr: str) -> None:
        self.search_space = search_space
        self.reward_attr = reward_attr
        self.best_trial: Any = None
        self.experiment_list: list[Experiment] = []
        self._round: list[Any] = []
        self._open: dict[str, Any] = {}
        self._rounds = 0
        self._finished = False

    def add_configurations(self, experiments: Any) -> None:
        """Rounds are of these."""
        self.experiment_list = convert(experiments)

    def get_best_trial(self) -> Any:
        """The one with the best result so far; None."""
        return self.best_trial

    def next_trials(self) -> list[Any]:
        """A round; none before the last one is over."""
        if self._open or self._finished:
            return []
        params, extras = self._select()
        self._round = [
            self._trial(experiment, param, extra)
            for experiment in self.experiment_list
            for param, extra in zip(params, extras or [None] * len(params))
        ]
        self._open = {trial.trial_id: trial for trial in self._round}
        self._rounds += 1
        self._finished = not self._round
        logger.info("Round %d: %d trials", self._rounds, len(self._round))
        return list(self._round)

    def _trial(self, experiment: Experiment, params: dict[str, Any], extra: Any) -> Planned:
        config: dict[str, Any] = {}
        for path, value in params.items():
            *parts, last = path.split(".")
            inside = config
            for part in parts:
                inside = inside.setdefault(part, {})
            inside[last] = value
        trial: Any = create_trial_from_spec({**experiment.spec, "config": config}, experiment.name)
        trial.param_config, trial.extra_arg = params, extra
        trial.results, trial.best_result = [], None
        return trial  # type: ignore[no-any-return]

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Kept with the trial."""
        trial = self._open[trial_id]
        trial.results.append(result)
        reward = self._reward(trial, result)
        if reward is None:
            return
        best = self._reward(trial, trial.best_result)
        if best is None or reward > best:
            trial.best_result = result
        of_all = self.best_trial
        if of_all is None or reward > self._reward(of_all, of_all.best_result):
            self.best_trial = trial

    def _reward(self, trial: Any, result: Optional[dict[str, Any]]) -> Any:
        value = (result or {}).get(self.reward_attr)
        return value if value is not None and value == value else None  # neither none nor NaN

    def on_trial_complete(
        self,
        trial_id: str,
        result: Optional[dict[str, Any]] = None,
        error: bool = False,
        early_terminated: bool = False,
    ) -> None:
        """With the last one of a round the next is decided."""
        trial = self._open[trial_id]
        if result is not None and (not trial.results or trial.results[-1] is not result):
            self.on_trial_result(trial_id, result)
        del self._open[trial_id]
        if not self._open:
            self._finished = self._feedback(self._round) == self.TERMINATE

    def is_finished(self) -> bool:
        """Whether _feedback has said so."""
        return self._finished

    def _select(self) -> tuple[list[dict[str, Any]], Optional[list[Any]]]:
        """The next round: what each trial's config has, by dotted paths; and a word for each."""
        raise NotImplementedError

    def _feedback(self, trials: list[Any]) -> str:
        """A round is over: CONTINUE or TERMINATE."""
        raise NotImplementedError


class GridSearch(AutoMLSearcher):
    """Every combination, in one round."""

    def _select(self) -> tuple[list[dict[str, Any]], Optional[list[Any]]]:
        spaces = self.search_space.param_list
        points = itertools.product(*(one.choices for one in spaces))
        return [{one.name: v for one, v in zip(spaces, point)} for point in points], None

    def _feedback(self, trials: list[Any]) -> str:
        return self.TERMINATE


class RandomSearch(AutoMLSearcher):
    """repeat trials at random, in one round."""

    def __init__(self, search_space: SearchSpace, reward_attr: str, repeat: int) -> None:
        super().__init__(search_space, reward_attr)
        self.repeat = repeat

    def _select(self) -> tuple[list[dict[str, Any]], Optional[list[Any]]]:
        spaces = self.search_space.param_list
        return [{one.name: one.draw() for one in spaces} for _ in range(self.repeat)], None

    def _feedback(self, trials: list[Any]) -> str:
        return self.TERMINATE
