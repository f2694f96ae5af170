"""Looks at /proc again and again and writes down which trials' processes live: on what node, with what devices.

    witness.py MARK FILE

It knows them by their environment. A line a process when it is gone, or when this is told to end: trial, attempt,
node, devices, and when it was first and last seen alive, by the clock that all processes of the machine share.
Both times are inside its life, so that two processes whose lines overlap did live at once.
"""
import os
import signal
import sys
import time

EVERY_S = 0.05


def environment(pid):
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            return dict(word.split(b"=", 1) for word in file.read().split(b"\0") if b"=" in word)
    except OSError:
        return {}


def stat_of(pid):
    """(state, when it began), None where it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            rest = file.read().rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return (rest[0], rest[19])


def program(pid):
    try:
        return os.path.basename(os.readlink("/proc/%d/exe" % pid))
    except OSError:
        return ""


class Witness:
    def __init__(self, mark, path):
        self.mark = mark.encode()
        self.out = open(path, "w", encoding="utf-8")
        self.seen = {}  # (pid, began): None where it is none, else its line and times
        self.over = False

    def look_at(self, pid, now):
        stat = stat_of(pid)
        if stat is None or stat[0] in (b"Z", b"X"):
            return None
        key = (pid, stat[1])
        if self.seen.get(key, False) is None:
            return key
        if key not in self.seen:
            found = environment(pid)
            if not found and program(pid).startswith("python"):
                return key  # it has just begun: it is looked at again
            if found.get(b"SYSTEM_TEST_MARK") != self.mark or b"ASSAY_ATTEMPT" not in found or \
                    not program(pid).startswith("python"):
                # What becomes a trial has another program until then.
                if found.get(b"SYSTEM_TEST_MARK") != self.mark and found:
                    self.seen[key] = None
                return key
            self.seen[key] = [found[b"ASSAY_TRIAL_ID"], found[b"ASSAY_ATTEMPT"], found.get(b"TEST_NODE", b"?"),
                              found.get(b"CUDA_VISIBLE_DEVICES", b"") or b"-", now, now]
        # Alive at a moment after `now` was taken.
        self.seen[key][5] = now
        return key

    def look(self):
        alive = set()
        for name in os.listdir("/proc"):
            if name.isdigit():
                alive.add(self.look_at(int(name), time.monotonic()))
        for key in [key for key in self.seen if key not in alive]:
            self.tell(self.seen.pop(key))

    def tell(self, line):
        if line is not None:
            self.out.write("%s %s %s %s %.6f %.6f\n" % (tuple(word.decode() for word in line[:4]) + tuple(line[4:])))

    def run(self):
        signal.signal(signal.SIGTERM, lambda number, frame: setattr(self, "over", True))
        while not self.over:
            self.look()
            time.sleep(EVERY_S)
        for line in self.seen.values():
            self.tell(line)
        self.out.close()


Witness(sys.argv[1], sys.argv[2]).run()
