"""A trial that goes wrong in a way of its choice, after two reports that count."""
import argparse
import os
import signal
import sys
import time

MIB = 1 << 20


def report(value):
    print("assay: value=%d" % value, flush=True)


def take_memory(_):
    hoard = []
    while True:
        hoard.append(b"x" * MIB)


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(_):
    while True:
        signal.pause()


def leave(_):
    print("Traceback: the last words", file=sys.stderr)
    sys.exit(3)


def flood(options):
    for i in range(options.mib):
        sys.stdout.buffer.write((b"x" * 1023 + b"\n") * 1024)
        if i % 16 == 0:
            report(i + 3)


def be_stubborn(_):
    """Deaf, with a child's child that is deaf, too, and has left session and folder."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        os.chdir("/")
        if os.fork() == 0:
            hang(None)
        os._exit(0)
    for value in range(3, 1000000):
        report(value)
        time.sleep(0.2)


WAYS = {"memory": take_memory, "signal": die, "hang": hang, "exit": leave, "flood": flood,
        "stubborn": be_stubborn}

parser = argparse.ArgumentParser()
parser.add_argument("--scene")  # known by it
parser.add_argument("--mib", type=int, default=1024)
parser.add_argument("way", choices=sorted(WAYS))
options = parser.parse_args()
report(1)
report(2)
WAYS[options.way](options)
