"""A Redis that several heads share, the head that leads, and those that stand by."""
import os
import re
import shutil
import socket

from cluster import Daemon, Head, free_port, tool
from expect import Failure, shorten, wait_for


class SharedRedis:
    """A redis-server as a site would run it; it is the test's own."""

    def __init__(self, scene, *settings):
        self.scene, self.settings = scene, settings
        self.port, self.folder = free_port(), scene.path("redis")
        os.makedirs(self.folder, mode=0o700)
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        self.daemon = Daemon(
            self.scene,
            "redis.%d" % self.starts,
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--dir", self.folder,
             *self.settings],
            self.scene.env(),
        )
        wait_for(self.answers, 20, lambda: "Redis to answer: " + shorten(self.daemon.out()))

    def answers(self):
        try:
            return self.ask("PING") == "PONG"
        except OSError:
            return False

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    def ask(self, *words):
        """The answer to one command, as text; arrays as lists of text."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as one:
            text = b"*%d\r\n" % len(words)
            for word in words:
                text += b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode())
            one.sendall(text)
            return read_answer(one.makefile("rb"))

    def lead(self, field, name="default"):
        """What stands of the head that leads."""
        return self.ask("HGET", "assay:{%s}:head" % name, field) or ""

    def wait_lead(self, field, value, limit_s=10):
        """The row is written behind the head's word that it leads, with its next look at the time."""
        wait_for(lambda: self.lead(field) == value, limit_s,
                 lambda: "%s to be %s in Redis, which has %s" % (field, value, self.lead(field)))

    def length(self, name="default"):
        return int(self.ask("XLEN", "assay:{%s}:log" % name))


def read_answer(file):
    line = file.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind == "-":
        raise Failure("Redis says: " + rest)
    if kind == "$":
        return None if rest == "-1" else file.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
    if kind == "*":
        return [read_answer(file) for _ in range(int(rest))]
    return rest


class SharedHead(Head):
    """A head on a shared Redis; its endpoint is one that works in a test."""

    def __init__(self, scene, redis, name="h", words=()):
        super().__init__(scene, name, ["--redis-address", redis.url, "--advertise", "127.0.0.1",
                                       *words])


class Standby(SharedHead):
    """It stands by for another one, with that one's keys."""

    def __init__(self, scene, redis, leader, name="s", words=(), port=None):
        self.wanted_port = port
        folder = os.path.join(scene.folder, name + ".data")
        os.makedirs(folder, mode=0o700)
        shutil.copytree(os.path.join(leader.data_dir, "keys"), os.path.join(folder, "keys"))
        super().__init__(scene, redis, name, ["--standby", *words])

    def start(self, limit_s=30, env=None, may_die=False):
        if self.wanted_port:
            self.port = self.wanted_port
        self.starts += 1
        self.daemon = Daemon(
            self.scene,
            "%s.%d" % (self.name, self.starts),
            [tool("assay"), "head", "--port", str(self.port), "--data-dir", self.data_dir]
            + self.words,
            self.scene.env(self.home, env),
        )
        if not may_die:
            self.wait_stands_by(limit_s)
        return self

    def wait_stands_by(self, limit_s=30):
        wait_for(lambda: self.stands_by() or not self.daemon.runs(), limit_s,
                 lambda: "the head to stand by: " + self.daemon.err())
        if not self.stands_by():
            raise Failure("the standby ended: %s" % shorten(self.daemon.err()))

    def stands_by(self):
        return re.search(r"^assay head \S+ stands by: .* leads$", self.daemon.out(), re.M)

    def leads(self):
        return self.announced(False)

    def wait_leads(self, limit_s=40):
        wait_for(self.leads, limit_s, lambda: "%s to take over: %s" % (self.name, self.daemon.err()))
        return self
