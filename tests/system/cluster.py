"""A cluster of real processes for a test.

A Scene owns a short temporary folder, an environment whose mark every process of the run carries, and
all processes: what still runs when it is closed is ended by process id, and a guardian does the same
where the test itself is killed. Nothing here shares code with the product; what is known of it is what
its documentation says.

What a test says is in expect.py, processes as /proc shows them in processes.py, what a checker reads in
result_files.py. Nothing waits for a time: wait_for polls for the thing itself, with a limit.
"""
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

from expect import Failure, Skip, SLOWER, check, shorten, wait_for
from processes import (
    MARK, all_pids, argv_of, dies_with_the_test, kill_pid, link_of, pids_of_run, program_of, read_text,
    start_guardian,
)

BIN = os.environ.get("ASSAY_BIN", "")
HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")
ROOT = os.path.dirname(os.path.dirname(HERE))
EXAMPLES = os.path.join(ROOT, "examples")

FINAL = ("TERMINATED", "ERROR")


class Result:
    """What a command that ended left."""

    def __init__(self, words, status, out, err):
        self.words, self.status, self.out, self.err = words, status, out, err

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise Failure("%s printed no JSON: %s" % (self, shorten(self.out)))

    def json_lines(self):
        try:
            return [json.loads(line) for line in self.out.splitlines()]
        except ValueError:
            raise Failure("%s printed a line that is no JSON: %s" % (self, shorten(self.out)))

    def __str__(self):
        return "`%s`" % " ".join(self.words)

    def told(self):
        return "%s: status %d\nstdout: %s\nstderr: %s" % (
            self,
            self.status,
            shorten(self.out, 1500),
            shorten(self.err, 1500),
        )

    def check_error(self):
        """The contract's two lines, and nothing else."""
        lines = self.err.splitlines()
        check(
            len(lines) == 2
            and re.match(r"^assay: .+: .+", lines[0])
            and re.match(r"^  try: .+", lines[1]),
            "%s: an error is `assay: WHAT: WHY` and `  try: MEND`, not: %s" % (self, self.err),
        )
        return self


class Daemon:
    """A process that goes on: a head, a worker, a command that watches."""

    def __init__(self, scene, name, words, env, cwd=None):
        self.scene, self.name, self.words = scene, name, words
        self.out_path = os.path.join(scene.folder, "out", name + ".out")
        self.err_path = os.path.join(scene.folder, "out", name + ".err")
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=env,
                cwd=cwd or scene.folder,
                start_new_session=True,
                preexec_fn=dies_with_the_test,
            )
        self.pid = self.process.pid

    def out(self):
        return read_text(self.out_path)

    def err(self):
        return read_text(self.err_path)

    def runs(self):
        return self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        kill_pid(self.pid, number)

    def wait(self, limit_s=20):
        """Its exit status; 128+n for signal n."""
        wait_for(lambda: not self.runs(), limit_s, "%s to end" % self.name)
        status = self.process.returncode
        return status if status >= 0 else 128 - status

    def end(self, limit_s=20):
        """As a person ends it: TERM, and then it goes in order."""
        self.kill(signal.SIGTERM)
        status = self.wait(limit_s)
        check(status == 128 + signal.SIGTERM, "%s ends with %d: %s" % (self.name, status, self.err()))

    def end_hard(self):
        self.kill(signal.SIGKILL)
        return self.wait()


# ---------------------------------------------------------------- a scene


TAKEN = []  # sockets whose names keep a port for this program, as long as it runs


def free_port():
    """A port for a head that dies and comes back, with two behind it, which no other test on this machine
    is given. None of those that the system gives to connections: whoever asks a dead head on one may be
    given that very port, and keep it."""
    lowest = int(read_text("/proc/sys/net/ipv4/ip_local_port_range", "32768").split()[0])
    while True:
        port = random.randrange(10000, max(lowest - 3, 11000), 3)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind("\0assay-test-port-%d" % port)
            for number in range(port, port + 3):
                with socket.socket() as one:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    one.bind(("", number))
            TAKEN.append(name)
            return port
        except OSError:
            name.close()


class Head:
    def __init__(self, scene, name="h", words=()):
        self.scene, self.name = scene, name
        self.home = scene.home(name)
        self.data_dir = os.path.join(scene.folder, name + ".data")
        self.port, self.words = free_port(), list(words)
        self.starts = 0
        self.start()

    def start(self, limit_s=30, env=None, may_die=False):
        self.starts += 1
        self.daemon = Daemon(
            self.scene,
            "%s.%d" % (self.name, self.starts),
            [tool("assay"), "head", "--port", str(self.port), "--data-dir", self.data_dir]
            + self.words,
            self.scene.env(self.home, env),
        )
        found = wait_for(
            lambda: self.announced(may_die) or (may_die and not self.daemon.runs()),
            limit_s,
            lambda: "the head to listen: " + self.daemon.err(),
        )
        if found is not True:
            self.port = int(found.group(1))
        return self

    def announced(self, may_die):
        found = re.search(r"^assay head .*listens at \S+:(\d+)$", self.daemon.out(), re.M)
        if not found and not may_die and not self.daemon.runs():
            raise Failure("the head ended: %s" % shorten(self.daemon.err()))
        return found

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    @property
    def audit(self):
        return read_text(os.path.join(self.data_dir, "audit.log")).splitlines()

    def kill(self):
        check(program_of(self.daemon.pid) == "assay-head", "`assay head` becomes assay-head")
        self.daemon.end_hard()

    def redis_pid(self):
        """Its redis-server, which nobody finds by name alone: it is the one in this folder."""
        folder = os.path.join(os.path.realpath(self.data_dir), "redis")
        for pid in all_pids():
            if link_of("/proc/%d/cwd" % pid) == folder and b"redis-server" in argv_of(pid)[0]:
                return pid
        return None

    def assay(self, *words, **options):
        """A command of the person who started the head."""
        return self.scene.assay(*words, home=self.home, **options)


class Worker:
    def __init__(self, scene, name, head, cpus=2, token=None, words=(), env=None, before=()):
        self.scene, self.name, self.head = scene, name, head
        self.home = scene.home(name)
        self.data_dir = os.path.join(scene.folder, name + ".data")
        self.starts = 0
        self.extra = dict(env or {}, TEST_NODE=name)
        self.before = list(before)  # what becomes `assay worker`
        self.words = ["--address", head.address, "--cpus", str(cpus), "--name", name] + list(words)
        if token:
            self.words += ["--token-file", token]
        self.start()

    def start(self):
        self.starts += 1
        self.daemon = Daemon(
            self.scene,
            "%s.%d" % (self.name, self.starts),
            self.before + [tool("assay"), "worker", "--data-dir", self.data_dir] + self.words,
            self.scene.env(self.home, self.extra),
        )
        return self

    def kill(self):
        wait_for(lambda: program_of(self.daemon.pid) == "assay-worker", 5,
                 "`assay worker` to become assay-worker")
        self.daemon.end_hard()

    def executors(self):
        """Process ids of its executors."""
        folder = self.data_dir.encode()
        return [
            pid
            for pid in pids_of_run(self.scene.mark, self.scene.folder)
            if program_of(pid) == "assay-executor"
            and any(folder in word for word in argv_of(pid))
        ]


def tool(name):
    return os.path.join(BIN, name)


class Scene:
    def __init__(self, keep=False):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="as."))
        self.mark = os.path.basename(self.folder) + ".%d" % os.getpid()
        self.keep = keep
        os.mkdir(os.path.join(self.folder, "out"))
        os.mkdir(os.path.join(self.folder, "san"))
        os.mkdir(os.path.join(self.folder, "user"))
        self.commands = 0
        self.guard = start_guardian(self.mark, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def home(self, name):
        """An ASSAY_HOME: one person on one machine."""
        path = self.path(name + ".home")
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def env(self, home=None, more=None):
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ASSAY_") and name != "NO_COLOR"
        }
        env.update(
            {
                MARK: self.mark,
                "HOME": self.path("user"),
                "ASSAY_HOME": home or self.home("me"),
                "TMPDIR": self.folder,
                # Not to be missed where nobody reads a program's stderr.
                "ASAN_OPTIONS": "log_path=%s" % self.path("san", "asan"),
                "UBSAN_OPTIONS": "print_stacktrace=1:log_path=%s" % self.path("san", "ubsan"),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )
        env.update(more or {})
        return env

    def assay(self, *words, home=None, status=0, limit_s=60, cwd=None, env=None, stdin=None):
        """Run the tool to its end. status None: any."""
        words = [tool("assay")] + [str(word) for word in words]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env(home, env),
            cwd=cwd or self.folder,
            start_new_session=True,
            preexec_fn=dies_with_the_test,
        )
        shown = ["assay"] + words[1:]
        limit_s *= SLOWER
        try:
            out, err = process.communicate(stdin.encode() if stdin is not None else None, limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failure(
                "did not end in %g s: %s"
                % (limit_s, Result(shown, -9, out.decode(), err.decode()).told())
            )
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        result = Result(shown, code, out.decode(), err.decode())
        if status is not None and code != status:
            raise Failure("status %d was expected: %s" % (status, result.told()))
        return result

    def start(self, name, *words, home=None, env=None, cwd=None):
        return Daemon(
            self,
            name,
            [tool("assay")] + [str(word) for word in words],
            self.env(home, env),
            cwd,
        )

    def needs_command(self, name):
        """A verb that is not built yet is an unknown one."""
        if "no such command" in self.assay(name, "--help", status=None).err:
            raise Skip("assay %s is not built yet" % name)

    def token(self, head, role, name=None, *words):
        """A file with a fresh token in it."""
        made = head.assay("token", "create", "--role", role, *words)
        return self.write(name or role + ".token", made.out, 0o600)

    def pids(self):
        own = os.getpid()
        return [pid for pid in pids_of_run(self.mark, self.folder) if pid != own]

    def check_nothing_runs(self, limit_s=15):
        """I6: no orphan, once everybody was told to end."""
        wait_for(
            lambda: not self.pids(),
            limit_s,
            lambda: "no process of the run to be left, but there is %s"
            % [(pid, argv_of(pid)) for pid in self.pids()],
        )

    def check_sanitizers(self):
        for path in sorted(glob.glob(self.path("san", "*"))):
            # What LeakSanitizer says of a process that is killed while it looks for leaks there.
            said = re.sub(r"^==\d+==Unable to get registers from thread \d+\.\n", "", read_text(path), flags=re.M)
            if said.strip():
                raise Failure("a sanitizer reports:\n" + shorten(said, 6000))

    def close(self, show=False):
        if show:
            self.show()
        for _ in range(100):
            left = self.pids()
            if not left:
                break
            for pid in left:
                kill_pid(pid)
            while True:
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        break
                except ChildProcessError:
                    break
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.guard)

    def show(self):
        """What the daemons said, for whoever reads a failure."""
        for path in sorted(glob.glob(self.path("out", "*"))):
            text = read_text(path)
            if text:
                print("--- %s\n%s" % (os.path.basename(path), shorten(text, 3000)))


# ---------------------------------------------------------------- running cases

CASES = []


def case(function):
    CASES.append(function)
    return function


def run_case(function, keep):
    """A line for the case; "passed", "failed" or "skipped"."""
    begun = time.monotonic()
    scene = Scene(keep)
    outcome = "failed"
    try:
        function(scene)
        scene.check_sanitizers()
        print("ok       %-44s %5.1f s" % (function.__name__, time.monotonic() - begun))
        outcome = "passed"
    except Skip as why:
        print("skipped  %-44s %s" % (function.__name__, why))
        outcome = "skipped"
    except Failure as why:
        print("FAILED   %s: %s" % (function.__name__, why))
        for line in traceback.format_exc().splitlines():
            if line.startswith("  File") and "cluster.py" not in line and "expect.py" not in line:
                print("  " + line.strip())
    except Exception:
        print("FAILED   %s: the test itself\n%s" % (function.__name__, traceback.format_exc()))
    finally:
        if outcome == "failed":
            for path in sorted(glob.glob(scene.path("san", "*")))[:3]:
                print("--- %s\n%s" % (os.path.basename(path), shorten(read_text(path), 6000)))
        scene.close(show=outcome == "failed")
    sys.stdout.flush()
    return outcome


def main():
    """Cases named in the arguments, or all. KEEP=1 leaves the folders."""
    check(BIN and os.path.isdir(BIN), "ASSAY_BIN names the folder of the programs")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, frame: sys.exit(128 + n))
    chosen = [one for one in CASES if len(sys.argv) < 2 or one.__name__ in sys.argv[1:]]
    check(chosen, "no such case: %s; there are %s" % (sys.argv[1:], [one.__name__ for one in CASES]))
    outcomes = [run_case(one, os.environ.get("KEEP") == "1") for one in chosen]
    skipped = outcomes.count("skipped")
    print("%d passed, %d failed%s" % (outcomes.count("passed"), outcomes.count("failed"),
                                      ", %d skipped" % skipped if skipped else ""))
    sys.exit(1 if "failed" in outcomes else 0)
