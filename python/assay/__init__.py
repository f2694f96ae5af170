"""Assay: hyperparameter experiments on one machine or many.

In a trial: `Trainable`, `report`, `get_checkpoint`, `should_checkpoint`, `checkpoint`. They need
nothing but Python.

At the client: `run` an experiment and get its `Analysis`; or a `Client` of a cluster. Domains:
`uniform`, `loguniform`, ..., `choice`, `grid_search`, `sample_from`. They need the program `assay`.

Names are looked up when they are first used, so that `import assay` costs
next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors, schedulers, space
    from .analysis import Analysis, TrialResult
    from .callbacks import Callback
    from .client import Client
    from .errors import (
        AssayError,
        DeniedError,
        Interrupted,
        NoHeadError,
        RefusedError,
        TimedOutError,
        TrialsFailedError,
        UsageError,
    )
    from .running import run
    from .space import (
        choice,
        grid_search,
        lograndint,
        loguniform,
        qloguniform,
        qrandint,
        quniform,
        randint,
        randn,
        sample_from,
        uniform,
    )
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
    "Analysis",
    "AssayError",
    "Callback",
    "Client",
    "DeniedError",
    "Interrupted",
    "NoHeadError",
    "RefusedError",
    "TimedOutError",
    "Trainable",
    "Trial",
    "TrialResult",
    "TrialStopped",
    "TrialsFailedError",
    "UsageError",
    "checkpoint",
    "choice",
    "current_trial",
    "errors",
    "get_checkpoint",
    "grid_search",
    "lograndint",
    "loguniform",
    "qloguniform",
    "qrandint",
    "quniform",
    "randint",
    "randn",
    "report",
    "run",
    "sample_from",
    "schedulers",
    "should_checkpoint",
    "space",
    "uniform",
]

_HOMES = {
    "analysis": ["Analysis", "TrialResult"],
    "callbacks": ["Callback"],
    "client": ["Client"],
    "errors": [
        "AssayError",
        "DeniedError",
        "Interrupted",
        "NoHeadError",
        "RefusedError",
        "TimedOutError",
        "TrialsFailedError",
        "UsageError",
    ],
    "running": ["run"],
    "space": [
        "choice",
        "grid_search",
        "lograndint",
        "loguniform",
        "qloguniform",
        "qrandint",
        "quniform",
        "randint",
        "randn",
        "sample_from",
        "uniform",
    ],
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


_MODULES = ("errors", "schedulers", "space")
"""Modules that people name without importing them."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module("." + name, __name__)
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module("." + module, __name__), name)
            globals()[name] = value
            return value
    raise AttributeError("module 'assay' has no attribute %r" % name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
