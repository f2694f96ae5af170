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

from cluster import BIN, Head
from expect import check, wait_for
from processes import kill_pid, program_of

SHIM = os.path.join(os.path.dirname(BIN), "lib", "power_shim.so")
SLOT = struct.Struct("<QQQ")
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
        """(how many there were, how many are under way)"""
        try:
            with open(self.path, "rb") as file:
                return SLOT.unpack(file.read(SLOT.size))[1:]
        except (OSError, struct.error):
            return 0, 0

    def synced(self):
        return {inode: size for inode, size, _ in self.slots()[1:] if inode != 0}


class PoweredHead(Head):
    def __init__(self, machine):
        self.machine = machine
        super().__init__(machine.scene)

    def start(self, limit_s=30, env=None, may_die=False):
        return super().start(limit_s, dict(self.machine.env(), **(env or {})), may_die)


class Machine:
    """The head, its redis-server and their disk."""

    def __init__(self, scene, choice, slow_us=10000, settings=""):
        self.scene, self.choice = scene, choice
        self.ledger, self.own = Ledger(scene.path("redis.ledger")), Ledger(scene.path("head.ledger"))
        real = shutil.which("redis-server")
        check(real, "redis-server is on PATH")
        scene.write("bin/redis-server", SCRIPT % (SHIM, self.ledger.path, slow_us, real, settings), 0o755)
        self.path = "%s:%s" % (scene.path("bin"), os.environ["PATH"])
        self.results = scene.path("results")
        os.makedirs(self.results, exist_ok=True)
        self.torn = self.rubbish = 0
        self.head = PoweredHead(self)

    def env(self):
        """Of the head: it finds our redis-server first, and has the shim under it, too."""
        return {
            "PATH": self.path,
            "LD_PRELOAD": SHIM,
            "POWER_LEDGER": self.own.path,
            "POWER_TREE": self.results,
            # The sanitizer would be the first library, or none.
            "ASAN_OPTIONS": self.scene.env()["ASAN_OPTIONS"] + ":verify_asan_link_order=0",
        }

    def start(self, **options):
        self.head.start(**options)

    def log_files(self):
        """Those that grow: one at a time."""
        return sorted(glob.glob(os.path.join(self.head.data_dir, "redis", "appendonlydir", "*.incr.aof")))

    def kill(self, when=lambda: None):
        """Both at once, as far as there is such a thing: the head first, for one that sees its redis-server
        die starts another, which would live through the cut. when: returns at that moment."""
        redis = wait_for(self.head.redis_pid, 10, "the head's redis-server to be there")
        check(program_of(redis) in ("redis-server", "redis-check-rdb"), "that is redis-server")
        when()
        kill_pid(self.head.daemon.pid)
        kill_pid(redis)
        self.head.daemon.wait()
        wait_for(lambda: not os.path.exists("/proc/%d" % redis) and self.head.redis_pid() is None, 10,
                 "redis-server to be gone, and no other to be there")

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

    def cut(self, after):
        """The power goes, after so many more syncs."""
        self.kill(lambda: wait_for_sync(self, after, 2))
        synced = self.ledger.synced()
        for path in self.log_files():
            self.tear(path, synced.get(os.stat(path).st_ino, 0), True)
        # Made again from the log, as far as it goes back.
        synced = self.own.synced()
        for path in glob.glob(os.path.join(self.results, "**", "*.*"), recursive=True):
            if os.path.isfile(path) and os.path.basename(path) in ("result.json", "progress.csv"):
                self.tear(path, synced.get(os.stat(path).st_ino, 0), False)


def wait_for_sync(machine, more, limit_s):
    """Until the redis-server has synced so many times more, and is about to once more, as a rule."""
    before = machine.ledger.syncs()[0]
    within = machine.choice.random() < 0.8
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        done, under_way = machine.ledger.syncs()
        if done >= before + more and (under_way or not within):
            return
        os.sched_yield()
