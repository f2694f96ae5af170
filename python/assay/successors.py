"""A process that runs one trial after the other: `reuse` of the experiment's `run`.

A fork whose trial has ended well says that it is idle, and waits on its report descriptor. It is
handed the request that would have become another fork (zygote_wire.Request), with that trial's
descriptors; or it is told to leave, or hears the end of its descriptor. What it takes on is what a
fork would begin with: descriptors, working directory, environment, seeds. All else stays as the
trial before has left it.
"""
import ctypes
import os
import sys
import threading
from typing import Callable, Optional

from . import values, zygote_wire
from .channel import Channel
from .trial import Trial, set_current

_libc = ctypes.CDLL(None)


class Successors:
    """Those of a trial. environment: its own entries; apply: sets entries, and seeds by them;
    report_fd: where a trial's report descriptor is."""

    def __init__(
        self,
        trial: Trial,
        environment: dict[bytes, bytes],
        apply: Callable[[dict[bytes, bytes]], None],
        report_fd: int,
    ) -> None:
        self._trial = trial
        self._environment = environment
        self._apply = apply
        self._report_fd = report_fd
        self._former = -1  # the descriptor that the answer goes to

    def next(self) -> Optional[Trial]:
        """Wait for the next one, which is then the process's own, and to be answered; None: there
        is none. Of threads that the trial before has left something may still come: then neither.
        """
        if threading.active_count() > 1:
            return None
        _flush()
        word, data, fds = self._trial.handed()
        if word == "gone":
            _silence()
        if word != "next":
            return None
        request = zygote_wire.parse(data, fds)
        self._former = os.dup(self._report_fd)
        for fd, place in zip(request.fds, (1, 2, self._report_fd)):
            os.dup2(fd, place)
            os.close(fd)
        os.chdir(request.dir)
        for name in self._environment.keys() - request.environment.keys():
            os.environb.pop(name, None)
        self._environment = request.environment
        self._apply(request.environment)
        channel = Channel(self._report_fd, request.go)
        self._trial = Trial(channel, values.unpack(request.config))
        set_current(self._trial)
        return self._trial

    def answer(self, taken: bool) -> None:
        """Whether this process runs it; otherwise another one does, and nobody hears this one."""
        if not taken:
            _flush()
            _silence()
        try:
            os.write(self._former, zygote_wire.TAKEN if taken else zygote_wire.DECLINED)
        except OSError:
            pass  # an executor that is gone is heard of at the first report
        os.close(self._former)


def _flush() -> None:
    """All that was printed: what comes later is another trial's."""
    sys.stdout.flush()
    sys.stderr.flush()
    _libc.fflush(None)


def _silence() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    for place in (1, 2):
        os.dup2(null, place)
    os.close(null)
