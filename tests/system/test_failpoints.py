"""F1, F2, F11, F38: each process dies at each place where what it says and what is written down may differ.

A place is a FAILPOINT of the code. The first times that a process comes by there: ASSAY_ROUNDS (1) hits of each,
ASSAY_SEED (1) says which of the later ones a second round takes.
"""
import os
import random
import re

from cluster import PROGRAMS, case, main, tool
from expect import Skip, check, equal, wait_for
from experiments import check_ran_once, check_results, cluster_of, experiment_rows, paced, trials
from processes import kill_pid, read_bytes
from result_files import count_rows

ROUNDS = int(os.environ.get("ASSAY_ROUNDS", "1"))
SEED = int(os.environ.get("ASSAY_SEED", "1"))

# Of the head: while it starts, and while it runs.
STARTING = ("redis-fork", "redis-forked", "claim")
FAILPOINTS = ("head-before-commit", "journal-append", "journal-sent", "journal-committed",
              "head-before-apply", "head-after-apply", "order", "order-sent", "reply", "reply-sent",
              "sink-gathered", "sink-lines-written", "sink-flushed", "blob-verified", "blob-sealed")
WORKER = ("file-written", "file-renamed", "ready-sent", "lease-taken", "lease-given", "helper-fork",
          "helper-forked", "blob-fetched", "relay", "relay-sent", "verdict", "verdict-given")
HELPER = ("code-unpacked",)  # what a worker unpacks code with
EXECUTOR = ("lease-begins", "trial-fork", "lease-begun", "spool-append", "reports", "reports-sent",
            "verdicts-taken", "end", "vacated-sent")
CLIENT = ("chunk-put", "submit", "submitted")


def needs_failpoints():
    if b"ASSAY_FAILPOINT" not in read_bytes(tool("assay-head")):
        raise Skip("this build has no failpoints (-DASSAY_FAILPOINTS=ON)")


def hits(choice):
    """Which hits of a place are tried."""
    return [1] + [choice.randint(2, 12) for _ in range(ROUNDS - 1)]


def forget_truth(scene):
    for path in os.listdir(scene.path("truth")):
        os.unlink(scene.path("truth", path))


def fresh_code(scene, name):
    """A code tree that no head has yet, so that it is sent, sealed, fetched and unpacked."""
    folder = scene.path("code." + name)
    os.mkdir(folder)
    scene.write("code.%s/paced.py" % name, open(os.path.join(PROGRAMS, "paced.py"), encoding="utf-8").read())
    scene.write("code.%s/salt" % name, name)
    return folder


def experiment(scene, name):
    """The file of one of 4 trials with 10 results each."""
    path = paced(scene, name, 4, 10, 0.01)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return scene.write(name + ".yaml", text.replace("code: " + PROGRAMS, "code: " + fresh_code(scene, name)))


def check_whole(scene, head, name, again=False):
    """Everything of it is there once."""
    known = [row for row in experiment_rows(head) if row["name"] == name]
    equal(len(known), 1, "experiments of the name " + name)
    rows = trials(head, known[0]["experiment"])
    equal({(row["state"], row["failures"]) for row in rows}, {("TERMINATED", 0)}, "trials of " + name)
    if not again:
        check_ran_once(scene, rows)
    check_results(scene, known[0]["folder"], rows, 10)
    wait_for(lambda: count_rows(known[0]["folder"]) == 40, 10, "rows of " + name)


def die_and_go_on(scene, head, point, number):
    """One experiment, handed in to a head that dies at the point's number-th time."""
    name = "%s-%d-%d" % (point, number, head.starts)
    forget_truth(scene)
    head.daemon.end()
    head.start(env={"ASSAY_FAILPOINT": "%s:%d" % (point, number)}, may_die=True)
    file = experiment(scene, name)
    client = scene.start("client-" + name, "submit", file, "--wait", home=head.home)
    wait_for(lambda: not head.daemon.runs() or not client.runs(), 30,
             lambda: "the head to die at %s; %s" % (name, head.daemon.err()))
    died = not head.daemon.runs()
    if died:
        equal(head.daemon.wait(), 128 + 9, "the head ends at " + name)
        head.start()
    status = client.wait(60)
    known = [row for row in experiment_rows(head) if row["name"] == name]
    check(len(known) <= 1, "one submission, %d experiments" % len(known))
    told = re.search(r"\d+", client.out())
    check(known or not told, "who saw an id finds it: %s" % client.out())
    if status == 3 and not told:
        equal(known, [], "nothing was handed in to a head that died before it was met")
        return died
    equal(status, 0, "the client of a head that came back: %s" % client.err())
    check_whole(scene, head, name)
    return died


def end_all(scene, head, workers):
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    scene.assay("replay", head.data_dir)


def tell(who, points, died):
    """died: (place, whether it did), of every try."""
    missed = sorted({point for point in points} - {point for point, dead in died if dead})
    print("         sum: %s: killed at %d of %d places%s" % (who, len(points) - len(missed), len(points),
                                                    "; not met: " + ", ".join(missed) if missed else ""))
    check(len(missed) <= len(points) // 4, "%s: not met: %s" % (who, missed))


@case
def the_head_dies_at_each_failpoint(scene):
    needs_failpoints()
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, 2, names=("n1",))
    paced(scene, "none", 1, 1)
    deaths = [(point, die_and_go_on(scene, head, point, number)) for point in FAILPOINTS for number in hits(choice)]
    tell("head", FAILPOINTS, deaths)
    end_all(scene, head, workers)


@case
def the_head_dies_while_it_starts(scene):
    needs_failpoints()
    head, workers = cluster_of(scene, 2, names=("n1",))
    scene.write("truth/none", "")
    os.unlink(scene.path("truth/none"))
    name = "starts"
    head.assay("submit", experiment(scene, name))
    deaths = 0
    for point in STARTING:
        head.daemon.end()
        head.start(env={"ASSAY_FAILPOINT": point}, may_die=True)
        deaths += not head.daemon.runs()
        if not head.daemon.runs():
            head.start()
    head.assay("wait", 1, "--timeout", "50s")
    check_whole(scene, head, name)
    equal(deaths, len(STARTING), "deaths of a head that starts")
    print("         sum: starting head: killed at %d of %d places" % (deaths, len(STARTING)))
    end_all(scene, head, workers)


def worker_dies(scene, head, worker, point, number, child=None):
    """It, or a child of which it says that, dies there while an experiment is handed in; then it is started as it was."""
    name = "%s-%d" % (point, number)
    forget_truth(scene)
    worker.daemon.end()
    wait_for(lambda: not worker.executors(), 20, "executors to end with their worker")
    worker.extra["ASSAY_FAILPOINT"] = "%s:%d" % (point, number)
    worker.start()
    said = len(worker.daemon.err())
    client = scene.start("client-" + name, "submit", experiment(scene, name), "--wait", home=head.home)

    def died():
        if child:
            return child in worker.daemon.err()[said:]
        return not worker.daemon.runs()

    wait_for(lambda: died() or not client.runs(), 60, lambda: "%s to die; %s" % (name, worker.daemon.err()))
    dead = died()
    del worker.extra["ASSAY_FAILPOINT"]
    if worker.daemon.runs():
        worker.kill()
    # Executors that carry the failpoint with them would die at it again.
    for pid in worker.executors():
        kill_pid(pid)
    worker.start()
    equal(client.wait(60), 0, "the client: " + client.err())
    check_whole(scene, head, name, again=True)
    return dead


@case
def a_worker_dies_at_each_failpoint(scene):
    needs_failpoints()
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, 2, names=("n1",))
    paced(scene, "none", 1, 1)
    deaths = [(point, worker_dies(scene, head, workers[0], point, number))
              for point in WORKER for number in hits(choice)]
    for point in HELPER:
        check(worker_dies(scene, head, workers[0], point, 1, "was cut short"), "nothing died at " + point)
    tell("worker", WORKER, deaths)
    end_all(scene, head, workers)


@case
def an_executor_dies_at_each_failpoint(scene):
    needs_failpoints()
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, 2, names=("n1",))
    paced(scene, "none", 1, 1)
    deaths = [(point, worker_dies(scene, head, workers[0], point, number, "executor-gone"))
              for point in EXECUTOR for number in hits(choice)]
    tell("executor", EXECUTOR, deaths)
    end_all(scene, head, workers)


@case
def a_client_dies_at_each_failpoint(scene):
    """F38: what it had sent is there or not, and once at most."""
    needs_failpoints()
    head, workers = cluster_of(scene, 2, names=("n1",))
    paced(scene, "none", 1, 1)
    deaths = []
    for point in CLIENT:
        file = experiment(scene, point)
        done = head.assay("submit", file, status=None, env={"ASSAY_FAILPOINT": point})
        deaths.append((point, done.status == 128 + 9))
        known = [row for row in experiment_rows(head) if row["name"] == point]
        check(len(known) <= 1 and (known or point != "submitted"), "%s: %s" % (point, known))
        if not known:
            head.assay("submit", file)
    for row in experiment_rows(head):
        head.assay("wait", row["experiment"], "--timeout", "50s")
        check_whole(scene, head, row["name"], again=True)
    tell("client", CLIENT, deaths)
    end_all(scene, head, workers)


main()
