"""Trainables in Python: how they report, how they end and what is said of it, checkpoints, seeds, zygotes."""
import math
import os
import sys

from cluster import Head, PROGRAMS, Worker, case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, explained, submit, trials, wait_ended
from processes import read_text
from result_files import result_rows, trial_folders


def experiment(scene, name, run, more=""):
    """The file of an experiment of programs/trainables*.py, under the interpreter of this test."""
    return scene.write(name + ".yaml", """
name: %s
run: {python: "%s", interpreter: "%s"}
code: %s
local_dir: %s
%s""" % (name, run if ":" in run else "trainables:" + run, sys.executable, PROGRAMS,
         scene.path("results"), more))


def ended(scene, head, name, run, more=""):
    """Run it to its end: the rows of its trials."""
    number = submit(head, experiment(scene, name, run, more))
    head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)
    return trials(head, number)


def results(scene, name):
    """The results of each trial, by folder."""
    return {os.path.basename(path): result_rows(path)
            for path in trial_folders(scene.path("results", name))}


def only(scene, name):
    found = list(results(scene, name).values())
    equal(len(found), 1, "trials of " + name)
    return found[0]


@case
def they_report_in_every_way(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    ended(scene, head, "class", "Counter", "stop: {count: 4}")
    rows = only(scene, "class")
    equal([(row["count"], row["iteration"]) for row in rows], [(n, n) for n in range(1, 5)], "steps")
    check(all(row["forked"] for row in rows), "the module was imported by the zygote")
    row, = ended(scene, head, "function", "function")
    equal((row["state"], row["reason"]), ("TERMINATED", "completed"), "a function that returns")
    rows = only(scene, "function")
    equal([row["n"] for row in rows], [1, 2, 3], "reports")
    check(math.isnan(rows[0]["nan"]) and rows[0]["inf"] == -math.inf, "no numbers: %s" % rows[0])
    equal((rows[0]["deep"], rows[0]["text"], rows[0]["whole"]),
          ({"list": [1, "two", None, True]}, "\u00e9", 1 << 40), "values")
    equal(read_text(os.path.join(trial_folders(scene.path("results", "function"))[0], "stdout")),
          "begins\n", "its output")
    for run in ("reporter", "generator"):
        ended(scene, head, run, run)
        equal([row["n"] for row in only(scene, run)], [1, 2, 3], run)
    ended(scene, head, "fresh", "Counter", "stop: {count: 2}\nstart: exec")
    equal([row["forked"] for row in only(scene, "fresh")], [False, False], "start: exec")
    end_all(scene, head, workers)


# By way: the reason, the status, and words of what is said.
FAILURES = {
    "exception": ("exit", 1, ["ValueError: no such luck (trainables.py:", "in by_exception)",
                              "Traceback (most recent call last):", "in fails"]),
    "interrupt": ("signal", 2, ["KeyboardInterrupt", "in by_interrupt"]),
    "status": ("exit", 7, ["exit status 7"]),
    "words": ("exit", 1, ["it had to be"]),
    "zero": ("completed", 0, []),
    "segfault": ("signal", 11, ["SIGSEGV", "in by_segfault"]),
    "kill": ("signal", 9, ["SIGKILL"]),
    "hang": ("report_timeout", 0, ["in by_hang"]),
    "object": ("exit", 1, ["TypeError: model.weights.0 is object, which is no plain data"]),
    "value": ("exit", 1, ["TypeError: a report is a map of names to values, not list"]),
}


@case
def they_fail_for_the_right_reason(scene):
    head, workers = cluster_of(scene, 4, ("n1",))
    rows = ended(scene, head, "fails", "fails", "report_timeout: 2s\nconfig: {way: {grid_search: [%s]}}"
                 % ", ".join(FAILURES))
    equal(len(rows), len(FAILURES), "trials")
    for row in rows:
        way = row["config"]["way"]
        reason, status, words = FAILURES[way]
        equal((row["reason"], row["status"]), (reason, status), "%s: %s" % (way, row["text"]))
        equal(row["results"], 1, way + ": what it reported before counts")
        text = row["text"] or ""
        for word in words:
            check(word in text, "%s: %r is not in: %s" % (way, word, text))
        check("assay/zygote" not in text or way in ("segfault", "hang"),
              "%s: its traceback begins in its own code: %s" % (way, text))
    end_all(scene, head, workers)


# By what is run: words of what is said.
NOT_LOADED = {
    "no_such_module:f": ["no module no_such_module", "trainables.py", "code: FOLDER"],
    "trainables:Countr": ["has no 'Countr'", "did you mean Counter?"],
    "trainables:IMPORTED_BY": ["int: name a class or a function"],
    "trainables:NoStep": ["has no step()"],
    "trainables:NoTrainable": ["class NoTrainable(assay.Trainable)"],
    "trainables_broken:train": ["KeyError: 'absent' (trainables_broken.py:5, in lookup)", "Traceback"],
    "trainables_lacking:train": ["No module named 'no_such_library_anywhere'", "install"],
}


@case
def what_cannot_be_imported_is_said(scene):
    head, workers = cluster_of(scene, 4, ("n1",))
    asked = []
    for start, reason in (("zygote", "start"), ("exec", "exit")):
        for run, words in NOT_LOADED.items():
            path = experiment(scene, "%s%d" % (start, len(asked)), run, "num_samples: 2\nstart: " + start)
            asked.append((submit(head, path), run, reason, words))
    for number, run, reason, words in asked:
        head.assay("wait", number, limit_s=60, status=None)
        for row in trials(head, number):
            equal(row["reason"], reason, run)
            for word in words:
                check(word in row["text"], "%s: %r is not in: %s" % (run, word, row["text"]))
    path = experiment(scene, "nobody", "Counter")
    number = submit(head, path, "--set", "run.interpreter=/no/such/python")
    head.assay("wait", number, limit_s=60, status=None)
    text = trials(head, number)[0]["text"]
    check("/no/such/python: no such program" in text and "ASSAY_PYTHON" in text, text)
    end_all(scene, head, workers)


@case
def a_node_may_have_a_python_of_its_own(scene):
    """ASSAY_PYTHON in its worker's environment; here one that is too old."""
    old = scene.write("old_python", """#!/bin/sh
exec "%s" -c 'import runpy, sys
sys.version_info = (3, 8, 1)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")' "$@"
""" % sys.executable, 0o755)
    head = Head(scene)
    worker = Worker(scene, "n1", head, token=scene.token(head, "worker"), env={"ASSAY_PYTHON": old})
    path = experiment(scene, "nobody", "Counter", "stop: {count: 1}")
    asked = [submit(head, path), submit(head, path, "--set", 'run={python: "trainables:Counter"}')]
    for number in asked:
        head.assay("wait", number, limit_s=60, status=None)
    rows = [trials(head, number)[0] for number in asked]
    equal([row["reason"] for row in rows], ["stopped", "start"], "the experiment's goes before the node's")
    check("trainables need 3.9 or later" in rows[1]["text"] and old in rows[1]["text"], rows[1]["text"])
    end_all(scene, head, [worker])


@case
def they_go_on_from_checkpoints(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    ended(scene, head, "crash", "Counter", "config: {crash_at: 6}\nmax_failures: 1\nstop: {count: 8}\n"
          "checkpoint_freq: 2")
    rows = only(scene, "crash")
    equal([row["count"] for row in rows], list(range(1, 9)), "steps, each once")
    equal((rows[-1]["begun_at"], rows[-1]["iteration"]), (4, 8), "where it went on from")
    row, = ended(scene, head, "old", "Old", "max_failures: 1\ncheckpoint_freq: 3\ncheckpoint_at_end: true")
    equal((row["reason"], row["attempt"]), ("completed", 2), row["text"])
    equal([row["count"] for row in only(scene, "old")], list(range(1, 9)), "Tune's old names")
    check("checkpoint is of iteration 8." in explained(head, "2/0"), "checkpoint_at_end")
    check("stopped at 8\n" in read_text(os.path.join(
        trial_folders(scene.path("results", "old"))[0], "stdout")), "its cleanup")
    end_all(scene, head, workers)


@case
def they_are_paused_and_resumed(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    begun = [(name, count, submit(head, experiment(
        scene, name, run, "config: {pace: 0.002}\ncheckpoint_freq: 5")))
        for name, run, count in (("class", "Counter", "count"), ("function", "saving", "n"))]
    for name, count, number in begun:
        trial = number + "/0"
        wait_for(lambda: "Its latest checkpoint is of" in explained(head, trial), 20, "a checkpoint")
        head.assay("pause", trial)
        wait_for(lambda: trials(head, number)[0]["state"] == "PAUSED", 20,
                 lambda: "it to be paused: " + explained(head, trial))
        paused_at = trials(head, number)[0]["results"]
        head.assay("resume", trial)
        wait_for(lambda: trials(head, number)[0]["results"] > paused_at + 5, 20,
                 lambda: "it to go on: " + explained(head, trial))
        head.assay("stop", trial)
        wait_ended(head, number)
        rows = only(scene, name)
        wrong = [(row["training_iteration"], row[count], row["begun_at"]) for row in rows
                 if row["training_iteration"] != row[count]]
        equal(wrong[:9], [], name + ": each once")
        equal(rows[-1]["begun_at"], paused_at, name + ": it saved when it was paused")
    end_all(scene, head, workers)


@case
def seeds_make_draws(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    drawn = []
    for name in ("one", "again"):
        ended(scene, head, name, "draws", "num_samples: 4\nsearch: {type: random, seed: 7}\n"
              "trial_name: '{n}'")
        drawn.append([[rows[0]["random"], rows[0]["numpy"]]
                      for _, rows in sorted(results(scene, name).items())])
    equal(drawn[0], drawn[1], "the same seed, the same draws")
    numbers = [number for one in drawn[0] for part in one for number in part]
    equal(len(set(numbers)), len(numbers), "draws that differ: %s" % drawn[0])
    ended(scene, head, "fresh", "draws", "num_samples: 4\nsearch: {type: random, seed: 7}\n"
          "trial_name: '{n}'\nstart: exec")
    equal([[rows[0]["random"], rows[0]["numpy"]] for _, rows in sorted(results(scene, "fresh").items())],
          drawn[0], "a fresh process draws the same")
    end_all(scene, head, workers)


@case
def threads_at_import_mean_fresh_processes(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    rows = ended(scene, head, "threads", "trainables_threaded:train", "num_samples: 5")
    equal([row["reason"] for row in rows], ["completed"] * 5, "reasons")
    for rows in results(scene, "threads").values():
        equal([(row["forked"], row["threads"]) for row in rows], [(False, 2)], "its own interpreter")
    said = "importing trainables_threaded starts threads (waiter): each trial gets a fresh process"
    texts = [read_text(os.path.join(path, "stderr")) for path in trial_folders(scene.path("results", "threads"))]
    check(any(said in text for text in texts), "it is said: %s" % texts)
    end_all(scene, head, workers)


if __name__ == "__main__":
    main()
