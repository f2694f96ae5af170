"""The process that has imported the user's module and forks a child a trial; and a trial in an
interpreter of its own.

    zygote_boot.py --zygote PARENT CODE module:Name     speaks zygote_wire on descriptor 3
    zygote_boot.py --trial CODE module:Name             reports on descriptor 3

CODE is the folder of the experiment's code, first in sys.path. A forked child differs from others
in its environment, working directory, descriptors and generators of random numbers; it leaves by
os._exit behind its own atexit functions, its streams flushed.
"""
import atexit
import ctypes
import gc
import os
import random
import select
import signal
import socket
import sys
import threading
import traceback
from typing import Any, Callable, NoReturn, Optional

from . import values, zygote_load, zygote_wire
from .channel import Channel
from .successors import Successors
from .trainable_run import run as run_trial
from .trial import Trial, current_trial

LINK_FD = 3  # of the zygote
REPORT_FD = 3  # of a trial
PR_SET_PDEATHSIG = 1
REUSE = b"ASSAY_REUSE"
NUMPY_STREAM = 1  # else its numbers are those of `random`, which is the same generator

_libc = ctypes.CDLL(None, use_errno=True)
_libc.getenv.restype = ctypes.c_void_p


def main(args: list[str]) -> NoReturn:
    """The program; args as above. Ends the process."""
    if args[0] == "--zygote":
        parent, code, run = int(args[1]), args[2], args[3]
        _paths(code)
        _Zygote(parent, run).serve()
    code, run = args[1], args[2]
    _paths(code)
    _single(run)


def _paths(code: str) -> None:
    """The experiment's code goes first, this package last, for processes that the trial starts."""
    package = sys.path.pop(0)
    sys.path.insert(0, code)
    sys.path.append(package)
    sys.argv = [code]


def _single(run: str) -> NoReturn:
    _stream_lines()
    trial = current_trial()  # says hello, so that what fails from here on has somebody to tell
    try:
        target = zygote_load.load(run)
    except zygote_load.LoadError as error:
        print("assay: %s" % error, file=sys.stderr)
        trial.say("error", str(error).partition("\n")[0])
        _leave(1)
    seed_generators(trial.seed)
    _leave(run_trial(target, trial))


def _stream_lines() -> None:
    """What is printed goes out line by line, so that people can follow it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # else it is the module's own
            stream.reconfigure(line_buffering=True)


def seed_generators(seed: int) -> None:
    """The generators that programs share: of the C library, `random`, and where they are imported
    numpy's global one and torch's. Others are the module's to seed, by `current_trial().seed`."""
    low, high = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    _libc.srand(ctypes.c_uint(low))
    _libc.srandom(ctypes.c_uint(low))
    _libc.srand48(ctypes.c_long(low))
    random.seed(seed)
    numpy: Any = sys.modules.get("numpy")
    if hasattr(numpy, "random"):
        numpy.random.seed([low, high, NUMPY_STREAM])
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)


def _warm_up() -> None:
    """What every child would have to do anew: generators are made when they are first seeded."""
    seed_generators(0)
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()  # what is there now is not touched in the children


def _leave(status: int) -> NoReturn:
    """End this process: its own threads first, then atexit, and all that was printed."""
    try:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        status = status or 1
    finally:
        os._exit(status)


class _Zygote:
    """Serves requests until the executor is gone. Only `serve` is called from outside."""

    def __init__(self, parent: int, run: str) -> None:
        self._run = run
        self._link = socket.socket(fileno=LINK_FD)
        self._link.set_inheritable(False)
        self._keys: dict[int, int] = {}  # by process
        self._mark = _libc.getenv(zygote_wire.MARK)  # where it stands before anything is set
        self._woken, self._wake = os.pipe()
        if not self._dies_with(parent):
            os._exit(1)

    def _dies_with(self, parent: int) -> bool:
        done = _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
        return bool(done) and os.getppid() == parent

    def serve(self) -> NoReturn:
        """Import, say how that went, and fork."""
        try:
            os.chdir(sys.path[0])
        except FileNotFoundError:
            pass  # nothing was shipped
        try:
            target = zygote_load.load(self._run)
        except zygote_load.LoadError as error:
            self._answer(zygote_wire.FAILED, text=str(error))
            os._exit(0)
        why = zygote_load.why_unsafe(self._run.partition(":")[0])
        self._answer(zygote_wire.READY if why is None else zygote_wire.UNSAFE, text=why)
        if why is not None:
            os._exit(0)
        _warm_up()
        self._loop(target)

    def _answer(self, kind: int, **more: Any) -> None:
        try:
            zygote_wire.reply(self._link, kind, **more)
        except OSError:
            os._exit(1)  # the executor is gone

    def _loop(self, target: Callable[..., Any]) -> NoReturn:
        os.set_blocking(self._wake, False)
        before = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._child_handler = before if before is not None else signal.SIG_DFL
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(LINK_FD, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if LINK_FD in ready:
                request = zygote_wire.receive(self._link)
                if request is None:
                    os._exit(0)
                self._start(request, target)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            key = self._keys.pop(pid, None)
            if key is not None:  # else the module's own
                self._answer(zygote_wire.EXITED, key=key, pid=pid, status=status)

    def _start(self, request: zygote_wire.Request, target: Callable[..., Any]) -> None:
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._answer(zygote_wire.REFUSED, key=request.key, status=error.errno or 0)
        else:
            if pid == 0:
                self._child(request, target, parent)
            self._keys[pid] = request.key
            self._answer(zygote_wire.STARTED, key=request.key, pid=pid)
        for fd in request.fds:
            os.close(fd)

    def _child(self, request: zygote_wire.Request, target: Callable[..., Any],
               parent: int) -> NoReturn:  # fmt: skip
        status = 126
        try:
            self._become(request, parent)
            trial = Trial(Channel(REPORT_FD, request.go), values.unpack(request.config))
            seed_generators(trial.seed)
            status = run_trial(target, trial, self._successors(trial, request))
        except BaseException:
            traceback.print_exc()
        _leave(status)

    def _successors(self, trial: Trial, request: zygote_wire.Request) -> Optional[Successors]:
        """Of a trial whose process may be handed others; None: it may not."""
        if REUSE not in request.environment:
            return None
        return Successors(trial, request.environment, self._take_on, REPORT_FD)

    def _take_on(self, entries: dict[bytes, bytes]) -> None:
        """Of another trial."""
        self._environment(entries)
        seed_generators(int(os.environ.get("ASSAY_SEED", "0")))

    def _become(self, request: zygote_wire.Request, parent: int) -> None:
        """As spawn_become of worker/executor/spawn.h; but what the module has opened stays open."""
        if not self._dies_with(parent):
            os._exit(127)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, self._child_handler)
        atexit._clear()  # the zygote's, which the module may have registered to run once
        os.setsid()
        os.chdir(request.dir)
        null = os.open(os.devnull, os.O_RDONLY)
        self._link.detach()
        for fd, place in zip([null, *request.fds], (0, 1, 2, REPORT_FD)):
            os.dup2(fd, place)
        for fd in (null, *request.fds, self._woken, self._wake):
            if fd > REPORT_FD:
                os.close(fd)
        self._environment(request.environment)
        _stream_lines()

    def _environment(self, entries: dict[bytes, bytes]) -> None:
        """The attempt's own. Its mark is also written over the zygote's where that stands, so that
        /proc shows whose process it is."""
        mark = entries.get(zygote_wire.MARK, b"")
        if self._mark and len(ctypes.string_at(self._mark)) == len(mark):
            ctypes.memmove(self._mark, mark, len(mark))
        for name, value in entries.items():
            os.environb[name] = value
