"""One trial does all it can to harm the others of its experiment, which never notice.

Its processes, its output, its noise and its deafness are its own affair: results of the others come
in time, all of them and each once; it is ended, and nothing of it is left.
"""
import glob
import os
import time

from cluster import PROGRAMS, case, main
from expect import check, equal, wait_for
from experiments import PYTHON, cluster_of, submit, trials
from processes import argv_of, link_of, read_text
from result_files import check_once, count_rows, experiment_folder, result_rows, trial_folders

CPUS = 8
HONEST = CPUS - 1
PACE_S = 0.1
REPORTS = 120  # of an honest one, the last of which waits until the hostile one is over
RAGE_S = 2
LATEST_S = 5  # between two results in the head's files, while the honest ones have said more than is there
STREAM_MOST = 64 << 20  # docs/TRAINABLE.md: the first 32 MiB and 16 to 32 of the last
SLACK = 16 << 20


def experiment(scene, name, flags):
    os.makedirs(scene.path("truth"), exist_ok=True)
    command = ("%s -I -S hostile.py --role {role} --scene %s --ready %s --rage %g %s "
               "--truth %s --reports %d --pace %g --last-when %s" % (
                   PYTHON, scene.folder, scene.path(name + ".ready"), RAGE_S, flags,
                   scene.path("truth"), REPORTS, PACE_S, scene.path(name + ".over")))
    return scene.write(name + ".yaml", """
name: %s
run: {command: "%s"}
code: %s
config: {role: {grid_search: [%s]}}
metric: value
mode: max
local_dir: %s
""" % (name, command, PROGRAMS, ", ".join(["hostile"] + ["honest"] * HONEST), scene.path("results")))


def by_role(rows, role):
    return [row for row in rows if row["config"]["role"] == role]


def folder_of(scene, name, role):
    """Trial folders of a role; a trial's file of its configuration says whose it is."""
    return [path for path in trial_folders(experiment_folder(scene.path("results"), name))
            if '"%s"' % role in read_text(os.path.join(path, "params.json"))]


def size_under(folder):
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass  # just removed
    return total


def count_said(scene):
    """Reports of the honest ones by their own account, which may be one ahead of each of them."""
    folder = scene.path("truth")
    return sum(read_text(os.path.join(folder, name)).count("\nreport ") for name in os.listdir(folder))


class Watch:
    """The longest time in which no result came though some were on the way, and the most that was seen of
    other things. A machine that lets nobody report for a while is no fault of the hostile trial's."""

    def __init__(self, scene, name, head, worker):
        self.scene = scene
        self.folder = experiment_folder(scene.path("results"), name)
        self.places = [head.data_dir, worker.data_dir, self.folder]
        self.rows, self.since = 0, time.monotonic()
        self.longest, self.disk = 0.0, 0

    def look(self):
        now = time.monotonic()
        said = count_said(self.scene)
        rows = count_rows(self.folder)
        if rows > self.rows or said - rows <= HONEST:
            self.rows, self.since = rows, now
        self.longest = max(self.longest, now - self.since)
        return rows

    def until(self, predicate, limit_s, what):
        """As wait_for, looking."""
        def both():
            self.look()
            return predicate()

        got = wait_for(both, limit_s, what)
        self.disk = max(self.disk, sum(size_under(place) for place in self.places))
        return got


def has_cells(worker):
    """Whether each trial has a cgroup: only then those that left session, folder and environment are
    known for its processes before all trials are over."""
    notes = glob.glob(os.path.join(worker.data_dir, "**", "cgroup"), recursive=True)
    return any(os.path.isdir(os.path.join(read_text(note), "trial-0")) for note in notes)


def litter_of(scene, escaped=True):
    """Processes of the hostile trial, wherever they went."""
    found = []
    for pid in scene.pids():
        words = argv_of(pid)
        if b"--scene" in words and b"paced.py" not in words and (escaped or b"-c" not in words):
            found.append(pid)
    return found


def descriptors(pid):
    folder = "/proc/%d/fd" % pid
    return sorted(link_of(os.path.join(folder, name)).split(":")[0] for name in os.listdir(folder))


def check_honest(scene, name, rows):
    honest = by_role(rows, "honest")
    equal([(row["state"], row["attempt"], row["failures"]) for row in honest],
          [("TERMINATED", 1, 0)] * HONEST, "the honest trials")
    folders = folder_of(scene, name, "honest")
    equal(len(folders), HONEST, "folders of honest trials")
    for path in folders:
        check_once(result_rows(path), REPORTS, path)


def go_through(scene, name, flags, end):
    """end: makes the hostile trial end, or waits until it does."""
    head, workers = cluster_of(scene, CPUS, names=("n1",))
    number = submit(head, experiment(scene, name, flags))
    watch = Watch(scene, name, head, workers[0])
    wait_for(lambda: os.path.exists(scene.path(name + ".ready")), 20, "the hostile trial to rage")
    executor = wait_for(workers[0].executors, 5, "an executor")[0]
    watch.until(lambda: count_rows(watch.folder) >= HONEST * 2, 10, "the others to report")
    check(len(litter_of(scene)) >= 300, "the hostile trial has multiplied")
    raged = time.monotonic() + RAGE_S
    watch.until(lambda: time.monotonic() > raged, RAGE_S + 1, "its rage")
    end(head, number, [row for row in by_role(trials(head, number), "hostile")][0])
    watch.until(lambda: by_role(trials(head, number), "hostile")[0]["state"] in ("TERMINATED", "ERROR"),
                20, "the hostile trial to be ended")
    exact = has_cells(workers[0])
    watch.until(lambda: not litter_of(scene, exact), 5,
                lambda: "nothing of it to be left, but %s" % [argv_of(pid) for pid in litter_of(scene)])
    left = descriptors(executor)
    check(len(left) < 64, "the executor's descriptors: %s" % left)
    scene.write(name + ".over", "")
    watch.until(lambda: watch.look() >= HONEST * REPORTS, 20, "the others' results")
    check(watch.longest < LATEST_S, "results came in time, but once %.1f s later" % watch.longest)
    # The node's copy, and the head's.
    check(watch.disk < 2 * (2 * STREAM_MOST + SLACK), "%d MiB on the disks" % (watch.disk >> 20))
    head.assay("wait", number, "--timeout", "20s", status=None)
    rows = trials(head, number)
    check_honest(scene, name, rows)
    hostile = by_role(rows, "hostile")[0]
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    print("         longest gap %.2f s, disks %d MiB" % (watch.longest, watch.disk >> 20))
    return hostile


@case
def it_fails_by_its_own_noise(scene):
    hostile = go_through(scene, "noise", "--noisy", lambda head, number, row: None)
    equal((hostile["state"], hostile["reason"]), ("ERROR", "protocol"), "the hostile trial")


@case
def it_is_stopped(scene):
    def stop(head, number, row):
        head.assay("stop", "%s/%d" % (number, row["trial"]))

    hostile = go_through(scene, "stopped", "", stop)
    equal(hostile["state"], "TERMINATED", "the hostile trial: %s" % hostile)


main()
