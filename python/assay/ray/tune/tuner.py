"""Ray 2's way to say an experiment: Tuner, TuneConfig, RunConfig, and what fit() returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from ...callbacks import Callback
from ...errors import UsageError
from .analysis import ExperimentAnalysis
from .running import run
from .trial import Resources, Trial


@dataclass
class TuneConfig:
    """metric and mode ("max", "min"): what is best. num_samples; max_concurrent_trials: at a time;
    time_budget_s: seconds of the whole; scheduler, search_alg: of tune's; reuse_actors: a process
    whose trial has ended well is handed another one."""

    metric: Optional[str] = None
    mode: Optional[str] = None
    num_samples: int = 1
    max_concurrent_trials: Optional[int] = None
    time_budget_s: Optional[float] = None
    scheduler: Any = None
    search_alg: Any = None
    reuse_actors: bool = False


@dataclass
class CheckpointConfig:
    """num_to_keep, checkpoint_frequency, checkpoint_at_end; checkpoint_score_attribute with its
    order ("max", "min")."""

    num_to_keep: Optional[int] = None
    checkpoint_score_attribute: Optional[str] = None
    checkpoint_score_order: str = "max"
    checkpoint_frequency: int = 0
    checkpoint_at_end: bool = False


@dataclass
class FailureConfig:
    """max_failures: how often a failed trial is tried again, -1: without end."""

    max_failures: int = 0
    fail_fast: bool = False


@dataclass
class RunConfig:
    """name and storage_path (~/ray_results): where results go. stop: {metric: bound}."""

    name: Optional[str] = None
    storage_path: Optional[str] = None
    stop: Any = None
    verbose: int = 1
    callbacks: Sequence[Callback] = ()
    failure_config: FailureConfig = field(default_factory=FailureConfig)
    checkpoint_config: CheckpointConfig = field(default_factory=CheckpointConfig)


class Result:
    """One trial: config, metrics (its last result), path (its folder), error (None, or a text)."""

    def __init__(self, trial: Trial, analysis: ExperimentAnalysis) -> None:
        self.config = trial.config
        self.metrics = trial.last_result
        self.path = trial.folder
        self.error = (trial.text or trial.reason) if trial.failed else None
        self._trial, self._analysis = trial, analysis

    @property
    def metrics_dataframe(self) -> Any:
        """A pandas.DataFrame of its results."""
        return self._analysis.trial_dataframe(self._trial.trial_id)

    def __repr__(self) -> str:
        return "Result(path=%r, metrics=%r)" % (self.path, self.metrics)


class ResultGrid:
    """What fit() returns: Results, by trial."""

    def __init__(self, analysis: ExperimentAnalysis) -> None:
        self._analysis = analysis
        self._results = [Result(trial, analysis) for trial in analysis]

    def get_best_result(self, metric: Optional[str] = None, mode: Optional[str] = None) -> Result:
        """The best one, by TuneConfig's metric unless another is said. UsageError if none."""
        return self._results[self._analysis.get_best_trial(metric, mode).number]

    def get_dataframe(self) -> Any:
        """A pandas.DataFrame of a row a trial."""
        return self._analysis.dataframe()

    @property
    def errors(self) -> list[str]:
        """What failed trials say."""
        return [result.error for result in self._results if result.error is not None]

    @property
    def num_errors(self) -> int:
        """Trials that failed."""
        return len(self.errors)

    def __len__(self) -> int:
        return len(self._results)

    def __getitem__(self, i: int) -> Result:
        return self._results[i]

    def __iter__(self) -> Iterator[Result]:
        return iter(self._results)


class _WithResources:
    def __init__(self, trainable: Any, resources: Any) -> None:
        self.trainable, self.resources = trainable, resources


def with_resources(trainable: Any, resources: Any) -> Any:
    """For Tuner: this trainable needs so much."""
    if not isinstance(resources, (dict, Resources)):
        raise UsageError("with_resources", "%r is no map" % (resources,), '{"cpu": 2, "gpu": 1}')
    return _WithResources(trainable, resources)


class Tuner:
    """trainable, with param_space to try, as tune_config and run_config say."""

    def __init__(
        self,
        trainable: Any,
        *,
        param_space: Optional[dict[str, Any]] = None,
        tune_config: Optional[TuneConfig] = None,
        run_config: Optional[RunConfig] = None,
    ) -> None:
        self._resources = None
        if isinstance(trainable, _WithResources):
            trainable, self._resources = trainable.trainable, trainable.resources
        self._trainable = trainable
        self._space = param_space or {}
        self._tune = tune_config or TuneConfig()
        self._run = run_config or RunConfig()
        if self._run.failure_config.fail_fast:
            raise UsageError(
                "fail_fast", "it is not there", 'budget={"max_failed": 1} of assay.run'
            )

    def fit(self) -> ResultGrid:
        """Run it to its end. Failed trials are among the results. Raises TuneError."""
        tune, conf, kept = self._tune, self._run, self._run.checkpoint_config
        score = kept.checkpoint_score_attribute
        if score is not None and kept.checkpoint_score_order == "min":
            score = "min-" + score
        return ResultGrid(
            run(
                self._trainable,
                name=conf.name,
                config=self._space,
                stop=conf.stop,
                local_dir=conf.storage_path,
                resources_per_trial=self._resources,
                num_samples=tune.num_samples,
                scheduler=tune.scheduler,
                search_alg=tune.search_alg,
                metric=tune.metric,
                mode=tune.mode,
                max_concurrent_trials=tune.max_concurrent_trials,
                time_budget_s=tune.time_budget_s,
                reuse_actors=bool(tune.reuse_actors),
                callbacks=conf.callbacks,
                verbose=conf.verbose,
                max_failures=conf.failure_config.max_failures,
                checkpoint_freq=kept.checkpoint_frequency,
                checkpoint_at_end=kept.checkpoint_at_end,
                keep_checkpoints_num=kept.num_to_keep,
                checkpoint_score_attr=score,
                raise_on_failed_trial=False,
            )
        )
