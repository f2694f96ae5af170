"""Trials that take over from one another, while the head dies: the toy of the paper, on two nodes."""
import json
import os
import random
import re

from cluster import case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, submit, trials, wait_ended
from processes import read_text
from result_files import count_rows, result_rows, trial_folders

STEPS = 400
TRIALS = 8
TOP = 1.2


def steps_of(configs):
    """Without those that are as the one before."""
    return [one for at, one in enumerate(configs) if at == 0 or one != configs[at - 1]]


def check_log(folder, rows):
    """Who took over from whom, as the files say it: each once, as the trials' own results have it. How many did."""
    lines = read_text(os.path.join(folder, "pbt_global.txt")).splitlines()
    taken = [json.loads(line) for line in lines]
    equal(len(set(lines)), len(lines), "lines, each once")
    policies = {}
    for line, (tag, donor, at, donor_at, theirs, new) in zip(lines, taken):
        number, giver = int(tag.split("_")[0]), int(donor.split("_")[0])
        check("@" not in tag + donor and number != giver, "tags: %s" % line)
        check(0 < at <= STEPS and 0 < donor_at <= STEPS and theirs.keys() == new.keys(), "a line: %s" % line)
        policies[number] = policies.get(giver, policies.get(number, [])) + [line]
    for row in rows:
        number = row["trial"]
        policy = os.path.join(folder, "pbt_policy_%d.txt" % number)
        equal(read_text(policy).splitlines(), policies.get(number, []), policy)
        own = [one[5] for one in taken if int(one[0].split("_")[0]) == number]
        path = [path for path in trial_folders(folder) if row["name"] in path][0]
        ran = steps_of([result["config"] for result in result_rows(path)])
        equal(steps_of([ran[0]] + own), ran, "configurations of trial %d" % number)
    return len(taken)


def climbed(scene, mutations, kills=0, words=(), **config):
    """The heights that trials have reached of which each sees one half, and what was said of the experiment."""
    head, workers = cluster_of(scene, TRIALS // 2, words=words)
    point = dict(config, pace_ms=5 if kills else 0)
    file = scene.write("hill.json", json.dumps({
        "name": "hill", "run": {"native": "libhill.so"}, "code": "none", "config": dict(point, h={"a": 0, "b": 0}),
        "search": {"type": "list", "seed": 11, "points": [
            dict(point, h={"a": 1, "b": 0}), dict(point, h={"a": 0, "b": 1})] * (TRIALS // 2)},
        "metric": "height", "mode": "max", "stop": {"training_iteration": STEPS},
        "scheduler": {"type": "pbt", "time_attr": "training_iteration", "perturbation_interval": 4, "resample_probability": 0.5,
                      "hyperparam_mutations": mutations},
        "local_dir": scene.path("results")}))
    number = submit(head, file)
    folder = scene.path("results", "hill")
    choice = random.Random(7)
    for kill in range(1, kills + 1):
        wait_for(lambda: count_rows(folder) >= kill * TRIALS * STEPS // 8 + choice.randrange(20), 60, "results to come")
        head.kill()
        head.start()
    wait_ended(head, number)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * TRIALS, "states")
    equal(sorted(row["results"] for row in rows), sorted(len(result_rows(path)) for path in trial_folders(folder)),
          "rows in the files: each once")
    for path in trial_folders(folder):
        results = result_rows(path)
        equal(results[-1]["training_iteration"], STEPS, "the last row of %s" % path)
        equal([row["done"] for row in results], [False] * (len(results) - 1) + [True], "done in %s" % path)
    took = check_log(folder, rows) if os.path.exists(os.path.join(folder, "pbt_global.txt")) else 0
    said = {"took": took, "status": head.assay("status", number).out, "tags": [row["tag"] for row in rows],
            "configs": [row["config"] for row in rows]}
    heights = [row["best"] for row in rows]
    said["rows"] = rows
    if kills:  # one that ends by itself leaves an image, and nothing to decide again
        head.kill()
        said["replay"] = scene.assay("replay", head.data_dir, limit_s=120).out
        head.start()
    end_all(scene, head, workers)
    return heights, said


def perturbs(said):
    return int(re.search(r"PopulationBasedTraining: \d+ checkpoints, (\d+) perturbs", said["status"]).group(1))


EXPLORE = {"h": {"a": {"uniform": [0, 1]}, "b": {"uniform": [0, 1]}}}


@case
def both_halves_reach_the_top(scene):
    heights, said = climbed(scene, EXPLORE, kills=5)
    check(max(heights) >= TOP - 0.01, "heights: %s" % heights)
    check(perturbs(said) >= said["took"] > TRIALS, "%s, and %d in the file" % (said["status"], said["took"]))
    check(any("@perturbed[a=" in tag for tag in said["tags"]), "tags: %s" % said["tags"])
    explored = [config["h"][key] for config in said["configs"] for key in "ab"]
    check(any(0 < one < 1 for one in explored), "configurations: %s" % said["configs"])


    # All of it is decided again, and comes out the same.
    check("image" not in said["replay"] and ": equal" in said["replay"], said["replay"])
    decided = re.search(r"(\d+) entries, (\d+) events, (\d+) launches", said["replay"])
    check(decided and int(decided.group(3)) >= TRIALS + said["took"], said["replay"])


@case
def nothing_is_doubled_behind_an_image(scene):
    """The same with a log that is cut again and again."""
    _, said = climbed(scene, EXPLORE, kills=5, words=("--log-tail", "8K"))
    check("image" in said["replay"], said["replay"])
    check(perturbs(said) >= said["took"] > TRIALS, "%s, and %d in the file" % (said["status"], said["took"]))


@case
def exploiting_alone_stays_halfway(scene):
    heights, said = climbed(scene, {"still": [1]}, still=1)
    check(max(heights) < TOP - 0.8, "heights: %s" % heights)
    check(perturbs(said) > 0, said["status"])


def chain_of(policy):
    """The lines that the last one goes back to: [iteration, configuration], and what came before them."""
    lines = [json.loads(line) for line in policy.splitlines()]
    first = len(lines) - 1
    while first > 0 and lines[first - 1][0] == lines[first][1]:
        first -= 1
    return lines[first][4], [[line[3], line[5]] for line in lines[first:]]


@case
def a_schedule_is_replayed(scene):
    """What one trial came to by many, one comes to alone: the same values at the same iterations."""
    _, said = climbed(scene, EXPLORE)
    policies = {row["trial"]: "results/hill/pbt_policy_%d.txt" % row["trial"] for row in said["rows"]}
    chains = {trial: chain_of(read_text(scene.path(policy)))
              for trial, policy in policies.items() if os.path.exists(scene.path(policy))}
    one = max(chains, key=lambda trial: len(chains[trial][1]))
    before, changes = chains[one]
    check(len(changes) > 1, "changes: %s" % changes)
    file = scene.write("again.json", json.dumps({
        "name": "again", "run": {"native": "libhill.so"}, "code": "none", "config": {"h": {"a": 1, "b": 1}, "extra": 7},
        "metric": "height", "mode": "max", "stop": {"training_iteration": STEPS},
        "scheduler": {"type": "pbt_replay", "policy": policies[one]}, "local_dir": scene.path("results")}))
    told = scene.assay("run", file, "-v").err
    check("policy: %d changes from" % len(changes) in told, told)
    [path] = trial_folders(scene.path("results", "again"))
    results = result_rows(path)
    equal([result["training_iteration"] for result in results], list(range(1, STEPS + 1)), "iterations")
    expected, at = dict(before, extra=7), 0
    for result in results:
        while at < len(changes) and result["training_iteration"] > changes[at][0]:
            expected, at = dict(changes[at][1], extra=7), at + 1
        equal(result["config"], expected, "configuration of iteration %d" % result["training_iteration"])
    [name] = [row["name"] for row in said["rows"] if row["trial"] == one]
    [original] = [path for path in trial_folders(scene.path("results", "hill")) if name in path]
    equal(results[-1]["height"], result_rows(original)[-1]["height"], "height at the end")


@case
def a_policy_that_is_none(scene):
    good = json.dumps(["0", "1", 4, 4, {"h": {"a": 1, "b": 0}}, {"h": {"a": 0.5, "b": 0}}])
    file = scene.write("again.yaml", "run: {command: 'true'}\nscheduler:\n  type: pbt_replay\n  policy: p.txt\n")
    for text, where, why in [
            (None, "p.txt", "No such file"), ("", "p.txt", "no trial took over"), (good + "\n{", "p.txt:2:2", ""),
            (good + "\n\n[1, 2]\n", "p.txt:3", "no list of two tags"), (good.replace('"1"', "1"), "p.txt:1", "must be tags"),
            (good.replace("4, 4", '4, "4"'), "p.txt:1", "training_iteration"), (good.replace("0.5", "[0.5"), "p.txt:1:", ""),
            (good[:-1] + ", 1]", "p.txt:1", "no list of two tags"),
            (json.dumps(["0", "1", 4, 4, {"a": 1}, [2]]), "p.txt:1", "must be configurations")]:
        if text is not None:
            scene.write("p.txt", text)
        done = scene.assay("preview", file, status=2)
        done.check_error()
        check(where in done.err.splitlines()[0] and why in done.err.splitlines()[0], done.err)
    # One that is written there itself is taken as it is.
    scene.write("again.yaml", "run: {command: 'true'}\nconfig: {a: 1}\nscheduler: {type: pbt_replay, "
                "policy: [{at: 1, config: {a: 2}}, {at: x}]}\n")
    done = scene.assay("preview", file, status=2)
    check("again.yaml:3:" in done.err.splitlines()[0] and "policy.1" in done.err, done.err)


main()
