"""Nobody's friend: --role honest becomes paced.py; --role hostile does all it can to the others.

It multiplies, in and out of its session, its folder and its environment; fills both outputs; writes
noise to the report socket and, after --rage seconds, to its report descriptor where it is --noisy;
closes what it was given and stays, deaf to SIGTERM.
"""
import argparse
import os
import random
import signal
import socket
import sys
import time

LITTER = 500  # processes
MOVERS = 8  # of them are never the same for long
ESCAPED = 4  # have left everything that could be known of them
FLOODS = 4
CHUNK = os.urandom(1 << 19) + b"assay: {" + b"\xff" * (1 << 19)


def forever(function):
    """Another process that does it."""
    if os.fork() == 0:
        try:
            while True:
                function()
        except BaseException:
            pass
        os._exit(0)


def move():
    """Gone before anybody has looked."""
    time.sleep(0.02)
    if os.fork() > 0:
        os._exit(0)
    os.setsid()


def escape(words):
    if os.fork() == 0:
        os.setsid()
        os.chdir("/")
        if os.fork() > 0:
            os._exit(0)
        os.closerange(0, 64)
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
                  + words, {"PATH": "/"})


def litter(words):
    for _ in range(ESCAPED):
        escape(words)
    for _ in range(MOVERS):
        forever(move)
    for number in range(LITTER - ESCAPED - MOVERS):
        if os.fork() == 0:
            if number % 2:
                os.setsid()
            while True:
                time.sleep(600)


def flood(fd):
    os.write(fd, CHUNK)


def knock(noise):
    """At the report socket: noise, silence, and the names of others."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(0.5)
            line.connect(os.environ["ASSAY_REPORT_SOCKET"])
            line.sendall(noise.choice((
                noise.randbytes(4096),
                noise.randbytes(20) + b"\n",
                b'{"trial_id": "%08x", "attempt": 1}\nx=1\n' % noise.getrandbits(32),
                b"\xc1\xff\xff\xff\xff" + noise.randbytes(100),
            )))
            line.recv(64)
    except OSError:
        pass
    time.sleep(0.01)


def harm(options):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    noise = random.Random(1)
    litter(["--scene", options.scene])
    for number in range(FLOODS):
        forever(lambda fd=1 + number % 2: flood(fd))
    for _ in range(2):
        forever(lambda: knock(noise))
    with open(options.ready, "w"):
        pass
    time.sleep(options.rage)
    if options.noisy:
        report = int(os.environ["ASSAY_REPORT_FD"])
        for _ in range(100):
            os.write(report, noise.randbytes(1000))
    os.closerange(0, 64)
    while True:
        time.sleep(600)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", required=True)
    parser.add_argument("--scene", required=True)
    parser.add_argument("--ready", required=True)
    parser.add_argument("--rage", type=float, required=True)
    parser.add_argument("--noisy", action="store_true")
    options, rest = parser.parse_known_args()
    if options.role == "hostile":
        harm(options)
    os.execv(sys.executable, [sys.executable, "-I", "-S", "paced.py"] + rest)


main()
