"""Processes that are handed the next trial: `reuse` of run."""
import os
import sys

from cluster import PROGRAMS, case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, explained, submit, trials, wait_ended
from processes import read_text
from result_files import result_rows, trial_folders


def experiment(scene, name, more="", run="reused:Reused"):
    return scene.write(name + ".yaml", """
name: %s
run: {python: "%s", interpreter: "%s", reuse: true}
code: %s
local_dir: %s
trial_name: '{n}_{id}'
%s""" % (name, run, sys.executable, PROGRAMS, scene.path("results"), more))


def results(scene, name):
    """The rows of each trial, and its folder."""
    return [(result_rows(path), path) for path in trial_folders(scene.path("results", name))]


def ended(scene, head, name, more="", **options):
    number = submit(head, experiment(scene, name, more, **options))
    head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)
    return trials(head, number)


def pids(scene, name):
    return [rows[-1]["pid"] for rows, _ in results(scene, name) if rows]


def check_each(scene, name, trials_there, counts):
    """Each trial has its own results, each step once, and its own output."""
    equal(len(results(scene, name)), trials_there, "trials of " + name)
    for rows, folder in results(scene, name):
        equal([row["count"] for row in rows], counts, folder)
        ids = {row["id"] for row in rows}
        equal(len(ids), 1, "%s: whose steps" % folder)
        out = read_text(os.path.join(folder, "stdout"))
        said = {line.split(" of ")[1] for line in out.splitlines() if " of " in line}
        equal(said, ids, "%s: whose output" % folder)


@case
def they_share_processes(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    more = "num_samples: 6\nmax_concurrent: 2\nstop: {count: 3}\nconfig: {n: {randint: [0, 9]}%s}"
    for row in ended(scene, head, "shared", more % ""):
        equal(row["reason"], "stopped", row["text"])
    check_each(scene, "shared", 6, [1, 2, 3])
    check(len(set(pids(scene, "shared"))) <= 2, "processes: %s" % pids(scene, "shared"))
    for rows, folder in results(scene, "shared"):
        equal("made for" in read_text(os.path.join(folder, "stdout")), rows[0]["resets"] == 0, folder)
    for row in ended(scene, head, "declined", more % ", declines: true"):
        equal(row["reason"], "stopped", row["text"])
    check_each(scene, "declined", 6, [1, 2, 3])
    equal(len(set(pids(scene, "declined"))), 6, "processes: %s" % pids(scene, "declined"))
    ended(scene, head, "function", "num_samples: 4\nmax_concurrent: 1\nconfig: {n: {randint: [0, 9]}}",
          run="reused:function")
    check(len(set(pids(scene, "function"))) == 1, "processes: %s" % pids(scene, "function"))
    for rows, folder in results(scene, "function"):
        equal([row["count"] for row in rows], [1, 2, 3], folder)
        equal(len({row["id"] for row in rows}), 1, folder)
    end_all(scene, head, workers)


@case
def an_error_ends_the_process(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    rows = ended(scene, head, "crash", "num_samples: 3\nmax_concurrent: 1\nmax_failures: 1\n"
                 "stop: {count: 6}\ncheckpoint_freq: 2\nconfig: {crash_at: 4}")
    equal([(row["reason"], row["attempt"]) for row in rows], [("stopped", 2)] * 3, "how they ended")
    check_each(scene, "crash", 3, list(range(1, 7)))
    for found, folder in results(scene, "crash"):
        first, again = found[0], found[-1]
        check(first["pid"] != again["pid"], "%s: it failed, and %s was not used again" % (folder, first))
        equal(again["begun_at"], 2, folder + ": it went on from its own checkpoint")
    end_all(scene, head, workers)


@case
def who_is_paused_goes_on_in_another_s_process(scene):
    """Its checkpoint is its own, wherever the process has been meanwhile."""
    head, workers = cluster_of(scene, 1, ("n1",))
    number = submit(head, experiment(
        scene, "paused", "num_samples: 2\ncheckpoint_freq: 3\ncheckpoint_at_end: true\n"
        "stop: {count: 300}\nconfig: {pace: 0.003}"))
    first, second = number + "/0", number + "/1"
    wait_for(lambda: "Its latest checkpoint is of" in explained(head, first), 20, "a checkpoint")
    head.assay("pause", first)
    wait_for(lambda: trials(head, number)[1]["state"] == "TERMINATED", 40, lambda: explained(head, second))
    paused_at = trials(head, number)[0]["results"]
    equal(trials(head, number)[0]["state"], "PAUSED", "the first")
    head.assay("resume", first)
    wait_ended(head, number)
    check_each(scene, "paused", 2, list(range(1, 301)))
    rows = sorted((found for found, _ in results(scene, "paused")), key=lambda one: one[-1]["begun_at"])
    equal([one[-1]["begun_at"] for one in rows], [0, paused_at], "where they went on from")
    equal(len({row["pid"] for one in rows for row in one}), 1, "processes")
    equal(rows[1][-1]["resets"], 2, "how often it was handed on")
    end_all(scene, head, workers)


@case
def kills_amid_it(scene):
    """The worker's daemon, whom the processes outlive; then the executor, with whom they die."""
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, experiment(scene, "kills", "num_samples: 60\nmax_concurrent: 2\n"
                                     "stop: {count: 5}\nconfig: {pace: 0.02}"))
    done = lambda: sum(row["state"] == "TERMINATED" for row in trials(head, number))
    wait_for(lambda: done() >= 4, 30, "trials to end")
    workers[0].kill()
    workers[0].start()
    at = done()
    wait_for(lambda: done() >= at + 6, 30, "trials to end behind a kill of the daemon")
    before = set(pids(scene, "kills"))
    check(len(before) <= 2, "processes: %s" % before)
    for pid in workers[0].executors():
        os.kill(pid, 9)
    wait_ended(head, number)
    rows = trials(head, number)
    equal({(row["reason"], row["failures"]) for row in rows}, {("stopped", 0)}, "how they ended")
    check_each(scene, "kills", 60, [1, 2, 3, 4, 5])
    after = set(pids(scene, "kills"))
    check(2 <= len(after) <= 4, "processes: %s" % after)
    for pid in after:
        check(not os.path.exists("/proc/%d" % pid) or "reused" not in read_text("/proc/%d/cmdline" % pid),
              "process %d is gone" % pid)
    end_all(scene, head, workers)


if __name__ == "__main__":
    main()
