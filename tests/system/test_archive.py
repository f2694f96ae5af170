"""The log's archive: what images cut off the log is kept, and decided again from its beginning."""
import glob
import os
import re
import shutil
import subprocess

from cluster import case, main, tool
from disks import fill, small_disk
from expect import Skip, check, equal, wait_for
from experiments import cluster_of, paced, submit, trials
from processes import read_bytes, read_text

SHORT = ("--log-tail", "8K", "-v")


def archived(scene, *more):
    return SHORT + ("--log-archive", scene.path("archive")) + more


def files(scene):
    """Those that have their names, by number."""
    return sorted(glob.glob(scene.path("archive", "*.assaylog")))


def said(scene, pattern):
    return sum(len(re.findall(pattern, read_text(path), re.M))
               for path in glob.glob(scene.path("out", "h.*.err")))


def images_made(scene):
    return said(scene, r" image: of \d+-\d+: ")


def work(scene, head, name, reports=30):
    number = submit(head, paced(scene, name, 10, reports))
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    return number


def ended(head, workers):
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()


def replay(scene, *words, status=0):
    return scene.assay("replay", *words, status=status, limit_s=60)


def digest(done):
    found = re.search(r"digest ([0-9a-f]{16}): equal$", done.out, re.M)
    check(found, "it is equal: " + done.told())
    return found.group(1)


def entries(done):
    return re.findall(r"^(\d+-\d+) (?!image|archive)", done.out, re.M)


def check_whole(scene, head):
    """Nothing is missing, nothing there twice, and all of it leads to where the head was."""
    both = replay(scene, head.data_dir, "--archive", scene.path("archive"))
    equal(digest(both), digest(replay(scene, head.data_dir)), "from the beginning, and from the image")
    ids = [tuple(map(int, one.split("-"))) for one in entries(both)]
    equal(ids[0], (1, 0), "the beginning")
    for before, behind in zip(ids, ids[1:]):
        check(behind == (before[0], before[1] + 1) or (behind[1] == 0 and behind[0] > before[0]),
              "%s comes behind %s" % (behind, before))
    return both


@case
def what_is_cut_is_kept_and_decided_again(scene):
    head, workers = cluster_of(scene, 4, words=archived(scene))
    first = work(scene, head, "first")
    wait_for(lambda: len(files(scene)) >= 1, 20, "an image to cut the log")
    head.kill()
    head.start()
    second = work(scene, head, "second")
    wait_for(lambda: images_made(scene) >= 2, 20, "another image")
    # It runs: its log is read beside it.
    done = replay(scene, head.data_dir, "--archive", scene.path("archive"))
    check("archive: what was cut ends here" in done.out, done.told())
    attempts = sum(row["attempt"] for number in (first, second) for row in trials(head, number))
    ended(head, workers)
    both = check_whole(scene, head)
    launches = re.findall(r"^  launch .*$", both.out, re.M)
    equal(len([line for line in launches if "again=true" not in line]), attempts, "launches")
    check(both.out.count("  event submit ") == 2, "both were handed in")
    # It ended with an image, and its log was cut: the archive alone has all of it.
    alone = replay(scene, "--archive", scene.path("archive"))
    equal(digest(alone), digest(both), "the archive alone")
    short = replay(scene, "--archive", scene.path("archive"), "--until", "1-5")
    equal(entries(short), ["1-%d" % n for n in range(6)], "until 1-5")
    # The head that was killed may not have come to say so.
    check(0 <= len(files(scene)) - images_made(scene) <= 1, "a file an image: %s" % files(scene))


def dies(scene, head, point):
    """The head, at that place: it is started so, and has work."""
    head.kill()
    images = images_made(scene)
    head.start(env={"ASSAY_FAILPOINT": point}, may_die=True)
    # Where trials of before bring the image about, it is not even there to hear this.
    head.assay("submit", paced(scene, point, 10, 30), status=None)
    wait_for(lambda: not head.daemon.runs(), 60, "the head to die at " + point)
    equal(images_made(scene), images, "images that were done")
    head.daemon.wait()
    head.start()


@case
def deaths_between_writing_and_cutting(scene):
    if b"ASSAY_FAILPOINT" not in read_bytes(tool("assay-head")):
        raise Skip("this build has no failpoints (-DASSAY_FAILPOINTS=ON)")
    head, workers = cluster_of(scene, 4, words=archived(scene))
    before = len(files(scene))
    dies(scene, head, "archive-synced")
    dies(scene, head, "archive-sealed")
    check(len(files(scene)) > before, "it was sealed")
    dies(scene, head, "image-trimmed")
    work(scene, head, "last")
    ended(head, workers)
    check_whole(scene, head)
    check(not os.path.exists(scene.path("archive", ".new")), "nothing half is left")


def refused(scene, words, *told, name="other"):
    done = scene.assay("head", "--port", "0", "--data-dir", scene.path(name + ".data"), *words,
                       home=scene.home("h"), status=2)
    done.check_error()
    for word in told:
        check(word in done.err, "%r is said: %s" % (word, done.err))


@case
def what_does_not_fit_is_refused(scene):
    head, workers = cluster_of(scene, 2, names=("n1",), words=archived(scene))
    folder = scene.path("archive")
    work(scene, head, "all")
    refused(scene, ("--log-archive", folder), "another head writes to")
    ended(head, workers)
    check(len(files(scene)) >= 2, "files: %s" % files(scene))
    refused(scene, ("--log-archive", folder, "--name", "else"), "the log of the cluster default")
    refused(scene, ("--log-archive", folder), "log archive", "folder of this log", name="third")
    refused(scene, ("--log-archive", scene.write("file", "")), "log archive")
    refused(scene, ("--log-archive", folder, "--redis-address", "localhost:1"), "--log-archive")
    scene.assay("replay", status=2).check_error()
    done = replay(scene, "--archive", scene.path("nothing"), status=2)
    check("No such file" in done.err or "not found" in done.err, done.told())
    done = replay(scene, "--archive", scene.folder, status=2)
    check("holds no part of a log" in done.err, done.told())
    # A copy of it in which a file is missing, then one with a wrong byte.
    other = scene.path("copy")
    shutil.copytree(folder, other)
    gone = os.path.join(other, os.path.basename(files(scene)[0]))
    os.rename(gone, scene.path("gone"))
    done = replay(scene, "--archive", other, status=2)
    check("00000001 is missing" in done.err, done.told())
    os.rename(scene.path("gone"), gone)
    with open(gone, "r+b") as file:
        file.seek(200)
        byte = file.read(1)
        file.seek(200)
        file.write(bytes([byte[0] ^ 1]))
    done = replay(scene, "--archive", other, status=2)
    check("it is damaged behind the entry 1-" in done.err and "cut short" in done.out, done.told())


@case
def one_that_begins_late_says_so(scene):
    head, workers = cluster_of(scene, 2, names=("n1",), words=SHORT)
    work(scene, head, "before")
    wait_for(lambda: images_made(scene) >= 1, 20, "an image")
    head.daemon.end()
    head.words = list(archived(scene))
    head.start()
    check("log-archive" in head.daemon.err() and "what came before was cut" in head.daemon.err(),
          head.daemon.err())
    work(scene, head, "behind")
    ended(head, workers)
    done = replay(scene, "--archive", scene.path("archive"), status=2)
    check("the log's beginning is missing" in done.err and "begin with its cluster" in done.err, done.told())
    # Without it for a while: what was cut meanwhile is in no archive.
    head.words = list(SHORT)
    head.start()
    head.daemon.end()
    head.words = list(archived(scene))
    head.start(may_die=True)
    wait_for(lambda: not head.daemon.runs(), 20, "the head to end")
    check("log archive" in head.daemon.err() and "was cut" in head.daemon.err(), head.daemon.err())


@case
def with_its_disk_full_nothing_is_cut(scene):
    folder = small_disk(scene.path("archive"))
    if folder is None:
        raise Skip("no file system can be mounted here")
    try:
        head, workers = cluster_of(scene, 4, words=archived(scene))
        ballast = fill(folder)
        work(scene, head, "full")
        wait_for(lambda: said(scene, r"the log stays: log archive: \S+: No space left"), 20,
                 "what the head says of it")
        check(not files(scene), "what is not whole has no name")
        os.unlink(ballast)
        # Images come with work, and not two at once.
        names = ("room%d" % n for n in range(100))
        wait_for(lambda: work(scene, head, next(names)) and files(scene), 60, "the log to be cut")
        ended(head, workers)
        check_whole(scene, head)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


main()
