"""An experiment's run as it is heard: the documents of `assay run --json`, and every result.

Results come through a named pipe, a line each, and do not say whose they are; the documents do. So
lines wait, in their order, until the trial that has their `experiment_id` was seen.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from . import program
from .analysis import TrialResult
from .brain import Asking
from .callbacks import Callback

WAITING_MOST = 20000
"""Lines that wait for their trial; beyond that no more are read for now."""

STOPPING = "Stopping: what trials reported is kept. Ctrl-C again ends everything at once."

ENDED = ("TERMINATED", "ERROR")
READ_BYTES = 1 << 18


class Lines:
    """Bytes that come in pieces, as the lines that they make."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, data: bytes) -> list[bytes]:
        """The lines that are whole now."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return lines


class Teller:
    """Tells callbacks what comes, each trial's end behind its last result."""

    def __init__(
        self, callbacks: Sequence[Callback], show: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self.callbacks = callbacks
        self.show = show
        self.waiting: deque[dict[str, Any]] = deque()
        self._by_id: dict[tuple[str, Any], TrialResult] = {}
        self._trials: dict[int, TrialResult] = {}
        self._told: dict[int, int] = {}
        self._over: set[int] = set()
        self._ending: set[int] = set()  # ended, and not told yet
        self._begun = False
        self._last: Optional[dict[str, Any]] = None
        self.end: Optional[dict[str, Any]] = None
        self.experiment: Optional[dict[str, Any]] = None
        self.place: Optional[str] = None  # of a private head whose trials are suggested

    def document(self, document: dict[str, Any]) -> None:
        """One of `assay run --json`."""
        event = document["event"]
        if event == "end":
            self.end = document
            self.experiment = document["experiment"]
            return
        if event == "suggest":
            self.place = document["address"]
            return
        if event == "status":
            self.experiment = document["experiment"]
            self._begin()
            for callback in self.callbacks:
                callback.on_status(document)
            for row in document["trials"]:
                self._see(row)
        elif event == "result":
            self._see(document["trial"])
        if event == "status" and document["experiment"]["ended_ms"] is not None:
            self._last = document  # shown behind the last result
        else:
            self.show(document)
        self.drain()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            for callback in self.callbacks:
                callback.on_start(self.experiment or {})

    def see(self, row: dict[str, Any]) -> None:
        """A trial as it is now: TRIAL of docs/JSON.md."""
        self._see(row)
        self.drain()

    def has_told(self, numbers: set[int]) -> bool:
        """Whether the ends of all of these trials were told."""
        return numbers <= self._over

    def _see(self, row: dict[str, Any]) -> None:
        old = self._trials.get(row["trial"])
        if row["config"] is None and old is not None:
            row = {**row, "config": old.config}
        trial = TrialResult(row)
        self._trials[trial.number] = trial
        if trial.state in ENDED and trial.number not in self._over:
            self._ending.add(trial.number)
        result = trial.last_result
        if "experiment_id" in result:
            self._by_id[result["experiment_id"], result.get("pid")] = trial
            self._by_id[result["experiment_id"], None] = trial

    def _whose(self, result: dict[str, Any]) -> Optional[TrialResult]:
        key = result.get("experiment_id", "")
        trial = self._by_id.get((key, result.get("pid"))) or self._by_id.get((key, None))
        return self._trials[trial.number] if trial is not None else None

    def drain(self) -> None:
        """Tell results up to the first whose trial is not known, and who has ended."""
        while self.waiting:
            trial = self._whose(self.waiting[0])
            if trial is None:
                break
            result = self.waiting.popleft()
            if not trial.config:
                trial.config = result.get("config", {})
            self._told[trial.number] = self._told.get(trial.number, 0) + 1
            for callback in self.callbacks:
                callback.on_result(trial, result)
            self._tell_end(trial)
        if self.callbacks and not self.waiting:
            for number in list(self._ending):
                self._tell_end(self._trials[number])

    def _tell_end(self, trial: TrialResult, now: bool = False) -> None:
        is_over = trial.state in ENDED and trial.number not in self._over
        if is_over and (now or self._told.get(trial.number, 0) >= trial.results):
            self._over.add(trial.number)
            self._ending.discard(trial.number)
            for callback in self.callbacks:
                (callback.on_trial_error if trial.failed else callback.on_trial_complete)(trial)

    def finish(self, trials: Sequence[TrialResult]) -> None:
        """All trials as they are at the end: tell what is left."""
        self._begin()
        for trial in trials:
            self._see(trial.row)
        self.drain()
        self.waiting.clear()
        for trial in trials:
            self._tell_end(trial, now=True)
        if self._last is not None:
            self.show(self._last)


class Run:
    """`assay run` beside us: started, heard to its end, stopped by Ctrl-C.

    words: its command line; pipe: the named pipe that results come through, or None; asking: who
    suggests its trials, or None.
    """

    def __init__(
        self,
        words: Sequence[str],
        pipe: Optional[str],
        teller: Teller,
        asking: Optional[Asking] = None,
    ) -> None:
        self.teller = teller
        self.asking = asking
        self.interrupts = 0
        self.stderr = ""
        self._lines = Lines()
        self._results = Lines()
        self._said = b""
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK) if pipe is not None else -1
        # In a session of its own: a Ctrl-C at the terminal reaches it through us, once.
        self.child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=program.environment(),
            start_new_session=True,
        )

    def interrupt(self, *what: object) -> None:
        """Stop it: once, and trials end and are saved; twice, and all ends at once."""
        self.interrupts += 1
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        if what and self.interrupts == 1:
            print(STOPPING, file=sys.stderr, flush=True)

    def hear(self) -> int:
        """Until it has ended; its exit status, 128+n where signal n ended it."""
        before: Any = None
        ours = threading.current_thread() is threading.main_thread()
        if ours:
            before = signal.signal(signal.SIGINT, self.interrupt)
        try:
            self._loop()
        except BaseException:
            self.interrupt()
            self._loop(deaf=True)
            raise
        finally:
            if ours:
                signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
            if self._pipe >= 0:
                os.close(self._pipe)
            if self.asking is not None:
                self.asking.close()
        status = self.child.wait()
        self.stderr = self._said.decode("utf-8", "replace")
        return status if status >= 0 else 128 - status

    def _loop(self, deaf: bool = False) -> None:
        """deaf: nobody is told any more."""
        out, err = self.child.stdout, self.child.stderr
        assert out is not None and err is not None
        with selectors.DefaultSelector() as selector:
            for file in (out, err):
                if not file.closed:
                    selector.register(file, selectors.EVENT_READ)
            while selector.get_map() and not (out.closed and err.closed):
                self._listen(selector)
                wait = None if deaf else self._ask(selector)
                for key, _ in selector.select(wait):
                    self._read(key.fileobj, selector, deaf)
        while self._pipe >= 0 and self._read_results(deaf):
            pass

    def _listen(self, selector: selectors.BaseSelector) -> None:
        """To the pipe, unless too many lines wait."""
        if self._pipe < 0:
            return
        listens = self._pipe in selector.get_map()
        if listens and len(self.teller.waiting) > WAITING_MOST:
            selector.unregister(self._pipe)
        elif not listens and len(self.teller.waiting) <= WAITING_MOST:
            selector.register(self._pipe, selectors.EVENT_READ)

    def _ask(self, selector: selectors.BaseSelector) -> Optional[float]:
        if self.asking is None:
            return None
        if self.teller.place is not None:
            self.asking.place(self.teller.place)
        return self.asking.listen(selector, self.teller)

    def _read(self, file: Any, selector: selectors.BaseSelector, deaf: bool) -> None:
        if file == self._pipe:
            self._read_results(deaf)
            return
        if self.asking is not None and file is self.asking.file:
            self.asking.read(selector, self.teller)
            return
        data = os.read(file.fileno(), READ_BYTES)
        if not data:
            selector.unregister(file)
            file.close()
        elif file is self.child.stderr:
            self._said = (self._said + data)[-READ_BYTES:]
        else:
            for line in self._lines.add(data):
                if not deaf:
                    self.teller.document(json.loads(line))

    def _read_results(self, deaf: bool) -> bool:
        try:
            data = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return False
        lines = self._results.add(data)
        if not deaf:
            self.teller.waiting.extend(json.loads(line) for line in lines)
            self.teller.drain()
        return bool(data)
