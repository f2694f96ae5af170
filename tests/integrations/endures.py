"""An example experiment whose head and executor are killed, and what has to be there in the end."""
import os
import sys

from scripts import HERE  # noqa: F401 - for the folder of cluster.py

from cluster import EXAMPLES, Head, Worker
from expect import check, equal, wait_for
from experiments import end_all, submit, trials
from processes import kill_pid
from result_files import check_once, count_rows, result_rows, trial_folders

LIMIT_S = 1200  # an epoch takes no time; that a library is imported may
RUNGS = (3, 9, 27)


def cluster_for(scene, cpus=2):
    """A head, and a worker whose trials have the library."""
    head = Head(scene)
    worker = Worker(scene, "n1", head, cpus=cpus, token=scene.token(head, "worker", "worker.token"),
                    env={"ASSAY_PYTHON": sys.executable})
    return head, worker


def end_of(head, number):
    """Its trials, when all have ended well."""
    wait_for(lambda: all(row["state"] in ("TERMINATED", "ERROR") for row in trials(head, number)), LIMIT_S,
             lambda: "all trials to end: %s" % [(row["state"], row["results"]) for row in trials(head, number)])
    rows = trials(head, number)
    equal([row["state"] for row in rows], len(rows) * ["TERMINATED"], "trials: %s" % [row["text"] for row in rows])
    return rows


def begins_again(head, worker, number):
    """Kills the executor where a trial has got somewhere; whether one has begun again."""
    rows = trials(head, number)
    running = [row for row in rows if row["state"] == "RUNNING" and row["results"] > 0]
    check(any(row["state"] != "TERMINATED" for row in rows), "all have ended before the executor was killed")
    if any(row["attempt"] > 1 for row in rows):
        return True
    for pid in worker.executors() if running else []:
        kill_pid(pid)
    return False


def example(scene, name, count, names):
    """So many trials of examples/NAME.yaml to their end, with the head killed by signal 9 in the middle, and then the
    executor: each trial has each of its results once, with these names, and ASHA has stopped trials at rungs. Returns
    all results."""
    head, worker = cluster_for(scene)
    number = submit(head, os.path.join(EXAMPLES, name + ".yaml"), "--set", "num_samples=%d" % count)
    folder = scene.path("user", "assay_results", name)
    wait_for(lambda: count_rows(folder) >= 12, LIMIT_S, "results")
    head.kill()
    head.start()
    before = count_rows(folder)
    wait_for(lambda: count_rows(folder) > before, LIMIT_S, "results of the head that came back")
    wait_for(lambda: begins_again(head, worker, number), LIMIT_S, "a trial that begins again")
    rows = end_of(head, number)
    equal(len(rows), count, "trials")
    found, reached = [], []
    for path in trial_folders(folder):
        results = result_rows(path)
        check_once(results, len(results), path)
        check(all(isinstance(results[0][name], float) for name in names), "%s in %s" % (names, results[0]))
        reached.append(len(results))
        found += results
    check(set(reached) <= set(RUNGS) and {RUNGS[0], RUNGS[-1]} <= set(reached), "ASHA stops at rungs: %s" % reached)
    end_all(scene, head, [worker])
    return found
