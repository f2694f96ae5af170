"""Schedulers that pause trials and send them on from their checkpoints, while the head dies."""
import json

from cluster import case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, submit, trials, wait_ended
from result_files import check_once, count_rows, result_rows, trial_folders


def swept(scene, samples, scheduler):
    """Trials of a walk through a scheduler, on two nodes; the head is killed on the way. Their lengths."""
    head, workers = cluster_of(scene, 2)
    file = scene.write("sweep.json", json.dumps({
        "name": "sweep", "run": {"native": "libwalk.so"}, "code": "none", "num_samples": samples,
        "config": {"pace_ms": 10}, "metric": "place", "mode": "max", "scheduler": scheduler,
        "local_dir": scene.path("results")}))
    number = submit(head, file)
    folder = scene.path("results", "sweep")
    wait_for(lambda: count_rows(folder) >= samples, 30, "results to come")
    head.kill()
    head.start()
    wait_ended(head, number)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * samples, "states")
    lengths = {}
    for path in trial_folders(folder):
        results = result_rows(path)
        check_once(results, len(results), path)
        equal([row["step"] for row in results], [row["training_iteration"] for row in results],
              "steps of %s: it goes on from its checkpoint" % path)
        lengths[path] = len(results)
    status = head.assay("status", number).out
    end_all(scene, head, workers)
    return sorted(lengths.values()), status


@case
def brackets_halve(scene):
    lengths, status = swept(scene, 28, {"type": "hyperband", "max_t": 9, "semantics": "tune-0.7"})
    # Five at 9; of eight at 3 three go on to 9; of fifteen at 1 five go on to 4, two of them to 9.
    equal(lengths, [1] * 10 + [3] * 5 + [4] * 3 + [9] * 10, "lengths")
    check("Using HyperBand: num_stopped=18 total_brackets=3" in status, status)


@case
def who_is_best_goes_on(scene):
    lengths, status = swept(scene, 27, {"type": "asha", "form": "promotion", "max_t": 9, "reduction_factor": 3})
    # All are equal, so the earlier one is better: nine of 27 at 1, three of those at 3, to 9.
    equal(lengths, [1] * 18 + [3] * 6 + [9] * 3, "lengths")
    check("Iter 3.000: 3 of 9 | Iter 1.000: 9 of 27" in status, status)


main()
