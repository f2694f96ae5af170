"""Schedulers: who may go on. The head decides; these say how. `docs/EXPERIMENT.md` has every key.

A name ("asha"), a map ({"type": "asha", "max_t": 81}) or one of these will do.
"""

from __future__ import annotations

from typing import Any, Optional, Union

from .errors import UsageError
from .space import Domain


class Scheduler:
    """type: its name in experiment files; keys: its keys there, None ones left out."""

    type = ""

    def __init__(self, **keys: Any) -> None:
        self.keys = {key: value for key, value in keys.items() if value is not None}

    def section(self) -> dict[str, Any]:
        """The section `scheduler` of an experiment file."""
        return {"type": self.type, **self.keys}

    def __repr__(self) -> str:
        words = ", ".join("%s=%r" % item for item in self.keys.items())
        return "%s(%s)" % (type(self).__name__, words)


class FIFO(Scheduler):
    """Stops nobody."""

    type = "fifo"


class ASHA(Scheduler):
    """Stops (or, with form="promotion", pauses) the worse ones at rungs, each as it comes.

    time_attr: what counts as time; max_t, grace_period: in its unit; reduction_factor: of N the
    best one goes on; brackets: ladders that begin later.
    """

    type = "async_hyperband"

    def __init__(
        self,
        *,
        metric: Optional[str] = None,
        mode: Optional[str] = None,
        time_attr: Optional[str] = None,
        max_t: Optional[float] = None,
        grace_period: Optional[float] = None,
        reduction_factor: Optional[float] = None,
        brackets: Optional[int] = None,
        form: Optional[str] = None,
        **more: Any,
    ) -> None:
        super().__init__(
            metric=metric,
            mode=mode,
            time_attr=time_attr,
            max_t=max_t,
            grace_period=grace_period,
            reduction_factor=reduction_factor,
            brackets=brackets,
            form=form,
            **more,
        )


class HyperBand(Scheduler):
    """Brackets of trials wait for one another at milestones, and the better ones go on.

    Keys: metric, mode, time_attr, max_t, reduction_factor, sizes.
    """

    type = "hyperband"


class Median(Scheduler):
    """Stops whose best is worse than the median of what others had on average.

    Keys: metric, mode, time_attr, grace_period, min_samples_required, min_time_slice, hard_stop.
    """

    type = "median"


class PBT(Scheduler):
    """The worse ones go on from checkpoints of the better ones, with other hyperparameters.

    hyperparam_mutations: lists and domains in the shape of config; perturbation_interval: in
    time_attr's unit; further keys: metric, mode, time_attr, quantile_fraction,
    resample_probability.
    """

    type = "pbt"

    def __init__(self, *, hyperparam_mutations: dict[str, Any], **keys: Any) -> None:
        super().__init__(hyperparam_mutations=hyperparam_mutations, **keys)

    def section(self) -> dict[str, Any]:
        """With domains as markers."""
        mutations = _plain(self.keys["hyperparam_mutations"], "hyperparam_mutations")
        return {"type": self.type, **self.keys, "hyperparam_mutations": mutations}


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Domain):
        return value.marker()
    if isinstance(value, dict):
        return {key: _plain(inner, "%s.%s" % (where, key)) for key, inner in value.items()}
    if callable(value):
        raise UsageError(
            where,
            "a function cannot be drawn from where the scheduler runs",
            "assay.uniform(low, high), another domain, or a list of values",
        )
    return list(value) if isinstance(value, (list, tuple)) else value


def section(scheduler: Union[None, str, dict[str, Any], Scheduler]) -> Any:
    """What stands as `scheduler` in the file; None: nothing does."""
    if scheduler is None or isinstance(scheduler, (str, dict)):
        return scheduler
    if isinstance(scheduler, Scheduler):
        return scheduler.section()
    raise UsageError(
        "scheduler",
        "%r is none" % (scheduler,),
        'a name such as "asha", or assay.schedulers.ASHA(max_t=81)',
    )
