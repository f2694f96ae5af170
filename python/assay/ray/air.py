"""ray.air: older names of ray.train."""

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
