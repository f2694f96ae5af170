"""Tune's words for what is tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional

from ... import space
from ...errors import UsageError
from ...space import (
    Domain,
    SampleFrom,
    grid_search,
    lograndint,
    loguniform,
    qloguniform,
    qrandint,
    quniform,
    sample_from,
)

__all__ = [
    "choice",
    "function",
    "grid_search",
    "lograndint",
    "loguniform",
    "qloguniform",
    "qrandint",
    "quniform",
    "randint",
    "randn",
    "sample_from",
    "uniform",
]


class function:  # noqa: N801
    """A function that is itself a value: tune.function(f)."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What func returns."""
        return self.func(*args, **kwargs)


def uniform(low: float = 0.0, high: float = 1.0) -> Domain:
    """A number in [low, high)."""
    return space.uniform(low, high)


def randint(low: int, high: Optional[int] = None) -> Domain:
    """A whole number, low <= x < high; of one argument: 0 <= x < low."""
    return space.randint(low, high) if high is not None else space.randint(0, low)


def randn(mean: float = 0.0, sd: float = 1.0) -> Domain:
    """A normal number."""
    return space.randn(mean, sd)


def choice(values: Sequence[Any]) -> Domain:
    """One of the values; of a number n, one below n."""
    return space.randint(0, values) if isinstance(values, int) else space.choice(values)


def with_evals(value: Any) -> Any:
    """A config whose {"eval": "..."} are functions, and whose markers stay as they are.

    Raises UsageError for a bare function, as Tune does.
    """
    if isinstance(value, dict) and list(value) == ["eval"]:
        return SampleFrom(_evaluator(value["eval"]))
    if isinstance(value, dict):
        return {key: with_evals(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_evals(inner) for inner in value]
    if callable(value) and not isinstance(value, (Domain, SampleFrom, type)):
        raise UsageError(
            "config",
            "%r is a function" % (value,),
            "tune.sample_from(lambda spec: ...) for what is drawn; a trial's config is plain data",
        )
    return value


def _evaluator(text: str) -> Callable[[Any], Any]:
    import random

    def evaluate(spec: Any) -> Any:
        names: dict[str, Any] = {"random": random, "spec": spec}
        if "np." in text:
            import numpy

            names["np"] = numpy
        return eval(text, names)  # what an experiment's author wrote, as in Tune

    return evaluate
