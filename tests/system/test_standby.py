"""A head falls silent, and one that stood by leads: nothing is lost, nothing runs twice.

F11 to F14, F17 and F23 of the failure model, with a Redis that several heads share.
"""
import os
import shutil
import signal

from cluster import Worker, case, main
from expect import check, equal, wait_for
from experiments import (
    account, check_ran_once, check_results, check_room, paced, saver, submit, trials, up,
    wait_checkpoint, wait_ended,
)
from processes import kill_pid, read_text
from result_files import count_rows
from shared import SharedHead, SharedRedis, Standby

CPUS = 3
FENCED = 75
AMNESIA = 74


def workers_of(scene, head, names, addresses):
    """They join by an address of their own each; None: the head's."""
    token = scene.token(head, "worker", "worker.token", "--uses", len(names))
    workers = [Worker(scene, name, head, cpus=CPUS, token=token,
                      words=["--address", address] if address else [])
               for name, address in zip(names, addresses)]
    wait_for(lambda: up(head) == set(names), 30,
             lambda: "the workers to join: " + " ".join(one.daemon.err() for one in workers))
    return workers


def check_all(scene, head, number, folder, count, reports):
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * count, "states")
    check_results(scene, folder, rows, reports)
    check_room(scene, CPUS)
    return rows


@case
def a_standby_leads_when_the_head_is_killed(scene):
    """Running trials keep their attempt; what was acknowledged is there, each result once."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head, port=head.port)
    workers = workers_of(scene, head, ("n1", "n2"), [None, redis.url])
    folder = scene.path("results", "kept")
    got = submit(head, paced(scene, "kept", 12, 120, 0.05))
    wait_for(lambda: count_rows(folder) > 100, 30, "results to come")
    head.kill()
    standby.wait_leads()
    redis.wait_lead("endpoint", standby.address)
    rows = check_all(scene, standby, got, folder, 12, 120)
    check_ran_once(scene, rows)
    equal({row["attempt"] for row in rows}, {1}, "attempts")
    for worker in workers:
        worker.daemon.end()
    standby.daemon.end()
    redis.daemon.end_hard()
    scene.check_nothing_runs()


@case
def all_follow_when_the_head_is_stopped(scene):
    """Workers, a reader and a waiting command were given the Redis; the new head is elsewhere. What the
    old one says when it goes on, nobody follows."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    workers = workers_of(scene, head, ("n1", "n2"), [redis.url] * 2)
    token = scene.token(head, "read", "read.token")
    folder = scene.path("results", "moved")
    got = submit(head, paced(scene, "moved", 12, 150, 0.05))
    reader = scene.start("reader", "results", got, "-f", "--json", "--address", redis.url,
                         "--token-file", token, home=scene.home("r"))
    waits = scene.start("waits", "wait", got, "--address", redis.url, home=head.home)
    wait_for(lambda: count_rows(folder) > 100 and reader.out(), 40,
             lambda: "results to come: " + reader.err())
    head.daemon.kill(signal.SIGSTOP)
    standby.wait_leads()
    wait_for(lambda: up(standby) == {"n1", "n2"}, 40,
             lambda: "the workers to follow: " + " ".join(one.daemon.err() for one in workers))
    head.daemon.kill(signal.SIGCONT)
    equal(head.daemon.wait(), FENCED, "its status: " + head.daemon.err())
    rows = check_all(scene, standby, got, folder, 12, 150)
    check_ran_once(scene, rows)
    equal({row["attempt"] for row in rows}, {1}, "attempts")
    equal(waits.wait(30), 0, "the waiting command: " + waits.err())
    equal(reader.wait(30), 0, "the reader: " + reader.err())
    lines = [line for line in reader.out().splitlines() if line]
    equal((len(lines), len(set(lines))), (12 * 150, 12 * 150), "lines that the reader saw, each once")
    # Known by the cluster, so no token is needed again, whoever leads.
    scene.assay("list", "--address", redis.url, home=scene.home("r"))
    workers[0].kill()
    workers[0].words = ["--address", redis.url, "--cpus", str(CPUS), "--name", "n1", "-v"]
    workers[0].start()
    wait_for(lambda: "head-open" in workers[0].daemon.err(), 20,
             lambda: "a worker to come back without a token: " + workers[0].daemon.err())
    for worker in workers:
        worker.daemon.end()
    standby.daemon.end()


@case
def code_trees_are_brought_by_hand(scene):
    """What was copied into its blobs/ while it stood by, a head that takes over hands out; what was
    not, it says."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby, bare = (Standby(scene, redis, head, name) for name in ("s1", "s2"))
    folder = scene.path("results", "code")
    got = submit(head, paced(scene, "code", 4, 5, 0.01))
    shutil.copytree(os.path.join(head.data_dir, "blobs"), os.path.join(standby.data_dir, "blobs"))
    bare.daemon.kill(signal.SIGSTOP)
    head.kill()
    standby.wait_leads()
    check("code-missing" not in standby.daemon.err(), standby.daemon.err())
    check("are not here" not in standby.assay("doctor", status=None).out, "doctor misses no code")
    bare.daemon.kill(signal.SIGCONT)
    bare.wait_stands_by()
    standby.kill()
    bare.wait_leads()
    check("code-missing" in bare.daemon.err() and "count=1" in bare.daemon.err(), bare.daemon.err())
    said = bare.assay("doctor", status=1)
    check("code trees: 1 of experiments that run are not here" in said.out, said.out)
    bare.daemon.end()
    # Brought, it is handed out to a node that has nothing yet.
    shutil.rmtree(os.path.join(bare.data_dir, "blobs"))
    shutil.copytree(os.path.join(head.data_dir, "blobs"), os.path.join(bare.data_dir, "blobs"))
    bare.start()
    bare.wait_leads()
    workers_of(scene, bare, ("n1",), [redis.url])
    check_ran_once(scene, check_all(scene, bare, got, folder, 4, 5))


@case
def checkpoints_in_a_shared_folder_outlive_the_head(scene):
    """They were put there after the one that takes over had begun to stand by."""
    redis, folder = SharedRedis(scene), scene.path("shared")
    head = SharedHead(scene, redis, words=["--checkpoints", folder])
    standby = Standby(scene, redis, head, words=["--checkpoints", folder])
    token = scene.token(head, "worker", "worker.token")
    worker = Worker(scene, "n1", head, token=token,
                    words=["--address", redis.url, "--checkpoints", folder])
    wait_for(lambda: up(head) == {"n1"}, 30, "the worker to join")
    number = submit(head, saver(scene, "outlive", 5, "--hold-at 3"))
    wait_checkpoint(head, "%s/0" % number, 3)
    shutil.copytree(os.path.join(head.data_dir, "blobs"), os.path.join(standby.data_dir, "blobs"),
                    dirs_exist_ok=True)
    head.kill()
    standby.wait_leads()
    wait_for(lambda: up(standby) == {"n1"}, 40, lambda: "it to follow: " + worker.daemon.err())
    check("is not the head's folder" not in worker.daemon.err(), worker.daemon.err())
    # One who does not see the folder asks the new head for what is in it.
    token = scene.token(standby, "worker", "other.token")
    other = Worker(scene, "n2", standby, token=token)
    wait_for(lambda: "n2" in up(standby), 30, lambda: "it to join: " + other.daemon.err())
    for pid in worker.executors():
        kill_pid(pid)
    worker.daemon.end()
    wait_ended(standby, number)
    got = account(scene, trials(standby, number)[0])
    equal((got[0], got[-1]), ((1, 0, "n1"), (got[-1][0], 3, "n2")), "its attempts")
    standby.assay("rm", number)
    wait_for(lambda: not [name for name in os.listdir(folder) if len(name) == 64], 10,
             "the blobs to go")
    other.daemon.end()
    standby.daemon.end()
    redis.daemon.end_hard()
    scene.check_nothing_runs()


@case
def a_command_waits_for_the_next_head(scene):
    """It comes when the old head is dead and the next one does not lead yet."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    head.kill()
    scene.assay("list", "--address", redis.url, home=head.home)
    check(standby.leads(), "the one that stood by has answered")


@case
def clusters_of_other_names_are_found(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis, words=["--name", "other"])
    address = redis.url + "/other"
    token = scene.token(head, "submit", "submit.token")
    scene.assay("list", "--address", address, "--token-file", token)
    equal([name for name in os.listdir(os.path.join(scene.home("me"), "known_heads"))],
          ["+redis:++127.0.0.1:%d+other" % redis.port], "what is known")
    equal(scene.assay("list", env={"ASSAY_ADDRESS": address}).status, 0, "by the environment")
    # Whoever started the head needs no token, here either.
    scene.start("own", "worker", "--address", address, "--name", "own", "--cpus", "1", "--data-dir",
                scene.path("own.data"), home=head.home)
    wait_for(lambda: up(head) == {"own"}, 20, "a worker of the head's own user")
    said = scene.assay("list", "--address", redis.url, status=3).check_error()
    check("no head has led a cluster of that name there" in said.err, said.err)
    redis.ask("HSET", "assay:{other}:head", "endpoint", "no where")
    said = scene.assay("list", "--address", address, status=3).check_error()
    check("not what a head writes" in said.err, said.err)


@case
def a_redis_that_lies_is_not_believed(scene):
    """It sends a client to a head that does not hold the key: whoever answers there learns nothing."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    false = SharedHead(scene, redis, "f", ["--name", "false"])
    token = scene.token(head, "submit", "submit.token")
    scene.assay("list", "--address", redis.url, "--token-file", token)
    redis.ask("HSET", "assay:{default}:head", "endpoint", false.address, "key",
              redis.lead("key", "false"))
    said = scene.assay("list", "--address", redis.url, status=4).check_error()
    check("does not hold this head's key" in said.err, said.err)


@case
def an_idle_log_does_not_grow(scene):
    """A head that has nothing to commit beats outside the log, and keeps the lead."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    length, first = redis.length(), redis.lead("beat")
    seen = set()
    # Longer than a standby waits, by the head's own beats.
    wait_for(lambda: seen.add(redis.lead("beat")) or len(seen) > 14, 40, "the head to beat")
    equal(redis.length(), length, "entries in the log")
    check(first in seen and not standby.leads() and head.daemon.runs(), "the same head leads")
    equal(redis.lead("epoch"), "1", "epochs")


@case
def a_stopped_head_that_goes_on_ends(scene):
    """It finds out before it answers anybody, with nothing to commit, too."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    head.daemon.kill(signal.SIGSTOP)
    standby.wait_leads()
    redis.wait_lead("epoch", "2")
    head.daemon.kill(signal.SIGCONT)
    equal(head.daemon.wait(), FENCED, "its status: " + head.daemon.err())
    check("a later epoch stands in the log" in head.daemon.err(), head.daemon.err())
    standby.assay("list")
    equal(redis.lead("endpoint"), standby.address, "the endpoint in Redis")


@case
def of_two_standbys_one_leads(scene):
    """The other one stands by for it, and leads when that one has gone as well."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    both = [Standby(scene, redis, head, name) for name in ("s1", "s2")]
    head.kill()
    wait_for(lambda: any(one.leads() for one in both), 40, "one to lead")
    first = next(one for one in both if one.leads())
    second = next(one for one in both if one is not first)
    # It would have to have tried by then: its own look comes every tenth of a second.
    beats = set()
    wait_for(lambda: beats.add(redis.lead("beat")) or len(beats) > 12, 40, "the new head to beat")
    check(not second.leads() and second.daemon.runs() and first.daemon.runs(), "exactly one leads")
    equal(redis.lead("epoch"), "2", "the epoch")
    first.kill()
    second.wait_leads()
    redis.wait_lead("epoch", "3")


@case
def a_standby_that_was_stopped_does_not_take_over(scene):
    """Nobody knows what it has missed: it begins to count anew."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    standby.daemon.kill(signal.SIGSTOP)
    beats = set()
    wait_for(lambda: beats.add(redis.lead("beat")) or len(beats) > 14, 40, "the head to beat")
    standby.daemon.kill(signal.SIGCONT)
    standby.daemon.kill(signal.SIGUSR1)
    wait_for(lambda: "dump" in standby.daemon.err(), 10, "the standby to go on")
    check(not standby.leads() and head.daemon.runs(), "the head leads")
    equal(redis.lead("epoch"), "1", "the epoch")


@case
def nobody_takes_over_while_redis_hangs(scene):
    """A head cannot beat then, and is not taken for dead when Redis goes on."""
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    beat = redis.lead("beat")
    redis.daemon.kill(signal.SIGSTOP)
    wait_for(lambda: "redis-away" in standby.daemon.err(), 20, "the standby to notice")
    wait_for(lambda: "log-stalled" in head.daemon.err(), 20, "the head to notice")
    redis.daemon.kill(signal.SIGCONT)
    beats = set()
    wait_for(lambda: beats.add(redis.lead("beat")) or len(beats - {beat}) > 14, 40, "the head to beat")
    check(not standby.leads() and head.daemon.runs(), "the head leads")
    equal(redis.lead("epoch"), "1", "the epoch")


@case
def a_flushed_redis_is_not_begun_anew(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    head.kill()
    redis.ask("FLUSHALL")
    equal(standby.daemon.wait(40), AMNESIA, "its status: " + standby.daemon.err())
    check("AMNESIA" in standby.daemon.err(), standby.daemon.err())
    equal(redis.ask("EXISTS", "assay:{default}:log"), "0", "the log")


@case
def other_keys_do_not_stand_by(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    words = ["head", "--standby", "--redis-address", redis.url, "--data-dir"]
    before = redis.length()
    said = scene.assay(*words, scene.path("none"), status=2).check_error()
    check("head.key is not there" in said.err and "copy keys/head.key" in said.err, said.err)
    other = SharedHead(scene, redis, "o", ["--name", "other"])
    other.daemon.end()
    said = scene.assay(*words, other.data_dir, status=2).check_error()
    check("it is not the key of the head that leads" in said.err, said.err)
    shutil.copy(os.path.join(head.data_dir, "keys", "head.key"),
                os.path.join(other.data_dir, "keys", "head.key"))
    said = scene.assay(*words, other.data_dir, status=2).check_error()
    check("it is not the admin key of this cluster" in said.err, said.err)
    equal((redis.length(), redis.lead("epoch")), (before, "1"), "entries and epoch")


@case
def a_standby_ends_when_it_is_told_to(scene):
    redis = SharedRedis(scene)
    head = SharedHead(scene, redis)
    standby = Standby(scene, redis, head)
    standby.daemon.end()
    check(read_text(os.path.join(standby.data_dir, "audit.log")) == "", "nothing was done")


main()
