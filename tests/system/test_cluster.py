"""A head, two workers and people, each with folders of their own: the contract's commands."""
import json
import os
import re

from cluster import Head, case, free_port, main
from expect import check, equal, shorten, wait_for
from experiments import cluster_of, experiment_row, listed, nodes, paced, submit, trials
from processes import argv_of, read_text
from result_files import check_once, result_rows, trial_folders

@case
def two_workers_and_a_submitter(scene):
    head, workers = cluster_of(scene, 2)
    submitter = scene.home("submitter")
    token = scene.token(head, "submit")
    watched = scene.assay("submit", paced(scene, "pair", 12, 20, 0.02), "--watch",
                          "--address", head.address, "--token-file", token, home=submitter)
    check("== Status ==" in watched.out, "a status block: %s" % shorten(watched.out))
    check("Number of trials: 12 ({'TERMINATED': 12})" in watched.out, "the last block")
    rows = trials(head, "1")
    equal(len(rows), 12, "trials")
    equal({row["state"] for row in rows}, {"TERMINATED"}, "states")
    equal({row["node"] for row in rows}, {"n1", "n2"}, "trials on both nodes")
    folder = scene.path("results", "pair")
    equal(len(trial_folders(folder)), 12, "folders on the head's machine")
    for path in trial_folders(folder):
        check_once(result_rows(path), 20, path)
        config = json.loads(read_text(os.path.join(path, "params.json")))
        check(any(row["config"] == config for row in rows), "params.json of %s is a trial's" % path)
        output = wait_for(lambda: read_text(os.path.join(path, "stdout")), 10, "output to arrive")
        equal(output.count("assay: n="), 20, "lines of output brought to the head")
    # The key of the first time is enough the second time.
    again = scene.assay("list", "--json", "--address", head.address, home=submitter)
    equal(listed(again, "experiments")[0]["name"], "pair", "list with the joined key")

    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    equal(scene.assay("replay", head.data_dir).status, 0, "replay")


@case
def reading_commands_answer(scene):
    head, workers = cluster_of(scene, 2)
    number = submit(head, paced(scene, "reads", 4, 5))
    head.assay("wait", number, "--timeout", "30s")
    rows = trials(head, number)
    best = max(rows, key=lambda row: row["best"])

    equal(listed(head.assay("best", number, "--json"), "trials")[0]["trial"], best["trial"], "best")
    check(best["name"] in head.assay("best", number).out, "best as a table")
    equal(experiment_row(head, number)["terminated"], 4, "list --json")
    check(re.search(r"\breads\b", head.assay("list").out), "list as a table")
    check("Number of trials: 4 ({'TERMINATED': 4})" in head.assay("status", number).out, "status")
    equal(head.assay("status", number, "--json").json()["states"], {"TERMINATED": 4}, "status --json")
    check("reads" in head.assay("show", number).out, "show an experiment")
    check(re.search(r"^# value: [▁▂▃▄▅▆▇█]{5} from \S+ to \S+$", head.assay("show", "%s/0" % number).out, re.M),
          "how the metric of a trial went")
    shown = head.assay("show", "%s/0" % number, "--json").json()
    check(rows[0]["id"] in json.dumps(shown), "show a trial: %s" % shorten(json.dumps(shown)))
    streamed = head.assay("results", number, "--json").json_lines()
    equal(len(streamed), 20, "results of the experiment")
    one = head.assay("results", "%s/2" % number, "--json").json_lines()
    equal([row["training_iteration"] for row in one], [1, 2, 3, 4, 5], "results of a trial")
    logs = head.assay("logs", "%s/2" % number).out
    equal(logs.count("assay: n="), 5, "logs of a trial: %s" % logs)
    check(head.assay("explain", "%s/2" % number).out.strip(), "explain a trial that ended")
    check(all(name in head.assay("nodes").out for name in ("n1", "n2")), "nodes as a table")
    check(head.assay("nodes", "-v").out.strip(), "nodes -v")
    equal([node["capacity"]["cpu"] for node in nodes(head)], [2, 2], "capacity of the nodes")
    equal([node["used"]["cpu"] for node in nodes(head)], [0, 0], "nothing is used at the end")

    # Selectors: a prefix of the name, last, a trial's id.
    for selector in ("rea", "last"):
        equal(len(trials(head, selector)), 4, "trials of `%s`" % selector)
    check(rows[1]["id"] in json.dumps(head.assay("show", rows[1]["id"], "--json").json()),
          "a trial by its id")
    for words, status in (
        (("trials", "99"), 6), (("show", "%s/77" % number), 6), (("frobnicate",), 2),
        (("trials", number, "--jsno"), 2), (("submit", scene.path("none.yaml")), 2),
        (("logs",), 2), (("stop", "nosuchname"), 6),
    ):
        head.assay(*words, status=status).check_error()


@case
def orders_are_carried_out(scene):
    head, workers = cluster_of(scene, 2)
    number = submit(head, paced(scene, "long", 6, 100000, 0.05))
    wait_for(lambda: sum(row["state"] == "RUNNING" for row in trials(head, number)) == 4, 30,
             "four trials to run on four cpus")
    check("waits" in head.assay("explain", "%s/5" % number).out, "explain says what it waits for")
    head.assay("wait", number, "--timeout", "200ms", status=5).check_error()
    head.assay("rm", number, status=6).check_error()

    head.assay("stop", "%s/0" % number)
    wait_for(lambda: trials(head, number)[0]["state"] == "TERMINATED", 20, "a stopped trial to end")
    equal(trials(head, number)[0]["reason"], "stopped", "why it ended")
    wait_for(lambda: any(row["state"] == "RUNNING" for row in trials(head, number)[4:]), 20,
             "its place to be taken")
    head.assay("stop", number)
    head.assay("wait", number, "--timeout", "30s")
    equal({row["state"] for row in trials(head, number)}, {"TERMINATED"}, "states after stop")
    wait_for(lambda: not [pid for pid in scene.pids() if b"paced.py" in b" ".join(argv_of(pid))], 20,
             "the stopped trials' processes to be gone")
    folder = scene.path("results", "long")
    check(trial_folders(folder), "the folder is there before rm")
    head.assay("rm", number)
    check(experiment_row(head, number) is None, "rm takes it from the list")
    head.assay("show", number, status=6).check_error()


@case
def wait_tells_failure(scene):
    head, workers = cluster_of(scene, 2)
    name = paced(scene, "failing", 2, 9, more="max_failures: 1\n", flags="--fail-at 4")
    number = submit(head, name)
    equal(head.assay("wait", number, "--timeout", "30s", status=1).status, 1, "wait")
    for row in trials(head, number):
        equal((row["state"], row["attempt"], row["failures"], row["reason"]), ("ERROR", 2, 2, "exit"),
              "a trial that failed twice")
        check("asked to fail" in row["text"], "its last words: %r" % row["text"])
    for path in trial_folders(scene.path("results", "failing")):
        equal([row["training_iteration"] for row in result_rows(path)], [1, 2, 3], path)
    done = head.assay("submit", name, "--wait", status=1)
    check("2" in done.out, "the second one's id: " + done.out)


@case
def tokens_are_listed_and_revoked(scene):
    head = Head(scene)
    for role in ("worker", "submit", "read", "admin"):
        scene.token(head, role)
    rows = listed(head.assay("token", "list", "--json"), "tokens")
    equal([row["role"] for row in rows], ["worker", "submit", "read", "admin"], "roles")
    equal({row["uses_left"] for row in rows}, {1}, "a token is for one use unless it is said")
    check(all(row["expires_ms"] for row in rows), "a token ends by itself")
    gone = [row for row in rows if row["role"] == "submit"][0]["id"]
    head.assay("token", "revoke", gone)
    head.assay("token", "revoke", "0000000000000000", status=6).check_error()
    rows = {row["id"]: row for row in listed(head.assay("token", "list", "--json"), "tokens")}
    equal(rows[gone]["revoked"], True, "revoked")
    text = read_text(scene.path("worker.token")).strip()
    check(re.fullmatch(r"ASSAY1-\S+", text), "a token is one word")
    check(text not in head.assay("token", "list").out, "a list shows no secret")


@case
def no_head_is_told(scene):
    home = scene.home("nobody")
    scene.assay("submit", paced(scene, "lost", 1, 1), home=home, status=3).check_error()
    for words in (("list",), ("nodes",), ("status",)):
        done = scene.assay(*words, home=home, status=None)
        check(done.status in (0, 3), "%s without a head: %s" % (done, done.told()))
        if done.status == 3:
            done.check_error()
    scene.assay("nodes", home=home, status=3).check_error()
    head = Head(scene)
    copied = scene.home("copied")
    address = "127.0.0.1:%d" % free_port()
    scene.assay("nodes", "--address", address, home=copied, status=None).check_error()
    head.daemon.end()
    done = head.assay("nodes", status=3, limit_s=30)
    done.check_error()


main()
