"""Who suggests an experiment's trials while `assay run` runs it: `assay suggest` beside it, heard
in the same loop, so that all of the user's code is called by one thread, in order.

A suggestion is asked for when a place is free, and when the callbacks were told of every trial that
had ended before.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

from . import experiment as experiments
from . import program
from .callbacks import Callback
from .errors import UsageError, of_program

if TYPE_CHECKING:
    from .feed import Teller

AGAIN_S = 0.2
"""So often one is asked again that had nothing to suggest, where nothing else happens."""

READ_BYTES = 1 << 16


class Brain(Callback):
    """What makes configurations, and is told how they go, before other callbacks."""

    def suggest(self) -> Optional[Mapping[str, Any]]:
        """The next configuration; None: not now. What it leaves out is drawn.

        The same one, again, where the last one could not be taken yet.
        """
        raise NotImplementedError

    def taken(self, number: int) -> None:
        """What it suggested last is this trial."""

    def is_over(self) -> bool:
        """Whether no more will come, and all that came have ended."""
        return False


class Asking:
    """`assay suggest` for a brain. flags: which head, where it is not the one of `assay run`."""

    def __init__(self, brain: Brain, flags: Sequence[str]) -> None:
        self.brain = brain
        self._flags = list(flags)
        self._experiment = 0
        self._child: Optional[subprocess.Popen[str]] = None
        self._rest = b""
        self._wanted = False  # a place is free
        self._sent = False  # a suggestion waits for its answer
        self._over = False  # no more is suggested
        self._ends: set[int] = set()  # trials that have ended, and may not be told yet

    @property
    def file(self) -> Any:
        """What it is heard by; None: it has not begun."""
        return self._child.stdout if self._child is not None else None

    def place(self, address: str) -> None:
        """The private head that the trials are of."""
        self._flags = ["--address", address]

    def listen(self, selector: selectors.BaseSelector, teller: Teller) -> Optional[float]:
        """Before each turn: begin, suggest. How many seconds a turn may wait; None: for ever."""
        if self._child is None and teller.experiment is not None:
            self._experiment = int(teller.experiment["experiment"])
            words = ["suggest", str(self._experiment), *self._flags]
            self._child = program.start(words, subprocess.PIPE)
            selector.register(self.file, selectors.EVENT_READ)
        if not self._wanted or self._sent or self._over or not teller.has_told(self._ends):
            return None
        self._ends.clear()
        config = self.brain.suggest()
        if config is not None:
            self._send(config)
            return None
        if self.brain.is_over():
            self._over = True
            program.do(["stop", str(self._experiment), *self._flags], "stop", fine=(0, 6))
            return None
        return AGAIN_S

    def _send(self, config: Mapping[str, Any]) -> None:
        assert self._child is not None and self._child.stdin is not None
        line = json.dumps({"config": experiments.plain(config, "config")})
        self._sent, self._wanted = True, False
        try:
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            pass  # why it is gone is read next

    def read(self, selector: selectors.BaseSelector, teller: Teller) -> None:
        """What has come."""
        data = os.read(self.file.fileno(), READ_BYTES)
        if not data:
            selector.unregister(self.file)
            self._gone(teller)
            return
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._take(json.loads(line), teller)

    def _take(self, event: Mapping[str, Any], teller: Teller) -> None:
        if self._over:
            return
        if "suggested" in event:
            self._sent = False
            self.brain.taken(int(event["suggested"]))
        elif "error" in event:
            self._sent = False
            if not event.get("later"):
                raise UsageError("search_alg", event["error"], event.get("try", ""))
        elif "want" in event:
            self._wanted = True
        elif "state" in event:
            self._ends.add(int(event["trial"]))
            if not event["results"]:  # there is none that would tell of it
                which = "%d/%d" % (self._experiment, event["trial"])
                teller.see(program.ask(["show", which, *self._flags], "show " + which)[0])

    def _gone(self, teller: Teller) -> None:
        """It has ended: fine where the experiment has."""
        self._over = True
        assert self._child is not None and self._child.stderr is not None
        said = self._child.stderr.read()
        status = self._child.wait()
        if status not in (0, 1) and (teller.experiment or {}).get("ended_ms") is None:
            raise of_program(status, said, "suggest")

    def close(self) -> None:
        """Suggest no more."""
        self._over = True
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.terminate()
        self._child.wait()
        for file in (self._child.stdin, self._child.stdout, self._child.stderr):
            if file is not None:
                try:
                    file.close()
                except OSError:
                    pass  # what it was to be told nobody reads any more
