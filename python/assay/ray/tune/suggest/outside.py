"""A search algorithm of the user's own at work: asked for trials, told how they go."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Callable, Optional

from ....analysis import TrialResult
from ....brain import Brain
from ....variants import markers
from ..config_parser import Planned
from ..error import TuneError
from ..experiment import Experiment
from .search import SearchAlgorithm

SAMPLES_MOST = 100000000
"""Trials of an experiment: of an algorithm of which nobody knows how many it makes."""


class Outside(Brain):
    """An algorithm with one experiment. All of the user's code is called by the thread that runs
    it."""

    def __init__(self, algorithm: SearchAlgorithm, experiment: Experiment) -> None:
        for path, marker in markers(dict(experiment.spec.get("config", {})), ("config",)):
            if isinstance(marker, dict):
                raise TuneError(
                    ".".join(map(str, path)),
                    "a grid is walked by a search algorithm, and there is one already",
                    "let %s suggest it, or leave search_alg away" % type(algorithm).__name__,
                )
        self.algorithm = algorithm
        self.experiment = experiment
        self._waiting: deque[Planned] = deque()  # made, and not taken yet
        self._live: dict[int, Planned] = {}
        self._last: dict[int, dict[str, Any]] = {}  # the last result of one that is to end
        # What was heard of others while one is on its way: of itself, perhaps.
        self._heard: dict[int, list[Callable[[Planned], None]]] = {}
        algorithm.add_configurations([experiment])

    def suggest(self) -> Optional[Mapping[str, Any]]:
        """The configuration of its next trial."""
        self._heard.clear()
        if not self._waiting:
            for trial in self.algorithm.next_trials():
                self._check(trial)
                self._waiting.append(trial)
        return self._waiting[0].config if self._waiting else None

    def _check(self, trial: Any) -> None:
        name = type(self.algorithm).__name__
        if not isinstance(trial, Planned):
            raise TuneError(
                name + ".next_trials",
                "%r is no trial that was made here" % (trial,),
                "ray.tune.config_parser.create_trial_from_spec(spec, name, parser)",
            )
        ours = self.experiment.spec
        for key in sorted(set(ours) | set(trial.spec)):
            if key not in ("config", "run") and trial.spec.get(key) != ours.get(key):
                raise TuneError(
                    "%s.next_trials" % name,
                    "a trial with a %s of its own" % key,
                    "all trials of an experiment have its %s; config is a trial's own" % key,
                )

    def taken(self, number: int) -> None:
        """Its trial has this number."""
        planned = self._live[number] = self._waiting.popleft()
        heard, self._heard = self._heard.pop(number, []), {}
        for tell in heard:
            tell(planned)

    def is_over(self) -> bool:
        """Whether it is finished, and all of its trials are."""
        return not self._waiting and not self._live and bool(self.algorithm.is_finished())

    def on_result(self, trial: TrialResult, result: Mapping[str, Any]) -> None:
        """Told, where it is of its own; the last one when the trial has ended."""
        self._hear(trial, lambda planned: self._result(planned, trial, result))

    def _hear(self, trial: TrialResult, tell: Callable[[Planned], None]) -> None:
        """A trial may be over before it is known that it is the one that was suggested."""
        if trial.number in self._live:
            tell(self._live[trial.number])
        elif self._waiting:
            self._heard.setdefault(trial.number, []).append(tell)

    def _result(self, planned: Planned, trial: TrialResult, result: Mapping[str, Any]) -> None:
        planned.status = Planned.RUNNING
        before = self._last.pop(trial.number, None)
        if before is not None:  # it was not the last one
            self._tell(planned, before)
        if result.get("done"):
            self._last[trial.number] = dict(result)
        else:
            self._tell(planned, dict(result))

    def _tell(self, planned: Planned, result: dict[str, Any]) -> None:
        planned.last_result = result
        self.algorithm.on_trial_result(planned.trial_id, result)

    def on_trial_complete(self, trial: TrialResult) -> None:
        """Told, with its last result."""
        self._hear(trial, lambda planned: self._complete(planned, trial))

    def _complete(self, planned: Planned, trial: TrialResult) -> None:
        last = self._last.pop(trial.number, None) or planned.last_result
        planned.last_result = last
        self.algorithm.on_trial_complete(
            planned.trial_id, result=last, early_terminated=self._is_early(trial, last)
        )
        planned.status = Planned.TERMINATED
        del self._live[trial.number]

    def on_trial_error(self, trial: TrialResult) -> None:
        """Told, without one."""
        self._hear(trial, lambda planned: self._error(planned, trial))

    def _error(self, planned: Planned, trial: TrialResult) -> None:
        self._last.pop(trial.number, None)
        self.algorithm.on_trial_complete(planned.trial_id, error=True)
        planned.status = Planned.ERROR
        del self._live[trial.number]

    def _is_early(self, trial: TrialResult, last: Optional[Mapping[str, Any]]) -> bool:
        if trial.reason != "stopped":
            return False
        rules = self.experiment.spec.get("stop") or {}
        values = [((last or {}).get(metric), bound) for metric, bound in rules.items()]
        return not any(value is not None and value >= bound for value, bound in values)
