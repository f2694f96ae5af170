"""Tune's schedulers, with Tune's arguments: what they say is decided by the head.

With reward_attr, as in Tune 0.7, its semantics are followed, and its defaults; with metric and mode
(here or in tune.run) those of Ray 2.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any, Optional

from ...errors import UsageError
from ...space import Domain


class TrialScheduler:
    """What decides who goes on. One of your own cannot run: the head decides."""

    CONTINUE = "CONTINUE"
    PAUSE = "PAUSE"
    STOP = "STOP"

    def section(self, metric: Optional[str], mode: Optional[str]) -> dict[str, Any]:
        """The section `scheduler` of an experiment file. metric, mode: tune.run's own."""
        raise UsageError(
            type(self).__name__,
            "a scheduler of one's own cannot run where the head decides",
            "one of tune.schedulers, or assay drive, where your program runs the trials",
        )


class FIFOScheduler(TrialScheduler):
    """Stops nobody."""

    def section(self, metric: Optional[str], mode: Optional[str]) -> dict[str, Any]:
        """As in an experiment file."""
        del metric, mode
        return {"type": "fifo"}


class _Judging(TrialScheduler):
    """Goes by a metric. keys: what was said, by the file's names; old: defaults of Tune 0.7."""

    type = ""
    old: dict[str, Any] = {}

    def __init__(self, reward_attr: Optional[str], keys: dict[str, Any]) -> None:
        self.reward_attr = reward_attr
        self.keys = {key: value for key, value in keys.items() if value is not None}
        if reward_attr is not None and "metric" in self.keys:
            raise UsageError(type(self).__name__, "reward_attr and metric are said", "one of them")

    def section(self, metric: Optional[str], mode: Optional[str]) -> dict[str, Any]:
        """As in an experiment file."""
        keys = dict(self.keys)
        metric, mode = keys.pop("metric", metric), keys.pop("mode", mode)
        if self.reward_attr is None and metric is not None:
            return {"type": self.type, "metric": metric, "mode": mode or "max", **keys}
        reward = self.reward_attr or "episode_reward_mean"
        return {"type": self.type, "reward_attr": reward, **self.old, **keys}


class AsyncHyperBandScheduler(_Judging):
    """Stops the worse ones at rungs, each as it comes."""

    type = "async_hyperband"
    old = {"grace_period": 10, "max_t": 100, "reduction_factor": 4, "brackets": 1}

    def __init__(
        self,
        time_attr: str = "training_iteration",
        reward_attr: Optional[str] = None,
        max_t: Optional[float] = None,
        grace_period: Optional[float] = None,
        reduction_factor: Optional[float] = None,
        brackets: Optional[int] = None,
        metric: Optional[str] = None,
        mode: Optional[str] = None,
    ) -> None:
        super().__init__(
            reward_attr,
            {
                "time_attr": time_attr,
                "max_t": max_t,
                "grace_period": grace_period,
                "reduction_factor": reduction_factor,
                "brackets": brackets,
                "metric": metric,
                "mode": mode,
            },
        )


class ASHAScheduler(AsyncHyperBandScheduler):
    """The same, by Ray 2's name."""

    old: dict[str, Any] = {}


class HyperBandScheduler(_Judging):
    """Brackets of trials wait for one another at milestones."""

    type = "hyperband"

    def __init__(
        self,
        time_attr: str = "training_iteration",
        reward_attr: Optional[str] = None,
        max_t: int = 81,
        metric: Optional[str] = None,
        mode: Optional[str] = None,
        reduction_factor: Optional[int] = None,
    ) -> None:
        super().__init__(
            reward_attr,
            {
                "time_attr": time_attr,
                "max_t": max_t,
                "metric": metric,
                "mode": mode,
                "reduction_factor": reduction_factor,
            },
        )


class MedianStoppingRule(_Judging):
    """Stops whose best is worse than the median of what others had on average."""

    type = "median"

    def __init__(
        self,
        time_attr: str = "time_total_s",
        reward_attr: Optional[str] = None,
        grace_period: float = 60.0,
        min_samples_required: int = 3,
        hard_stop: bool = True,
        verbose: bool = True,
        metric: Optional[str] = None,
        mode: Optional[str] = None,
    ) -> None:
        del verbose  # what it would print stands in `assay explain`
        super().__init__(
            reward_attr,
            {
                "time_attr": time_attr,
                "grace_period": grace_period,
                "min_samples_required": min_samples_required,
                "hard_stop": hard_stop,
                "metric": metric,
                "mode": mode,
            },
        )


class PopulationBasedTraining(_Judging):
    """The worse ones go on from checkpoints of the better ones, with other hyperparameters.

    hyperparam_mutations: lists, tune's domains, and functions that call one of random.uniform,
    random.randint, random.choice or numpy's uniform, randint and choice, and nothing else.
    """

    type = "pbt"

    def __init__(
        self,
        time_attr: str = "time_total_s",
        reward_attr: Optional[str] = None,
        perturbation_interval: float = 60.0,
        hyperparam_mutations: Optional[dict[str, Any]] = None,
        resample_probability: Optional[float] = None,
        custom_explore_fn: Optional[Callable[..., Any]] = None,
        log_config: bool = True,
        metric: Optional[str] = None,
        mode: Optional[str] = None,
        quantile_fraction: Optional[float] = None,
    ) -> None:
        del log_config  # a trial's tag says what it took over, and `assay explain` from whom
        if custom_explore_fn is not None:
            raise UsageError(
                "custom_explore_fn",
                "a function cannot run where the head explores",
                "say it as hyperparam_mutations, or map the values in the trainable",
            )
        if not hyperparam_mutations:
            raise UsageError(
                "PopulationBasedTraining",
                "there is nothing to explore",
                'hyperparam_mutations={"lr": tune.loguniform(1e-4, 1e-1)}',
            )
        super().__init__(
            reward_attr,
            {
                "time_attr": time_attr,
                "perturbation_interval": perturbation_interval,
                "hyperparam_mutations": _mutations(hyperparam_mutations, "hyperparam_mutations"),
                "resample_probability": resample_probability,
                "quantile_fraction": quantile_fraction,
                "metric": metric,
                "mode": mode,
            },
        )


def _mutations(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _mutations(inner, "%s.%s" % (where, key)) for key, inner in value.items()}
    if isinstance(value, Domain) or not callable(value):
        return value
    with _Recorder() as recorder:
        try:
            drawn = value()
        except TypeError:
            drawn = value(None)
    if recorder.domain is not None and drawn is recorder.domain:
        return recorder.domain
    raise UsageError(
        where,
        "the head draws, and cannot by a function that does more than call random.uniform",
        "tune.uniform(low, high), another domain, or a list of values",
    )


class _Recorder:
    """While it is entered, random and numpy hand out what they would draw from."""

    def __init__(self) -> None:
        self.domain: Optional[Domain] = None
        self._saved: list[tuple[Any, str, Any]] = []

    def _note(self, kind: str, *args: Any) -> Domain:
        self.domain = Domain(kind, args)
        return self.domain

    def __enter__(self) -> _Recorder:
        def whole(low: int, high: int) -> Domain:
            return self._note("randint", low, high + 1)

        def below(low: int, high: Optional[int] = None) -> Domain:
            return self._note("randint", 0 if high is None else low, low if high is None else high)

        def uniform(low: float = 0.0, high: float = 1.0) -> Domain:
            return self._note("uniform", low, high)

        def choice(values: Any) -> Domain:
            return self._note("choice", *values)

        tools: dict[Any, dict[str, Any]] = {
            random: {"uniform": uniform, "randint": whole, "choice": choice}
        }
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            tools[numpy.random] = {"uniform": uniform, "randint": below, "choice": choice}
        for module, functions in tools.items():
            for name, function in functions.items():
                self._saved.append((module, name, getattr(module, name)))
                setattr(module, name, function)
        return self

    def __exit__(self, *what: object) -> None:
        for module, name, function in self._saved:
            setattr(module, name, function)
