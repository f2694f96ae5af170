"""ray.tune: experiments as Tune 0.7 and Ray 2 say them."""

from __future__ import annotations

from typing import Any

from ...errors import UsageError
from ...trainable import Trainable
from ...trial import get_checkpoint, report
from . import logger, result, sample, schedulers, suggest, track
from .analysis import ExperimentAnalysis
from .error import TuneError
from .experiment import Experiment
from .registry import register_env, register_trainable
from .running import run, run_experiments
from .sample import (
    choice,
    function,
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
from .trial import Resources
from .tuner import (
    CheckpointConfig,
    FailureConfig,
    ResultGrid,
    RunConfig,
    TuneConfig,
    Tuner,
    with_resources,
)

__all__ = [
    "CheckpointConfig",
    "Experiment",
    "ExperimentAnalysis",
    "FailureConfig",
    "Resources",
    "ResultGrid",
    "RunConfig",
    "Trainable",
    "TuneConfig",
    "TuneError",
    "Tuner",
    "choice",
    "function",
    "get_checkpoint",
    "grid_search",
    "logger",
    "lograndint",
    "loguniform",
    "qloguniform",
    "qrandint",
    "quniform",
    "randint",
    "randn",
    "register_env",
    "register_trainable",
    "report",
    "result",
    "run",
    "run_experiments",
    "sample",
    "sample_from",
    "schedulers",
    "suggest",
    "track",
    "uniform",
    "with_resources",
]

_WAYS = {
    "with_parameters": "let the trainable read it: from a file of the code tree, or by a path",
    "Callback": "assay.Callback",
    "CLIReporter": "verbose=1, or a callback's on_status",
    "JupyterNotebookReporter": "verbose=1, or a callback's on_status",
    "PlacementGroupFactory": 'resources_per_trial={"cpu": 2, "gpu": 1}',
    "Stopper": 'stop={"metric": bound}, or plateau of assay.run',
}


def __getattr__(name: str) -> Any:
    if name in _WAYS:
        raise UsageError("tune." + name, "it is not there", _WAYS[name])
    raise AttributeError("module 'ray.tune' (assay.ray.tune) has no attribute %r" % name)
