"""What ends an experiment (budget) and a trial whose metric stands still (plateau), with real processes."""
import json
import re

from cluster import case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, experiment_row, explained, submit, trials, wait_ended
from result_files import count_rows, result_rows, trial_folders

# Reports each of its words; where it is stopped, what it still waits for is killed with it.
WORDS = "sh -c 'for word in {x}; do echo assay: $word; sleep 0.1; done'"
ENDLESS = "sh -c 'while :; do echo assay: r={x}; sleep 0.05; done'"


def written(scene, name, command, values, **more):
    spec = {"name": name, "run": {"command": command}, "code": "none", "config": {"x": {"grid_search": values}},
            "local_dir": scene.path("results"), "metric": "r", "mode": "max"}
    return scene.write(name + ".json", json.dumps(dict(spec, **more)))


def ended_with(head, number, why):
    row = experiment_row(head, number)
    check(why in (row["why"] or ""), "why it ended: %s" % row)
    check("Ended: " + why in head.assay("status", number).out, "it stands in the status block")
    return row


@case
def a_trial_that_stands_still_is_stopped(scene):
    """Across a death of the head; one that gets further stays, and one without the metric fails."""
    head, workers = cluster_of(scene, 3, names=("n1",))
    values = ["r=5 r=6 r=6 r=6 r=6 r=6 r=6 r=7", "r=1 r=2 r=3 r=4 r=5 r=6 r=7", "q=1 r=2"]
    number = submit(head, written(scene, "still", WORDS, values, plateau={"patience": 3}))
    wait_for(lambda: count_rows(scene.path("results", "still")) >= 5, 30, "results to come")
    head.kill()
    head.start()
    head.assay("wait", number, "--timeout", "50s", limit_s=60, status=1)  # one has failed
    rows = sorted(trials(head, number), key=lambda row: row["trial"])
    equal([row["state"] for row in rows], ["TERMINATED", "TERMINATED", "ERROR"], "states")
    equal([row["reason"] for row in rows], ["stopped", "completed", "protocol"], "reasons")
    check("a stop rule names r" in rows[2]["text"], rows[2]["text"])
    lengths = {rows["config"]["x"]: rows["training_iteration"]
               for rows in (result_rows(path)[-1] for path in trial_folders(scene.path("results", "still"))
                            if result_rows(path))}
    equal([lengths.get(x) for x in values], [5, 7, None], "results")
    said = explained(head, "%s/0" % number)
    check("stopped by its experiment's plateau: 3 results in a row got r no further than by 0.0" in said, said)
    end_all(scene, head, workers)


@case
def an_experiment_ends_when_its_budget_is_spent(scene):
    head, workers = cluster_of(scene, 3, names=("n1",))
    target = submit(head, "--wait", written(scene, "target", ENDLESS, [1, 2, 3, 0], budget={"target": 3}))
    row = ended_with(head, target, "its target is reached: r is 3.0 in trial 2, 3.0 was asked for")
    equal((row["state"], row["terminated"]), ("TERMINATED", 4), "how it ended")
    equal({trial["reason"] for trial in trials(head, target)}, {"stopped"}, "reasons")
    head.assay("extend", target, "-n", 1, status=6).check_error()

    number = submit(head, written(scene, "time", ENDLESS, [1, 2], budget={"time": "500ms"}))
    wait_ended(head, number)
    ended_with(head, number, "its time is over: ")

    number = submit(head, written(scene, "few", "sh -c 'echo assay: r=1'", [1, 2, 3], budget={"trials": 2}))
    wait_ended(head, number)
    equal(ended_with(head, number, "it has had the 2 trials of its budget")["created"], 2, "trials")

    done = head.assay("submit", "--wait", written(
        scene, "failed", "sh -c 'echo assay: r=1; exit {x}'", [3, 4, 5, 6], max_concurrent=1,
        budget={"max_failed": 2}), status=1)
    number = re.search(r"\d+", done.out).group(0)
    row = ended_with(head, number, "2 of its trials failed (max_failed)")
    equal((row["state"], row["error"], row["terminated"]), ("ERROR", 2, 2), "how it ended")
    end_all(scene, head, workers)


@case
def a_run_says_why_it_ended(scene):
    """And a preview what could end it: its trials and its cost are no more than the budget has."""
    file = written(scene, "flat", "sh -c 'echo assay: r=1'", [1, 2, 3, 4, 5, 6, 7, 8], max_concurrent=1,
                   stop={"training_iteration": 4}, budget={"no_improvement": 2, "trials": 5, "time": "1h"})
    shown = scene.assay("preview", "--json", file).json()
    equal((shown["total"], len(shown["trials"]), shown["cost"]["worst"]), (5, 5, 20), "trials and cost")
    equal(shown["budget"], {"time_ms": 3600000, "trials": 5, "no_improvement": 2, "target": None, "max_failed": None},
          "the budget")
    text = scene.assay("preview", file).out
    check("Budget:    1h00m of time, 5 trials, until 2 in a row end without a better r" in text, text)
    out = scene.assay("run", file).out
    check("2 trials in a row ended without a better r than the 1.0 of trial 0 (no_improvement)" in out, out)


main()
