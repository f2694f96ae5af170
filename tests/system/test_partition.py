"""A node that is cut off and comes back: its trial has gone on elsewhere, from its checkpoint, and it ends its own.

F3, F4 and I14. Each worker has a network namespace and a wire (tests/chaos/network.py), where this user may have them.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chaos"))

import network  # noqa: E402
from cluster import Head, Worker, case, main  # noqa: E402
from expect import Skip, check, equal, wait_for  # noqa: E402
from experiments import (  # noqa: E402
    account, end_all, explained, rows_of, saver, submit, trials, up, wait_checkpoint, wait_ended,
)
from processes import argv_of  # noqa: E402
from result_files import check_once  # noqa: E402

CUT_S = 30
NAMES = ("n1", "n2", "n3")


def programs(scene):
    return [pid for pid in scene.pids() if any(word.endswith(b"saver.py") for word in argv_of(pid))]


def in_order(text, *patterns):
    at = 0
    for pattern in patterns:
        found = re.compile(pattern).search(text, at)
        check(found, "no %r behind the rest in: %s" % (pattern, text))
        at = found.end()


@case
def a_node_that_was_cut_off_comes_back(scene):
    why = network.available()
    if why:
        raise Skip(why)
    network.enter()
    wires = {name: network.Wire(number) for number, name in enumerate(NAMES, 1)}
    try:
        cut_and_mend(scene, wires)
    finally:
        network.end(wires.values())


def cut_and_mend(scene, wires):
    head = Head(scene)
    token = scene.token(head, "worker", "worker.token", "--uses", len(NAMES))
    workers = [Worker(scene, name, network.FarHead(head, wire), cpus=1, token=token, before=wire.prefix())
               for name, wire in wires.items()]
    wait_for(lambda: up(head) == set(NAMES), 30,
             lambda: "the workers to join: " + " ".join(one.daemon.err() for one in workers))
    number = submit(head, saver(scene, "far", 6, "--hold-at 4"))
    wait_checkpoint(head, "%s/0" % number, 4)
    before = trials(head, number)[0]
    cut = time.monotonic()
    wires[before["node"]].cut(network.TO_HEAD, network.FROM_HEAD)
    wait_ended(head, number)
    check(len(programs(scene)) == 1, "the program of the node that was cut off runs on: %s" % programs(scene))
    wait_for(lambda: time.monotonic() - cut >= CUT_S, CUT_S, "the cut to have lasted")
    wires[before["node"]].mend()
    wait_for(lambda: up(head) == set(NAMES), 40, "the node to come back")
    wait_for(lambda: not programs(scene), 30, "its old attempt to be ended")
    attempts = account(scene, before)
    equal([(attempt, step) for attempt, step, _ in attempts], [(1, 0), (2, 4)], "its attempts")
    check(attempts[1][2] not in (before["node"], "?"), "the second ran elsewhere: %s" % attempts)
    check_once(rows_of(scene, "far"), 6, "result.json")
    in_order(explained(head, "%s/0" % number), "is TERMINATED", "It took 2 attempts",
             r"Attempt 1 on node \d+ \(%s\) .* node_lost" % before["node"],
             r"Attempt 2 on node \d+ \(%s\) .* completed" % attempts[1][2])
    check("not heard of" not in explained(head, "%s/0" % number), "what ended attempt 1 was not its last end")
    end_all(scene, head, workers)


main()
