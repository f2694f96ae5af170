"""Trainables by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...trainable import Trainable
from .error import TuneError

_trainables: dict[str, Callable[..., Any]] = {}


def register_trainable(name: str, trainable: Callable[..., Any]) -> None:
    """From now on `name` is this class or function. Raises TypeError where it is neither."""
    if isinstance(trainable, type):
        if not issubclass(trainable, Trainable):
            raise TypeError("Second argument must be convertable to Trainable", trainable)
    elif not callable(trainable):
        raise TypeError("Second argument must be a class or a function", trainable)
    _trainables[name] = trainable


def get_trainable(run: Any) -> Callable[..., Any]:
    """What `run` is: itself, or what has this name. Raises TuneError."""
    if isinstance(run, str):
        if run not in _trainables:
            raise TuneError("Unknown trainable", run, "tune.register_trainable(%r, ...)" % run)
        return _trainables[run]
    if not callable(run):
        raise TuneError(
            "Improper 'run'", "not string nor trainable: %r" % (run,), "run=MyTrainable"
        )
    trainable: Callable[..., Any] = run
    return trainable


def register_env(name: str, env_creator: Callable[..., Any]) -> None:
    """Of RLlib, which is not here. Raises TuneError."""
    del env_creator
    raise TuneError("register_env", "%s is for RLlib" % name, "make it in the trainable's setup")
