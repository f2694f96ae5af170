"""Figures of `assay run`: a head, redis-server, worker, executor and trials for one experiment."""

import shutil
import statistics

import hyperqueue
from machine import CPUS, Failure, leave

RESULTS = 1_000_000
RESULTS_LIMIT_FILES = 500_000
NATIVE_TRIALS = 5_000
COMMAND_TRIALS = 2_000
VERDICT_TRIALS = 10
VERDICT_RUNGS = 60
VERDICT_SLACK_MS = 0.5
XADD_COUNT = 2_000
BATCH = 64
BOTH = ["result", "progress"]


def rate(machine, spec, count, small):
    """How many a second: by what `assay run` takes longer for all of them than for the few of
    small."""
    alone = statistics.median(machine.experiment({**spec, **small})[0] for _ in range(3))
    took, folder, printed = machine.experiment(spec)
    leave(machine.home)
    if took <= alone:
        raise Failure(f"{count} took {took:.3f} s, hardly any took {alone:.3f} s")
    ended = f"Number of trials: {spec['num_samples']} ({{'TERMINATED': {spec['num_samples']}}})"
    if ended not in printed:
        raise Failure("not every trial has ended well")
    return count / (took - alone), folder, printed


def count_lines(folder, name):
    lines = 0
    for path in folder.glob(f"*/{name}"):
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                lines += block.count(b"\n")
    return lines


def flood(machine, files):
    spec = {"run": machine.native("flood"), "num_samples": CPUS, "files": files,
            "config": {"reports": RESULTS // CPUS}}
    each = RESULTS // CPUS
    total = each * CPUS
    value, folder, printed = rate(machine, spec, total, {"config": {"reports": 1}})
    if printed.split("== Status ==")[-1].count(f" {each} iter") != CPUS:
        raise Failure("not every result came to the head")
    expected = {"result": ("result.json", total), "progress": ("progress.csv", total + CPUS)}
    for key in files:
        name, lines = expected[key]
        found = count_lines(folder, name)
        if found != lines:
            raise Failure(f"{name}: {found} lines, not {lines}")
    # A gigabyte, and the logs of the runs. What many trials leave stays until the end: a file system
    # that has just removed thousands of folders is slow to make new ones.
    shutil.rmtree(folder)
    shutil.rmtree(machine.home / "runs", ignore_errors=True)
    return value


def starts(machine, run, trials, files):
    spec = {"run": run, "num_samples": trials, "files": files}
    value, folder, _ = rate(machine, spec, trials - CPUS, {"num_samples": CPUS})
    if "result" in files and count_lines(folder, "result.json") != trials:
        raise Failure("result.json: a line a trial is not there")
    return value


def verdict_ms(machine):
    times = machine.folder / f"times-{machine.runs}"
    machine.experiment({
        "run": machine.native("verdict"), "num_samples": VERDICT_TRIALS, "max_concurrent": 1,
        "config": {"times": str(times)},
        "scheduler": {"type": "async_hyperband", "time_attr": "clock", "metric": "reward",
                      "mode": "max", "grace_period": 1, "reduction_factor": 2, "brackets": 1,
                      "max_t": 2 ** VERDICT_RUNGS}})
    waits = [float(line) for line in times.read_text().split()]
    if len(waits) != VERDICT_TRIALS * VERDICT_RUNGS:
        raise Failure(f"{len(waits)} verdicts, not {VERDICT_TRIALS * VERDICT_RUNGS}")
    return statistics.median(waits)


def results_files(machine):
    limit = machine.limit("chain-files", RESULTS_LIMIT_FILES, BATCH)
    return {"results_files": (flood(machine, BOTH), limit)}


def results(machine):
    limit = machine.limit("chain", RESULTS, BATCH)
    return {"results": (flood(machine, []), limit)}


def starts_native(machine):
    limit = machine.limit("fork", NATIVE_TRIALS)
    return {"starts_native": (starts(machine, machine.native("once"), NATIVE_TRIALS, []), limit)}


def starts_native_files(machine):
    limit = machine.limit("fork", NATIVE_TRIALS)
    value = starts(machine, machine.native("once"), NATIVE_TRIALS, ["params", *BOTH])
    return {"starts_native_files": (value, limit)}


def starts_command(machine):
    limit = machine.limit("spawn", COMMAND_TRIALS, CPUS, "/bin/true")
    value = starts(machine, {"command": "/bin/true"}, COMMAND_TRIALS, [])
    figures = {"starts_command": (value, limit)}
    if hyperqueue.PROGRAM is not None:
        figures["starts_command_hq"] = (hyperqueue.rate(machine, CPUS, COMMAND_TRIALS, "/bin/true"),
                                        limit)
    return figures


def verdict(machine):
    limit = machine.limit("xadd", XADD_COUNT) + VERDICT_SLACK_MS
    return {"verdict_p50_ms": (verdict_ms(machine), limit)}
