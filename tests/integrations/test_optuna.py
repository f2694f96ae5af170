"""examples/optuna_bridge.py with the real Optuna: it suggests, learns, is killed and begins again."""
import json
import os
import re
import sys

from scripts import env_of, python

from cluster import Daemon, EXAMPLES, case, main
from expect import check, equal, wait_for
from experiments import cluster_of, end_all, submit, trials

BRIDGE = os.path.join(EXAMPLES, "optuna_bridge.py")
SAID = re.compile(r"^(\d+) trials, the best: (\S+)$", re.M)


def file_of(scene, name, count, config, loss, mode="min"):
    scene.write("code/%s.py" % name, "def train(config):\n    return {'loss': %s}\n" % loss)
    return scene.write(name + ".yaml", """
name: %s
run: {python: "%s:train"}
code: %s
config: %s
num_samples: %d
search: {type: external, seed: 1, timeout: never}
metric: loss
mode: %s
local_dir: %s
""" % (name, name, scene.path("code"), json.dumps(config), count, mode, scene.path("results")))


def bridge(scene, head, name, number):
    return Daemon(scene, name, [sys.executable, "-B", BRIDGE, str(number)], env_of(scene, head.home))


def ended(head, number):
    return [row for row in trials(head, number) if row["state"] in ("TERMINATED", "ERROR")]


def check_learned(head, number, out, best_of=min, metric="loss"):
    """What it says at the end is what the head has."""
    values = [row["last_result"][metric] for row in ended(head, number) if row["last_result"]]
    found = SAID.search(out)
    check(found, "it says what it found: " + out)
    equal((int(found.group(1)), float(found.group(2))), (len(values), best_of(values)), "what it has learned")


@case
def the_example_runs_as_it_is_written(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, os.path.join(EXAMPLES, "external.yaml"))
    check_learned(head, number, python(scene, BRIDGE, "last", home=head.home), max, "episode_reward_mean")
    equal([row["state"] for row in trials(head, number)], 30 * ["TERMINATED"], "trials")
    end_all(scene, head, workers)


SPACE = {
    "lr": {"loguniform": [1e-4, 1.0]},
    "width": {"quniform": [-1.0, 1.0, 0.25]},
    "depth": {"randint": [1, 5]},
    "units": {"lograndint": [8, 257]},
    "batch": {"qrandint": [16, 64, 16]},
    "noise": {"randn": [0.0, 1.0]},
    "net": {"choice": ["flat", {"deep": {"uniform": [2.0, 3.0]}}, [{"randint": [0, 3]}, 7]]},
    "act": {"grid_search": ["relu", "tanh"]},
    "fixed": {"a": [1, "b", None, True]},
}


@case
def each_kind_of_domain_is_suggested(scene):
    """All kinds at once, to be as large as can be; Optuna has no part in `noise`, which the head draws."""
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, file_of(scene, "kinds", 12, SPACE, "config['lr'] + config['depth'] + config['batch'] / 16",
                                  "max"))
    optuna = bridge(scene, head, "bridge", number)
    equal(optuna.wait(200), 0, "its status: " + optuna.err())
    check_learned(head, number, optuna.out(), max)
    check("not taken" not in optuna.err(), "all that it suggested was taken: " + optuna.err())
    rows = trials(head, number)
    equal(len(rows), 2 * 12, "trials")
    for row in rows:
        config = row["config"]
        check(1e-4 <= config["lr"] <= 1 and config["width"] in [n / 4 for n in range(-4, 5)]
              and config["depth"] in range(1, 5) and config["units"] in range(8, 257)
              and config["batch"] in range(16, 65, 16) and config["act"] in ("relu", "tanh")
              and isinstance(config["noise"], float) and config["fixed"] == SPACE["fixed"], "in the space: %s" % config)
        net = config["net"]
        check(net == "flat" or (isinstance(net, dict) and 2 <= net["deep"] <= 3)
              or (isinstance(net, list) and net[0] in range(3) and net[1] == 7), "of the choice: %s" % net)
    equal(len({type(row["config"]["net"]) for row in rows}), 3, "kinds of net that were tried")
    end_all(scene, head, workers)


@case
def a_bridge_that_is_killed_begins_again_with_what_has_ended(scene):
    """Also where a suggested trial has failed, which Optuna is told of."""
    head, workers = cluster_of(scene, 1, ("n1",))
    number = submit(head, file_of(scene, "again", 20, {"x": {"uniform": [0.0, 1.0]}},
                                  "(config['x'] - 0.5) ** 2 if config['x'] > 0.2 else 1 / 0"))
    first = bridge(scene, head, "bridge.1", number)
    wait_for(lambda: len(ended(head, number)) >= 6 or not first.runs(), 100, lambda: "trials: " + first.err())
    check(first.runs(), "it goes on: " + first.err())
    first.kill()
    first.wait()
    second = bridge(scene, head, "bridge.2", number)
    status = second.wait(200)
    rows = ended(head, number)
    equal(len(rows), 20, "trials that have ended")
    failed = [row for row in rows if row["state"] == "ERROR"]
    equal(sorted(row["trial"] for row in failed), sorted(row["trial"] for row in rows if row["config"]["x"] <= 0.2),
          "those that failed")
    equal(status, 1 if failed else 0, "its status is that of the experiment: " + second.err())
    check_learned(head, number, second.out())
    check(first.out() == "", "the first one had no time to say anything")
    end_all(scene, head, workers)


if __name__ == "__main__":
    main()
