"""A search space as a row of parameters, each with a list of values."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from ....errors import UsageError

Gene = list[int]
"""A point of a space: the place of each parameter's value, in the order of their names."""


class ParameterSpace:
    """name: where it stands in config, "a.b" for {"a": {"b": ...}}; choices: what is tried."""

    def __init__(self, name: str, choices: Sequence[Any]) -> None:
        if not choices:
            raise UsageError(name, "there is nothing to choose", "a list with values in it")
        self.name = name
        self.choices = list(choices)

    def choices_count(self) -> int:
        """How many."""
        return len(self.choices)

    def draw(self) -> Any:
        """One at random."""
        return random.choice(self.choices)

    def __repr__(self) -> str:
        return "%s(%r: %d values)" % (type(self).__name__, self.name, len(self.choices))


class DiscreteSpace(ParameterSpace):
    """Those values and no others."""


class ContinuousSpace(ParameterSpace):
    """num numbers from start to end, both among them, at even distances."""

    LINEAR = "linear"

    def __init__(
        self, name: str, start: float, end: float, num: int, distribution: str = LINEAR
    ) -> None:
        if distribution != self.LINEAR:
            raise UsageError(name, "there is no distribution %r" % distribution, '"linear"')
        step = (end - start) / max(num - 1, 1)
        super().__init__(name, [float(start + i * step) for i in range(num)])
        self.start, self.end, self.num = float(start), float(end), num

    def draw(self) -> float:
        """Any number from start to end."""
        return random.uniform(self.start, self.end)


class SearchSpace:
    """Parameters, of a list or set."""

    def __init__(self, param_list: Iterable[ParameterSpace]) -> None:
        self.param_list = sorted(param_list, key=lambda parameter: parameter.name)
        if not self.param_list:
            raise UsageError("SearchSpace", "it has no parameters", 'DiscreteSpace("a", [1, 2])')

    def random_gene(self) -> Gene:
        """Any point."""
        return [random.randrange(one.choices_count()) for one in self.param_list]

    def params_of(self, gene: Gene) -> dict[str, Any]:
        """A point's values by their parameters' names."""
        return {one.name: one.choices[i] for one, i in zip(self.param_list, gene)}
