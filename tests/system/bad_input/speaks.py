"""A trial that says what it should not: `speaks.py NAME`, a row of table.TRIALS."""
import os
import signal
import struct
import sys

MEGABYTE = b"x" * 1000000


def out(data):
    while data:
        data = data[os.write(1, data):]


def report(data):
    fd = int(os.environ["ASSAY_REPORT_FD"])
    try:
        while data:
            data = data[os.write(fd, data):]
    except OSError:
        pass  # it was closed: nothing more is taken
    return fd


def frame(body):
    return b"\xc1" + struct.pack("<I", len(body)) + body


def wait_for_end(fd):
    """Until nobody listens any more."""
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        pass


def long_line(head):
    out(head)
    for _ in range(100):
        out(MEGABYTE)
    out(b"\n")


def killed_behind(line):
    out(b"assay: x=1\n" + line)
    os.kill(os.getpid(), signal.SIGKILL)


def levels(count):
    return b'assay: {"x": ' + b"[" * (count - 1) + b"]" * (count - 1) + b"}\n"


SPEAKS = {
    "line of 100 MB": lambda: (long_line(b""), out(b"assay: x=1\n")),
    "report of 100 MB": lambda: long_line(b"assay: x="),
    "stderr of 50 MB": lambda: (os.dup2(2, 1), [out(MEGABYTE) for _ in range(50)]),
    "binary": lambda: out(bytes(range(256)) * 4000 + b"\nassay: x=1\n"),
    "binary report": lambda: out(b"assay: {\"x\xff\xfe\": 1}\n"),
    "zero byte": lambda: out(b"assay: {\"x\": \"a\0b\"}\n"),
    "NaN": lambda: out(b'assay: x=NaN\nassay: {"x": NaN, "y": -Infinity}\n'),
    "1e999": lambda: out(b'assay: {"x": 1e999}\n'),
    "8 levels": lambda: out(levels(8)),
    "9 levels": lambda: out(levels(9)),
    "30000 levels": lambda: out(levels(30000)),
    "10000 keys": lambda: out(
        b"assay: {%s}\n" % b",".join(b'"%d":1' % i for i in range(6000))),
    "513 keys": lambda: out(b"assay: {%s}\n" % b",".join(b'"%d":1' % i for i in range(513))),
    "no JSON": lambda: out(b"assay: {x: 1}\n"),
    "a list": lambda: out(b"assay: [1, 2]\n"),
    "a key twice": lambda: out(b'assay: {"x": 1, "x": 2}\n'),
    "an empty key": lambda: out(b'assay: {"": 1}\n'),
    "nothing": lambda: out(b"assay: \n"),
    "half at the end": lambda: out(b'assay: x=1\nassay: {"x": 2, "y'),
    "half and killed": lambda: killed_behind(b'assay: {"x": 2, "y'),
    # It was to become x=2000: half a number is a number, too.
    "cut and killed": lambda: killed_behind(b"assay: x=2"),
    "whole without an end": lambda: out(b"assay: x=1"),
    "nearly reports": lambda: out(b"assay:x=2\n assay: x=2\nAssay: x=2\n" * 20000
                                  + b"assay: x=1\n"),
    "reserved keys": lambda: out(
        b'assay: {"x": 1, "time_total_s": "long", "config": 7, "pid": [], "timestamp": {}, '
        b'"date": 0, "hostname": null, "trial_id": 5, "experiment_id": false, "node_ip": 1}\n'),
    "a count that is none": lambda: out(b'assay: {"x": 1, "timesteps_this_iter": "many"}\n'),
    "done that is none": lambda: out(b'assay: {"x": 1, "done": "maybe"}\n'),
    "fd: a frame of 4 GB": lambda: wait_for_end(report(b"\xc1\xff\xff\xff\xff" + MEGABYTE)),
    "fd: a frame of garbage": lambda: wait_for_end(report(frame(b"\xc1\xdf\xff\xff\xff\xff"))),
    "fd: an empty frame": lambda: wait_for_end(report(frame(b""))),
    "fd: an unknown kind": lambda: wait_for_end(report(frame(b"\x91\xa5shout"))),
    "fd: a report that is none": lambda: wait_for_end(report(frame(b"\x92\xa6report\x07"))),
    "fd: a key twice": lambda: wait_for_end(
        report(frame(b"\x92\xa6report\x82\xa1x\x01\xa1y\x02") + frame(b"\x92\xa6report\x82\xa1x\x01\xa1x\x02"))),
    "fd: a key twice, deeper": lambda: wait_for_end(
        report(frame(b"\x92\xa6report\x81\xa1x\x91\x82\xa1y\x01\xa1y\x02"))),
    "fd: half a frame": lambda: report(b"\xc1\x40\0\0\0\x92\xa6rep"),
    "fd: a report too deep": lambda: wait_for_end(
        report(frame(b"\x92\xa6report\x81\xa1x" + b"\x91" * 1000 + b"\xc0"))),
    "fd: a line without end": lambda: wait_for_end(report(MEGABYTE)),
    "fd: garbage": lambda: wait_for_end(report(bytes(range(255, 0, -1)) * 10 + b"\n")),
    "fd: an error of 60 kB": lambda: report(
        frame(b"\x92\xa5error\xdb" + struct.pack(">I", 60000) + b"e" * 60000)),
}

if __name__ == "__main__":
    SPEAKS[sys.argv[1]]()
