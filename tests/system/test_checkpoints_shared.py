"""A folder that the head and its nodes all see is where checkpoints go: no bytes of them are sent.

What does not go well there costs nothing: what is not the head's folder, or is wrong in it, is sent
and got over the wire, or the checkpoint before is used.
"""
import os
import re
import shutil

from cluster import Head, Worker, case, main
from expect import check, equal, wait_for
from experiments import (
    account, blobs, end_all, explained, flip_a_byte, rows_of, saver, submit, trials, up, wait_checkpoint,
    wait_ended,
)
from processes import kill_pid, read_text
from result_files import check_once


def shared_cluster(scene, names=("n1", "n2"), folders=None, cpus=1):
    """A head that keeps checkpoints in a folder outside of its data, and workers that were told to
    look for it at `folders`, by name; those that were told nothing see it where it is."""
    folder = scene.path("shared")
    head = Head(scene, words=["--checkpoints", folder])
    token = scene.token(head, "worker", "worker.token", "--uses", len(names))
    workers = [Worker(scene, name, head, cpus=cpus, token=token,
                      words=["--checkpoints", (folders or {}).get(name, folder)])
               for name in names]
    wait_for(lambda: up(head) == set(names), 30,
             lambda: "the workers to join: " + " ".join(one.daemon.err() for one in workers))
    return head, workers, folder


def figures(worker, what, key):
    """What stands behind key= in lines of a worker's executors that begin with `what`."""
    found = []
    for folder, _, names in os.walk(worker.data_dir):
        if "executor.log" in names:
            text = read_text(os.path.join(folder, "executor.log"))
            found += re.findall(r"%s .*?\b%s=(\d+)" % (what, key), text)
    return [int(number) for number in found]


def executor_says(worker, words):
    for folder, _, names in os.walk(worker.data_dir):
        if "executor.log" in names and words in read_text(os.path.join(folder, "executor.log")):
            return True
    return False


@case
def no_bytes_are_sent(scene):
    head, workers, folder = shared_cluster(scene)
    number = submit(head, saver(scene, "shared", 6, "--hold-at 4 --blob 5"))
    trial = "%s/0" % number
    wait_checkpoint(head, trial, 4)
    was = trials(head, number)[0]["node"]
    here = next(one for one in workers if one.name == was)
    other = next(one for one in workers if one is not here)
    equal(set(figures(here, "saved", "sent")), {0}, "bytes of checkpoints that were sent")
    check(sum(figures(here, "saved", "placed")) >= 5 << 20, "all of the first was placed")
    check(sum(figures(here, "saved", "placed")) < 10 << 20, "and of others what is new")
    check(blobs(folder), "they are in the folder that was named")
    check(not os.path.exists(os.path.join(head.data_dir, "checkpoints")), "and nowhere else")
    equal(os.listdir(os.path.join(folder, "placed")), [], "what the head took is not left behind")
    equal(os.stat(folder).st_mode & 0o777, 0o700, "mode of the folder")
    for name in blobs(folder):
        equal(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600, "mode of a blob")
    head.assay("pause", trial)
    wait_for(lambda: trials(head, number)[0]["state"] == "PAUSED", 30,
             lambda: "it to be paused: " + explained(head, trial))
    here.daemon.end()
    head.assay("resume", trial)
    wait_for(lambda: figures(other, "restored", "got"), 30,
             lambda: "it to go on: " + explained(head, trial))
    equal(figures(other, "restored", "got"), [0], "bytes that came over the wire")
    wait_ended(head, number)
    equal(account(scene, trials(head, number)[0]), [(1, 0, here.name), (2, 4, other.name)],
          "its attempts")
    check_once(rows_of(scene, "shared"), 6, "result.json")
    head.assay("rm", number)
    wait_for(lambda: not blobs(folder), 10, lambda: "the blobs to go: %s" % blobs(folder))
    end_all(scene, head, workers)


@case
def a_flipped_byte_is_noticed(scene):
    head, workers, folder = shared_cluster(scene, ("n1",))
    flip_a_byte(scene, head, workers[0], folder)
    end_all(scene, head, workers)


def wire_alone(scene, head, worker, name):
    """An experiment whose checkpoints are sent, and got, as if nothing were shared."""
    number = submit(head, saver(scene, name, 5, "--hold-at 2"))
    wait_checkpoint(head, "%s/0" % number, 2)
    check(min(figures(worker, "saved", "sent")) > 0, "%s: checkpoints are sent" % name)
    equal(set(figures(worker, "saved", "placed")), {0}, "%s: and not placed" % name)
    for pid in worker.executors():
        kill_pid(pid)
    wait_ended(head, number)
    equal([step for _, step, _ in account(scene, trials(head, number)[0])], [0, 2],
          "%s: where its attempts began" % name)
    # The next one has the same bytes, which are not to be there.
    head.assay("rm", number)
    wait_for(lambda: not blobs(scene.path("shared")), 10, "the blobs to go")


@case
def what_is_not_the_heads_folder_is_noticed(scene):
    """One that is not mounted, one that is not closed, and a copy of the head's from before."""
    for name in ("empty", "copied"):
        os.makedirs(scene.path(name), mode=0o700)
    os.makedirs(scene.path("open"), mode=0o755)
    wrong = {"n1": (scene.path("empty"), "no file `cluster` is in it"),
             "n2": (scene.path("open"), "others may read or change it"),
             "n3": (scene.path("absent"), "it is not there"),
             "n4": (scene.path("copied"), "it is a copy, or one that the head has left")}
    first = Head(scene, words=["--checkpoints", scene.path("shared")])
    shutil.copytree(scene.path("shared"), scene.path("copied"), dirs_exist_ok=True)
    first.daemon.end()
    first.start()
    token = scene.token(first, "worker", "worker.token", "--uses", len(wrong))
    for name, (path, why) in wrong.items():
        worker = Worker(scene, name, first, cpus=1, token=token, words=["--checkpoints", path])
        said = "%s is not the head's folder of checkpoints, %s: %s" % (
            path, scene.path("shared"), why)
        wait_for(lambda: said in worker.daemon.err(), 30,
                 lambda: "it to be noticed: " + worker.daemon.err())
        check("try: mount the head's folder there" in worker.daemon.err(), worker.daemon.err())
        wire_alone(scene, first, worker, "wire-" + name)
        equal(os.listdir(path) if name in ("n1", "n2") else [], [], "nothing is put there")
        worker.daemon.end()
    equal(os.listdir(scene.path("copied", "placed")), [], "nor into the copy")
    first.daemon.end()
    scene.check_nothing_runs()


@case
def one_that_comes_to_be_another_loses_nothing(scene):
    """The folder is another one from a moment on, as after a mount that was put in its place."""
    os.symlink(scene.path("one"), scene.path("mounted"))
    os.makedirs(scene.path("one"))
    head = Head(scene, words=["--checkpoints", scene.path("one", "ck")])
    token = scene.token(head, "worker", "worker.token")
    worker = Worker(scene, "n1", head, cpus=1, token=token,
                    words=["--checkpoints", scene.path("mounted", "ck")])
    wait_for(lambda: up(head) == {"n1"}, 30, "the worker to join")
    first = submit(head, saver(scene, "before", 4, "--hold-at 2 --hold-again 3"))
    wait_checkpoint(head, "%s/0" % first, 2)
    equal(set(figures(worker, "saved", "sent")), {0}, "sent before")
    shutil.copytree(scene.path("one"), scene.path("two"))
    os.symlink(scene.path("two"), scene.path("new"))
    os.rename(scene.path("new"), scene.path("mounted"))
    # The same executor goes on in its folder: an experiment has one on a node.
    head.assay("pause", "%s/0" % first)
    wait_for(lambda: trials(head, first)[0]["state"] == "PAUSED", 30, "it to be paused")
    head.assay("resume", "%s/0" % first)
    wait_checkpoint(head, "%s/0" % first, 3)
    check(executor_says(worker, "the head does not find in its folder what was put into %s"
                        % scene.path("mounted", "ck")), "it is noticed")
    check(figures(worker, "saved", "sent")[-1] > 0, "it was sent instead")
    for pid in worker.executors():
        kill_pid(pid)
    wait_ended(head, first)
    equal([one[:2] for one in account(scene, trials(head, first)[0])], [(1, 0), (2, 2), (3, 3)],
          "its attempts")
    check_once(rows_of(scene, "before"), 4, "result.json")
    end_all(scene, head, [worker])


@case
def a_folder_that_is_not_mounted_keeps_the_head_from_starting(scene):
    head, workers, folder = shared_cluster(scene, ("n1",))
    number = submit(head, saver(scene, "kept", 4, "--hold-at 3"))
    wait_checkpoint(head, "%s/0" % number, 3)
    before = blobs(folder)
    head.daemon.end()
    os.rename(folder, scene.path("unmounted"))
    head.start(may_die=True)
    wait_for(lambda: not head.daemon.runs(), 30, "the head to end")
    check("%s: it has never been this cluster's" % folder in head.daemon.err(), head.daemon.err())
    shutil.rmtree(folder)
    os.rename(scene.path("unmounted"), folder)
    # Another cluster is not let in, either.
    other = Head.__new__(Head)
    try:
        other.__init__(scene, "other", ["--checkpoints", folder])
        check(False, "two clusters in one folder")
    except Exception as why:
        check("another cluster keeps its checkpoints there" in str(why), str(why))
    head.start()
    wait_for(lambda: up(head) == {"n1"}, 30, "the worker to come back")
    equal(blobs(folder), before, "what is kept")
    for pid in workers[0].executors():
        kill_pid(pid)
    wait_ended(head, number)
    equal([step for _, step, _ in account(scene, trials(head, number)[0])], [0, 3], "its attempts")
    end_all(scene, head, workers)


main()
