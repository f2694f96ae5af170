"""What a test says where something is not as it has to be, and waiting for what has to come."""
import os
import time

POLL_S = 0.01
# Every limit of a test times this: for programs that something makes slow (disguised.py).
SLOWER = float(os.environ.get("ASSAY_SLOWER", "1"))


class Failure(Exception):
    """The product did something else than it promises."""


class Skip(Exception):
    """The case cannot be tried here; the text says why."""


def needs_speed():
    """For a case whose point is how long something takes."""
    if SLOWER > 1:
        raise Skip("the programs are slower than they are")


def check(condition, what):
    if not condition:
        raise Failure(what)


def equal(got, want, what):
    if got != want:
        raise Failure("%s: %s, expected %s" % (what, shorten(repr(got)), shorten(repr(want))))


def shorten(text, most=600):
    return text if len(text) <= most else text[: most // 2] + " [...] " + text[-most // 2 :]


def wait_for(predicate, limit_s, what):
    """What predicate returned as soon as that is true."""
    limit_s *= SLOWER
    until = time.monotonic() + limit_s
    while True:
        got = predicate()
        if got:
            return got
        if time.monotonic() > until:
            raise Failure("waited %g s for %s" % (limit_s, what() if callable(what) else what))
        time.sleep(POLL_S)
