"""F16 and F21: the power of the head's machine is cut, again and again, while experiments run.

Before each cut a worker is asked what was acknowledged to it, a reader follows the results, and experiments
are handed in; whatever anybody was told must stand in what the disk still has. POWER_CUTS (200) says how
many cuts, POWER_SEED (1) where.

    test_cuts.py [nothing_acknowledged_is_lost | synced_every_second_it_is_lost]
"""
import concurrent.futures
import json
import os
import random
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from cluster import Scene, Worker, case, main  # noqa: E402
from expect import check, equal, shorten, wait_for  # noqa: E402
from experiments import accounts, check_results, experiment_rows, paced, trials, up  # noqa: E402
from logfile import Log  # noqa: E402
from machine import Machine  # noqa: E402
from processes import kill_pid, read_text  # noqa: E402

CUTS = int(os.environ.get("POWER_CUTS", "200"))
SEED = int(os.environ.get("POWER_SEED", "1"))
CUTS_A_LIFE = 25
LIVES_AT_ONCE = 2
REPORTS = 150
CPUS = 3
LEASE = re.compile(r"lease (\d+)/(\d+) attempt=(\d+) \S+ seen=\d+ acked=(\d+)")


class Life:
    """A cluster whose head loses its power many times; its worker does not."""

    def __init__(self, scene, seed, **options):
        self.scene, self.choice = scene, random.Random(seed)
        self.machine = Machine(scene, self.choice, **options)
        self.head = self.machine.head
        token = scene.token(self.head, "worker", "worker.token")
        self.worker = Worker(scene, "n1", self.head, cpus=CPUS, token=token)
        wait_for(lambda: up(self.head) == {"n1"}, 30, lambda: "the worker to join: " + self.worker.daemon.err())
        self.log = Log()
        self.acked = {}
        self.told_bytes = 0
        self.clients = []
        self.file = paced(scene, "long", 12, REPORTS, 0.02)
        self.small = paced(scene, "small", 1, 2)
        self.cuts = 0
        self.submit(self.file)
        wait_for(lambda: self.numbers(), 30, "the first experiment to be taken")
        self.reader = scene.start("reader", "results", "1", "-f", "--json", home=self.head.home)

    def submit(self, file):
        self.clients.append(
            self.scene.start("client%d" % len(self.clients), "submit", file, home=self.head.home))

    def numbers(self):
        """Experiments that somebody was told of."""
        found = [re.search(r"\d+", client.out()) for client in self.clients]
        return [int(one.group(0)) for one in found if one]

    def ask_worker(self):
        """What was acknowledged to it, as it says itself."""
        before = os.path.getsize(self.worker.daemon.err_path)
        kill_pid(self.worker.daemon.pid, signal.SIGUSR1)

        def said():
            text = read_text(self.worker.daemon.err_path)[before:]
            return text if " leases=" in text else None

        for found in LEASE.finditer(wait_for(said, 10, "the worker to say what it has")):
            experiment, trial, attempt, acked = (int(part) for part in found.groups())
            self.acked[experiment, trial, attempt] = max(acked, self.acked.get((experiment, trial, attempt), 0))

    def lost(self):
        """What was acknowledged and is not in the log: worker's records, reader's rows, experiments."""
        missing = []
        for who, acked in self.acked.items():
            there = self.log.reached.get(who, 0)
            if acked > there:
                missing.append("records %d-%d of %d/%d attempt %d" % ((there + 1, acked) + who))
        for line in self.reader.out()[self.told_bytes :].splitlines(True):
            if not line.endswith("\n"):
                break
            row = json.loads(line)
            if (row["run"], row["n"]) not in self.log.results:
                missing.append("result %d of run %d" % (row["n"], row["run"]))
            self.told_bytes += len(line)
        if max(self.numbers(), default=0) > self.log.submitted:
            missing.append("an experiment: %s of %d" % (self.numbers(), self.log.submitted))
        return missing

    def cut(self):
        """One cut at a moment that the seed says. Returns what is lost."""
        if self.choice.random() < 0.3:
            self.submit(self.small)
        self.machine.cut(self.choice.randint(1, 30))
        self.ask_worker()
        files = self.machine.log_files()
        equal(len(files), 1, "append-only files that grow")
        self.log.read(files[0])
        self.cuts += 1
        return self.lost()

    def finish(self):
        """Everything ends, and is there once."""
        for client in self.clients:
            status = client.wait(60)
            # Whoever met no head at all was told so, and handed nothing in.
            check(status == 0 or (status == 3 and not client.out()), "a client: %d: %s" % (status, client.err()))
        numbers = self.numbers()
        equal(sorted(set(numbers)), sorted(numbers), "experiments that clients were told of")
        equal(len(experiment_rows(self.head)), len(numbers), "experiments that are there")
        for number in numbers:
            done = self.head.assay("wait", number, "--timeout", "60s", limit_s=70, status=None)
            equal(done.status, 0, done.told())
        rows = trials(self.head, 1)
        equal({(row["state"], row["attempt"]) for row in rows}, {("TERMINATED", 1)},
              "trials, which never noticed anything")
        self.check_rows(rows)
        equal(self.reader.wait(30), 0, "the reader's status: " + self.reader.err())
        lines = self.reader.out().splitlines()
        equal((len(lines), len(set(lines))), (12 * REPORTS, 12 * REPORTS), "lines of the reader, each once")
        self.worker.daemon.end()
        self.head.daemon.end()
        self.scene.check_nothing_runs()
        self.scene.assay("replay", self.head.data_dir, limit_s=60)

    def check_rows(self, rows):
        folder = self.scene.path("results", "long")
        own = {account.trial for account in accounts(self.scene).values()}
        check({row["id"] for row in rows} <= own, "every trial has an account")
        check_results(self.scene, folder, rows, REPORTS)


def sum_up(life, sums):
    sums["cuts"] += life.cuts
    sums["torn"] += life.machine.torn
    sums["rubbish"] += life.machine.rubbish
    sums["entries"] += life.log.entries
    sums["told"] += sum(life.acked.values())


def live(number, cuts, sums, keep):
    """A cluster of its own for some of the cuts."""
    scene = Scene(keep)
    good = False
    try:
        life = Life(scene, SEED * 1000 + number)
        for _ in range(cuts):
            missing = life.cut()
            check(not missing, "life %d, cut %d: %d acknowledged and lost: %s"
                  % (number, life.cuts, len(missing), shorten("; ".join(missing))))
            life.machine.start()
        life.finish()
        scene.check_sanitizers()
        sum_up(life, sums)
        good = True
    finally:
        scene.close(show=not good)


@case
def nothing_acknowledged_is_lost(scene):
    sums = dict.fromkeys(("cuts", "torn", "rubbish", "entries", "told"), 0)
    # Most of a life is waiting for a head to come back.
    with concurrent.futures.ThreadPoolExecutor(LIVES_AT_ONCE) as pool:
        lives = [pool.submit(live, number, min(CUTS_A_LIFE, CUTS - first), sums, scene.keep)
                 for number, first in enumerate(range(0, CUTS, CUTS_A_LIFE))]
        for life in lives:
            life.result()
    print("         sum: %(cuts)d power cuts: %(torn)d tore the log, %(rubbish)d left rubbish behind it; of %(told)d results "
          "acknowledged in %(entries)d entries, 0 are lost" % sums)


def end_all_the_same(life):
    """What the log has lost cannot come back; its trials run again, and everything ends."""
    life.machine.start()
    if not experiment_rows(life.head):
        return
    done = life.head.assay("wait", 1, "--timeout", "90s", limit_s=100, status=None)
    equal(done.status, 0, done.told())
    rows = trials(life.head, 1)
    equal({(row["state"], row["failures"]) for row in rows}, {("TERMINATED", 0)}, "trials")
    check(any(row["attempt"] > 1 for row in rows), "those whose results were lost ran again")
    life.check_rows(rows)


@case
def synced_every_second_it_is_lost(scene):
    """The same with a redis-server that answers before it has synced: this test can fail."""
    for number in range(5):
        inner = Scene(scene.keep)
        try:
            life = Life(inner, SEED * 1000 + 900 + number, settings="--appendfsync everysec")
            missing = life.cut()
            if missing:
                end_all_the_same(life)
        finally:
            inner.close()
        if missing:
            print("         sum: appendfsync everysec: cut %d lost %d things that were acknowledged: %s"
                  % (number + 1, len(missing), shorten("; ".join(missing), 160)))
            return
    check(False, "five cuts with appendfsync everysec lost nothing: nothing here would be seen")


main()
