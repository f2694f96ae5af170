"""Handing in while the head dies: an experiment is there once, or not at all (I8)."""
import os
import random
import re
import select
import time

from cluster import case, main
from expect import SLOWER, check, equal, needs_speed, wait_for
from experiments import cluster_of, experiment_rows, listed, paced, submit, trials
from result_files import trial_folders

ROUNDS = int(os.environ.get("ASSAY_ROUNDS", "1"))
SEED = int(os.environ.get("ASSAY_SEED", "1"))


@case
def head_is_killed_while_a_client_submits(scene):
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, 2, names=("n1",))
    sure = 0
    for number in range(6 * ROUNDS):
        name = "once%d" % number
        file = paced(scene, name, 1, 3)
        client = scene.start("submit%d" % number, "submit", file, home=head.home)
        # Anywhere between the start of the client and its end: that is what is tried here.
        select.select([], [], [], choice.uniform(0, 0.15 * SLOWER))
        head.kill()
        head.start()
        status = client.wait(60)
        known = [row for row in experiment_rows(head) if row["name"] == name]
        check(len(known) <= 1, "one submission is %d experiments" % len(known))
        if status == 0:
            told = re.search(r"\d+", client.out())
            check(told, "submit prints an id: %r" % client.out())
            equal([row["experiment"] for row in known], [int(told.group(0))],
                  "who saw an id finds it ever after")
            sure += 1
        else:
            check(status in (3, 5, 6), "status of a client whose head died: %d %s" % (status, client.err()))
        for row in known:
            head.assay("wait", row["experiment"], "--timeout", "30s")
            equal([trial["results"] for trial in trials(head, row["experiment"])], [3], "its results")
    print("         %d of %d clients saw an id" % (sure, 6 * ROUNDS))
    check(sure > 0, "a client asks again when its head comes back")


@case
def two_experiments_of_one_name_have_a_folder_each(scene):
    head, workers = cluster_of(scene, 2, names=("n1",))
    file = paced(scene, "twin", 2, 3)
    for number in (submit(head, file), submit(head, file)):
        head.assay("wait", number, "--timeout", "30s")
        equal([row["results"] for row in trials(head, number)], [3, 3], "results of %s" % number)
    folders = {row["folder"] for row in experiment_rows(head)}
    found = [path for folder in folders for path in trial_folders(folder)]
    equal(len(found), 4, "folders of trials, none over another")


@case
def a_start_is_quick(scene):
    """Submit to first result on a cluster that is up; a bound far from any figure, against a stall."""
    needs_speed()
    head, workers = cluster_of(scene, 2, names=("n1",))
    number = submit(head, paced(scene, "warm", 1, 1))
    head.assay("wait", number, "--timeout", "30s")
    begun = time.monotonic()
    number = submit(head, paced(scene, "quick", 1, 1))
    head.assay("wait", number, "--timeout", "30s")
    check(time.monotonic() - begun < 10, "one trial took %.1f s" % (time.monotonic() - begun))
    wait_for(lambda: listed(head.assay("trials", number, "--json"), "trials")[0]["results"] == 1, 5,
             "its result")


main()
