"""What goes wrong, one function a kind: False where there was nothing to do it to.

A fault that lasts is mended by its own end; until then no other touches the same process or wire.
"""
import signal
import time

from expect import wait_for
from network import FROM_HEAD, TO_HEAD
from processes import kill_pid

SHORT_S, LONG_S = 3, 30


class Lasting:
    """Until then."""

    def __init__(self, name, seconds, mend):
        self.name, self.until, self.mend = name, time.monotonic() + seconds, mend


def redis_of(head):
    return wait_for(head.redis_pid, 20, "the head's redis-server to be there")


def seconds_of(chaos):
    """Mostly short; sometimes so long that a node is given up."""
    return chaos.choice.uniform(0.2, SHORT_S) if chaos.choice.random() < 0.75 else chaos.choice.uniform(SHORT_S, chaos.longest)


def kill_head(chaos):
    chaos.head.kill()
    chaos.start_head()


def kill_redis(chaos):
    pid = redis_of(chaos.head)
    kill_pid(pid)
    wait_for(lambda: chaos.head.redis_pid() not in (None, pid), 20, "the head to start Redis again")


def kill_head_and_redis(chaos):
    pid = redis_of(chaos.head)
    chaos.head.kill()
    kill_pid(pid)
    chaos.start_head()


def kill_worker(chaos):
    worker = chaos.any_worker()
    if not chaos.is_free(worker.name):
        return False
    chaos.touched(worker)
    worker.kill()
    worker.start()


def kill_executor(chaos):
    worker = chaos.any_worker()
    chaos.touched(worker)
    found = worker.executors()[:1]
    for pid in found:
        kill_pid(pid)
    return bool(found)


def stop(chaos, name, pid, worker=None):
    """It stands still, and goes on."""
    if pid is None or not chaos.is_free(name):
        return False
    if worker:
        chaos.touched(worker)
    kill_pid(pid, signal.SIGSTOP)
    chaos.last(name, seconds_of(chaos), lambda: kill_pid(pid, signal.SIGCONT))
    return True


def stop_head(chaos):
    return stop(chaos, "head", chaos.head.daemon.pid)


def stop_redis(chaos):
    return stop(chaos, "redis", redis_of(chaos.head))


def stop_worker(chaos):
    worker = chaos.any_worker()
    return stop(chaos, worker.name, worker.daemon.pid, worker)


def stop_executor(chaos):
    worker = chaos.any_worker()
    return stop(chaos, "executor of " + worker.name, next(iter(worker.executors()), None), worker)


def cut(chaos, *directions):
    worker = chaos.any_worker()
    wire = chaos.wires.get(worker.name)
    if wire is None or not chaos.is_free("wire of " + worker.name):
        return False
    chaos.touched(worker)
    wire.cut(*directions)
    chaos.last("wire of " + worker.name, seconds_of(chaos), lambda: chaos.mend_wire(worker.name))
    return True


def cut_to_head(chaos):
    return cut(chaos, TO_HEAD)


def cut_from_head(chaos):
    return cut(chaos, FROM_HEAD)


def cut_both(chaos):
    return cut(chaos, TO_HEAD, FROM_HEAD)


# What each needs to be untouched by one that lasts: nothing is killed or started that stands still.
FAULTS = (
    ("kill -9 of the head", kill_head, ("head", "redis")),
    ("kill -9 of redis-server", kill_redis, ("head", "redis")),
    ("kill -9 of both at once", kill_head_and_redis, ("head", "redis")),
    ("kill -9 of a worker daemon", kill_worker, ()),
    ("kill -9 of an executor", kill_executor, ()),
    ("SIGSTOP of the head", stop_head, ("head", "redis")),
    ("SIGSTOP of redis-server", stop_redis, ("head", "redis")),
    ("SIGSTOP of a worker daemon", stop_worker, ()),
    ("SIGSTOP of an executor", stop_executor, ()),
    ("a wire cut to the head", cut_to_head, None),
    ("a wire cut from the head", cut_from_head, None),
    ("a wire cut both ways", cut_both, None),
)
