"""Searchers that try a generation of trials at a time."""

from .genetic_searcher import GeneticSearch
from .search_policy import AutoMLSearcher, GridSearch, RandomSearch
from .search_space import ContinuousSpace, DiscreteSpace, SearchSpace

__all__ = [
    "AutoMLSearcher",
    "ContinuousSpace",
    "DiscreteSpace",
    "GeneticSearch",
    "GridSearch",
    "RandomSearch",
    "SearchSpace",
]
