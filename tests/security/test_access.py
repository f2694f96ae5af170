"""No key, no talk; and each key only what its role may (I11, F43)."""
import os
import re
import shutil
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from cluster import Daemon, Head, Worker, case, main, tool  # noqa: E402
from expect import SLOWER, check, equal, needs_speed, wait_for  # noqa: E402
from experiments import (  # noqa: E402
    cluster_of, experiment_rows, listed, nodes, paced, submit, trials, up,
)
from processes import read_text  # noqa: E402
from strangers import listening_ports  # noqa: E402


def refused_lines(head):
    return [line for line in head.audit if " refused " in line]


def is_audited(head, before, what):
    """A new line of refusal; the lines."""
    wait_for(lambda: len(refused_lines(head)) > before, 10,
             lambda: "a line in audit.log about %s, there is: %s" % (what, head.audit[-3:]))
    return refused_lines(head)[before:]


@case
def a_wrong_key_is_refused(scene):
    head, other = Head(scene), Head(scene, "other")
    file = paced(scene, "mine", 1, 1)
    stranger = scene.home("stranger")

    # Nothing known of the head: whom it would talk to is not learned from the network.
    for words in (("submit", file), ("list",), ("token", "create", "--role", "admin")):
        done = scene.assay(*words, "--address", head.address, home=stranger, status=4)
        done.check_error()

    # The head's key is known, its own key is not.
    friend = scene.home("friend")
    token = scene.token(head, "read")
    scene.assay("list", "--address", head.address, "--token-file", token, home=friend)
    shutil.copytree(os.path.join(friend, "known_heads"), os.path.join(stranger, "known_heads"),
                    dirs_exist_ok=True)
    for words in (("submit", file), ("list",), ("nodes",), ("token", "create", "--role", "admin")):
        lines = len(refused_lines(head))
        scene.assay(*words, "--address", head.address, home=stranger, status=4).check_error()
        is_audited(head, lines, "an unknown key")

    # A token of another head: not even the encryption comes about.
    wrong = scene.token(other, "submit", "other.token")
    third = scene.home("third")
    lines = len(refused_lines(head))
    scene.assay("submit", file, "--address", head.address, "--token-file", wrong, home=third,
                status=4, limit_s=30).check_error()
    is_audited(head, lines, "a token of another head")
    equal(experiment_rows(head), [], "experiments")


@case
def tokens_are_good_as_long_and_as_often_as_said(scene):
    head = Head(scene)
    file = paced(scene, "never", 1, 1)

    once = scene.token(head, "submit", "once.token")
    scene.assay("list", "--address", head.address, "--token-file", once, home=scene.home("p1"))
    short = scene.token(head, "submit", "short.token", "--expires", "1s")
    made = time.monotonic()  # the head's wall clock need not be ours
    revoked = scene.token(head, "submit", "revoked.token")
    rows = listed(head.assay("token", "list", "--json"), "tokens")
    gone = [row for row in rows if row["uses_left"] == 1][-1]["id"]
    head.assay("token", "revoke", gone)
    made_up = read_text(once).strip()
    flipped = scene.write("flipped.token", made_up[:-30] + ("A" if made_up[-30] != "A" else "B")
                          + made_up[-29:], 0o600)
    wait_for(lambda: time.monotonic() > made + 1.05, 10, "a token to end")

    said = set()
    for number, (what, path) in enumerate((("used up", once), ("expired", short), ("revoked", revoked))):
        lines = len(refused_lines(head))
        done = scene.assay("submit", file, "--address", head.address, "--token-file", path,
                           home=scene.home("late%d" % number), status=4).check_error()
        said.add(done.err)
        is_audited(head, lines, what)
    equal(len(said), 1, "all failures are answered alike")
    # A typing error is found before anything is sent.
    done = scene.assay("submit", file, "--address", head.address, "--token-file", flipped,
                       home=scene.home("typo"), status=None).check_error()
    check(done.status in (2, 4), "a damaged token: %s" % done.told())
    check(made_up[8:40] not in done.err, "an error never quotes a token")
    equal(experiment_rows(head), [], "experiments")


@case
def two_racers_for_one_use(scene):
    head = Head(scene)
    token = scene.token(head, "submit")
    racers = []
    for number in range(6):
        racers.append(scene.start("racer%d" % number, "list", "--address", head.address,
                                  "--token-file", token, home=scene.home("r%d" % number)))
    results = sorted(racer.wait(30) for racer in racers)
    equal(results, [0, 4, 4, 4, 4, 4], "statuses of six who join with one token")
    joined = [line for line in head.audit if " joined " in line]
    equal(len(joined), 1, "lines of joining")


@case
def each_role_does_what_it_may(scene):
    head, workers = cluster_of(scene, 2, names=("n1",))
    file = paced(scene, "theirs", 1, 100000, 0.05)
    homes = {}
    for role in ("read", "submit", "admin", "worker"):
        homes[role] = scene.home("as-" + role)
        scene.assay("list", "--address", head.address, "--token-file", scene.token(head, role),
                    home=homes[role], status=None)
    # A worker's key belongs to no person: whom it talks to it knows from another one.
    shutil.copytree(os.path.join(homes["read"], "known_heads"),
                    os.path.join(homes["worker"], "known_heads"), dirs_exist_ok=True)
    number = submit(head, file)
    wait_for(lambda: trials(head, number)[0]["state"] == "RUNNING", 30, "the trial to run")
    node = nodes(head)[0]["name"]
    may = {
        ("list",): ("read", "submit", "admin"),
        ("status", number): ("read", "submit", "admin"),
        ("trials", number): ("read", "submit", "admin"),
        ("nodes",): ("read", "submit", "admin"),
        ("token", "list"): ("admin",),
        ("token", "create", "--role", "read"): ("admin",),
        ("submit", paced(scene, "new", 1, 1)): ("submit", "admin"),
        ("stop", number): ("admin",),
        ("rm", number): (),
    }
    if "no such command" not in scene.assay("drain", "--help", status=None).err:
        may["drain", node] = ("admin",)
    for words, roles in may.items():
        for role in ("read", "submit", "worker", "admin"):
            lines, known = len(refused_lines(head)), len(experiment_rows(head))
            done = scene.assay(*words, "--address", head.address, home=homes[role], status=None)
            what = "`%s` as %s: %s" % (" ".join(words), role, done.told())
            if role in roles:
                equal(done.status, 0, what)
            elif words[0] != "rm" or role != "admin":
                equal(done.status, 4, what)
                done.check_error()
                # The tool does not even ask with a worker's key.
                if role != "worker":
                    is_audited(head, lines, what)
                equal(len(experiment_rows(head)), known, "experiments after " + what)


@case
def who_may_is_not_written_down_as_refused(scene):
    head, workers = cluster_of(scene, 1, names=("n1",))
    number = submit(head, paced(scene, "honest", 1, 2))
    head.assay("wait", number, "--timeout", "30s")
    for _ in range(5):
        head.assay("list")
    lines = [line for line in refused_lines(head) if "on join: HELLO" not in line]
    equal(lines, [], "lines of refusal after nobody was refused")


@case
def a_submitters_key_is_no_workers(scene):
    head = Head(scene)
    token = scene.token(head, "submit")
    false_worker = Daemon(scene, "false",
                          [tool("assay"), "worker", "--address", head.address, "--token-file", token,
                           "--data-dir", scene.path("false.data"), "--cpus", "1", "--name", "false"],
                          scene.env(scene.home("false")))
    equal(false_worker.wait(30), 4, "a worker with a submitter's key: " + false_worker.err())
    equal(nodes(head), [], "nodes")
    check(refused_lines(head), "a line in audit.log: %s" % head.audit)


@case
def secrets_are_for_their_owner_alone(scene):
    """Files of keys, tokens and the log of refusals are 0600 in folders of 0700, or refused."""
    head, workers = cluster_of(scene, 1, names=("n1",))
    token = scene.token(head, "read")
    friend = scene.home("friend")
    scene.assay("list", "--address", head.address, "--token-file", token, home=friend)
    folders = [head.home, head.data_dir, friend, workers[0].home, workers[0].data_dir]
    for folder in folders:
        equal(os.stat(folder).st_mode & 0o777, 0o700, "mode of " + folder)
        for where, names, files in os.walk(folder):
            for name in files:
                path = os.path.join(where, name)
                if "key" in name or name in ("audit.log", "last_head") or "known_heads" in where:
                    equal(os.stat(path).st_mode & 0o077, 0, "what others may do with " + path)
    own = [os.path.join(where, name) for where, names, files in os.walk(friend) for name in files
           if name.endswith(".key")]
    check(own, "a person's key is in ASSAY_HOME: %s" % list(os.walk(friend)))
    for path in own:
        os.chmod(path, 0o644)
        done = scene.assay("list", "--address", head.address, home=friend, status=None).check_error()
        check(done.status in (2, 4), done.told())
        check(path in done.err and "chmod 600" in done.err, "the file and the mend: " + done.err)
        os.chmod(path, 0o600)
    scene.assay("list", "--address", head.address, home=friend)

    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    for path in (os.path.join(head.data_dir, "keys", "head.key"),
                 os.path.join(head.data_dir, "keys", "admin.key")):
        os.chmod(path, 0o644)
        done = scene.assay("head", "--port", "0", "--data-dir", head.data_dir, home=head.home,
                           status=2).check_error()
        check(path in done.err and "chmod 600" in done.err, "the file and the mend: " + done.err)
        os.chmod(path, 0o600)
    os.chmod(head.data_dir, 0o755)
    done = scene.assay("head", "--port", "0", "--data-dir", head.data_dir, home=head.home,
                       status=2).check_error()
    check("chmod 700" in done.err, "the mend: " + done.err)


def let_in_with(head, name):
    """The id of the token with which one of this name joined, as audit.log tells it."""
    found = [re.search(r" joined principal \d+ as \w+ with token (\w+), .* named %s$" % name, line)
             for line in head.audit]
    ids = [one.group(1) for one in found if one]
    equal(len(ids), 1, "lines that tell how %s joined: %s" % (name, head.audit))
    return ids[0]


@case
def whom_a_revoked_token_let_in_is_out_again(scene):
    head = Head(scene)
    person = scene.home("person")
    scene.assay("list", "--address", head.address, "--token-file", scene.token(head, "read"),
                home=person)
    first = Worker(scene, "n1", head, cpus=1, token=scene.token(head, "worker", "n1.token"))
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "n1 to join: " + first.daemon.err())
    # It goes on for longer than a worker takes to start.
    number = submit(head, paced(scene, "moved", 1, 400, 0.02 * min(SLOWER, 5)))
    wait_for(lambda: trials(head, number)[0]["results"], 30, "results from n1")
    second = Worker(scene, "n2", head, cpus=1, token=scene.token(head, "worker", "n2.token"))
    wait_for(lambda: up(head) == {"n1", "n2"}, 30, lambda: "n2 to join: " + second.daemon.err())
    reader = scene.start("reader", "results", number, "-f", "--address", head.address, home=person)
    wait_for(lambda: reader.out().count("\n") > 5, 10, lambda: "what is read: " + reader.err())

    # A worker's: its trial goes on elsewhere at once, and it is told why it ends.
    revoked = let_in_with(head, "n1")
    before = time.monotonic()
    head.assay("token", "revoke", revoked)
    wait_for(lambda: trials(head, number)[0]["node"] == "n2", 10, "the trial to move to n2")
    check(time.monotonic() - before < 6 * SLOWER, "it moves before a silent node would be given up")
    equal(trials(head, number)[0]["attempt"], 2, "attempts")
    equal(first.daemon.wait(30), 4, "the worker n1: " + first.daemon.err())
    equal(up(head), {"n2"}, "nodes")
    first.start()
    equal(first.daemon.wait(30), 4, "n1 started again: " + first.daemon.err())
    rows = {row["id"]: row for row in listed(head.assay("token", "list", "--json"), "tokens")}
    check(rows[revoked]["revoked"], "the token's row: %s" % rows[revoked])

    # A person's: what is read ends, and nothing is answered any more.
    lines = [line for line in head.audit if " joined " in line and " as read " in line]
    head.assay("token", "revoke", re.search(r" with token (\w+),", lines[0]).group(1))
    equal(reader.wait(30), 4, "the reader: " + reader.err())
    scene.assay("list", "--address", head.address, home=person, status=4).check_error()
    done = [line for line in head.audit if " revoked principal " in line]
    equal(len(done), 2, "keys that were revoked: %s" % head.audit)

    # Another life of the head knows it still.
    head.daemon.end()
    head.start()
    scene.assay("list", "--address", head.address, home=person, status=4).check_error()
    head.assay("wait", number, "--timeout", "60s")
    equal(trials(head, number)[0]["results"], 400, "results of the trial")


@case
def a_head_with_another_key_has_to_be_told_anew(scene):
    head = Head(scene)
    person = scene.home("person")
    words = ("list", "--address", head.address)
    scene.assay(*words, "--token-file", scene.token(head, "read"), home=person)
    worker = Worker(scene, "n1", head, cpus=1, token=scene.token(head, "worker"))
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "n1 to join: " + worker.daemon.err())
    worker.daemon.end()
    head.daemon.end()
    os.remove(os.path.join(head.data_dir, "keys", "head.key"))
    head.start()
    head.assay("list")
    # Nobody else takes it for the one that it was, before he is told.
    done = scene.assay(*words, home=person, status=4, limit_s=30).check_error()
    check("key" in done.err, "why: " + done.err)
    worker.start()
    equal(worker.daemon.wait(30), 4, "the worker: " + worker.daemon.err())

    for home in (person, worker.home):
        os.remove(os.path.join(home, "known_heads", head.address.replace(":", "_")))
    scene.assay(*words, "--token-file", scene.token(head, "read"), home=person)
    worker.words += ["--token-file", scene.token(head, "worker")]
    worker.start()
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "n1 to join: " + worker.daemon.err())


@case
def a_stranger_who_knocks_for_ever_fills_nothing(scene):
    needs_speed()
    head = Head(scene)
    before = os.path.getsize(os.path.join(head.data_dir, "audit.log")) if head.audit else 0
    ports = listening_ports(head.daemon.pid)

    def knock(port):
        for _ in range(1500):
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
            except OSError:
                pass  # the head has enough of them

    with ThreadPoolExecutor(len(ports)) as threads:
        crowd = [threads.submit(knock, port) for port in ports]
        while not all(one.done() for one in crowd):
            head.assay("list", limit_s=20)
        for one in crowd:
            one.result()
    head.daemon.end()
    lines = [line for line in head.audit if "never spoke" in line]
    check(any("repeated" in line for line in lines), "lines that count: %s" % lines[-5:])
    check(len(lines) <= 3 * 2 * 22, "lines of the same stranger: %d" % len(lines))
    size = os.path.getsize(os.path.join(head.data_dir, "audit.log"))
    check(size - before < 64 * 1024, "audit.log has grown to %d" % size)


@case
def a_token_in_an_argument_is_refused(scene):
    head = Head(scene)
    text = read_text(scene.token(head, "submit")).strip()
    done = scene.assay("submit", paced(scene, "no", 1, 1), "--address", head.address,
                       "--token-file", text, home=scene.home("hasty"), status=None).check_error()
    check(done.status in (2, 4), done.told())
    check(text not in done.err, "an error does not quote a token")


main()
