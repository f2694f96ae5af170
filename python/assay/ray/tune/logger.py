"""Loggers: told every result of a trial, in order, at the client."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ...analysis import TrialResult
from ...callbacks import Callback
from ...errors import UsageError
from ...tensorboard import EventFile, need


class Logger:
    """One for each trial: config, and logdir, its folder on the head's machine.

    Override on_result, and _init, update_config, flush and close where they are wanted.
    """

    def __init__(
        self,
        config: dict[str, Any],
        logdir: str,
        upload_uri: Optional[str] = None,
        trial: Optional[TrialResult] = None,
    ) -> None:
        self.config = config
        self.logdir = logdir
        self.uri = upload_uri
        self.trial = trial
        self._init()

    def _init(self) -> None:
        pass

    def on_result(self, result: dict[str, Any]) -> None:
        """A result of this trial."""
        raise NotImplementedError

    def update_config(self, config: dict[str, Any]) -> None:
        """The trial goes on with another configuration."""

    def flush(self) -> None:
        """Behind each result."""

    def close(self) -> None:
        """The trial has ended."""


class JsonLogger(Logger):
    """params.json and result.json: written by the head."""

    files = ("params", "result")


class CSVLogger(Logger):
    """progress.csv: written by the head."""

    files = ("progress",)


class NoopLogger(Logger):
    """Nothing."""

    def on_result(self, result: dict[str, Any]) -> None:
        """Nothing."""


class TFLogger(Logger):
    """TensorBoard's events in the trial's folder, as Tune names them: ray/tune/NAME.

    It needs the package `tensorboard`; on a cluster the folder is one of the same path here.
    """

    def _init(self) -> None:
        self._file = EventFile(self.logdir, "ray/tune/")
        self._file.begin(self.config, os.path.basename(self.logdir), None)

    def on_result(self, result: dict[str, Any]) -> None:
        """Is written at once."""
        self._file.add(result)


TBXLogger = TFLogger
"""What Ray 1 and 2 call it."""

DEFAULT_LOGGERS = (JsonLogger, CSVLogger)


def __getattr__(name: str) -> Any:
    if name in ("TF2Logger", "UnifiedLogger", "MLFLowLogger"):
        raise UsageError(
            "tune.logger." + name,
            "it is not there",
            "a tune.logger.Logger of your own that writes with that library",
        )
    raise AttributeError("module 'ray.tune.logger' has no attribute %r" % name)


class Loggers(Callback):
    """Loggers of each class, one for each trial."""

    def __init__(self, classes: Sequence[type[Logger]]) -> None:
        self.classes = [kind for kind in classes if kind not in DEFAULT_LOGGERS]
        if any(isinstance(kind, type) and issubclass(kind, TFLogger) for kind in self.classes):
            need()
        self._open: dict[int, list[Logger]] = {}

    def on_result(self, trial: TrialResult, result: Mapping[str, Any]) -> None:
        """Told to the trial's own loggers."""
        config = result.get("config", {})
        loggers = self._open.get(trial.number)
        if loggers is None:
            loggers = [kind(config, trial.folder) for kind in self.classes]
            self._open[trial.number] = loggers
            for logger in loggers:
                logger.trial = trial
        for logger in loggers:
            if logger.config != config:
                logger.config = config
                logger.update_config(config)
            logger.on_result(dict(result))
            logger.flush()

    def on_trial_complete(self, trial: TrialResult) -> None:
        """Its loggers are closed."""
        for logger in self._open.pop(trial.number, []):
            logger.close()

    on_trial_error = on_trial_complete


def files(loggers: Optional[Sequence[type[Logger]]]) -> Optional[list[str]]:
    """The files that the head writes for them; None: all. result.json, which loggers read."""
    if loggers is None:
        return None
    named = {file for kind in loggers for file in getattr(kind, "files", ())}
    return [file for file in ("params", "result", "progress") if file in named | {"result"}]
