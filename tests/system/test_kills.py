"""Kill -9 of every process while trials run: nothing is lost, nothing counted twice, nothing left over.

F1, F2, F11 and F15 of the failure model. ASSAY_ROUNDS (1) says how often, ASSAY_SEED (1) where.
"""
import os
import random
import shutil

from cluster import Daemon, Head, case, main, tool
from expect import check, equal, shorten, wait_for
from experiments import check_ran_once, cluster_of, paced, submit, trials, up
from kills import (
    CPUS, KILLS, check_all, end_all, go_through, kill_executor, kill_head, kill_head_and_redis,
    runs_trial,
)
from processes import kill_pid, pids_of_run
from result_files import count_rows

ROUNDS = int(os.environ.get("ASSAY_ROUNDS", "1"))
SEED = int(os.environ.get("ASSAY_SEED", "1"))


@case
def head_worker_and_redis_are_killed(scene):
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, CPUS)
    for number in range(1, ROUNDS + 1):
        name = "round%d" % number
        folder = scene.path("results", name)
        got = submit(head, paced(scene, name, 50, 200, 0.004))
        kills = list(KILLS[:3]) if number == 1 else choice.sample(KILLS, 3)
        choice.shuffle(kills)
        print("         round %d: %s" % (number, ", ".join(kill.__name__ for kill in kills)))
        go_through(scene, head, workers, got, folder, kills, choice, 50 * 200)
        rows = check_all(scene, head, got, folder, 50, 200)
        check_ran_once(scene, rows)
        for path in os.listdir(scene.path("truth")):
            os.unlink(scene.path("truth", path))
    end_all(scene, head, workers)


@case
def the_heads_machine_dies(scene):
    choice = random.Random(SEED + 1)
    head, workers = cluster_of(scene, CPUS)
    folder = scene.path("results", "both")
    got = submit(head, paced(scene, "both", 16, 100, 0.01))
    go_through(scene, head, workers, got, folder, [kill_head_and_redis] * 2, choice, 16 * 100)
    rows = check_all(scene, head, got, folder, 16, 100)
    check_ran_once(scene, rows)
    end_all(scene, head, workers)


@case
def executors_are_killed(scene):
    """Their trials die with them, at once, and run again; it is not their fault."""
    choice = random.Random(SEED + 2)
    head, workers = cluster_of(scene, CPUS)
    folder = scene.path("results", "again")
    enough = scene.path("enough")
    # None of them ends before the last executor was killed: there is one to kill on every node.
    got = submit(head, paced(scene, "again", 12, 100, 0.01, flags="--last-when " + enough))
    wait_for(lambda: count_rows(folder) > 150, 30, "results to come")
    for _ in range(2):
        worker = choice.choice(workers)
        theirs = wait_for(lambda: [pid for pid in pids_of_run(scene.mark, scene.folder)
                                   if runs_trial(pid, worker.name)],
                          30, "trials to run on " + worker.name)
        # Only now: one that begins leaves the process that it was begun in.
        found = worker.executors()
        equal(len(found), 1, "executors of an experiment on a node")
        kill_pid(found[0])
        wait_for(lambda: not [pid for pid in theirs if runs_trial(pid, worker.name)], 5,
                 "the trials of a dead executor to be gone")
    scene.write("enough", "")
    rows = check_all(scene, head, got, folder, 12, 100)
    check(any(row["attempt"] > 1 for row in rows), "some trials ran again")
    equal({row["failures"] for row in rows}, {0}, "an executor's death is no failure of a trial")
    end_all(scene, head, workers)


@case
def everything_dies_at_once_and_again(scene):
    """Kills follow each other before anybody has recovered from the one before."""
    choice = random.Random(SEED + 3)
    head, workers = cluster_of(scene, CPUS)
    folder = scene.path("results", "chaos")
    got = submit(head, paced(scene, "chaos", 24, 100, 0.01))
    told = []
    for _ in range(8 + 8 * (ROUNDS - 1)):
        together = choice.sample(KILLS + (kill_executor,), choice.randint(1, 3))
        told.append("+".join(kill.__name__ for kill in together))
        before = count_rows(folder)
        for kill in together:
            kill(head, workers, choice)
        # Sometimes at once again, sometimes after a little work.
        wanted = choice.choice((0, 1, 40))
        wait_for(lambda: abs(count_rows(folder) - before) >= wanted or count_rows(folder) == 2400, 30,
                 lambda: "work to go on after %s; %s" % (told, shorten(head.daemon.err())))
    rows = check_all(scene, head, got, folder, 24, 100)
    equal({row["failures"] for row in rows}, {0}, "no trial failed by itself, after " + ", ".join(told))
    end_all(scene, head, workers)


@case
def a_worker_that_stays_away_is_lost(scene):
    """Its trials run again elsewhere, and what it made before is not counted."""
    head, workers = cluster_of(scene, CPUS)
    folder = scene.path("results", "lost")
    got = submit(head, paced(scene, "lost", 10, 60, 0.05))
    wait_for(lambda: {row["node"] for row in trials(head, got) if row["results"] > 3} == {"n1", "n2"},
             30, "results of both nodes")
    # The whole machine: nothing of it is left.
    workers[0].kill()
    for pid in workers[0].executors() + [
        pid for pid in pids_of_run(scene.mark, scene.folder) if runs_trial(pid, "n1")
    ]:
        kill_pid(pid)
    wait_for(lambda: up(head) == {"n2"}, 30, "the head to notice that n1 is lost")
    rows = check_all(scene, head, got, folder, 10, 60)
    again = [row for row in rows if row["attempt"] > 1]
    check(again and {row["node"] for row in again} == {"n2"}, "its trials ran again on n2: %s" % again)
    equal({row["failures"] for row in rows}, {0}, "a node's loss is no failure of a trial")
    end_all(scene, head, workers[1:])


@case
def the_client_that_watches_sees_every_line(scene):
    """A reader goes on where it was when its head has come back."""
    head, workers = cluster_of(scene, CPUS, names=("n1",))
    got = submit(head, paced(scene, "seen", 6, 80, 0.02))
    reader = scene.start("reader", "results", got, "-f", "--json", home=head.home)
    folder = scene.path("results", "seen")
    wait_for(lambda: count_rows(folder) > 100, 30, "results to come")
    kill_head(head, workers, None)
    head.assay("wait", got, "--timeout", "40s")
    equal(reader.wait(20), 0, "the reader's status: " + reader.err())
    lines = [line for line in reader.out().splitlines() if line]
    equal(len(lines), 6 * 80, "lines that the reader saw")
    equal(len(set(lines)), 6 * 80, "each once")


@case
def whoever_starts_an_executor_may_die(scene):
    """It is killed when the executor runs, and before it could say so: that one is found all the same."""
    head = Head(scene)
    os.mkdir(scene.path("bin"))
    for name in ("assay", "assay-worker"):
        shutil.copy(tool(name), scene.path("bin"))
    scene.write("bin/assay-executor", '#!/bin/sh\n%s "$@"\nkill -9 $$\n' % tool("assay-executor"), 0o755)
    worker = Daemon(scene, "n1", [scene.path("bin", "assay"), "worker", "--address", head.address, "--cpus", "2", "--name",
                                  "n1", "--data-dir", scene.path("n1.data"), "--token-file",
                                  scene.token(head, "worker", "worker.token")],
                    scene.env(scene.home("n1"), {"TEST_NODE": "n1"}))
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "the worker to join: " + worker.err())
    got = submit(head, paced(scene, "found", 6, 20))
    rows = check_all(scene, head, got, scene.path("results", "found"), 6, 20)
    check_ran_once(scene, rows)
    worker.end()
    head.daemon.end()
    scene.check_nothing_runs()


main()
