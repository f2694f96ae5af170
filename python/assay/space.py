"""What is tried: domains, grids and functions that stand in an experiment's `config`.

A domain is data, drawn by the head: `assay.loguniform(1e-4, 1e-1)`. What only a function can say is
`assay.sample_from(lambda spec: spec.config.lr / 10)`: drawn here, before the experiment begins.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from .errors import UsageError


class Domain:
    """One of the experiment file's domains: kind is its name there, args its arguments."""

    def __init__(self, kind: str, args: Sequence[Any]) -> None:
        self.kind = kind
        self.args = list(args)

    def marker(self) -> dict[str, Any]:
        """As it stands in an experiment file: `{"uniform": [0, 1]}`."""
        return {self.kind: self.args}

    def sample(self, rng: random.Random) -> Any:
        """One draw, by rng."""
        return _DRAWS[self.kind](rng, self.args)

    def __repr__(self) -> str:
        return "%s(%s)" % (self.kind, ", ".join(map(repr, self.args)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.marker() == other.marker()

    __hash__ = None  # type: ignore[assignment]


class SampleFrom:
    """A value that a function says: fn(spec), called at the client once a trial."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        if not callable(fn):
            raise UsageError(
                "sample_from",
                "takes a function of spec, not %r" % (fn,),
                "sample_from(lambda spec: 1)",
            )
        self.fn = fn

    def __repr__(self) -> str:
        return "sample_from(%r)" % (self.fn,)


def uniform(low: float, high: float) -> Domain:
    """A number in [low, high)."""
    return Domain("uniform", [low, high])


def loguniform(low: float, high: float) -> Domain:
    """A number in [low, high), 0 < low, even in its logarithm."""
    return Domain("loguniform", [low, high])


def quniform(low: float, high: float, q: float) -> Domain:
    """A number in [low, high], rounded to a multiple of q."""
    return Domain("quniform", [low, high, q])


def qloguniform(low: float, high: float, q: float) -> Domain:
    """The same, even in its logarithm."""
    return Domain("qloguniform", [low, high, q])


def randn(mean: float = 0.0, sd: float = 1.0) -> Domain:
    """A normal number."""
    return Domain("randn", [mean, sd])


def randint(low: int, high: int) -> Domain:
    """A whole number, low <= x < high."""
    return Domain("randint", [low, high])


def lograndint(low: int, high: int) -> Domain:
    """A whole number, 0 < low <= x < high, even in its logarithm."""
    return Domain("lograndint", [low, high])


def qrandint(low: int, high: int, q: int) -> Domain:
    """A multiple of q, low <= x <= high."""
    return Domain("qrandint", [low, high, q])


def choice(values: Sequence[Any]) -> Domain:
    """One of the values."""
    return Domain("choice", list(values))


def grid_search(values: Sequence[Any]) -> dict[str, Any]:
    """Each of the values is tried. A dict, as in Ray Tune."""
    return {"grid_search": list(values)}


def sample_from(fn: Callable[[Any], Any]) -> SampleFrom:
    """What fn(spec) returns; `spec.config.NAME` is another value of the same trial's config."""
    return SampleFrom(fn)


def _multiple(value: float, q: float) -> float:
    return round(value / q) * q


def _log(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


_DRAWS: dict[str, Callable[[random.Random, list[Any]], Any]] = {
    "uniform": lambda rng, a: rng.uniform(a[0], a[1]),
    "loguniform": lambda rng, a: _log(rng, a[0], a[1]),
    "quniform": lambda rng, a: _multiple(rng.uniform(a[0], a[1]), a[2]),
    "qloguniform": lambda rng, a: _multiple(_log(rng, a[0], a[1]), a[2]),
    "randn": lambda rng, a: rng.gauss(a[0], a[1]),
    "randint": lambda rng, a: rng.randrange(a[0], a[1]),
    "lograndint": lambda rng, a: min(int(_log(rng, a[0], a[1])), a[1] - 1),
    "qrandint": lambda rng, a: int(_multiple(rng.randint(a[0], a[1]), a[2])),
    "choice": lambda rng, a: rng.choice(a),
}
