"""tune.track: results of a function that takes none but its configuration."""

from __future__ import annotations

from typing import Any

from ... import trial


def init(ignore_reinit_error: bool = True, **more: Any) -> None:
    """Nothing: a trial reports from its beginning."""
    del ignore_reinit_error, more


def log(**metrics: Any) -> None:
    """Report one result: `assay.report`."""
    trial.report(metrics)


def metric(iteration: Any = None, **metrics: Any) -> None:
    """The same, with training_iteration where iteration is said."""
    if iteration is not None:
        metrics["training_iteration"] = iteration
    trial.report(metrics)


def trial_dir() -> str:
    """The trial's working directory."""
    return str(trial.current_trial().dir)


def shutdown() -> None:
    """Nothing: a trial ends when its function returns."""
