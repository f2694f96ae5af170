"""Searchers: where configurations come from."""

from __future__ import annotations

from typing import Any, Optional

from ....errors import UsageError
from .search import SearchAlgorithm
from .searcher import ConcurrencyLimiter, Searcher
from .suggestion import SuggestionAlgorithm

__all__ = [
    "BasicVariantGenerator",
    "ConcurrencyLimiter",
    "SearchAlgorithm",
    "Searcher",
    "SuggestionAlgorithm",
    "TPESearch",
]


class BasicVariantGenerator(SearchAlgorithm):
    """Grids and random draws, as without any. points_to_evaluate: tried first."""

    in_head = True

    def __init__(self, points_to_evaluate: Optional[list[dict[str, Any]]] = None) -> None:
        self.points = points_to_evaluate

    def keys(self) -> dict[str, Any]:
        """As in an experiment file."""
        return {"points_to_evaluate": self.points} if self.points else {}


class TPESearch(SearchAlgorithm):
    """Learns from trials that have ended: Assay's own, in the place of HyperOptSearch.

    seed, startup, candidates, points_to_evaluate: as in docs/EXPERIMENT.md.
    """

    in_head = True

    def __init__(
        self, points_to_evaluate: Optional[list[dict[str, Any]]] = None, **keys: Any
    ) -> None:
        self.points = points_to_evaluate
        self.search = {"type": "tpe", **keys}

    def keys(self) -> dict[str, Any]:
        """As in an experiment file."""
        found: dict[str, Any] = {"search": self.search}
        return {**found, "points_to_evaluate": self.points} if self.points else found


def __getattr__(name: str) -> Any:
    if name.endswith("Search"):
        raise UsageError(
            "tune.suggest." + name,
            "it is not there",
            "tune.suggest.TPESearch(), or the library itself with assay.Client().suggest()",
        )
    raise AttributeError("module 'ray.tune.suggest' has no attribute %r" % name)
