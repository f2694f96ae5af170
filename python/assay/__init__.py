"""Assay: hyperparameter experiments on one machine or many.

In a trial: `Trainable`, `report`, `get_checkpoint`, `should_checkpoint`, `checkpoint`. They need
nothing but Python. Names are looked up when they are first used, so that `import assay` costs
next to nothing.
"""
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .trainable import Trainable
    from .trial import (
        Trial,
        TrialStopped,
        checkpoint,
        current_trial,
        get_checkpoint,
        report,
        should_checkpoint,
    )

__all__ = [
    "Trainable",
    "Trial",
    "TrialStopped",
    "checkpoint",
    "current_trial",
    "get_checkpoint",
    "report",
    "should_checkpoint",
]

_HOMES = {
    "trainable": ["Trainable"],
    "trial": [
        "Trial",
        "TrialStopped",
        "checkpoint",
        "current_trial",
        "get_checkpoint",
        "report",
        "should_checkpoint",
    ],
}
"""By module: the public names that it holds."""


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module("." + module, __name__), name)
            globals()[name] = value
            return value
    raise AttributeError("module 'assay' has no attribute %r" % name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
