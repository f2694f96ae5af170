"""Figures of the schedulers: what a result costs in the core, with ten thousand simulated workers."""

import subprocess

from machine import RUN_LIMIT_S, Failure

BESIDE = "fifo"  # the scheduler that has nothing to decide


def costs(machine):
    """Of each scheduler: microseconds a result beside fifo's, and how much dearer the last tenth of
    the results is than the first."""
    done = subprocess.run([machine.path("assay-bench-scheduler")], capture_output=True, text=True,
                          timeout=RUN_LIMIT_S)
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"assay-bench-scheduler ended with {done.returncode}")
    rows = {name: [float(number) for number in numbers]
            for name, *numbers in map(str.split, done.stdout.splitlines())}
    figures = {}
    for name, (all_us, first_us, last_us, _) in rows.items():
        figures[f"scheduler_cost_{name}"] = (all_us, rows[BESIDE][0])
        figures[f"scheduler_growth_{name}"] = (last_us / first_us, 1.0)
    return figures
