"""Figures of a cluster that is up: a head and a worker of its own, and commands that talk to it."""

import contextlib
import json
import re
import signal
import statistics
import subprocess
import time

import hyperqueue
from machine import (CPUS, LEAVE_LIMIT_S, RUN_LIMIT_S, Failure, cpu_s, end, leave, redis_under,
                     stable_pss_bytes, tail, wait_for)

FIRST_RESULTS = 30
FIRST_RUNS = 7
SLOTS = 16
SLEEPS = 160
WARM_TRIALS = 10_000
MANY_TRIALS = 100_000
MANY_LIMIT_S = 1_800
STEP_TRIALS = 10_000
LOOK_S = 0.25
PEERS = 1_000
IDLE_S = 10


class Cluster:
    """assay head, and assay worker with that many cpus (0: no worker), until the end of a with."""

    def __init__(self, machine, cpus=0):
        self.machine = machine
        self.cpus = cpus
        self.home = machine.new_home("cluster")
        self.data = self.home / "head"
        self.daemons = []

    def __enter__(self):
        try:
            self.head = self.start("head", "--port", "0", "--data-dir", str(self.data))
            self.address = "127.0.0.1:" + self.wait_for_port()
            if self.cpus > 0:
                self.worker = self.start("worker", "--address", self.address, "--cpus",
                                         str(self.cpus), "--data-dir", str(self.home / "worker"),
                                         "--token-file", str(self.token("worker", 1)))
                self.wait_for_worker()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.daemons):
            end(process, signal.SIGTERM)
        leave(self.home)

    def start(self, *words):
        with open(self.home / f"{words[0]}.out", "wb") as output:
            process = subprocess.Popen([self.machine.path("assay"), *words], stdout=output,
                                       stderr=output, stdin=subprocess.DEVNULL, cwd=self.home,
                                       env=self.machine.environment(self.home))
        self.daemons.append(process)
        return process

    def wait_until(self, what, there):
        until = time.monotonic() + LEAVE_LIMIT_S
        while time.monotonic() < until:
            if any(process.poll() is not None for process in self.daemons):
                break
            if (found := there()):
                return found
            time.sleep(0.02)
        said = "\n".join(tail(path) for path in self.home.glob("*.out"))
        raise Failure(f"{what} is not there:\n{said}")

    def wait_for_port(self):
        pattern = re.compile(r"listens at \S+:(\d+)$", re.M)
        return self.wait_until("the head", lambda: pattern.search(
            (self.home / "head.out").read_text())).group(1)

    def wait_for_worker(self):
        self.wait_until("the worker", lambda: [node for node in self.asked("nodes")["nodes"]
                                               if node["state"] == "UP"])

    def command(self, *words):
        return {"args": [self.machine.path("assay"), *map(str, words)], "cwd": self.home,
                "stdin": subprocess.DEVNULL, "env": self.machine.environment(self.home)}

    def assay(self, *words):
        """What a command prints."""
        done = subprocess.run(**self.command(*words), capture_output=True, text=True,
                              timeout=RUN_LIMIT_S)
        if done.returncode != 0:
            raise Failure(f"assay {words[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def asked(self, *words):
        return json.loads(self.assay(*words, "--json"))

    def token(self, role, uses):
        path = self.home / f"{role}.token"
        path.touch(mode=0o600)
        path.write_text(self.assay("token", "create", "--role", role, "--uses", uses))
        return path

    def redis(self):
        return redis_under(self.data)


def first_result_ms(command):
    """Milliseconds from the start of a command that looks on to the first result that it prints."""
    begin = time.monotonic()
    process = subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    took = None
    try:
        for line in process.stdout:
            if took is None and json.loads(line)["event"] == "result":
                took = time.monotonic() - begin
    finally:
        status = wait_for(process)
    if status != 0 or took is None:
        raise Failure(f"{' '.join(command['args'])} ended with {status} and showed "
                      f"{'no' if took is None else 'a'} result")
    return took * 1e3


def first_result(machine):
    file, _ = machine.write({"run": machine.native("once"), "num_samples": 1})
    with Cluster(machine, CPUS) as cluster:
        command = cluster.command("submit", file, "--watch", "--json")
        value = statistics.median(first_result_ms(command) for _ in range(FIRST_RESULTS))
    return {"first_result_ms": (value, machine.limit("first", FIRST_RESULTS))}


def run_first_result(machine):
    file, _ = machine.write({"run": machine.native("once"), "num_samples": 1})
    command = {"args": [machine.path("assay"), "run", str(file), "--json"], "cwd": machine.folder,
               "stdin": subprocess.DEVNULL, "env": machine.environment(machine.home)}
    value = statistics.median(first_result_ms(command) for _ in range(FIRST_RUNS))
    leave(machine.home)
    return {"run_first_result_ms": (value, machine.limit("first-from-nothing", FIRST_RUNS))}


def sleep160(machine):
    file, _ = machine.write({"run": {"command": "sleep 1"}, "num_samples": SLEEPS})
    with Cluster(machine, SLOTS) as cluster:
        begin = time.monotonic()
        number = cluster.assay("submit", file, "--wait").split()[0]
        value = time.monotonic() - begin
        check_all_ended(cluster, number, SLEEPS)
    limit = SLEEPS / machine.limit("spawn", SLEEPS, SLOTS, "/bin/sleep", 1)
    figures = {"sleep160_s": (value, limit)}
    if hyperqueue.PROGRAM is not None:
        figures["sleep160_s_hq"] = (hyperqueue.took_s(machine, SLOTS, SLEEPS, "sleep", "1"), limit)
    return figures


def experiment_row(cluster, number):
    return next(row for row in cluster.asked("list")["experiments"]
                if row["experiment"] == int(number))


def check_all_ended(cluster, number, trials):
    ended = experiment_row(cluster, number)["terminated"]
    if ended != trials:
        raise Failure(f"{ended} trials of {trials} have ended well")


def at(points, trials):
    """Seconds of the head's processor time when that many trials were finished: between the two
    looks around it, as if it went evenly there."""
    for (before, before_s), (after, after_s) in zip(points, points[1:]):
        if before < trials <= after:
            return before_s + (after_s - before_s) * (trials - before) / (after - before)
    raise Failure(f"{trials} trials were never seen")


def follow(cluster, number, trials):
    """(finished trials, the head's processor time) at every look, from the beginning to the end."""
    points = [(0, cpu_s(cluster.head.pid))]
    until = time.monotonic() + MANY_LIMIT_S
    while points[-1][0] < trials:
        if time.monotonic() > until:
            raise Failure(f"{points[-1][0]} trials of {trials} in {MANY_LIMIT_S} s")
        time.sleep(LOOK_S)
        finished = experiment_row(cluster, number)["terminated"]
        points.append((finished, cpu_s(cluster.head.pid)))
    return points


def growth(machine):
    """What a trial costs the head after many, and what it leaves behind there."""
    spec = {"run": machine.native("once"), "files": []}
    warm, _ = machine.write({**spec, "num_samples": WARM_TRIALS})
    many, _ = machine.write({**spec, "num_samples": MANY_TRIALS})
    with Cluster(machine, CPUS) as cluster:
        cluster.assay("submit", warm, "--wait")
        before = stable_pss_bytes(cluster.head.pid)
        points = follow(cluster, cluster.assay("submit", many).strip(), MANY_TRIALS)
        after = stable_pss_bytes(cluster.head.pid)
    first_s = at(points, STEP_TRIALS) - points[0][1]
    last_s = at(points, MANY_TRIALS) - at(points, MANY_TRIALS - STEP_TRIALS)
    return {"event_growth": (last_s / first_s, 1.0),
            "trial_bytes": ((after - before) / MANY_TRIALS, 1024.0)}


@contextlib.contextmanager
def attached(machine, home, program, *words):
    """A process that says a line when it is ready and ends with its standard input: its id, and
    that line."""
    process = subprocess.Popen([machine.path(program), *map(str, words)], cwd=home, text=True,
                               env=machine.environment(home), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        line = process.stdout.readline().strip()
        if line:
            yield process.pid, line
        process.stdin.close()
        if wait_for(process) != 0 or not line:
            raise Failure(f"{program} ended with {process.returncode}")
    finally:
        if process.poll() is None:
            end(process, signal.SIGTERM)


def bare(machine, home, *words):
    return attached(machine, home, "assay-bench-limit", *words)


def idle_mb(*pids):
    return stable_pss_bytes(*pids) / 1e6


def idle(machine):
    home = machine.new_home("bare")
    with Cluster(machine, CPUS) as cluster:
        head = idle_mb(cluster.head.pid, cluster.redis())
        worker = idle_mb(cluster.worker.pid)
    with bare(machine, home, "bare-head") as (head_pid, where):
        with bare(machine, home, "bare-workers", *where.split(), 1) as (worker_pid, _):
            bare_head = idle_mb(head_pid, redis_under(home))
            bare_worker = idle_mb(worker_pid)
    return {"head_pss_mb": (head, bare_head), "worker_pss_mb": (worker, bare_worker)}


def with_peers(pid, redis, start):
    """Bytes each in a head when PEERS workers are there, and the percent of a processor that it and
    its Redis take then. start: a with that holds the workers."""
    before = stable_pss_bytes(pid)
    with start:
        bytes_each = (stable_pss_bytes(pid) - before) / PEERS
        begin, begin_s = time.monotonic(), cpu_s(pid) + cpu_s(redis)
        time.sleep(IDLE_S)
        took = time.monotonic() - begin
        return bytes_each, 100 * (cpu_s(pid) + cpu_s(redis) - begin_s) / took


@contextlib.contextmanager
def peers(cluster):
    token = cluster.token("worker", PEERS)
    with attached(cluster.machine, cluster.home, "assay-bench-peers", cluster.address, token,
                  PEERS):
        yield
        up = sum(node["state"] == "UP" for node in cluster.asked("nodes")["nodes"])
        if up != PEERS:
            raise Failure(f"{up} nodes of {PEERS} are up")


def nodes(machine):
    home = machine.new_home("bare")
    with Cluster(machine) as cluster:
        value = with_peers(cluster.head.pid, cluster.redis(), peers(cluster))
    with bare(machine, home, "bare-head") as (pid, where):
        workers = bare(machine, home, "bare-workers", *where.split(), PEERS)
        limit = with_peers(pid, redis_under(home), workers)
    return {"node_bytes": (value[0], limit[0]), "nodes_cpu_percent": (value[1], limit[1])}
