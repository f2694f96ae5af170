"""A cluster from Python: hand in, look, stop, and suggest trials.

client = assay.Client("head.example:7420")
number = client.submit("module:train", config={"lr": assay.loguniform(1e-4, 1e-1)})
for event in client.watch(number):
    print(event["event"])
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional, Union

from . import experiment as experiments
from . import program
from .analysis import Analysis, TrialResult
from .errors import UsageError, of_program
from .running import prepared
from .ship import Runnable

Selector = Union[int, str]
"""An experiment or trial: a number, "3/17", a unique prefix of an id or name, "last"."""


class Client:
    """One head.

    address: HOST:PORT or redis://[user@]host[:port][/NAME]; None: $ASSAY_ADDRESS, else the head
    that this user last started on this machine. token_file: to join with, once for a machine.

    Nothing is connected until something is asked. Each call raises NoHeadError where no head is
    there, DeniedError where this key may not, RefusedError where the head refuses.
    """

    def __init__(self, address: Optional[str] = None, token_file: Optional[str] = None) -> None:
        self._flags = program.flags(address, token_file)

    def _ask(self, *words: str) -> list[Any]:
        return program.ask([*words, *self._flags], " ".join(words))

    def submit(self, trainable: Runnable, **keys: Any) -> int:
        """Hand in an experiment: the arguments of `assay.run` that say what it is. Its number."""
        with tempfile.TemporaryDirectory(prefix="assay-") as folder:
            spec = prepared(trainable, folder, private=False, keys=keys)
            return self._submit(folder, spec)

    def submit_file(self, path: Union[str, "os.PathLike[str]"]) -> int:
        """Hand in an experiment file. Its number (of several experiments: the last one's)."""
        return int(self._ask("submit", os.fspath(path))[-1]["experiment"])

    def _submit(self, folder: str, spec: Mapping[str, Any]) -> int:
        path = os.path.join(folder, "experiment.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(experiments.text(dict(spec)))
        return int(program.ask(["submit", path, *self._flags], "submit", path)[-1]["experiment"])

    def experiments(self) -> list[dict[str, Any]]:
        """All of them, by number: EXPERIMENT of docs/JSON.md."""
        listed: list[dict[str, Any]] = self._ask("list")[0]["experiments"]
        return listed

    def status(self, experiment: Selector = "last") -> dict[str, Any]:
        """STATUS of docs/JSON.md: the scheduler's lines, resources, states, trials to be shown."""
        found: dict[str, Any] = self._ask("status", str(experiment))[0]
        return found

    def show(self, experiment: Selector = "last") -> dict[str, Any]:
        """EXPERIMENT of docs/JSON.md, with `spec`: the experiment as it was asked for."""
        found: dict[str, Any] = self._ask("show", str(experiment))[0]
        return found

    def trials(self, experiment: Selector = "last") -> list[TrialResult]:
        """Its trials, by number."""
        return [TrialResult(row) for row in self._ask("trials", str(experiment))[0]["trials"]]

    def analysis(self, experiment: Selector = "last") -> Analysis:
        """All that there is of it now."""
        shown = self.show(experiment)
        rows = self._ask("trials", str(shown["experiment"]))[0]["trials"]
        return Analysis(shown, rows, self._flags)

    def best(self, experiment: Selector = "last", count: int = 1) -> list[TrialResult]:
        """The best ones by its metric, best first."""
        rows = self._ask("best", str(experiment), "-n", str(count))[0]["trials"]
        return [TrialResult(row) for row in rows]

    def results(self, which: Selector = "last", follow: bool = False) -> Iterator[dict[str, Any]]:
        """Results of an experiment or a trial; follow: those to come as well, until it ends."""
        words = ["results", str(which), *(["-f"] if follow else [])]
        yield from program.stream([*words, *self._flags], " ".join(words))

    def watch(self, experiment: Selector = "last") -> Iterator[dict[str, Any]]:
        """What happens, until it has ended: `{"event": "status", ...}` every 5 s and at the end,
        and `{"event": "result", "trial": TRIAL}`, each trial's last one and some in between."""
        words = ["watch", str(experiment), *self._flags]
        yield from program.stream(words, "watch %s" % experiment)

    def wait(self, experiment: Selector = "last", timeout: Optional[float] = None) -> Analysis:
        """Until it has ended. timeout: seconds; then TimedOutError is raised.

        Trials that failed are in the analysis, and raise nothing.
        """
        words = ["wait", str(experiment), *self._flags]
        if timeout is not None:
            words += ["--timeout", "%dms" % max(1, round(timeout * 1000))]
        program.do(words, "wait %s" % experiment, fine=(0, 1))
        return self.analysis(experiment)

    def stop(self, which: Selector) -> None:
        """End an experiment or trial; what it reported is kept."""
        self._do("stop", which)

    def pause(self, which: Selector) -> None:
        """Let it wait, with its checkpoint."""
        self._do("pause", which)

    def resume(self, which: Selector) -> None:
        """Let it go on."""
        self._do("resume", which)

    def extend(
        self,
        experiment: Selector,
        num_samples: int = 0,
        stop: Optional[Mapping[str, float]] = None,
    ) -> None:
        """More samples; or other bounds of its stop rules, with which ended trials go on."""
        words = ["-n", str(num_samples)] if num_samples else []
        for metric, bound in (stop or {}).items():
            words += ["--stop", "%s=%s" % (metric, json.dumps(bound))]
        self._do("extend", experiment, *words)

    def _do(self, verb: str, which: Selector, *more: str) -> None:
        program.do([verb, str(which), *more, *self._flags], "%s %s" % (verb, which))

    def suggest(self, experiment: Selector = "last") -> Suggestions:
        """Suggest the trials of an experiment with search="external" (docs/SUGGEST.md)."""
        return Suggestions(str(experiment), self._flags)


class Suggestions:
    """The line to an experiment that asks for its trials.

        with client.suggest(number) as line:
            for event in line:
                if "want" in event:
                    line.suggest({"lr": 0.1})
                elif "state" in event:
                    print(event["trial"], event["metric"])

    about: what is optimised: `experiment`, `name`, `metric`, `mode`, `total`, `space`. Iterating
    hands out `{"want": n}` and `{"trial": n, "state": ..., "metric": ...}` until the experiment has
    ended.
    """

    def __init__(self, experiment: str, flags: Sequence[str]) -> None:
        self._what = "suggest " + experiment
        self._child = program.start(["suggest", experiment, *flags], subprocess.PIPE)
        self._events: list[dict[str, Any]] = []
        self._over = False
        try:
            self.about: dict[str, Any] = self._line()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while self._events or not self._over:
            event = self._events.pop(0) if self._events else self._line()
            if "done" in event:
                self._over = True
                return
            yield event

    def suggest(self, config: Mapping[str, Any]) -> Optional[int]:
        """One trial: the number that it has. What config leaves out is drawn.

        None: not now, as too many wait already; suggest it again when one is wanted. Raises
        UsageError where it cannot be one of the experiment's.
        """
        assert self._child.stdin is not None
        plain = experiments.plain(config, "config")
        try:
            self._child.stdin.write(json.dumps({"config": plain}) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            pass  # it says why, on the line that is read next
        while True:
            event = self._line()
            if "suggested" in event:
                return int(event["suggested"])
            if event.get("later"):
                return None
            if "error" in event:
                raise UsageError("suggest", event["error"], event.get("try", ""))
            self._events.append(event)
            if "done" in event:
                return None

    def _line(self) -> dict[str, Any]:
        assert self._child.stdout is not None and self._child.stderr is not None
        line = self._child.stdout.readline()
        if line:
            event: dict[str, Any] = json.loads(line)
            return event
        said = self._child.stderr.read()
        raise of_program(self._child.wait(), said, self._what)

    def close(self) -> None:
        """Suggest no more; the experiment goes on."""
        for file in (self._child.stdin, self._child.stdout, self._child.stderr):
            with contextlib.suppress(OSError):
                if file is not None:
                    file.close()
        if self._child.poll() is None:
            self._child.terminate()
        self._child.wait()

    def __enter__(self) -> Suggestions:
        return self

    def __exit__(self, *what: object) -> None:
        self.close()
