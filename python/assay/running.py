"""An experiment from Python: `assay.run`."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from . import console, experiment, program, redis
from .analysis import Analysis, TrialResult
from .brain import Asking, Brain
from .callbacks import Callback
from .errors import Interrupted, TrialsFailedError, UsageError, of_program
from .feed import Run, Teller
from .schedulers import Scheduler
from .ship import Runnable, Shipped, ship


def run(
    trainable: Runnable,
    *,
    config: Optional[Mapping[str, Any]] = None,
    num_samples: int = 1,
    scheduler: Union[None, str, dict[str, Any], Scheduler] = None,
    search: Union[None, str, dict[str, Any]] = None,
    stop: Optional[Mapping[str, Any]] = None,
    resources_per_trial: Optional[Mapping[str, Any]] = None,
    metric: Optional[str] = None,
    mode: Optional[str] = None,
    name: Optional[str] = None,
    local_dir: Optional[str] = None,
    address: Optional[str] = None,
    token_file: Optional[str] = None,
    callbacks: Sequence[Callback] = (),
    seed: Optional[int] = None,
    verbose: int = 1,
    raise_on_failed_trial: bool = True,
    worker_cpus: Optional[int] = None,
    prepare: str = "",
    brain: Optional[Brain] = None,
    **settings: Any,
) -> Analysis:
    """Run an experiment to its end, and return what it found.

    trainable: a function of the configuration, a subclass of `assay.Trainable`, "module:Name", or
    the section `run` of an experiment file ({"command": "python3 train.py --lr {lr}"}).
    config: nested as deep as wanted, with domains in it (`assay.uniform`, ...).
    num_samples: how often grids are walked, each time with fresh draws. scheduler: a name, a map,
    or one of `assay.schedulers`. search: a name or a map. stop: {metric: bound}, met when >=.
    resources_per_trial: {"cpu": 1, "gpu": 0, "memory": "1G"}. metric and mode ("max", "min"): what
    is best. name: of the experiment and its folder below local_dir (~/assay_results).
    address: on that cluster, joined with token_file; None: with a head, a worker (of worker_cpus
    CPUs; None: this machine's) and a Redis of its own, which end with it.
    callbacks: told here, in order. seed: the same seed, the same configurations. verbose: 0
    nothing, 1 status blocks, 2 results as well. prepare: a line of Python that a node runs before
    it imports the trainable. brain: of search="external", what suggests its trials, at
    this client (`assay.brain`). settings: any other key of experiment files (docs/EXPERIMENT.md),
    and reuse: processes whose trials ended well are handed others (`reset_config`; `reuse` of run).

    Raises UsageError for what cannot be, TrialsFailedError (with the analysis) where trials have
    failed and raise_on_failed_trial is set, Interrupted behind Ctrl-C: once stops the trials and
    keeps what they reported, twice ends everything at once. Other AssayErrors as assay.errors says.
    """
    refuse_on_a_node()
    keys = {
        **settings,
        "config": config,
        "num_samples": num_samples,
        "scheduler": scheduler,
        "search": search,
        "stop": stop,
        "resources_per_trial": resources_per_trial,
        "metric": metric,
        "mode": mode,
        "name": name,
        "local_dir": os.path.abspath(os.path.expanduser(local_dir)) if local_dir else None,
        "seed": seed,
    }
    if brain is not None:
        callbacks = [brain, *callbacks]
    if callbacks and settings.get("on_result"):
        raise UsageError("on_result", "callbacks are there already", "leave one of them away")
    if callbacks and "result" not in settings.get("files", ["result"]):
        raise UsageError("files", "callbacks are told what result.json has", 'files=["result"]')
    if address is None:
        redis.need()
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        spec = prepared(trainable, folder, address is None, keys, prepare)
        words = program.flags(address, token_file)
        if worker_cpus is not None:
            words += ["--worker-cpus", str(worker_cpus)]
        asking = Asking(brain, words) if brain is not None else None
        return _run(folder, spec, words, callbacks, verbose, raise_on_failed_trial, asking)


def prepared(
    trainable: Runnable, folder: str, private: bool, keys: Mapping[str, Any], prepare: str = ""
) -> dict[str, Any]:
    """The content of an experiment file, and in folder the code that it ships.

    private: its trials run on this machine; keys: those of experiment files, `seed`, and `reuse` of
    run. Raises UsageError.
    """
    shipped = ship(trainable, _sub(folder, "code"), private, prepare)
    rest = dict(keys)
    reuse = rest.pop("reuse", None)
    run = shipped.run if reuse is None else {**shipped.run, "reuse": reuse}
    return experiment.build(run, _named(rest, shipped))


def refuse_on_a_node() -> None:
    """Raises UsageError where a node imports the script that is to run the experiment."""
    if "assay.zygote" in sys.modules or "ASSAY_TRIAL_ID" in os.environ:
        raise UsageError(
            "run",
            "a node that imports this script for its trainable comes here, too",
            'put what runs the experiment below: if __name__ == "__main__":',
        )


def _sub(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    os.mkdir(path)
    return path


def _named(keys: dict[str, Any], shipped: Shipped) -> dict[str, Any]:
    if shipped.name is not None:
        keys = {**keys, "name": keys.get("name") or shipped.name}
        keys["trial_name"] = keys.get("trial_name") or shipped.name + "_{tag}"
        keys["code"] = keys.get("code") or shipped.code
    return keys


def _shower(verbose: int) -> Any:
    hostname = socket.gethostname()

    def show(document: Mapping[str, Any]) -> None:
        if document["event"] == "status" and verbose >= 1:
            print(console.status_block(document, hostname), end="", flush=True)
        elif document["event"] == "result" and verbose >= 2:
            print(console.result_block(document["trial"]), end="", flush=True)

    return show


def _run(
    folder: str,
    spec: dict[str, Any],
    flags: list[str],
    callbacks: Sequence[Callback],
    verbose: int,
    raise_on_failed_trial: bool,
    asking: Optional[Asking],
) -> Analysis:
    file, pipe = os.path.join(folder, "experiment.json"), None
    if callbacks:
        pipe = os.path.join(folder, "results")
        os.mkfifo(pipe, 0o600)
        spec = {**spec, "on_result": "exec cat > " + shlex.quote(pipe)}
    with open(file, "w", encoding="utf-8") as out:
        out.write(experiment.text(spec))
    teller = Teller(callbacks, _shower(verbose))
    heard = Run([program.path(), "run", file, "--json", *flags], pipe, teller, asking)
    status = heard.hear()
    if teller.experiment is None or (status not in (0, 1) and not heard.interrupts):
        raise of_program(status, heard.stderr, "run", made=file)
    if heard.interrupts > 1:
        raise Interrupted("everything was ended at once")
    analysis = _analysis(teller.experiment, flags)
    teller.finish(analysis.trials)
    for callback in callbacks:
        callback.on_end(analysis)
    if heard.interrupts:
        raise Interrupted("the trials were stopped; what they reported is kept", analysis)
    if analysis.failed and raise_on_failed_trial:
        raise failure(analysis)
    return analysis


def _analysis(seen: Mapping[str, Any], flags: list[str]) -> Analysis:
    """From its folder where it was private, and from the head."""
    if "--address" not in flags:
        rows = program.ask(["trials", seen["folder"]], "its trials")[0]["trials"]
        return Analysis(seen, rows)
    rows = program.ask(["trials", str(seen["experiment"]), *flags], "its trials")[0]["trials"]
    return Analysis(seen, rows, flags)


def failure(analysis: Analysis) -> TrialsFailedError:
    """What the first failure says stands for all of them."""
    failed = analysis.failed
    first: TrialResult = failed[0]
    why = "%d of %d trials failed; %s on %s: %s" % (
        len(failed),
        len(analysis.trials),
        first.name,
        first.hostname or "no node",
        (first.text or first.reason or "").strip(),
    )
    mend = "look at %s/stderr, or pass raise_on_failed_trial=False" % first.folder
    return TrialsFailedError(str(analysis.experiment["name"]), why, mend, analysis)
