"""ray.train and ray.air: the names of theirs that a script for Ray 2's Tune uses."""

from __future__ import annotations

from ..trial import get_checkpoint, report
from .tune.tuner import CheckpointConfig, FailureConfig, Result, RunConfig

__all__ = [
    "CheckpointConfig",
    "FailureConfig",
    "Result",
    "RunConfig",
    "get_checkpoint",
    "report",
]
