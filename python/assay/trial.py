"""The trial that this process runs: what it is, its reports, its checkpoints.

A program has one at most. It is there from the beginning where `run: {python: ...}` started it; in
any other program the first call here connects to the executor (`ASSAY_REPORT_FD`, else
`ASSAY_REPORT_SOCKET`), or, run by hand, prints results as the lines that Assay would read.
"""
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional, Union

from . import values
from .channel import Channel

_REPORT = b"\x92" + b"\xa6report"


class TrialStopped(SystemExit):
    """The trial is to end: its last report was the last one taken.

    Raised where the trial reports; left alone, it ends the program with status 0. `finally` and
    `with` are run, `except Exception` does not see it.
    """

    def __init__(self) -> None:
        super().__init__(0)


class Trial:
    """One attempt of a trial.

    id: 8 hexadecimal digits; name: as in its folder's name; attempt: counts from 1; seed: 64 bits,
    the same for every attempt; dir: its working directory; config: the configuration.
    Without Assay the texts are empty, the numbers 0 and 1, and config {}.
    """

    def __init__(self, channel: Optional[Channel], config: dict[str, Any]) -> None:
        get = os.environ.get
        self.id = get("ASSAY_TRIAL_ID", "")
        self.name = get("ASSAY_TRIAL_NAME", "")
        self.experiment = get("ASSAY_EXPERIMENT", "")
        self.attempt = int(get("ASSAY_ATTEMPT", "1"))
        self.seed = int(get("ASSAY_SEED", "0"))
        self.dir = Path(get("ASSAY_TRIAL_DIR", "."))
        self.config = config
        self._channel = channel
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._begun = int(get("ASSAY_RESTORE_ITERATION", "0"))
        self._every = int(get("ASSAY_CHECKPOINT_FREQ", "0"))
        self._saves = False
        self._by_itself = False
        self._saved_at = -1  # reports that the last checkpoint holds
        self._folders = 0

    @property
    def iteration(self) -> int:
        """Reports so far, with those of the checkpoint that it went on from."""
        return self._begun + (self._channel.reports if self._channel is not None else 0)

    @property
    def stopped(self) -> bool:
        """Whether it is to end: nothing that it reports is taken any more."""
        return self._channel is not None and self._channel.stopped

    @property
    def is_over(self) -> bool:
        """The same, or it is to be paused and saves by itself, as classes do."""
        channel = self._channel
        return channel is not None and (
            channel.stopped or (channel.pause_asked and self._by_itself)
        )

    def report(
        self, metrics: Mapping[str, Any], checkpoint: Union[str, "os.PathLike[str]", None] = None
    ) -> None:
        """One result: names to numbers, texts, booleans, lists and maps, at most 64 KiB.

        checkpoint: a folder with a complete checkpoint of all up to this report. Waits where the
        head has to judge the result before another one may be made; else it returns at once.
        Raises TrialStopped where the trial is to end, TypeError where a value is no plain data.
        """
        body = bytearray(_REPORT)
        if not isinstance(metrics, Mapping):
            raise TypeError("a report is a map of names to values, not %s" % type(metrics).__name__)
        values.pack(body, metrics if type(metrics) is dict else dict(metrics))
        channel = self._channel
        if channel is None:
            print("assay: " + json.dumps(values.unpack(bytes(body))[1]), flush=True)
            return
        if self._pid != os.getpid():
            raise RuntimeError("only the trial's own process reports, not one that it has forked")
        with self._lock:
            if channel.stopped:
                raise TrialStopped
            more = b""
            if checkpoint is not None:
                more = values.pack_frame("checkpoint", os.path.abspath(checkpoint))
                self._saved_at = channel.reports + 1
                channel.save_asked = False
            channel.report(body, more)
            if channel.stopped or (channel.pause_asked and checkpoint is not None):
                raise TrialStopped

    def get_checkpoint(self) -> Optional[Path]:
        """The folder of the checkpoint to go on from, a copy of this attempt's own; None: there is
        none, begin from scratch."""
        path = os.environ.get("ASSAY_RESTORE")
        return Path(path) if path is not None else None

    def should_checkpoint(self) -> bool:
        """Whether to save now: every `checkpoint_freq` reports, and when the trial is to be paused.

        Ask behind each report, and save with `with checkpoint() as folder:`. Whoever asks is asked
        in turn before it is paused; who never does begins anew from what it named last.
        """
        channel = self._channel
        if channel is None:
            return False
        with self._lock:
            if not self._saves:
                self._saves = True
                channel.send("saves")
            channel.look()
            return not channel.stopped and (channel.save_asked or self._is_due())

    def _is_due(self) -> bool:
        reports = self._channel.reports if self._channel is not None else 0
        return (
            self._every > 0
            and reports > 0
            and (self._begun + reports) % self._every == 0
            and self._saved_at != reports
        )

    @contextlib.contextmanager
    def checkpoint(self) -> Iterator[Path]:
        """A new, empty folder for a checkpoint of all that was reported; complete behind the block.

        Raises TrialStopped behind the block where the trial is to end. Where the block raises,
        nothing is saved. Without Assay: a folder that is kept below the working directory.
        """
        folder = self._folder_new()
        yield folder
        channel = self._channel
        if channel is None:
            return
        with self._lock:
            self._saved_at = channel.reports
            channel.save_asked = False
            channel.send("checkpoint", str(folder))
            if not self._by_itself and (channel.stopped or channel.pause_asked):
                raise TrialStopped

    def _folder_new(self) -> Path:
        base = Path(os.environ.get("ASSAY_CHECKPOINT_DIR", "checkpoints"))
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self._folders += 1
            folder = base / ("checkpoint_%d.%d" % (self.iteration, self._folders))
            try:
                folder.mkdir(mode=0o700)
                return folder
            except FileExistsError:
                continue

    # What follows is for trainable_run, which ends the trial.

    def saves_by_itself(self) -> None:
        """A class with save_checkpoint: it is over as soon as it is to be paused."""
        self._by_itself = self._channel is not None
        self.should_checkpoint()

    def is_due_at_end(self) -> bool:
        """A checkpoint that was asked for and not made, or that checkpoint_at_end wants."""
        channel = self._channel
        return (
            channel is not None
            and self._saved_at != channel.reports
            and (
                (channel.pause_asked and not channel.stopped)
                or "ASSAY_CHECKPOINT_AT_END" in os.environ
            )
        )

    def handed(self) -> tuple[str, bytes, list[int]]:
        """Say that this process is idle, and wait for what Channel.handed returns; "leave" where
        nobody would hear it."""
        if self._channel is None or self._pid != os.getpid():
            return "leave", b"", []
        with self._lock:
            self._channel.send("idle")
            return self._channel.handed()

    def say(self, kind: str, *items: Any) -> None:
        """The last words: `end`, or `error` with why it cannot go on."""
        if self._channel is not None and self._pid == os.getpid():
            with self._lock:
                self._channel.send(kind, *items)


_current: Optional[Trial] = None
_current_lock = threading.Lock()


def _connect() -> Optional[Channel]:
    """To the executor of this program; None: there is none, or what it left is not open here."""
    fd = os.environ.get("ASSAY_REPORT_FD", "")
    path = os.environ.get("ASSAY_REPORT_SOCKET", "")
    if fd.isdigit():
        with contextlib.suppress(OSError):
            socket.socket(fileno=os.dup(int(fd))).close()  # raises where it is no socket
            return Channel(int(fd))
    if path:
        with contextlib.suppress(OSError):
            gate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            gate.connect(path)
            hello = {
                "trial_id": os.environ.get("ASSAY_TRIAL_ID", ""),
                "attempt": int(os.environ.get("ASSAY_ATTEMPT", "1")),
            }
            gate.sendall(json.dumps(hello).encode() + b"\n")
            return Channel(gate.detach())
    return None


def current_trial() -> Trial:
    """The trial of this process."""
    global _current
    with _current_lock:
        if _current is None:
            channel = _connect()
            if channel is not None:
                channel.hello()
            config = channel.config if channel is not None else None
            _current = Trial(channel, config if config is not None else {})
        return _current


def set_current(trial: Optional[Trial]) -> None:
    """Make it the process's own; None: it has none yet."""
    global _current
    _current = trial


def report(
    metrics: Optional[Mapping[str, Any]] = None,
    *,
    checkpoint: Union[str, "os.PathLike[str]", None] = None,
    **more: Any,
) -> None:
    """Report one result of this trial: `report(loss=0.3)` or `report({"loss": 0.3})`.

    Values: numbers, texts, booleans, None, lists and maps, also numpy's; at most 64 KiB and 512
    names. checkpoint: a folder with a complete checkpoint of all up to this report. Waits only
    where the head has to judge the result before another one may be made. Raises TrialStopped, a
    SystemExit, where the trial is to end, and TypeError where a value is no plain data.
    """
    if metrics is None:
        metrics = more
    elif more:
        metrics = {**metrics, **more}
    (_current or current_trial()).report(metrics, checkpoint)


def get_checkpoint() -> Optional[Path]:
    """The folder of the checkpoint to go on from; None: begin from scratch."""
    return current_trial().get_checkpoint()


def should_checkpoint() -> bool:
    """Whether to save now; ask behind each report. See Trial.should_checkpoint."""
    return current_trial().should_checkpoint()


def checkpoint() -> "contextlib.AbstractContextManager[Path]":
    """`with assay.checkpoint() as folder:` write files into folder. See Trial.checkpoint."""
    return current_trial().checkpoint()
