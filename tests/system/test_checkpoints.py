"""Trials go on from their checkpoints: after a crash, on another node, after a pause; and what is kept.

reliability 5.9 and I14. A trial's own account says where each of its attempts began.
"""
import os

from cluster import case, main
from expect import check, equal, wait_for
from experiments import (
    account, blobs, cluster_of, end_all, experiment_row, explained, flip_a_byte, rows_of, saver,
    submit, trials, up, wait_checkpoint, wait_ended,
)
from processes import kill_pid, read_text
from result_files import check_once, json_rows, result_rows, trial_folders


def walk(scene, name, steps, config, more=""):
    return scene.write(name + ".yaml", """
name: %s
run: {native: libwalk.so}
code: none
config: %s
stop: {step: %d}
metric: place
mode: max
local_dir: %s
%s""" % (name, config, steps, scene.path("results"), more))


def store(head):
    """Blobs of checkpoints on the head's disk: name and size."""
    return blobs(os.path.join(head.data_dir, "checkpoints"))


@case
def a_python_trial_goes_on_after_a_crash(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, saver(scene, "crash", 8, "--crash-at 6 --every 2", "max_failures: 1"))
    wait_ended(head, number)
    rows = rows_of(scene, "crash")
    check_once(rows, 8, "result.json")
    equal([row["iterations_since_restore"] for row in rows][-4:], [1, 2, 3, 4], "since restore")
    check("checkpoint" not in rows[0], "what names a folder is no metric")
    folder = trial_folders(scene.path("results", "crash"))[0]
    again = json_rows(os.path.join(folder, "superseded.json"))
    equal([row["training_iteration"] for row in again], [5], "what was made anew")
    times = [row["time_total_s"] for row in rows]
    equal(times, sorted(times), "time_total_s goes on")
    equal(account(scene, trials(head, number)[0]), [(1, 0, "n1"), (2, 4, "n1")], "its attempts")
    end_all(scene, head, workers)


@case
def a_native_trial_goes_on_after_a_crash(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, walk(scene, "walk", 12, "{crash_at: 8, pace_ms: 5}",
                               "max_failures: 1\ncheckpoint_freq: 3\ncheckpoint_at_end: true"))
    wait_ended(head, number)
    rows = rows_of(scene, "walk")
    check_once(rows, 12, "result.json")
    equal([row["step"] for row in rows], [float(n) for n in range(1, 13)], "steps")
    expected = sum(1.0 / n for n in range(1, 13))
    check(abs(rows[-1]["place"] - expected) < 1e-12, "the state was restored whole")
    check(rows[-1]["iterations_since_restore"] in (6, 9), "it went on from a checkpoint")
    check("Its latest checkpoint is of iteration 12." in explained(head, "%s/0" % number),
          "checkpoint_at_end: " + explained(head, "%s/0" % number))
    # Kept until it is removed, and not longer.
    check(store(head), "an ended trial keeps its checkpoints")
    head.assay("rm", number)
    wait_for(lambda: not store(head), 10, lambda: "the blobs to go: %s" % store(head))
    end_all(scene, head, workers)


@case
def a_lost_node_is_left_for_another(scene):
    head, workers = cluster_of(scene, 1, ("n1", "n2"))
    number = submit(head, saver(scene, "lost", 6, "--hold-at 4"))
    wait_checkpoint(head, "%s/0" % number, 4)
    trial = trials(head, number)[0]
    worker = next(one for one in workers if one.name == trial["node"])
    other = next(one for one in workers if one is not worker)
    for pid in worker.executors():
        kill_pid(pid)
    worker.kill()
    wait_ended(head, number)
    equal(account(scene, trial), [(1, 0, worker.name), (2, 4, other.name)], "its attempts")
    check_once(rows_of(scene, "lost"), 6, "result.json")
    end_all(scene, head, workers)


@case
def paused_on_one_and_resumed_on_the_other(scene):
    head, workers = cluster_of(scene, 1, ("n1", "n2"))
    number = submit(head, walk(scene, "pause", 100000, "{pace_ms: 2}"))
    trial = "%s/0" % number
    wait_for(lambda: (trials(head, number) or [{}])[0].get("results", 0) > 20, 30, "results")
    was = trials(head, number)[0]["node"]
    head.assay("pause", trial)
    wait_for(lambda: trials(head, number)[0]["state"] == "PAUSED", 30,
             lambda: "it to be paused: " + explained(head, trial))
    check("Its latest checkpoint is of iteration" in explained(head, trial), explained(head, trial))
    rows = trials(head, number)[0]["results"]
    # Its slot is free: somebody else has it, so that it has to go to the other node.
    for worker in workers:
        if worker.name == was:
            worker.daemon.end()
    head.assay("resume", trial)
    wait_for(lambda: trials(head, number)[0]["results"] > rows + 20, 30,
             lambda: "new results: " + explained(head, trial))
    check(trials(head, number)[0]["node"] != was, "it goes on elsewhere")
    head.assay("stop", number)
    wait_ended(head, number)
    rows = rows_of(scene, "pause")
    check_once(rows, len(rows), "result.json")
    equal([row["step"] for row in rows], [float(n) for n in range(1, len(rows) + 1)], "steps")
    end_all(scene, head, workers)


@case
def a_paused_experiment_holds_nothing(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, saver(scene, "all", 5, "--hold-at 3 --every 2", count=4))
    for trial in (0, 1):
        wait_checkpoint(head, "%s/%d" % (number, trial), 2)
    head.assay("pause", number)
    wait_for(lambda: [row["state"] for row in trials(head, number)].count("PAUSED") == 2, 30,
             lambda: "both to be paused: %s" % trials(head, number))
    equal(experiment_row(head, number)["state"], "PAUSED", "the experiment's state")
    equal([row["state"] for row in trials(head, number)].count("PENDING"), 2, "nobody else starts")
    check("Its experiment is paused." in explained(head, "%s/3" % number), "explain says so")
    # It only prints: it was ended behind its third result and goes on behind its second.
    head.assay("resume", number)
    wait_ended_holding(head, number, scene)
    end_all(scene, head, workers)


def wait_ended_holding(head, number, scene):
    """Trials that had begun end; the others hold in their first attempt, and are stopped."""
    wait_for(lambda: [row["state"] for row in trials(head, number)].count("TERMINATED") == 2, 30,
             lambda: "those that were paused to end: %s" % trials(head, number))
    for row in trials(head, number):
        if row["state"] != "TERMINATED":
            continue
        equal([one[:2] for one in account(scene, row)], [(1, 0), (2, 2)], "its attempts")
        check_once(result_rows(row["folder"]), 5, "result.json")
    head.assay("stop", number)
    head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)


@case
def only_what_changed_is_sent(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, saver(scene, "big", 2, "--blob 100 --hold-at 2"))
    wait_checkpoint(head, "%s/0" % number, 2)
    log = wait_for(
        lambda: [line for line in read_text(executor_log(workers[0])).splitlines()
                 if "saved trial=" in line][1:], 10, "the second checkpoint in the log")
    sent = int(log[0].split("sent=")[1].split()[0])
    check(1 << 20 <= sent < (1 << 20) + 65536,
          "of 100 MiB one changed, and %d bytes were sent" % sent)
    size = sum(store(head).values())
    check(size < 102 * (1 << 20), "the store has %d bytes for both" % size)
    head.assay("stop", number)
    end_all(scene, head, workers)


def executor_log(worker):
    for folder, _, names in os.walk(worker.data_dir):
        if "executor.log" in names:
            return os.path.join(folder, "executor.log")
    return ""


@case
def a_flipped_byte_is_noticed(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    flip_a_byte(scene, head, workers[0], os.path.join(head.data_dir, "checkpoints"))
    end_all(scene, head, workers)


@case
def a_hostile_folder_is_refused(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    for kind, why in (("link", "something else than plain files"), ("fifo", "something else"),
                      ("missing", "there is no such folder")):
        number = submit(head, saver(scene, kind, 2, "--hold-at 1 --hostile " + kind))
        head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)
        row = trials(head, number)[0]
        equal((row["state"], row["reason"]), ("ERROR", "protocol"), kind)
        check(why in row["text"] and "step-1" in row["text"], row["text"])
    equal(store(head), {}, "nothing of it is kept")
    end_all(scene, head, workers)


@case
def the_head_restarts_in_the_middle(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    number = submit(head, saver(scene, "again", 6, "--hold-at 5 --blob 3"))
    wait_checkpoint(head, "%s/0" % number, 5)
    before = store(head)
    head.kill()
    head.start()
    wait_for(lambda: up(head) == {"n1"}, 30, "the worker to come back")
    equal(store(head), before, "what is kept over a restart")
    for pid in workers[0].executors():
        kill_pid(pid)
    wait_ended(head, number)
    equal([step for _, step, _ in account(scene, trials(head, number)[0])], [0, 5], "its attempts")
    end_all(scene, head, workers)


main()
