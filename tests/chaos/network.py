"""Machines on one: the test, its head and clients in one network namespace, each worker in one of its own.

A wire each joins them, which nft cuts in the one direction, the other, or both, without a word to anybody. Each
namespace lives as long as the process that holds it, so that nothing is left behind, whoever dies. Where this
process may not do that there are no wires, and nothing is cut: available() says why.
"""
import ctypes
import os
import shutil
import signal
import subprocess

from expect import Failure
from processes import LIBC, PR_SET_PDEATHSIG

CLONE_NEWNET = 0x40000000
TABLE = "inet chaos"
CHAIN = "add table %s; add chain %s %s { type filter hook input priority 0; }"
TO_HEAD, FROM_HEAD = "to the head", "from the head"


def call(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure("`%s`: %s" % (" ".join(words), done.stdout.strip()))


def available():
    """None, or why there can be no wires."""
    for tool in ("ip", "nft", "nsenter"):
        if shutil.which(tool) is None:
            return "there is no %s here" % tool
    child = os.fork()
    if child == 0:
        os._exit(0 if LIBC.unshare(CLONE_NEWNET) == 0 else 1)
    if os.waitpid(child, 0)[1] != 0:
        return "this user may not make network namespaces (CAP_NET_ADMIN)"
    done = subprocess.run(["nsenter", "-t", str(os.getpid()), "-n", "nft", "list", "tables"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return None if done.returncode == 0 else "nft may not be used here"


def hold_namespace():
    """A process that holds a network namespace and dies with this one."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.close(reader)
        good = LIBC.unshare(CLONE_NEWNET) == 0
        os.write(writer, b"y" if good else b"n")
        os.close(writer)
        while True:
            signal.pause()
    os.close(writer)
    said = os.read(reader, 1)
    os.close(reader)
    if said != b"y":
        raise Failure("a network namespace: %s" % os.strerror(ctypes.get_errno()))
    return child


class Wire:
    """Between the head's namespace, which is this process's, and a worker's."""

    def __init__(self, number):
        self.number = number
        self.holder = hold_namespace()
        self.here, self.there = "w%d" % number, "head"
        self.head_ip = "10.77.%d.1" % number
        call("ip", "link", "add", "name", self.here, "type", "veth", "peer", "name", self.there, "netns",
             str(self.holder))
        call("ip", "address", "add", self.head_ip + "/30", "dev", self.here)
        call("ip", "link", "set", "dev", self.here, "up")
        self.inside("ip", "link", "set", "dev", "lo", "up")
        self.inside("ip", "address", "add", "10.77.%d.2/30" % number, "dev", self.there)
        self.inside("ip", "link", "set", "dev", self.there, "up")
        self.inside("nft", CHAIN % (TABLE, TABLE, self.here))
        call("nft", CHAIN % (TABLE, TABLE, self.here))

    def prefix(self):
        """Words in front of a command that runs on the worker's machine."""
        return ["nsenter", "-t", str(self.holder), "-n", "--"]

    def inside(self, *words):
        call(*self.prefix(), *words)

    def cut(self, *directions):
        """What arrives is dropped where it arrives: whoever sent it hears nothing."""
        if TO_HEAD in directions:
            call("nft", "add rule %s %s iifname %s drop" % (TABLE, self.here, self.here))
        if FROM_HEAD in directions:
            self.inside("nft", "add rule %s %s iifname %s drop" % (TABLE, self.here, self.there))

    def mend(self):
        self.inside("nft", "flush chain %s %s" % (TABLE, self.here))
        call("nft", "flush chain %s %s" % (TABLE, self.here))


class FarHead:
    """The head as a worker reaches it: through its wire, where it has one."""

    def __init__(self, head, wire):
        self.address = "%s:%d" % (wire.head_ip, head.port) if wire else head.address


def enter():
    """This process, and all that it starts, go into a namespace of their own."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        raise Failure("a network namespace: %s" % os.strerror(ctypes.get_errno()))
    call("ip", "link", "set", "dev", "lo", "up")


def end(wires):
    for wire in wires:
        os.kill(wire.holder, signal.SIGKILL)
        os.waitpid(wire.holder, 0)
