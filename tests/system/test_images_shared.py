"""Images in a Redis that several heads share: the log is cut there too, and whoever leads next, on
whatever machine, begins with the image and counts everything once.

F11, F12, F14 and F22 of the failure model, with a log that has lost its beginning. ASSAY_SEED (1) says
which attempts die.
"""
import glob
import os
import random
import re
import shutil
import signal

from cluster import Worker, case, main, tool
from expect import Skip, check, equal, wait_for
from experiments import check_results, paced, submit, trials, up
from kills import kill_executor
from processes import read_bytes, read_text
from result_files import count_rows
from shared import SharedHead, SharedRedis, Standby

SEED = int(os.environ.get("ASSAY_SEED", "1"))
CPUS = 3
AMNESIA = 74
SHORT = ("--log-tail", "8K", "-v")
LOG = "assay:{default}:log"
KEYS = "assay:{default}:head"
TOLD = "the log is followed behind image"


def worker_of(scene, head, redis, name="n1"):
    token = scene.token(head, "worker", "worker.token")
    worker = Worker(scene, name, head, cpus=CPUS, token=token, words=["--address", redis.url])
    wait_for(lambda: up(head) == {name}, 30, lambda: "the worker to join: " + worker.daemon.err())
    return worker


def lives(scene, head):
    """What it has said, over all its lives."""
    return "".join(read_text(scene.path("out", "%s.%d.err" % (head.name, life)))
                   for life in range(1, head.starts + 1))


def fields(redis, prefix):
    """Names in the hash of the head that leads."""
    return [name for name in redis.ask("HKEYS", KEYS) if name.startswith(prefix)]


def keys(redis, kind):
    return redis.ask("KEYS", "assay:{default}:%s:*" % kind)


def images_made(head):
    return len(re.findall(r" image: of \d+-\d+: ", head.daemon.err()))


def wait_images(head, count, done=lambda: False):
    wait_for(lambda: images_made(head) >= count or done(), 40,
             lambda: "%d images: %s" % (count, head.daemon.err()))


def first_entry(redis):
    entries = redis.ask("XRANGE", LOG, "-", "+", "COUNT", "1")
    return entries[0][0] if entries else None


def last_entry(redis):
    return redis.ask("XREVRANGE", LOG, "+", "-", "COUNT", "1")[0][0]


def cut_behind(redis, entry):
    """Whether it is gone, and what came behind it."""
    first = first_entry(redis)
    epoch, number = (int(part) for part in entry.split("-"))
    return first is None or tuple(int(part) for part in first.split("-")) > (epoch, number + 1)


def ended(head, number, count, folder, reports, scene):
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * count, "states")
    check_results(scene, folder, rows, reports)
    return rows


def finished(scene, head, name, count=6, reports=30):
    """An experiment that is over; its number and rows."""
    number = submit(head, paced(scene, name, count, reports))
    return number, ended(head, number, count, scene.path("results", name), reports, scene)


def digest(head):
    """Of the state that it has now."""
    before = head.daemon.err().count("digest=")
    head.daemon.kill(signal.SIGUSR1)
    wait_for(lambda: head.daemon.err().count("digest=") > before, 10, "a dump of " + head.name)
    return re.findall(r"digest=([0-9a-f]{16})", head.daemon.err())[-1]


@case
def a_restart_reads_the_image_and_what_came_behind(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker = worker_of(scene, head, redis)
    folder = scene.path("results", "cut")
    first, rows = finished(scene, head, "first")
    got = submit(head, paced(scene, "cut", 20, 100, 0.005))
    for life in range(2):
        made = images_made(head)
        wait_images(head, made + 2, lambda: count_rows(folder) >= 2000)
        head.kill()
        check(first_entry(redis) != "1-0", "the log's beginning is cut off")
        head.start()
        found = re.search(r"replayed: from (\d+-\d+): (\d+) entries", head.daemon.err())
        check(found, "it began with an image: " + head.daemon.err())
        check(int(found.group(2)) <= redis.length(), "it read what stands in the log")
    ended(head, got, 20, folder, 100, scene)
    equal(trials(head, first), rows, "what had ended before the image")
    # One image, rows of one head, and one word of which image it began with: whatever died.
    wait_images(head, 1)
    equal((len(fields(redis, "image:")), len(keys(redis, "image"))), (1, 1), "images")
    equal({name.split("/")[0] for name in fields(redis, "ended:")}, {"ended:3"}, "rows in Redis")
    equal(sorted(name.split(":", 2)[2] for name in keys(redis, "ended")),
          sorted(fields(redis, "ended:")), "their keys")
    equal(fields(redis, "start:"), ["start:3"], "starts")
    # One that is told to end leaves no log behind it.
    worker.daemon.end()
    head.daemon.end()
    equal(redis.length(), 0, "entries")
    head.start()
    head.assay("rm", first)
    wait_for(lambda: redis.length() > 0, 10, "an entry")
    head.daemon.end()
    check("ended:4/" + first not in fields(redis, "ended:"), "rows of what was forgotten")
    equal(len(keys(redis, "ended")), 1, "rows of the other one")


@case
def nothing_is_cut_unasked(scene):
    """Who takes over may have no other way to the results."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=("-v",))
    worker_of(scene, head, redis)
    finished(scene, head, "all")
    head.daemon.end()
    equal((first_entry(redis), fields(redis, "image:"), keys(redis, "image")), ("1-0", [], []),
          "the log and its images")
    head.start()
    check("replayed: from the beginning" in head.daemon.err(), head.daemon.err())


@case
def a_standby_begins_with_the_image(scene):
    """It was not there when the log was cut; what had ended then it has from Redis, and the files it
    goes on with."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker_of(scene, head, redis)
    first, rows = finished(scene, head, "first")
    folder = scene.path("results", "on")
    got = submit(head, paced(scene, "on", 12, 100, 0.02))
    wait_images(head, images_made(head) + 1)
    standby = Standby(scene, redis, head, words=SHORT)
    check(TOLD in standby.daemon.err(), standby.daemon.err())
    before = count_rows(folder)
    wait_for(lambda: count_rows(folder) > before + 100, 30, "results to come")
    head.kill()
    standby.wait_leads()
    check(re.search(r"replayed: from \d+-\d+:", standby.daemon.err()), standby.daemon.err())
    told = ended(standby, got, 12, folder, 100, scene)
    equal({row["attempt"] for row in told}, {1}, "attempts")
    equal(trials(standby, first), rows, "rows of what had ended before the image")
    wait_images(standby, 1)
    equal({name.split("/")[0] for name in fields(redis, "ended:")}, {"ended:2"}, "rows in Redis")
    # The first one comes back on its own data directory: nothing of it is newer.
    standby.daemon.end()
    head.start()
    equal(trials(head, first), rows, "rows where it first led")
    equal(trials(head, got), told, "rows of what it did not see the end of")
    head.daemon.end()


@case
def a_standby_that_was_left_behind_begins_again(scene):
    """The log is cut while it reads nothing: never does it go on with a hole."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker_of(scene, head, redis)
    standby = Standby(scene, redis, head, words=SHORT)
    finished(scene, head, "first", 2, 5)
    standby.daemon.kill(signal.SIGSTOP)
    wait_for(lambda: ") T " in read_text("/proc/%d/stat" % standby.daemon.pid), 10, "the standby to be stopped")
    read = last_entry(redis)
    second, rows = finished(scene, head, "second", 8, 100)
    wait_for(lambda: cut_behind(redis, read), 40, lambda: "the log to be cut: " + head.daemon.err())
    token = head.assay("token", "create", "--role", "read", "--uses", "3").out.strip()
    check(token, "an entry behind the image")
    standby.daemon.kill(signal.SIGCONT)
    wait_for(lambda: "it was cut before it was read" in standby.daemon.err(), 20,
             lambda: "the standby to begin again: " + standby.daemon.err())
    wait_for(lambda: digest(standby) == digest(head), 20, "it to have the same state")
    head.kill()
    standby.wait_leads()
    equal(trials(standby, second), rows, "rows")
    redis.wait_lead("epoch", "2")


@case
def a_log_that_is_cut_to_nothing_is_noticed(scene):
    """Other heads led meanwhile, and left an image and no entry: a reader sees nothing new at all."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker = worker_of(scene, head, redis)
    standby = Standby(scene, redis, head, words=SHORT)
    standby.daemon.kill(signal.SIGSTOP)
    head.kill()
    head.start()
    second, rows = finished(scene, head, "second")
    worker.daemon.end()
    head.daemon.end()
    equal(redis.length(), 0, "entries")
    standby.daemon.kill(signal.SIGCONT)
    standby.wait_leads()
    check("it was cut before it was read" in standby.daemon.err(), standby.daemon.err())
    equal(trials(standby, second), rows, "rows")
    redis.wait_lead("epoch", "3")


@case
def a_takeover_does_not_hide_a_hole(scene):
    """What a standby has read ends with one epoch, and what is there begins with another one: whether
    entries are missing in between only the images tell."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker = worker_of(scene, head, redis)
    standby = Standby(scene, redis, head, words=SHORT)
    standby.daemon.kill(signal.SIGSTOP)
    second, rows = finished(scene, head, "second")
    worker.daemon.end()
    head.daemon.end()
    equal(redis.length(), 0, "entries")
    head.start()
    equal(first_entry(redis), "2-0", "what stands first")
    standby.daemon.kill(signal.SIGCONT)
    wait_for(lambda: "it was cut before it was read" in standby.daemon.err(), 20,
             lambda: "the standby to begin again: " + standby.daemon.err())
    wait_for(lambda: digest(standby) == digest(head), 20, "it to have the same state")
    head.kill()
    standby.wait_leads()
    equal(trials(standby, second), rows, "rows")


@case
def heads_take_turns(scene):
    """Three data directories, attempts that are cut between images, and a head that leads again behind
    the images of another one."""
    choice = random.Random(SEED)
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    workers = [worker_of(scene, head, redis)]
    first, rows = finished(scene, head, "first")
    both = [Standby(scene, redis, head, name, words=SHORT) for name in ("s1", "s2")]
    folder = scene.path("results", "turns")
    got = submit(head, paced(scene, "turns", 12, 200, 0.04))

    def goes_on(leads):
        kill_executor(leads, workers, choice)
        made, before = images_made(leads), count_rows(folder)
        if choice.random() < 0.5:
            wait_images(leads, made + 1)
        wait_for(lambda: abs(count_rows(folder) - before) > 60, 40,
                 lambda: "work to go on: " + leads.daemon.err())

    goes_on(head)
    head.kill()
    wait_for(lambda: any(one.leads() for one in both), 40, "one to lead")
    leads = next(one for one in both if one.leads())
    follows = next(one for one in both if one is not leads)
    for turn in range(2):
        goes_on(leads)
        leads.kill()
        follows.wait_leads()
        check(re.search(r"replayed: from \d+-\d+:", follows.daemon.err()), follows.daemon.err())
        leads.start()
        leads, follows = follows, leads
    told = ended(leads, got, 12, folder, 200, scene)
    check(any(row["attempt"] > 1 for row in told), "some trials ran again")
    equal(trials(leads, first), rows, "rows of what had ended at first")
    wait_for(lambda: digest(follows) == digest(leads), 20, "who stands by to have the same state")
    # What was kept for images goes with them, but for the newest one's.
    kept = glob.glob(os.path.join(folder, "*", ".*.before-*"))
    check(len({path.rsplit("-", 1)[1] for path in kept}) <= 1, "files kept for old images: %s" % kept)


@case
def the_head_dies_at_each_place_of_an_image(scene):
    if b"ASSAY_FAILPOINT" not in read_bytes(tool("assay-head")):
        raise Skip("this build has no failpoints (-DASSAY_FAILPOINTS=ON)")
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker_of(scene, head, redis)
    first, rows = finished(scene, head, "first")
    folder = scene.path("results", "places")
    got = submit(head, paced(scene, "places", 12, 150, 0.02))
    head.kill()
    for place in ("image-synced", "image-rows", "image-written", "image-trimmed"):
        head.start(env={"ASSAY_FAILPOINT": place}, may_die=True)
        wait_for(lambda: not head.daemon.runs() or count_rows(folder) >= 1800, 40,
                 lambda: "the head to die: " + head.daemon.err())
        equal(head.daemon.wait(), 128 + 9, "it dies at " + place)
    head.start()
    ended(head, got, 12, folder, 150, scene)
    equal(trials(head, first), rows, "rows of what had ended at first")
    wait_images(head, 1)
    equal((len(fields(redis, "image:")), len(keys(redis, "image"))), (1, 1), "images")
    equal(sorted(name.split(":", 2)[2] for name in keys(redis, "ended")),
          sorted(fields(redis, "ended:")), "rows in Redis")
    head.daemon.end()


def refused(head, *words, status=2):
    """It ends, and says so."""
    head.start(may_die=True)
    equal(head.daemon.wait(), status, "its status: " + head.daemon.err())
    for word in words:
        check(word in head.daemon.err(), head.daemon.err())


@case
def an_image_that_cannot_be_read_is_refused(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker = worker_of(scene, head, redis)
    number, rows = finished(scene, head, "all")
    standby = Standby(scene, redis, head)
    worker.daemon.end()
    standby.daemon.end()
    head.daemon.end()
    key, = keys(redis, "image")
    field, = fields(redis, "image:")
    said = redis.ask("HGET", KEYS, field)
    check(said.startswith("format 2 "), said)
    # A newer version's, for this one; half of one never counts, and the one before it does.
    redis.ask("HSET", KEYS, field, said.replace("format 2", "format 3"))
    refused(head, "it has the format of a newer version", "go on with the version of Assay that")
    refused(standby, "it has the format of a newer version")
    redis.ask("HSET", KEYS, field, said, "image:1-99999", "")
    redis.ask("HSET", "assay:{default}:image:1-99999", "0", "half")
    head.start()
    equal(trials(head, number), rows, "rows")
    head.daemon.end()
    key, = keys(redis, "image")
    redis.ask("HSET", key, "0", "x" * int(redis.ask("HSTRLEN", key, "0")))
    for one in (head, standby):
        refused(one, "image ", "it is damaged", "restore the data of this Redis from a backup")
    redis.ask("HDEL", key, "0")
    refused(head, "a part of it is missing")
    redis.ask("HDEL", KEYS, fields(redis, "image:")[0])
    refused(head, "it is gone")


@case
def a_folder_of_another_machine_is_told_apart(scene):
    """There it has the same name, and old files in it: they are left alone, and nothing more is cut
    before the right one is there."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    worker_of(scene, head, redis)
    folder, away = scene.path("results", "on"), scene.path("results", "away")
    go = scene.path("go")
    got = submit(head, paced(scene, "on", 2, 400, 0.01, flags="--last-when " + go))
    wait_images(head, 1)
    standby = Standby(scene, redis, head, words=SHORT)
    head.kill()
    os.rename(folder, away)
    shutil.copytree(away, folder)
    os.unlink(os.path.join(folder, ".origin"))
    other = {path: read_text(os.path.join(folder, path, "result.json"))
             for path in os.listdir(folder) if not path.startswith(".")}
    standby.wait_leads()
    wait_for(lambda: "is not the folder in which" in standby.daemon.err(), 20,
             lambda: "it to be told: " + standby.daemon.err())
    wait_for(lambda: "did not come about" in standby.daemon.err(), 60,
             lambda: "an image to be tried: " + standby.daemon.err())
    equal(images_made(standby), 0, "images")
    equal({path: read_text(os.path.join(folder, path, "result.json")) for path in other}, other,
          "files that are not this cluster's")
    standby.kill()
    shutil.rmtree(folder)
    os.rename(away, folder)
    head.start()
    with open(go, "w"):
        pass
    ended(head, got, 2, folder, 400, scene)
    wait_images(head, 1)
    head.daemon.end()


@case
def a_cut_log_that_has_forgotten_is_noticed(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=SHORT)
    standby = Standby(scene, redis, head)
    head.daemon.end()
    head.start()
    # A log without entries still knows how far it went; here it does not any more.
    head.assay("token", "create", "--role", "read")
    wait_for(lambda: redis.length() > 0, 10, "an entry")
    standby.daemon.kill(signal.SIGSTOP)
    redis.ask("XTRIM", LOG, "MAXLEN", "0")
    redis.ask("XSETID", LOG, "1-1")
    redis.ask("CLIENT", "KILL", "TYPE", "normal")
    equal(head.daemon.wait(), AMNESIA, "its status: " + head.daemon.err())
    check("AMNESIA" in head.daemon.err(), head.daemon.err())
    standby.daemon.kill(signal.SIGCONT)
    equal(standby.daemon.wait(40), AMNESIA, "the standby's: " + standby.daemon.err())
    redis.ask("DEL", LOG)
    refused(head, "AMNESIA", "the log ends before what its images tell of", status=AMNESIA)


main()
