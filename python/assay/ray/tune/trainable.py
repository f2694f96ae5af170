"""The class of trainables: Assay's own, which has Tune 0.7's names and Ray 2's."""

from ...trainable import Trainable

__all__ = ["Trainable"]
