"""Experiments whose trials keep their own account, and commands of the one who looks at them."""
import json
import os
import re
import sys

from cluster import Head, PROGRAMS, Worker
from expect import SLOWER, check, equal, wait_for
from processes import kill_pid, read_bytes, read_text
from result_files import check_once, json_rows, result_rows, trial_folders

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


def saver(scene, name, reports, flags="", more="", count=1):
    os.makedirs(scene.path("truth"), exist_ok=True)
    command = "%s -I -S saver.py --truth %s --reports %d %s" % (
        PYTHON, scene.path("truth"), reports, flags)
    return scene.write(name + ".yaml", """
name: %s
run: {command: "%s"}
code: %s
num_samples: %d
metric: step
mode: max
local_dir: %s
%s""" % (name, command, PROGRAMS, count, scene.path("results"), more))


def cluster_of(scene, cpus, names=("n1", "n2"), words=()):
    """A head, started with these words, and its workers, joined with one token."""
    head = Head(scene, words=words)
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
    """What one run of a program wrote of itself."""

    def __init__(self, path):
        self.trial, attempt, run = os.path.basename(path).split(".")
        self.attempt, self.run = int(attempt), int(run)
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
    """By run."""
    found = [Account(scene.path("truth", name)) for name in os.listdir(scene.path("truth"))]
    return {account.run: account for account in found}


def check_ran_once(scene, rows):
    """No trial was begun a second time. Slow programs may be away for so long that they are lost, and
    then one is: their results are still each counted once. By the programs' own account: a lease that
    died with its daemon before anything began has used up a number, too."""
    if SLOWER > 1:
        return
    equal(sorted(account.trial for account in accounts(scene).values()),
          sorted(row["id"] for row in rows), "runs of programs")


def check_results(scene, folder, rows, reports):
    """I1, I2 and I3: of every trial results 1..reports, each once, all of one run of its last attempt,
    as the program accounts for them; what earlier ones made is in superseded.json alone."""
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
        equal(len({result["run"] for result in results}), 1, what + ": runs that its results are of")
        check(results[0]["run"] in told, what + ": its results are of nobody")
        account = told[results[0]["run"]]
        equal((account.trial, account.attempt), (row["id"], row["attempt"]), what + ": who ran")
        equal([(result["n"], result["value"]) for result in results], account.reports,
              what + ": what its program says")
        equal(row["results"], reports, what + ": results in its row")
        check_superseded(path, row, told)


def check_superseded(path, row, told):
    """Rows that were cut off are those of earlier attempts, from their first one on, none twice."""
    seen = {}
    for one in json_rows(os.path.join(path, "superseded.json")):
        seen.setdefault(one["run"], []).append((one["n"], one["value"]))
    for run, rows in seen.items():
        check(run in told, "%s: superseded rows of nobody: %s" % (path, rows))
        what = "%s: superseded rows of attempt %d" % (path, told[run].attempt)
        equal(told[run].trial, row["id"], what)
        check(told[run].attempt < row["attempt"], what)
        equal(rows, told[run].reports[: len(rows)], what)
    equal(len({told[run].attempt for run in seen}), len(seen), path + ": one run an attempt was heard")


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


# ---------------------------------------------------------------- trials that save


def account(scene, trial):
    """(attempt, step that it began behind, node) of each attempt."""
    lines = [line.split() for line in read_text(scene.path("truth", trial["id"])).splitlines()]
    return [(int(attempt), int(step), node) for attempt, step, node in lines]


def rows_of(scene, name):
    folders = trial_folders(scene.path("results", name))
    equal(len(folders), 1, "trials of %s" % name)
    return result_rows(folders[0])


def explained(head, trial):
    return head.assay("explain", trial).out


def wait_ended(head, number):
    done = head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)
    equal(done.status, 0, "wait: %s %s" % (done.told(), explained(head, "%s/0" % number)))


def wait_checkpoint(head, trial, iteration):
    wait_for(lambda: "checkpoint is of iteration %d " % iteration in explained(head, trial), 30,
             lambda: "a checkpoint of iteration %d: %s" % (iteration, explained(head, trial)))


def end_all(scene, head, workers):
    for worker in workers:
        if worker.daemon.runs():
            worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    scene.assay("replay", head.data_dir, limit_s=60)


def blobs(folder):
    """Those of checkpoints in a head's folder of them: name and size."""
    return {name: os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)
            if len(name) == 64}


def flip_a_byte(scene, head, worker, folder):
    """An experiment whose newest checkpoint is damaged in the head's folder, and wanted then: that is
    noticed, and the one before is used."""
    number = submit(head, saver(scene, "flip", 5, "--hold-at 3"))
    wait_checkpoint(head, "%s/0" % number, 3)
    states = {json.loads(text)["step"]: name for name, text in
              ((name, read_bytes(os.path.join(folder, name))) for name in blobs(folder))
              if text.startswith(b'{"step"')}
    # Where they come faster than they are taken in, some are passed over.
    before, last = sorted([0] + list(states))[-2:]
    equal(last, 3, "the latest state in the folder")
    path = os.path.join(folder, states[last])
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.write(b"[")
    for pid in worker.executors():
        kill_pid(pid)
    wait_ended(head, number)
    equal([step for _, step, _ in account(scene, trials(head, number)[0])], [0, before],
          "where its attempts began")
    check_once(rows_of(scene, "flip"), 5, "result.json")
    # The chunk was made anew with the third step, or is gone; it is not there as it was.
    check(read_bytes(path) in (b"", b'{"step": 3}'), "the chunk that was flipped")
