"""`assay simulate`: an experiment under every scheduler, with workers and trials that are only reckoned."""
import json
import os

from cluster import EXAMPLES, case, main
from expect import check, equal

TOY = {"name": "toy", "config": {"lr": {"loguniform": [0.001, 1]}, "x": {"uniform": [0, 1]}}, "num_samples": 60,
       "metric": "loss", "mode": "min", "scheduler": {"type": "asha", "max_t": 27, "reduction_factor": 3}}
FORMULA = ("--formula", "loss=x+exp(-lr*training_iteration)")


def simulate(scene, experiment, *words):
    file = scene.write("sim.json", json.dumps(experiment))
    return scene.assay("simulate", "--json", file, *words).json()


@case
def every_scheduler_is_tried_on_the_same_curves(scene):
    shown = simulate(scene, TOY, "--seed", "3", *FORMULA)
    runs = {(run["scheduler"], run["form"]): run for run in shown["runs"]}
    equal(sorted(runs, key=str), [("async_hyperband", "promotion"), ("async_hyperband", "stopping"), ("fifo", None),
                                  ("hyperband", None), ("median", None)], "the schedulers")
    own, fifo = runs["async_hyperband", "stopping"], runs["fifo", None]
    equal([run["own"] for run in shown["runs"]], [True, False, False, False, False], "its own comes first")
    # 60 trials of 27 steps on 8 workers, which begin together: 8 rounds, the last of 4.
    equal((fifo["results"], fifo["to_the_end"], fifo["ended_s"], fifo["busy_s"]), (60 * 27, 60, 8 * 27, 60 * 27),
          "what fifo costs")
    check(own["results"] < fifo["results"] / 2, "asha costs less: %d" % own["results"])
    for run in runs.values():
        check(run["best"]["value"] >= fifo["best"]["value"], "who runs all of it finds the best")
        equal([pair[1] for pair in run["history"]][-1], run["best"]["value"], "history ends with the best")
        times = [pair[0] for pair in run["history"]]
        equal(times, sorted(times), "history is in order of time")
        check(run["busy_s"] <= 8 * run["ended_s"], "no worker is busier than busy")
    again = simulate(scene, TOY, "--seed", "3", *FORMULA)
    equal(again, shown, "the same seed")
    other = simulate(scene, TOY, "--seed", "4", *FORMULA)
    check(other["runs"][0]["best"] != own["best"], "another seed")


@case
def a_table_that_was_measured_is_replayed(scene):
    rows = ["lr,training_iteration,time_this_iter_s,loss"]
    for lr, best in ((0.1, 3), (0.2, 1), (0.3, 2)):
        rows += ["%s,%d,%s,%s" % (lr, i, 2 if i == 1 else 1, best + 1 / i) for i in (1, 2, 3, 4)]
    scene.write("curves.csv", "\n".join(rows) + "\n")
    shown = simulate(scene, {"config": {"lr": {"grid_search": [0.1, 0.2, 0.3]}}, "metric": "loss", "mode": "min"},
                     "--table", "curves.csv", "--workers", "1", "--alone")
    equal(len(shown["runs"]), 1, "runs")
    run = shown["runs"][0]
    equal((run["ended_s"], run["results"], run["to_the_end"]), (15, 12, 3), "all of the table")
    equal((run["best"]["value"], run["best"]["config"], run["best"]["training_iteration"], run["best"]["at_s"]),
          (1.25, {"lr": 0.2}, 4, 10), "the best")
    equal(shown["curves"], "3 curves of 4 steps from curves.csv", "what they are")


@case
def what_was_run_is_a_table(scene):
    scene.write("one.sh", 'for i in 1 2 3; do echo "assay: loss=$1"; done\n')
    scene.assay("run", scene.write("real.json", json.dumps(
        {"name": "real", "run": {"command": "sh one.sh {x}"}, "config": {"x": {"grid_search": [3, 1, 2]}},
         "metric": "loss", "mode": "min", "local_dir": scene.path("results")})))
    scene.assay("export", "last", "--csv", scene.path("real.csv"), "--results")
    shown = simulate(scene, {"config": {"x": {"grid_search": [1, 2, 3]}}, "metric": "loss", "mode": "min"}, "--table",
                     "real.csv", "--alone")
    equal((shown["runs"][0]["results"], shown["runs"][0]["best"]["config"]), (9, {"x": 1}), "what it had reported")
    equal(shown["curves"], "3 curves of 3 steps from real.csv", "each has its own")


@case
def the_papers_stragglers(scene):
    """A part of the table of docs/BENCHMARKS.md: configurations that were trained to the end."""
    space = {"config": {"x": {"uniform": [0, 1]}}, "num_samples": 60000, "metric": "loss", "mode": "min"}
    halving = dict(space, scheduler={"type": "hyperband", "sizes": "halving", "max_t": 256, "reduction_factor": 4})
    asha = dict(space, scheduler={"type": "asha", "form": "promotion", "max_t": 256, "reduction_factor": 4})
    words = ["--formula", "loss=x", "--workers", "25", "--until", "2000s", "--stragglers", "1.33", "--drops", "0.004",
             "--from-scratch", "--seed", "1", "--alone"]
    counts = [[run["to_the_end"] for run in simulate(scene, one, *words)["runs"]] for one in (halving, asha)]
    check(counts[0][0] > 0 and counts[1][0] > 0, "some are: %s" % counts)
    for row in counts:
        check(max(row) <= 12, "stragglers and drops leave few of 39: %s" % counts)


@case
def what_it_says_to_people(scene):
    file = scene.write("toy.json", json.dumps(TOY))
    shown = scene.assay("simulate", file, "--seed", "3", "--workers", "25", "--drops", "0.01", *FORMULA).out
    for part in ("toy: up to 60 trials, 25 workers, drops 0.01 a second, seed 3\n",
                 "Curves: loss = x+exp(-lr*training_iteration)\n", "SCHEDULER", "BEST loss", "TO THE END",
                 "async_hyperband, stopping (its own)", "BEST loss AFTER", "\nBest: t"):
        check(part in shown, "%r is said:\n%s" % (part, shown))
    means = scene.assay("simulate", file, "--seed", "3", "--repeat", "3", *FORMULA).out
    check("3 runs with seeds 3 to 5" in means and " ± " in means, means)
    own = os.path.join(EXAMPLES, "async_hyperband.yaml")
    shown = scene.assay("simulate", own, "--formula", "episode_reward_mean=training_iteration*luck").out
    check(" 3,000 " in shown, "fifo runs as far as max_t, though stop would let it run further:\n" + shown)


@case
def what_is_wrong_is_said(scene):
    file = scene.write("toy.json", json.dumps(TOY))
    for words in ([], ["--formula", "loss=y"], ["--formula", "loss"], ["--table", "absent.csv"],
                  ["--table", file, "--formula", "loss=x"], ["--formula", "loss=x", "--workers", "0"],
                  ["--formula", "loss=x", "--drops", "2"], ["--formula", "loss=x", "--stragglers", "much"],
                  ["--formula", "loss=x", "--repeat", "0"], ["--formula", "loss=x", "--set", "scheduler=fifo"],
                  ["--formula", "accuracy=x", "--stop", "loss=0"], ["--formula", "loss=x", "--search", "external"]):
        scene.assay("simulate", file, *words, status=2).check_error()


main()
