"""What tune.run returns: the trials, as a list, and questions about them."""

from __future__ import annotations

import json
import os
from typing import Any, Optional

from ... import program
from ...analysis import Analysis
from ...errors import UsageError
from .error import TuneError
from .trial import Trial


class ExperimentAnalysis(list):  # type: ignore[type-arg]
    """An experiment's trials (`Trial`), in order, as Tune 0.7 returns them, and Ray 2's questions.

    ExperimentAnalysis(PATH) reads an experiment's folder. Raises TuneError where it is none.
    """

    def __init__(self, source: Any, trainable_name: str = "") -> None:
        if isinstance(source, (str, os.PathLike)):
            source = _read(os.path.expanduser(os.fspath(source)))
        self._analysis: Analysis = source
        super().__init__(Trial(trial.row, trainable_name) for trial in source.trials)

    @property
    def trials(self) -> list[Trial]:
        """The same trials."""
        return list(self)

    @property
    def best_trial(self) -> Trial:
        """By the metric of tune.run or of the scheduler. Raises UsageError where there is none."""
        return self.get_best_trial()

    @property
    def best_config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.best_trial.config

    @property
    def best_result(self) -> dict[str, Any]:
        """Its last result."""
        return self.best_trial.last_result

    @property
    def best_logdir(self) -> str:
        """Its folder."""
        return self.best_trial.logdir

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """Last results, by trial_id."""
        return {trial.trial_id: trial.last_result for trial in self}

    def get_best_trial(
        self, metric: Optional[str] = None, mode: Optional[str] = None, scope: str = "last"
    ) -> Trial:
        """The best one by metric ("max", or "min" where mode says so). UsageError if none.

        scope: "last", by last results, or "all", by the best ones, of the experiment's own metric.
        """
        if scope not in ("last", "all"):
            raise UsageError("scope", "there is no %r" % scope, '"last" or "all"')
        mode = mode or (None if metric is None else "max")
        found = self._analysis.get_best_trial(metric, mode, last=scope == "last")
        trial: Trial = self[found.number]
        return trial

    def get_best_config(
        self, metric: Optional[str] = None, mode: Optional[str] = None
    ) -> dict[str, Any]:
        """The configuration of the best one."""
        return self.get_best_trial(metric, mode).config

    def get_best_trainable(self, metric: str, trainable_cls: Any) -> Any:
        """trainable_cls, made with the best configuration."""
        return trainable_cls(config=self.get_best_config(metric))

    def dataframe(self, metric: Optional[str] = None, mode: Optional[str] = None) -> Any:
        """A pandas.DataFrame of a row a trial. Raises UsageError without pandas."""
        del metric, mode  # last results, as Tune 0.7 has them
        return self._analysis.dataframe()

    def trial_dataframe(self, trial_id: str) -> Any:
        """A pandas.DataFrame of a trial's results. Raises ValueError where no trial has this id."""
        for trial in self:
            if trial.trial_id == trial_id:
                import pandas

                return pandas.DataFrame(list(self._analysis.results(trial)))
        raise ValueError("no trial has the id %r" % trial_id)

    def stats(self) -> dict[str, Any]:
        """The experiment: EXPERIMENT of docs/JSON.md."""
        return self._analysis.experiment


def _read(path: str) -> Analysis:
    file = os.path.join(path, "experiment.json")
    if not os.path.isfile(file):
        raise TuneError(
            path, "it is no experiment's folder", "local_dir/NAME, of one that has ended"
        )
    with open(file, encoding="utf-8") as opened:
        experiment = json.load(opened)["experiment"]
    return Analysis(experiment, program.ask(["trials", path], path)[0]["trials"])
