"""What callbacks of other people's libraries share: the library below them, and a trial's step.

Nothing here imports a library before a callback is made.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, Optional

from .errors import UsageError
from .trial import TrialStopped, current_trial

Save = Callable[[Path], None]
"""Writes a checkpoint into this folder, which is empty."""


@functools.lru_cache(maxsize=None)
def below(kind: Any, module: str, name: str, mend: str) -> Any:
    """The class `kind` with that of a library, `module.name`, as its last base.

    Raises UsageError, with this mend, where the module cannot be imported.
    """
    try:
        base = getattr(importlib.import_module(module), name)
    except ImportError as error:
        what = module.partition(".")[0]
        raise UsageError(what, "it cannot be imported: %s" % error, mend) from None
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__})


def step(result: Mapping[str, Any], save: Optional[Save]) -> bool:
    """Report a result, and make a checkpoint where one is due; save None: never.

    True: the trial is to end, and what runs it ends its loop. Raises TrialStopped where the trial
    is paused, behind its checkpoint: it goes on from there later, and nothing else may run.
    """
    trial = current_trial()
    try:
        trial.report(result)
        if save is not None and trial.should_checkpoint():
            write(save)
    except TrialStopped:
        if not trial.stopped:
            raise
    return trial.stopped


def at_end(save: Optional[Save]) -> None:
    """Behind the loop: the checkpoint that `checkpoint_at_end` wants."""
    if save is not None and current_trial().is_due_at_end():
        with contextlib.suppress(TrialStopped):  # it has ended already
            write(save)


def write(save: Save) -> None:
    """Make a checkpoint of all that was reported. Raises what save and Trial.checkpoint raise."""
    with current_trial().checkpoint() as folder:
        save(folder)


def not_ours(error: Exception) -> UsageError:
    """A checkpoint that a callback cannot read."""
    return UsageError(
        "checkpoint",
        "it is none of ReportCallback's: %s" % error,
        "ReportCallback(save=False), and checkpoints of your own",
    )
