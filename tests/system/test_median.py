"""The median rule with real processes: who is stopped, or pauses and goes on, while the head dies."""
import json

from cluster import case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, explained, submit, trials, wait_ended
from result_files import check_once, count_rows, result_rows, trial_folders

# Each reports its x five times. Where one is stopped its sleep is killed with it, and those behind it live.
PROGRAM = "sh -c 'for i in 1 2 3 4 5; do echo assay: r={x}; sleep 0.05; done'"
VALUES = [10, 9, 1, 20, 2, 11]


def swept(scene, hard_stop):
    """One after the other; the head is killed on the way. Rows, numbers of results, explanations, status."""
    head, workers = cluster_of(scene, 1, names=("n1",))
    file = scene.write("median.json", json.dumps({
        "name": "median", "run": {"command": PROGRAM}, "code": "none", "config": {"x": {"grid_search": VALUES}},
        "max_concurrent": 1, "local_dir": scene.path("results"),
        "scheduler": {"type": "median", "time_attr": "training_iteration", "reward_attr": "r",
                      "grace_period": 2, "min_samples_required": 2, "hard_stop": hard_stop}}))
    number = submit(head, file)
    folder = scene.path("results", "median")
    wait_for(lambda: count_rows(folder) >= 7, 30, "results to come")
    head.kill()
    head.start()
    wait_ended(head, number)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * len(VALUES), "states")
    lengths = {}
    for path in trial_folders(folder):
        results = result_rows(path)
        check_once(results, len(results), path)
        lengths[results[0]["config"]["x"]] = len(results)
    said = [explained(head, "%s/%d" % (number, n)) for n in range(len(VALUES))]
    status = head.assay("status", number).out
    end_all(scene, head, workers)
    return rows, [lengths[x] for x in VALUES], said, status


@case
def the_worse_are_stopped(scene):
    _, lengths, said, status = swept(scene, True)
    equal(lengths, [5, 5, 3, 5, 3, 5], "numbers of results")
    check("worse than 9.5, the median of the others that had ended (2): it was stopped." in said[2], said[2])
    check("worse than 10.0, the median of the others that had ended (3): it was stopped." in said[4], said[4])
    check("Using MedianStoppingRule: num_stopped=2." in status, status)


@case
def the_worse_pause_and_come_last(scene):
    rows, lengths, said, status = swept(scene, False)
    equal(lengths, [5] * 6, "numbers of results")
    check(rows[2]["attempt"] > 1 and rows[4]["attempt"] > 1, "who pauses makes no checkpoint, and begins anew")
    check("it was paused, and is not judged again." in said[2], said[2])
    check("Using MedianStoppingRule: num_stopped=2." in status, status)


main()
