"""What suggests configurations by itself."""

from . import Searcher, SuggestionAlgorithm

__all__ = ["Searcher", "SuggestionAlgorithm"]
