"""HyperQueue beside us, where there is one: the same programs on as many slots."""

import contextlib
import shutil
import signal
import subprocess
import time

from machine import LEAVE_LIMIT_S, RUN_LIMIT_S, Failure, end, leave, tail

PROGRAM = shutil.which("hq")


@contextlib.contextmanager
def cluster(machine, slots):
    """A server and a worker; gives a function that runs a command of hq to its end."""
    home = machine.new_home("hq")
    daemons = []

    def words(*more):
        return [PROGRAM, "--server-dir", str(home / "server"), *map(str, more)]

    def start(name, *more):
        with open(home / f"{name}.out", "wb") as output:
            daemons.append(subprocess.Popen(words(*more), cwd=home, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output,
                                            env=machine.environment(home)))

    def command(*more):
        done = subprocess.run(words(*more), cwd=home, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=RUN_LIMIT_S,
                              env=machine.environment(home))
        if done.returncode != 0:
            said = "\n".join(tail(path) for path in home.glob("*.out"))
            raise Failure(f"hq {more[0]} ended with {done.returncode}: {done.stderr}{said}")

    def wait(*more):
        until = time.monotonic() + LEAVE_LIMIT_S
        while True:
            try:
                return command(*more)
            except Failure:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    try:
        start("server", "server", "start", "--journal", home / "journal")
        wait("server", "info")
        start("worker", "worker", "start", "--cpus", slots)
        wait("worker", "info", 1)
        yield command
    finally:
        for process in reversed(daemons):
            end(process, signal.SIGINT)
        leave(home)


def took_s(machine, slots, tasks, *words):
    """Seconds from submit to the end of an array of tasks."""
    with cluster(machine, slots) as command:
        begin = time.monotonic()
        command("submit", "--array", f"1-{tasks}", "--stdout", "none", "--stderr", "none", "--wait",
                "--", *words)
        return time.monotonic() - begin


def rate(machine, slots, tasks, *words):
    """Tasks a second, less what the same takes for one a slot."""
    return (tasks - slots) / (took_s(machine, slots, tasks, *words)
                              - took_s(machine, slots, slots, *words))
