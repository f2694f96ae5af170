"""What an experiment found, at the client."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from . import program
from .errors import UsageError

FIELDS = (
    "id", "name", "tag", "state", "attempt", "failures", "node", "hostname", "pid", "results",
    "reason", "text", "best", "best_at", "folder", "resources",
)  # fmt: skip


class TrialResult:
    """One trial, as `assay show` has it (TRIAL in docs/JSON.md).

    number: from 0; id: 8 hexadecimal digits; name, tag; state: PENDING, RUNNING, PAUSED, TERMINATED
    or ERROR; config; last_result: with the filled-in fields, {} before the first; best and best_at:
    its best value of the experiment's metric and the training_iteration it came at, or None;
    reason, exit_status and text: how its last attempt ended; folder; started_ms and ended_ms:
    milliseconds since 1970.
    """

    id: str
    name: str
    tag: str
    state: str
    attempt: int
    failures: int
    node: Optional[str]
    hostname: Optional[str]
    pid: Optional[int]
    results: int
    reason: Optional[str]
    exit_status: int
    text: Optional[str]
    best: Optional[float]
    best_at: Optional[int]
    folder: str
    resources: str

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = dict(row)
        self.number: int = row["trial"]
        self.exit_status = row["status"]
        for name in FIELDS:
            setattr(self, name, row[name])
        self.started_ms: Optional[int] = row["started_ms"]
        self.ended_ms: Optional[int] = row["ended_ms"]
        self.config: dict[str, Any] = row["config"] or {}
        self.last_result: dict[str, Any] = row["last_result"] or {}

    @property
    def failed(self) -> bool:
        """Whether it has failed for good."""
        return self.state == "ERROR"

    def __repr__(self) -> str:
        return "<trial %s %s>" % (self.name, self.state)


class Analysis:
    """An experiment that has ended, or as it was when it was asked about.

    experiment: EXPERIMENT of docs/JSON.md; trials: TrialResult by number; metric and mode: what
    best is judged by, where nothing else is said.
    """

    def __init__(
        self,
        experiment: Mapping[str, Any],
        rows: list[dict[str, Any]],
        flags: Optional[list[str]] = None,
    ) -> None:
        self.experiment = dict(experiment)
        self.trials = [TrialResult(row) for row in rows]
        self.metric: Optional[str] = experiment["metric"]
        self.mode: str = experiment["mode"] or "max"
        self._flags = flags

    @property
    def folder(self) -> str:
        """Where its files are, on the head's machine."""
        return str(self.experiment["folder"])

    @property
    def failed(self) -> list[TrialResult]:
        """The trials that have failed."""
        return [trial for trial in self.trials if trial.failed]

    @property
    def best_trial(self) -> TrialResult:
        """The trial with the best value of the metric at any time. Raises UsageError if none."""
        return self.get_best_trial()

    @property
    def best_config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.best_trial.config

    @property
    def best_result(self) -> dict[str, Any]:
        """The result at which it was the best; its last one where the files are not here."""
        trial = self.best_trial
        if trial.best_at in (None, trial.last_result.get("training_iteration")):
            return trial.last_result
        for result in self.results(trial):
            if result.get("training_iteration") == trial.best_at:
                return result
        return trial.last_result

    def get_best_trial(
        self, metric: Optional[str] = None, mode: Optional[str] = None, last: bool = False
    ) -> TrialResult:
        """The best one: by the experiment's metric at any time, by another one at its last result.

        mode: "max" or "min"; last: also the experiment's metric at its last result. Raises
        UsageError where no trial has such a value.
        """
        name, mode = metric or self.metric, mode or self.mode
        if name is None:
            raise UsageError(
                "best", "the experiment has no metric", 'metric="loss", mode="min" say what is best'
            )
        own = name == self.metric and mode == self.mode and not last
        valued = [(_number(t.best if own else t.last_result.get(name)), t) for t in self.trials]
        known = [(value, trial) for value, trial in valued if value is not None]
        if not known:
            there = sorted({k for t in self.trials for k in t.last_result})
            raise UsageError(
                "best",
                "no trial reported a number as %r" % name,
                "one of what was reported: " + ", ".join(there) if there else "",
            )
        best = (max if mode == "max" else min)(value for value, _ in known)
        return next(trial for value, trial in known if value == best)

    def results(self, trial: Optional[TrialResult] = None) -> Iterator[dict[str, Any]]:
        """What a trial reported, in order; of all trials where none is said. NaN is NaN."""
        for one in self.trials if trial is None else [trial]:
            yield from self._results(one)

    def _results(self, trial: TrialResult) -> Iterator[dict[str, Any]]:
        path = os.path.join(trial.folder, "result.json")
        if self._flags is None or os.path.exists(path):
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    for line in file:
                        yield json.loads(line)
            return
        which = "%d/%d" % (self.experiment["experiment"], trial.number)
        yield from program.stream(["results", which, *self._flags], "results " + which)

    def dataframe(self) -> Any:
        """A pandas.DataFrame of a row a trial: what `last_result` has, config as `config/NAME`.

        Raises UsageError where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("dataframe", "pandas is not installed", "pip install pandas") from None
        return pandas.DataFrame([_flat(trial) for trial in self.trials])

    def __repr__(self) -> str:
        return "<experiment %s: %d trials, %s>" % (
            self.experiment["name"],
            len(self.trials),
            self.experiment["state"],
        )


def _number(value: Any) -> Optional[float]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and not math.isnan(value) else None


def _flat(trial: TrialResult) -> dict[str, Any]:
    row = {"trial": trial.number, "trial_id": trial.id, "name": trial.name, "state": trial.state}
    row.update({k: v for k, v in trial.last_result.items() if k != "config"})
    row.update(flatten(trial.config, "config/"))
    return row


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested map as one level, names joined by /."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            flat.update(flatten(inner, "%s%s/" % (prefix, key)))
        else:
            flat[prefix + key] = inner
    return flat
