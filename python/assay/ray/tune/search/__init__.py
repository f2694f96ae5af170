"""Searchers by Ray 2's names."""

from __future__ import annotations

from typing import Any

from .. import suggest
from ..suggest import BasicVariantGenerator, ConcurrencyLimiter, SearchAlgorithm, Searcher

__all__ = ["BasicVariantGenerator", "ConcurrencyLimiter", "SearchAlgorithm", "Searcher"]


def __getattr__(name: str) -> Any:
    return suggest.__getattr__(name)
