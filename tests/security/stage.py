"""What each case of the zoo happens on: a head at work, and peers with real keys who say what they are
told to say."""
import os
import re
import select
import subprocess
import time

from cluster import Head, Worker, tool
from expect import Skip, SLOWER, check, equal, wait_for
from experiments import experiment_row, listed, nodes, paced, submit, up
from processes import dies_with_the_test
from result_files import count_rows
from strangers import listening_ports
from zoo import ROLES

HONEST_US = 1000000 * SLOWER  # p99 of one who asks all the time
ANSWER_S = 30 * SLOWER


class Peer:
    """zoo_peer: a real key, and one answer for each line that it is told."""

    def __init__(self, stage, plane, key, token=None, host="127.0.0.1"):
        self.process = subprocess.Popen(
            [tool("zoo_peer"), "%s:%d" % (host, stage.ports[plane]), token or stage.pin, key],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=stage.scene.env(), preexec_fn=dies_with_the_test, bufsize=0)
        self.state = self.heard()

    def heard(self):
        line = b""
        until = time.monotonic() + ANSWER_S
        while not line.endswith(b"\n"):
            check(select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0],
                  "zoo_peer answers within %d s" % ANSWER_S)
            got = os.read(self.process.stdout.fileno(), 4096)
            check(got, "zoo_peer goes on: %s" % (self.process.stderr.read() if not got else ""))
            line += got
        return line.decode().strip()

    def tell(self, line):
        self.hint(line)
        return self.heard()

    def hint(self, line):
        self.process.stdin.write((line + "\n").encode())

    def end(self):
        self.process.stdin.close()
        equal(self.process.wait(ANSWER_S), 0, "status of zoo_peer")
        self.process.stdout.close()
        self.process.stderr.close()


class Stage:
    """A head, a worker with a trial that reports all the time, and one who asks all the time."""

    def __init__(self, scene, words=(), head=None):
        if not os.path.exists(tool("zoo_peer")):
            raise Skip("zoo_peer is not among the programs")
        self.scene = scene
        self.head = head or Head(scene, words=words)
        self.pin = scene.token(self.head, "read", "pin.token")
        self.keys = 0
        self.tokens = {role: scene.token(self.head, role, role + ".token", "--uses", 50)
                       for role in ROLES[1:]}
        self.worker = Worker(scene, "n1", self.head, cpus=1, token=self.tokens["worker"])
        wait_for(lambda: up(self.head) == {"n1"}, 30, lambda: "n1: " + self.worker.daemon.err())
        number = submit(self.head, paced(scene, "honest", 1, 1000000, 0.02))
        self.folder = experiment_row(self.head, number)["folder"]
        wait_for(lambda: count_rows(self.folder) > 0, 30, "the first result")
        self.ports = {"join": self.head.port}
        others = [port for port in listening_ports(self.head.daemon.pid) if port != self.head.port]
        equal(len(others), 2, "ports beside the announced one")
        reader = self.key_of("read")
        for port in others:
            self.ports["client"] = port
            one = Peer(self, "client", reader)
            if one.state == "up":
                break
            one.end()
        check(one.state == "up", "a reader gets into one of %s" % others)
        self.ports["worker"] = others[0] + others[1] - self.ports["client"]
        self.asker = one
        self.asker.hint("ask " + number)

    def fresh(self):
        """The path of a key that is not there yet."""
        os.makedirs(self.scene.path("zoo"), mode=0o700, exist_ok=True)
        self.keys += 1
        return self.scene.path("zoo", "%d.key" % self.keys)

    def key_of(self, role, token=None):
        """A key that has just joined."""
        path = self.fresh()
        if role != "nobody":
            one = Peer(self, "join", path)
            equal(one.tell("join " + (token or self.tokens[role])).split()[0], "joined",
                  "a token of role " + role)
            one.end()
        return path

    def lines(self):
        return len(self.head.audit)

    def is_audited(self, before, pattern, what):
        """A line since then matches."""
        wait_for(lambda: any(re.search(pattern, line) for line in self.head.audit[before:]), 10,
                 lambda: "%s: a line in audit.log like %s among %s"
                 % (what, pattern, self.head.audit[before:]))

    def state(self):
        """What no stranger may have changed."""
        rows = listed(self.head.assay("list", "--json"), "experiments")
        return ([(row["experiment"], row["state"], row["total"]) for row in rows],
                [(node["name"], node["state"]) for node in nodes(self.head)],
                listed(self.head.assay("token", "list", "--json"), "tokens"))

    def goes_on(self, what):
        """More results than now come in."""
        before = count_rows(self.folder)
        wait_for(lambda: count_rows(self.folder) > before, 10, "results to go on after " + what)

    def end(self):
        """Nobody who is honest has noticed anything."""
        self.goes_on("all of it")
        told = self.asker.tell("enough")
        check(re.match(r"^\d+ \d+ \d+ \d+$", told), "one who asks all the time: " + told)
        count, half, late, most = map(int, told.split())
        print("         asked %d times: p50 %d us, p99 %d us, most %d us" % (count, half, late, most))
        check(count >= 5 and late < HONEST_US, "p99 of %d answers is %d us" % (count, late))
