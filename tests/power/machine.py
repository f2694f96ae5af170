"""A head's machine whose power can be cut: what was not synced is gone, in part or with rubbish behind.

Under its redis-server lies tests/power/shim.c, which keeps account of what that has synced. A cut kills
head and redis-server at once and then takes from every file that was appended to what a disk may lose:
all or some of what came behind the last sync. Nothing here shares code with the product.
"""
import glob
import os
import shutil
import struct
import time

from cluster import (
    BIN, Head, check, kill_pid, pids_of_run, program_of, wait_for,
)

SHIM = os.path.join(os.path.dirname(BIN), "lib", "power_shim.so")
SLOT = struct.Struct("<QQ")
SCRIPT = """#!/bin/sh
LD_PRELOAD=%s POWER_LEDGER=%s POWER_SLOW_US=%d exec %s "$@" %s
"""


class Ledger:
    """What the shim wrote: bytes on disk by inode, and how many syncs there were."""

    def __init__(self, path):
        self.path = path

    def slots(self):
        try:
            with open(self.path, "rb") as file:
                return list(SLOT.iter_unpack(file.read()))
        except OSError:
            return []

    def syncs(self):
        try:
            with open(self.path, "rb") as file:
                return SLOT.unpack(file.read(SLOT.size))[1]
        except (OSError, struct.error):
            return 0

    def synced(self):
        return {inode: size for inode, size in self.slots()[1:] if inode != 0}


class Machine:
    """The head, its redis-server and their disk."""

    def __init__(self, scene, choice, slow_us=2000, settings=""):
        self.scene, self.choice = scene, choice
        self.ledger = Ledger(scene.path("redis.ledger"))
        real = shutil.which("redis-server")
        check(real, "redis-server is on PATH")
        scene.write("bin/redis-server", SCRIPT % (SHIM, self.ledger.path, slow_us, real, settings), 0o755)
        self.path = "%s:%s" % (scene.path("bin"), os.environ["PATH"])
        self.results = scene.path("results")
        os.makedirs(self.results, exist_ok=True)
        self.torn = self.rubbish = 0
        os.environ["PATH"], kept = self.path, os.environ["PATH"]
        try:
            self.head = Head(scene)
        finally:
            os.environ["PATH"] = kept

    def start(self, **options):
        self.head.start(env={"PATH": self.path}, **options)

    def log_files(self):
        """Those that grow: one at a time."""
        return sorted(glob.glob(os.path.join(self.head.data_dir, "redis", "appendonlydir", "*.incr.aof")))

    def kill(self):
        """Both at once, as far as there is such a thing; the one or the other is first."""
        redis = wait_for(self.head.redis_pid, 10, "the head's redis-server to be there")
        check(program_of(redis) in ("redis-server", "redis-check-rdb"), "that is redis-server")
        pids = [redis, self.head.daemon.pid]
        self.choice.shuffle(pids)
        for pid in pids:
            kill_pid(pid)
        self.head.daemon.wait()
        wait_for(lambda: not os.path.exists("/proc/%d" % redis) or self.head.redis_pid() != redis, 10,
                 "redis-server to be gone")

    def tear(self, path, synced, with_rubbish):
        """What the disk has of it after the cut."""
        size = os.path.getsize(path)
        keep = self.choice.randint(min(synced, size), size)
        self.torn += with_rubbish and keep < size
        os.truncate(path, keep)
        if with_rubbish and self.choice.random() < 0.25:
            self.rubbish += 1
            with open(path, "ab") as file:
                file.write(self.choice.randbytes(self.choice.randint(1, 512)))

    def cut(self):
        """The power goes. Returns what stands in the log then, as bytes by file."""
        self.kill()
        synced = self.ledger.synced()
        for path in self.log_files():
            self.tear(path, synced.get(os.stat(path).st_ino, 0), True)
        # Made again from the log: nobody syncs them.
        for path in glob.glob(os.path.join(self.results, "**", "*.*"), recursive=True):
            if os.path.isfile(path) and os.path.basename(path) in ("result.json", "progress.csv"):
                self.tear(path, 0, False)


def wait_for_sync(machine, more, limit_s):
    """Until the redis-server has synced so many times more."""
    before = machine.ledger.syncs()
    until = time.monotonic() + limit_s
    while machine.ledger.syncs() < before + more and time.monotonic() < until:
        os.sched_yield()
