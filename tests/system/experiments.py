"""Experiments whose trials keep their own account, and commands of the one who looks at them."""
import os
import re
import sys

from cluster import (
    Head, PROGRAMS, Worker, check, equal, json_rows, read_text, result_rows, trial_folders, wait_for,
)

# A program that stands for itself: a shim of a version manager would cost more than the trial.
PYTHON = os.path.realpath(sys.executable)


def paced(scene, name, trials, reports, pace=0.0, more="", flags=""):
    """The file of an experiment of programs/paced.py."""
    os.makedirs(scene.path("truth"), exist_ok=True)
    command = "%s -I -S paced.py --truth %s --reports %d --pace %g %s" % (
        PYTHON, scene.path("truth"), reports, pace, flags)
    return scene.write(
        name + ".yaml",
        """
name: %s
run: {command: "%s"}
code: %s
config: {x: {uniform: [0, 1]}}
num_samples: %d
metric: value
mode: max
local_dir: %s
%s"""
        % (name, command, PROGRAMS, trials, scene.path("results"), more),
    )


def cluster_of(scene, cpus, names=("n1", "n2"), port=0):
    """A head and its workers, joined with one token."""
    head = Head(scene, port=port)
    token = scene.token(head, "worker", "worker.token", "--uses", len(names))
    workers = [Worker(scene, name, head, cpus=cpus, token=token) for name in names]
    wait_for(lambda: up(head) == set(names), 30,
             lambda: "the workers to join: " + " ".join(one.daemon.err() for one in workers))
    return head, workers


def listed(result, key):
    document = result.json()
    return document[key] if isinstance(document, dict) else document


def nodes(head):
    return listed(head.assay("nodes", "--json"), "nodes")


def up(head):
    return {node["name"] for node in nodes(head) if node["state"] == "UP"}


def trials(head, experiment, **options):
    return listed(head.assay("trials", experiment, "--json", **options), "trials")


def experiment_rows(head):
    return listed(head.assay("list", "--json"), "experiments")


def experiment_row(head, number):
    for row in experiment_rows(head):
        if row["experiment"] == int(number):
            return row
    return None


def submit(by, *words):
    """The number of an experiment handed in."""
    done = by.assay("submit", *words)
    found = re.search(r"\d+", done.out)
    check(found, "submit prints the experiment's id: %s" % done.told())
    return found.group(0)


class Account:
    """What one attempt wrote of itself."""

    def __init__(self, path):
        self.trial, attempt = os.path.basename(path).rsplit(".", 1)
        self.attempt = int(attempt)
        self.reports, self.node, self.begun, self.ended = [], "?", None, None
        for line in read_text(path).splitlines():
            words = line.split()
            if words[0] == "begin":
                self.begun, self.node = float(words[1]), words[2]
            elif words[0] == "report":
                self.reports.append((int(words[1]), int(words[2])))
            elif words[0] == "end":
                self.ended = float(words[1])


def accounts(scene):
    """By trial id and attempt."""
    found = {}
    for name in os.listdir(scene.path("truth")):
        account = Account(scene.path("truth", name))
        found[account.trial, account.attempt] = account
    return found


def check_results(scene, folder, rows, reports):
    """I1, I2 and I3: of every trial results 1..reports, each once, as its program accounts for them;
    what earlier attempts made is in superseded.json alone."""
    told = accounts(scene)
    folders = {}
    for path in trial_folders(folder):
        results = result_rows(path)
        folders[results[0]["config"]["x"] if results else path] = path
    equal(len(folders), len(rows), "folders of trials")
    equal(len({row["id"] for row in rows}), len(rows), "trial ids")
    for row in rows:
        path = folders[row["config"]["x"]]
        what = "trial %s (attempt %d), %s" % (row["id"], row["attempt"], path)
        results = result_rows(path)
        equal([result["training_iteration"] for result in results], list(range(1, reports + 1)), what)
        equal([(result["n"], result["value"]) for result in results],
              told[row["id"], row["attempt"]].reports, what + ": what its program says")
        equal(row["results"], reports, what + ": results in its row")
        # One that died before its program began has no account.
        check({attempt for trial, attempt in told if trial == row["id"]}
              <= set(range(1, row["attempt"] + 1)), what + ": attempts that ran")
        check_superseded(path, row, told)


def check_superseded(path, row, told):
    """Rows that were cut off are an earlier attempt's, in order, none twice."""
    earlier = [told[row["id"], attempt].reports for attempt in range(1, row["attempt"])
               if (row["id"], attempt) in told]
    seen = [(one["n"], one["value"]) for one in json_rows(os.path.join(path, "superseded.json"))]
    equal(len(set(seen)), len(seen), path + ": superseded rows, each once")
    for reports in earlier:
        own = [one for one in seen if one in set(reports)]
        equal(own, reports[: len(own)], path + ": superseded rows of an attempt")
        seen = [one for one in seen if one not in set(own)]
    equal(seen, [], path + ": superseded rows that no attempt made")


def check_room(scene, cpus):
    """I5, as the trials themselves saw it: never more of them on a node at a time than it has cpus.
    An attempt that was killed is taken to have ended with its last result, which is too early."""
    moves = []
    for account in accounts(scene).values():
        if account.begun is not None and account.ended is not None:
            moves += [(account.begun, 1, account.node), (account.ended, -1, account.node)]
    running = {}
    for when, change, node in sorted(moves):
        running[node] = running.get(node, 0) + change
        check(running[node] <= cpus, "%d trials at once on %s, which has %d cpus"
              % (running[node], node, cpus))
