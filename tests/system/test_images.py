"""Images of the head's state: a restart begins with the newest, and the log before it is cut.

The same deaths as in test_kills.py, but with so little log allowed that images come all the time, and
every restart begins with one. ASSAY_SEED (1) says where.
"""
import glob
import os
import random
import re

from cluster import case, main
from expect import check, equal, shorten, wait_for
from experiments import check_ran_once, cluster_of, paced, submit, trials
from kills import CPUS, KILLS, check_all, end_all, go_through, kill_executor, kill_head_and_redis
from processes import read_text
from result_files import count_rows

SEED = int(os.environ.get("ASSAY_SEED", "1"))
SHORT = ("--log-tail", "8K", "-v")


def said(scene, pattern):
    """How often heads said a thing, over all their lives."""
    return sum(len(re.findall(pattern, read_text(path), re.M))
               for path in glob.glob(scene.path("out", "h.*.err")))


def images_made(scene):
    return said(scene, r" image: of \d+-\d+: ")


def restarts_from_images(scene):
    return said(scene, r" replayed: from \d+-\d+:")


def check_images(scene, starts):
    check(images_made(scene) >= 3, "images came about: %d" % images_made(scene))
    # One that is under way when Redis dies fails, which is said and does no harm.
    check(said(scene, "did not come about") <= starts + 4, "images that failed")
    check(restarts_from_images(scene) >= starts,
          "restarts began with images: %d" % restarts_from_images(scene))


def check_nothing_kept(scene, folder):
    """What was kept for images goes with them, but for the newest one's."""
    kept = glob.glob(os.path.join(folder, "*", ".*.before-*"))
    newest = {path.rsplit("-", 1)[1] for path in kept}
    check(len(newest) <= 1, "files kept for old images: %s" % kept)


@case
def deaths_between_images(scene):
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, CPUS, words=SHORT)
    folder = scene.path("results", "cut")
    got = submit(head, paced(scene, "cut", 30, 150, 0.005))
    go_through(scene, head, workers, got, folder,
               [KILLS[0], KILLS[3], KILLS[0], KILLS[1], KILLS[2]], choice, 30 * 150)
    rows = check_all(scene, head, got, folder, 30, 150)
    check_ran_once(scene, rows)
    check_images(scene, 3)
    end_all(scene, head, workers)


@case
def attempts_that_are_cut_between_images(scene):
    """Results of attempts that died are cut off and kept apart, each once, whatever dies meanwhile."""
    choice = random.Random(SEED + 1)
    head, workers = cluster_of(scene, CPUS, words=SHORT)
    folder = scene.path("results", "again")
    got = submit(head, paced(scene, "again", 16, 100, 0.02))

    def done():
        return count_rows(folder) >= 1600

    for number in range(7):
        # An attempt that dies before an image, behind it, or both.
        images = images_made(scene)
        if number % 2 == 0:
            wait_for(lambda: images_made(scene) > images or done(), 30, "an image")
        before = count_rows(folder)
        kill_executor(head, workers, choice)
        wanted = choice.choice((0, 30))
        wait_for(lambda: abs(count_rows(folder) - before) >= wanted or done(), 30,
                 lambda: "work to go on; %s" % shorten(head.daemon.err()))
        kill_head_and_redis(head, workers, choice)
    rows = check_all(scene, head, got, folder, 16, 100)
    check(any(row["attempt"] > 1 for row in rows), "some trials ran again")
    check_images(scene, 3)
    check_nothing_kept(scene, folder)
    end_all(scene, head, workers)


@case
def what_has_ended_is_shown_after_a_restart(scene):
    head, workers = cluster_of(scene, CPUS, words=SHORT)
    first = submit(head, paced(scene, "first", 20, 30))
    head.assay("wait", first, "--timeout", "40s")
    second = submit(head, paced(scene, "second", 20, 30))
    head.assay("wait", second, "--timeout", "40s")
    wait_for(lambda: images_made(scene) >= 1, 20, "an image")
    before = [trials(head, number) for number in (first, second)]
    best = head.assay("best", first, "--json").out
    status = head.assay("status", first).out
    head.kill()
    head.start()
    equal([trials(head, number) for number in (first, second)], before, "rows of ended trials")
    equal(head.assay("best", first, "--json").out, best, "the best")
    equal([line for line in head.assay("status", first).out.splitlines() if "TERMINATED" in line],
          [line for line in status.splitlines() if "TERMINATED" in line], "the status block's trials")
    equal(restarts_from_images(scene), 1, "restarts from an image")
    # Another experiment, and the first is forgotten: its rows go, too.
    head.assay("rm", first)
    check(not os.path.exists(os.path.join(head.data_dir, "ended", first)), "its rows on disk")
    third = submit(head, paced(scene, "third", 20, 30))
    head.assay("wait", third, "--timeout", "40s")
    head.kill()
    head.start()
    equal(trials(head, second), before[1], "rows after another restart")
    equal(len(trials(head, third)), 20, "rows of the third")
    check(head.assay("trials", first, status=None).status != 0, "the first is not there any more")
    end_all(scene, head, workers)


@case
def a_head_that_ends_leaves_no_log(scene):
    """So that another version need not decide again what this one decided."""
    head, workers = cluster_of(scene, CPUS, names=("n1",))
    got = submit(head, paced(scene, "all", 8, 20))
    head.assay("wait", got, "--timeout", "40s")
    rows = trials(head, got)
    workers[0].daemon.end()
    head.daemon.end()
    told = scene.assay("replay", head.data_dir).out
    check(re.search(r"^\d+-\d+ image: ", told, re.M), "the log begins with an image: " + told)
    check("\n0 entries, 0 events" in told, "and has nothing behind it: " + told)
    head.start()
    equal(trials(head, got), rows, "what has ended")
    head.daemon.end()


@case
def a_damaged_image_is_refused(scene):
    head, workers = cluster_of(scene, CPUS, names=("n1",), words=SHORT)
    got = submit(head, paced(scene, "all", 8, 20))
    head.assay("wait", got, "--timeout", "40s")
    workers[0].daemon.end()
    head.daemon.end()
    # Its redis-server is gone: one byte of the image, in the file that it left.
    files = glob.glob(os.path.join(head.data_dir, "redis", "appendonlydir", "*.aof"))
    changed = 0
    for path in files:
        with open(path, "rb") as file:
            content = file.read()
        at = content.find(b"\nexperiment_id")
        place = content.rfind(b"HSET")
        if place < 0 or at == 0:
            continue
        # The last image's part 0 begins behind its length; the cluster's own admin is in it.
        at = content.rfind(b"admin")
        if at < 0:
            continue
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(b"nimda")
        changed += 1
    check(changed == 1, "one file with an image: %s" % files)
    head.start(may_die=True)
    wait_for(lambda: not head.daemon.runs(), 20, "the head to end")
    check("it is damaged" in head.daemon.err() and "restore the data" in head.daemon.err(),
          "what it says: " + head.daemon.err())


main()
