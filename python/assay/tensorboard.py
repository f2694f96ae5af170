"""Event files for TensorBoard, one folder a trial, written at the client.

    import assay.tensorboard
    assay.run(train, ..., callbacks=[assay.tensorboard.TensorBoard()])
    assay.tensorboard.write(client.analysis("last"), "runs/digits")    # of one that has run

and `tensorboard --logdir FOLDER`. Each number of a result is a scalar of its name, those of maps in
it with / in between (`eval/loss`), at `timesteps_total` where trials report that, else at
`training_iteration`, and at the time of the result. What the configuration holds stands in the
table HPARAMS.

The package `tensorboard` is needed here, not on the nodes; TensorFlow is not.
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any, Optional

from .analysis import Analysis, TrialResult, flatten
from .callbacks import Callback
from .errors import UsageError

NO_SCALARS = ("config", "pid", "timestamp", "time_total_s", "training_iteration")
"""Of a result: what is no curve."""

_counter = itertools.count()


class _Library:
    """What of TensorBoard's package is used: its events, and its writer of records."""

    def __init__(self) -> None:
        self.events: Any = importlib.import_module("tensorboard.compat.proto.event_pb2")
        self.summaries: Any = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        self.records: Any = importlib.import_module("tensorboard.summary.writer.record_writer")
        self.hparams: Any = importlib.import_module("tensorboard.plugins.hparams.summary_v2")


def need() -> None:
    """Raises UsageError where the package `tensorboard` is not installed."""
    _library()


def _library() -> _Library:
    try:
        return _Library()
    except ImportError as error:
        raise UsageError(
            "tensorboard", "event files need its package: %s" % error, "pip install tensorboard"
        ) from None


class EventFile:
    """One trial's events, in a new file.

    folder: is made where it is not there; prefix: stands before the name of every scalar. Nothing
    is open between two calls, so that paused trials cost nothing. All raise OSError where a file
    cannot be written.
    """

    def __init__(self, folder: str, prefix: str = "") -> None:
        self._library = _library()
        self._prefix = prefix
        self._last: Optional[int] = None  # the step that was written last
        os.makedirs(folder, exist_ok=True)
        name = "events.out.tfevents.%010d.%s.%d.%d"
        parts = (time.time(), socket.gethostname(), os.getpid(), next(_counter))
        self.path = os.path.join(folder, name % parts)
        self._write(self._event(time.time(), 0, file_version="brain.Event:2"))

    def begin(self, config: Mapping[str, Any], name: str, started_ms: Optional[int]) -> None:
        """The row of HPARAMS: the configuration that it begins with, once.

        name: the trial's; started_ms: milliseconds since 1970, None: now.
        """
        started = started_ms / 1000 if started_ms is not None else time.time()
        values = {key: _hyperparameter(value) for key, value in flatten(config).items()}
        summary = self._library.hparams.hparams_pb(values, name, started)
        self._write(self._event(started, 0, summary=summary))

    def add(self, result: Mapping[str, Any]) -> None:
        """One result. Where its step is not behind the last one, as after a failure, what stands
        from that step on is taken back first; so is what an older file of the folder has of it."""
        step = int(result.get("timesteps_total") or result["training_iteration"])
        now = float(result.get("timestamp") or time.time())
        events = []
        if self._last is None or step <= self._last:
            session = self._library.events.SessionLog
            events.append(self._event(now, step, session_log=session(status=session.START)))
        self._last = step
        scalars = {key: value for key, value in result.items() if key not in NO_SCALARS}
        values = [
            self._value(key, value)
            for key, value in flatten(scalars).items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        ]
        values.append(self._value("training_iteration", result["training_iteration"]))
        summary = self._library.summaries.Summary(value=values)
        self._write(*events, self._event(now, step, summary=summary))

    def _event(self, wall_time: float, step: int, **what: Any) -> Any:
        return self._library.events.Event(wall_time=wall_time, step=step, **what)

    def _value(self, name: str, value: float) -> Any:
        value_of = self._library.summaries.Summary.Value
        return value_of(tag=self._prefix + name, simple_value=float(value))

    def _write(self, *events: Any) -> None:
        with open(self.path, "ab") as file:
            writer = self._library.records.RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())


def _hyperparameter(value: Any) -> Any:
    """As HPARAMS takes it: a number, text or boolean; anything else as JSON."""
    return value if isinstance(value, (bool, int, float, str)) else json.dumps(value)


def _of(trial: TrialResult, logdir: Optional[str], config: Mapping[str, Any]) -> EventFile:
    """A new file of this trial, begun."""
    if logdir is None and not os.path.isdir(trial.folder):
        raise UsageError(
            "tensorboard",
            "%s, the trial's own folder, is on the head's machine and not here" % trial.folder,
            'logdir="runs": a folder of this machine',
        )
    name = os.path.basename(trial.folder.rstrip("/"))
    file = EventFile(trial.folder if logdir is None else os.path.join(logdir, name))
    file.begin(config, trial.name, trial.started_ms)
    return file


class TensorBoard(Callback):
    """Each result as it comes.

    logdir: gets a folder a trial; None: the files go to the trials' own folders, where those are on
    this machine, as with `assay.run` without an address. Raises UsageError where the package
    `tensorboard` is not installed, or the trials' folders are not here.
    """

    def __init__(self, logdir: Optional[str] = None) -> None:
        need()
        self.logdir = logdir
        self._files: dict[int, EventFile] = {}

    def on_start(self, experiment: Mapping[str, Any]) -> None:
        """Another experiment has other trials."""
        self._files.clear()

    def on_result(self, trial: TrialResult, result: Mapping[str, Any]) -> None:
        """Is written at once."""
        file = self._files.get(trial.number)
        if file is None:
            file = _of(trial, self.logdir, result.get("config") or trial.config)
            self._files[trial.number] = file
        file.add(result)

    def on_trial_complete(self, trial: TrialResult) -> None:
        """No more comes."""
        self._files.pop(trial.number, None)

    on_trial_error = on_trial_complete


def write(analysis: Analysis, logdir: Optional[str] = None) -> list[str]:
    """All that the trials of an experiment have reported so far. The folders, one a trial that has
    reported.

    logdir: as in `TensorBoard`. What event files there say of the same steps is replaced. Raises as
    `TensorBoard`, and as `assay.Client` where results are asked of a head.
    """
    folders = []
    for trial in analysis.trials:
        file = None
        for result in analysis.results(trial):
            if file is None:
                file = _of(trial, logdir, result.get("config") or trial.config)
                folders.append(os.path.dirname(file.path))
            file.add(result)
    return folders
