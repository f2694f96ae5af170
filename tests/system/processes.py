"""Processes as /proc shows them: whose they are, and their end.

Every process of a run carries its mark; a guardian ends those that are left where the test itself is killed.
"""
import ctypes
import os
import shutil
import signal

MARK = "SYSTEM_TEST_MARK"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def read_text(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return default


def read_bytes(path, default=b""):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return default


def link_of(path):
    try:
        return os.readlink(path)
    except OSError:
        return ""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def argv_of(pid):
    return read_bytes("/proc/%d/cmdline" % pid).split(b"\0")


def program_of(pid):
    """The name of its program; under valgrind, of the one that it looks into."""
    path = link_of("/proc/%d/exe" % pid).replace(" (deleted)", "")
    if os.path.basename(path).startswith("memcheck-"):
        path = next((word.decode() for word in argv_of(pid)[1:] if not word.startswith(b"-")), "")
    return os.path.basename(path)


def is_zombie(pid):
    stat = read_text("/proc/%d/stat" % pid)
    return ") Z" in stat or stat == ""


def pids_of_run(mark, folder):
    """Processes that carry the mark, or that live in the run's folder."""
    found = []
    needle = ("%s=%s" % (MARK, mark)).encode()
    for pid in all_pids():
        if is_zombie(pid):
            continue
        if (
            needle in read_bytes("/proc/%d/environ" % pid).split(b"\0")
            or link_of("/proc/%d/cwd" % pid).startswith(folder)
            or any(folder.encode() in word for word in argv_of(pid))
        ):
            found.append(pid)
    return found


def kill_pid(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def start_guardian(mark, folder):
    """A process that ends what the run leaves behind when the test is killed. Returns a pipe's end:
    while it is open, the guardian waits."""
    reader, writer = os.pipe()
    child = os.fork()
    if child > 0:
        os.close(reader)
        os.waitpid(child, 0)
        return writer
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    try:
        os.chdir("/")
        # All but its own end: two that are made at once would hold each other's, and wait for ever.
        os.closerange(3, reader)
        os.closerange(reader + 1, os.sysconf("SC_OPEN_MAX"))
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        while os.read(reader, 1):
            pass
        if os.path.isdir(folder):
            for _ in range(50):
                left = [pid for pid in pids_of_run(mark, folder) if pid != os.getpid()]
                if not left:
                    break
                for pid in left:
                    kill_pid(pid)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os._exit(0)


def dies_with_the_test():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
