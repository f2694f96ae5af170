"""The searcher that is there without any."""

from . import BasicVariantGenerator

__all__ = ["BasicVariantGenerator"]
