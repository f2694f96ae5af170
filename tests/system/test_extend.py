"""An experiment that has ended goes on: from its checkpoints with other stop rules, and with more samples.

The head dies in between, too: behind the order, and while its trials are called back.
"""
import random
import re

from cluster import case, main
from expect import check, equal, wait_for
from experiments import (
    account, cluster_of, end_all, experiment_row, explained, paced, saver, submit, trials, wait_ended,
)
from processes import read_text
from result_files import count_rows, result_rows, trial_folders

TRIALS = 6
FIRST, SECOND, THIRD = 4, 7, 9
STOP = "stop: {training_iteration: %d}" % FIRST


def steps(folder):
    """(iteration, what the program says that it is) of each row."""
    return [(row["training_iteration"], row["step"]) for row in result_rows(folder)]


def check_rows(scene, name, last, count=TRIALS):
    """Every trial has each step once, in result.json and in progress.csv."""
    folders = trial_folders(scene.path("results", name))
    equal(len(folders), count, "folders of trials")
    for folder in folders:
        equal(steps(folder), [(n, n) for n in range(1, last + 1)], folder)
        lines = read_text(folder + "/progress.csv").splitlines()
        equal(len(lines), last + 1, "lines of progress.csv in " + folder)


def check_feed(head, number, expected):
    lines = head.assay("results", number, "--json").json_lines()
    equal(len(lines), expected, "results that readers get")


def extend(head, number, last):
    head.assay("extend", number, "--stop", "training_iteration=%d" % last)


def states(head, number):
    return {(row["state"], row["reason"]) for row in trials(head, number)}


@case
def it_goes_on_from_its_checkpoints(scene):
    head, workers = cluster_of(scene, 2)
    number = submit(head, saver(scene, "more", 100, "--every 2", STOP, TRIALS))
    wait_ended(head, number)
    check_rows(scene, "more", FIRST)
    extend(head, number, SECOND)
    wait_ended(head, number)
    check_rows(scene, "more", SECOND)
    equal(states(head, number), {("TERMINATED", "stopped")}, "trials")
    rows = trials(head, number)
    for row in rows:
        equal([(attempt, step) for attempt, step, _ in account(scene, row)], [(1, 0), (2, FIRST)], "attempts")
    # Its last checkpoint is one step behind: that step is done again, and both stay on record.
    extend(head, number, THIRD)
    wait_ended(head, number)
    check_rows(scene, "more", THIRD)
    for row in rows:
        equal([step for _, step, _ in account(scene, row)], [0, FIRST, SECOND - 1], "attempts began at")
    for folder in trial_folders(scene.path("results", "more")):
        equal(read_text(folder + "/superseded.json").count("\n"), 1, "rows that were superseded in " + folder)
    check_feed(head, number, TRIALS * (THIRD + 1))
    check("It took 3 attempts." in explained(head, "%s/0" % number), explained(head, "%s/0" % number))
    end_all(scene, head, workers)


@case
def it_gets_more_samples(scene):
    head, workers = cluster_of(scene, 2)
    number = submit(head, saver(scene, "wide", 100, "", STOP, 2))
    head.assay("extend", number, "-n", 1)
    wait_ended(head, number)
    head.assay("extend", number, "-n", 3, "--stop", "training_iteration=%d" % SECOND)
    wait_ended(head, number)
    check_rows(scene, "wide", SECOND, 6)
    row = experiment_row(head, number)
    equal((row["total"], row["terminated"]), (6, 6), "trials: %s" % row)
    # Nothing else is let through.
    for words, status, what in (((), 2, "extend: neither"), (("-n", 0), 2, "-n: 0 is not between"),
                                (("--stop", "x"), 2, "--stop: x has no bound"),
                                (("--stop", "training_iteration=often"), 6, "stop.training_iteration: must be")):
        done = head.assay("extend", number, *words, status=status)
        check(what in done.check_error().err, done.told())
    running = submit(head, saver(scene, "runs", 100, "--hold-at 2"))
    wait_for(lambda: trials(head, running)[0]["state"] == "RUNNING", 20, "a trial to run")
    done = head.assay("extend", running, "--stop", "training_iteration=3", status=None)
    check(done.status != 0 and "trials of it still run by its stop rules" in done.err, done.told())
    head.assay("stop", running)
    wait_ended(head, running)
    done = head.assay("extend", running, "--stop", "training_iteration=3", status=None)
    check(done.status != 0 and "none of its trials was ended by a stop rule" in done.err, done.told())
    end_all(scene, head, workers)


def survive(scene, name, words, choice):
    """The head dies after the order, at some moment or other, and again."""
    head, workers = cluster_of(scene, 2, words=words)
    number = submit(head, saver(scene, name, 100, "", STOP, TRIALS))
    wait_ended(head, number)
    for before, last in ((FIRST, SECOND), (SECOND, THIRD)):
        extend(head, number, last)
        for _ in range(2):
            moment = choice.randint(TRIALS * before, TRIALS * last)
            wait_for(lambda: count_rows(scene.path("results", name)) >= moment, 20, "%d rows" % moment)
            head.kill()
            head.start()
        wait_ended(head, number)
        check_rows(scene, name, last)
        equal(states(head, number), {("TERMINATED", "stopped")}, "trials")
    check_feed(head, number, TRIALS * THIRD)
    end_all(scene, head, workers)
    return scene


@case
def the_head_dies_while_it_goes_on(scene):
    survive(scene, "dies", (), random.Random(1))


@case
def with_images_in_between(scene):
    survive(scene, "images", ("--log-tail", "8K", "-v"), random.Random(2))
    found = sum(len(re.findall(r" replayed: from \d+-\d+:", read_text(scene.path("out", "h.%d.err" % n))))
                for n in range(2, 6))
    check(found > 0, "restarts began with images")


@case
def points_come_first_and_a_sequence_goes_on(scene):
    """Handed in, logged, read back after a kill, extended, decided again: the same points and places."""
    head, workers = cluster_of(scene, 2)
    number = submit(head, paced(scene, "points", 4, 1, more="""
search: {type: sobol, seed: 3}
points_to_evaluate: [{x: 0.25}, {x: 1}]
"""))
    wait_ended(head, number)
    before = {row["name"]: row["config"]["x"] for row in trials(head, number)}
    equal({name: before[name] for name in ("paced_0_x=0.25", "paced_1_x=1.0")},
          {"paced_0_x=0.25": 0.25, "paced_1_x=1.0": 1.0}, "what was to be tried first")
    equal(len(before), 4, "trials: the points are among them")
    head.kill()
    head.start()
    head.assay("extend", number, "-n", 4)
    wait_ended(head, number)
    after = {row["name"]: row["config"]["x"] for row in trials(head, number)}
    equal(len(after), 8, "trials")
    equal({name: after.get(name) for name in before}, before, "those of before")
    places = sorted(int(8 * x) for name, x in after.items() if name[:8] not in ("paced_0_", "paced_1_"))
    equal(len(set(places)), 6, "eighths of the domain that a sequence of eight reached: %s" % places)
    end_all(scene, head, workers)


main()
