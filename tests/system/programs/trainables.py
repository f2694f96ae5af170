"""Trainables in Python, each with a way of its own to report or to end."""
import ctypes
import math
import os
import random
import signal
import sys
import threading
import time

import assay

try:
    import numpy
except ImportError:
    numpy = None

IMPORTED_BY = os.getpid()


class Counter(assay.Trainable):
    """Counts, saves a dict, and says which process imported it."""

    def setup(self, config):
        self.count = 0
        self.begun_at = 0

    def step(self):
        self.count += 1
        if self.count == self.config.get("crash_at") and assay.current_trial().attempt == 1:
            raise RuntimeError("as it was asked to")
        time.sleep(self.config.get("pace", 0))
        return {"count": self.count, "begun_at": self.begun_at, "iteration": self.iteration + 1,
                "forked": os.getpid() != IMPORTED_BY}

    def save_checkpoint(self, folder):
        return {"count": self.count}

    def load_checkpoint(self, saved):
        self.count = self.begun_at = saved["count"]


class Old(assay.Trainable):
    """The names of Tune 0.7, and a checkpoint that is a file."""

    def _setup(self, config):
        self.count = 0

    def _train(self):
        self.count += 1
        if self.count == 5 and assay.current_trial().attempt == 1:
            os._exit(9)
        return {"count": self.count, "done": self.count == 8}

    def _save(self, folder):
        path = os.path.join(folder, "count.txt")
        with open(path, "w") as file:
            file.write(str(self.count))
        return path

    def _restore(self, path):
        with open(path) as file:
            self.count = int(file.read())

    def _stop(self):
        print("stopped at", self.count)


def function(config):
    print("begins")
    for n in range(1, 4):
        assay.report(n=n, nan=math.nan, inf=-math.inf, deep={"list": [1, "two", None, True]},
                     text="\u00e9", whole=1 << 40)


def reporter(config, reporter):
    for n in range(1, 4):
        reporter(n=n)


def generator(config):
    for n in range(1, 3):
        yield {"n": n}
    return {"n": 3}


def saving(config):
    n = 0
    saved = assay.get_checkpoint()
    if saved is not None:
        n = int((saved / "n").read_text())
    begun_at = n
    while True:
        n += 1
        time.sleep(0.002)
        assay.report(n=n, begun_at=begun_at)
        if assay.should_checkpoint():
            with assay.checkpoint() as folder:
                (folder / "n").write_text(str(n))


def draws(config):
    mine = [random.random(), random.random()]
    assay.report(random=mine, numpy=list(numpy.random.rand(2)) if numpy is not None else [])


def fails(config):
    """By the way that its configuration names."""
    assay.report(n=1)
    globals()["by_" + config["way"]]()


def by_exception():
    raise ValueError("no such luck")


def by_interrupt():
    raise KeyboardInterrupt


def by_status():
    sys.exit(7)


def by_words():
    sys.exit("it had to be")


def by_zero():
    sys.exit(0)


def by_segfault():
    ctypes.string_at(0)


def by_kill():
    os.kill(os.getpid(), signal.SIGKILL)


def by_hang():
    threading.Event().wait()


def by_object():
    assay.report(n=2, model={"weights": [object()]})


def by_value():
    assay.report([1, 2])


class NoStep(assay.Trainable):
    pass


class NoTrainable:
    def step(self):
        return {}
