"""The programs under test, a place of their own to run in, and what a process costs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CPUS = len(os.sched_getaffinity(0))
RUN_LIMIT_S = 600
LEAVE_LIMIT_S = 20
STABLE_LIMIT_S = 30
SHARED_BYTES = 200_000


class Failure(Exception):
    """A measurement that did not come about; there is no figure then."""


class Machine:
    """The programs under test, and a place of their own to run in."""

    def __init__(self, bin_dir):
        self.bin_dir = bin_dir
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="assay-bench-")))
        self.home = self.folder / "home"
        self.homes = [self.home]
        self.runs = 0

    def path(self, name):
        path = self.bin_dir / name
        if not path.exists():
            raise Failure(f"{path} is not there: cmake --preset release && "
                          "cmake --build --preset release")
        return str(path)

    def native(self, name):
        return {"native": self.path(f"libbench_{name}.so")}

    def new_home(self, name):
        """A folder for a user of the programs; nothing of it outlives the machine."""
        home = self.folder / f"{name}-{len(self.homes)}"
        home.mkdir(mode=0o700)
        self.homes.append(home)
        return home

    def environment(self, home):
        return {**os.environ, "ASSAY_HOME": str(home), "TMPDIR": str(home), "NO_COLOR": "1"}

    def limit(self, *words):
        command = [self.path("assay-bench-limit"), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_LIMIT_S,
                              env={**os.environ, "TMPDIR": str(self.folder)})
        if done.returncode != 0:
            raise Failure(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
        return float(done.stdout)

    def write(self, spec):
        """An experiment file, and the folder of its results."""
        self.runs += 1
        file = self.folder / f"experiment-{self.runs}.json"
        results = self.folder / f"results-{self.runs}"
        file.write_text(json.dumps({"name": "bench", "local_dir": str(results), **spec}))
        return file, results / "bench"

    def experiment(self, spec):
        """Seconds that `assay run` takes for an experiment, the folder of its results, and what was
        printed."""
        file, results = self.write(spec)
        log = self.folder / f"output-{self.runs}"
        command = [self.path("assay"), "run", str(file), "--worker-cpus", str(CPUS)]
        with open(log, "wb") as output:
            begin = time.monotonic()
            process = subprocess.Popen(command, env=self.environment(self.home), cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            status = wait_for(process)
            took = time.monotonic() - begin
        if status != 0:
            raise Failure(f"assay run ended with {status}:\n{tail(log)}")
        return took, results, log.read_text(errors="replace")

    def close(self):
        for home in self.homes:
            leave(home)
        shutil.rmtree(self.folder, ignore_errors=True)


def tail(path):
    return "\n".join(path.read_text(errors="replace").splitlines()[-20:])


def wait_for(process):
    """Its exit status; where it does not end or we are interrupted, it is asked to, then killed."""
    try:
        return process.wait(RUN_LIMIT_S)
    except BaseException:
        end(process, signal.SIGINT, signal.SIGINT)
        raise


def end(process, *signals):
    """Ask it to end, once with each of the signals, then do not ask."""
    for sign in (*signals, signal.SIGKILL):
        process.send_signal(sign)
        try:
            return process.wait(LEAVE_LIMIT_S)
        except subprocess.TimeoutExpired:
            continue
    raise Failure(f"process {process.pid} cannot be ended")


def processes(belongs):
    """Process ids of which that is true; a process that ends meanwhile is none."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and belongs(entry):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def is_under(entry, folder):
    return os.readlink(entry / "cwd").startswith(str(folder))


def ours(home):
    """Processes that were started for this ASSAY_HOME and still live."""
    mark = f"ASSAY_HOME={home}".encode()
    return processes(lambda entry: mark in (entry / "environ").read_bytes().split(b"\0")
                     or is_under(entry, home))


def leave(home):
    """Nothing of ours may outlive a run: what does, is given a moment, then killed and told of."""
    until = time.monotonic() + LEAVE_LIMIT_S
    while ours(home) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in ours(home):
        print(f"bench: process {pid} outlived its run and was killed", file=sys.stderr)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def redis_under(folder):
    """The redis-server whose data is there."""
    found = processes(lambda entry: (entry / "comm").read_text().strip() == "redis-server"
                      and is_under(entry, folder))
    if len(found) != 1:
        raise Failure(f"{len(found)} redis-servers in {folder}, not one")
    return found[0]


def pss_bytes(pid):
    """Its memory: what is its own, and its part of what it shares."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except PermissionError:
        raise Failure("memory: the programs let only root look at theirs") from None
    return 1024 * next(int(line.split()[1]) for line in text.splitlines()
                       if line.startswith("Pss:"))


def stable_pss_bytes(*pids):
    """Their memory together, once it has come to rest: within 1 % for two seconds, or what others
    who begin or end to share a library change in it."""
    until = time.monotonic() + STABLE_LIMIT_S
    seen = []
    while time.monotonic() < until:
        seen.append(sum(map(pss_bytes, pids)))
        moved = max(seen[-3:]) - min(seen[-3:])
        if len(seen) >= 3 and moved <= max(max(seen[-3:]) // 100, SHARED_BYTES):
            return seen[-1]
        time.sleep(1)
    raise Failure(f"memory does not come to rest: {seen[-3:]} bytes")


def cpu_s(pid):
    """Processor time of all its threads so far, in seconds."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9
