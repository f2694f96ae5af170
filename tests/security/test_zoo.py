"""The zoo: whoever should not get in, or not further, is refused, written down, and bothers nobody
(I11, I13, F40 to F44, F47). The rows are in zoo.py."""
import base64
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

import zoo  # noqa: E402
from cluster import Head, case, main, tool  # noqa: E402
from expect import SLOWER, check, equal, wait_for  # noqa: E402
from experiments import listed, paced  # noqa: E402
from processes import read_text  # noqa: E402
from stage import Peer, Stage  # noqa: E402
from strangers import Relay, heard_before_the_end  # noqa: E402


def knock(stage, rows):
    """All rows on all planes at once."""
    tries = [(row, plane) for row in rows for plane in zoo.PLANES]

    def one(what):
        (name, first, second, drip, _), plane = what
        return heard_before_the_end(stage.ports[plane], first, second, 12 * SLOWER, drip)

    with ThreadPoolExecutor(len(tries)) as threads:
        for (row, plane), (heard, closed) in zip(tries, threads.map(one, tries)):
            check(closed, "%s on %s: the head hangs up" % (row[0], plane))
            # A greeting has 64 bytes, and an ERROR command may say why; a message would be more.
            check(len(heard) <= 64 + 64 and b"honest" not in heard, "%s was told %r" % (row[0], heard))


@case
def strangers_on_every_port_are_shown_nothing(scene):
    stage = Stage(scene)
    before = stage.state()
    for audit in dict.fromkeys(row[4] for row in zoo.STRANGERS):
        rows = [row for row in zoo.STRANGERS if row[4] == audit]
        lines = stage.lines()
        knock(stage, rows)
        for plane in zoo.PLANES:
            wait_for(lambda: sum(1 for line in stage.head.audit[lines:]
                                 if re.search(audit % plane, line)) >= len(rows), 10,
                     lambda: "%d lines in audit.log like %s among %s"
                     % (len(rows), audit % plane, stage.head.audit[lines:]))
        stage.goes_on("%d strangers" % len(rows))
    equal(stage.state(), before, "what the head knows")
    print("         %d kinds of strangers on %d ports" % (len(zoo.STRANGERS), len(zoo.PLANES)))
    stage.end()


@case
def crowds_who_say_nothing_or_half_are_sent_home(scene):
    stage = Stage(scene)
    half = zoo.greeting(b"CURVE")
    crowd = [socket.create_connection(("127.0.0.1", stage.ports[plane]), 5)
             for plane in zoo.PLANES for _ in range(200)]
    for number, one in enumerate(crowd):
        if number % 2:
            one.sendall(half)
    left = {one.fileno(): one for one in crowd}
    poll = select.poll()
    for fd in left:
        poll.register(fd, select.POLLIN | select.POLLHUP)
    until = time.monotonic() + 15 * SLOWER
    while left and time.monotonic() < until:
        for fd, _ in poll.poll(1000):
            try:
                over = not left[fd].recv(4096)
            except ConnectionResetError:
                over = True
            if over:
                poll.unregister(fd)
                left.pop(fd).close()
    equal(len(left), 0, "of %d connections, those that are still open" % len(crowd))
    for plane in zoo.PLANES:
        stage.is_audited(0, zoo.SILENT % plane, "a crowd on " + plane)
    stage.end()


@case
def keys_get_in_where_they_may_and_nowhere_else(scene):
    stage = Stage(scene)
    other = Head(scene, "other")
    foreign = scene.token(other, "admin", "foreign.token")
    other.daemon.end()
    keys = {"fresh": stage.fresh()}
    for role in zoo.ROLES[1:]:
        keys[role] = stage.key_of(role)
        token = scene.token(stage.head, role, "gone-%s.token" % role)
        keys["revoked " + role] = stage.key_of(role, token)
    for row in [row for row in listed(stage.head.assay("token", "list", "--json"), "tokens")
                if row["uses_left"] == 0]:
        stage.head.assay("token", "revoke", row["id"])
    for name, key, plane, head_key, sees, audit in zoo.KEYS:
        lines = stage.lines()
        one = Peer(stage, plane, keys[key], foreign if head_key == "other" else None)
        what = "%s on %s" % (name, plane)
        equal(one.state, sees, what)
        stage.is_audited(lines, audit % plane, what)
        one.end()
        stage.goes_on(what)
    # On the join plane, where all get in, such a key is told nothing.
    for key in ["fresh"] + ["revoked " + role for role in zoo.ROLES[1:]]:
        one = Peer(stage, "join", keys[key])
        equal((one.state, one.tell("say 10 10")), ("up", "10 welcome 0"), key + " on join")
        equal(one.tell("say 54 10"), "54 error 5", key + " asks on join")
        one.end()
    stage.end()


@case
def an_admins_key_whose_file_was_taken_away_is_nobodys(scene):
    head = Head(scene)
    kept = scene.path("kept")
    os.mkdir(kept, 0o700)
    open_token = scene.token(head, "admin", "open.token")
    head.daemon.end()
    os.rename(os.path.join(head.data_dir, "keys", "admin.key"), os.path.join(kept, "old.key"))
    head.start()
    stage = Stage(scene, head=head)
    lines = stage.lines()
    one = Peer(stage, "client", os.path.join(kept, "old.key"))
    equal(one.state, "refused", "the former key of the head's admin")
    one.end()
    stage.is_audited(lines, r"refused unknown key: key [0-9a-f]{16} from 127\.0\.0\.1 on client ", "it")
    stage.is_audited(0, r" revoked principal 1, named admin$", "its end")
    one = Peer(stage, "join", stage.fresh())
    equal(one.tell("join " + open_token), zoo.JOIN_SEES, "a token that it had made")
    one.end()
    stage.end()


@case
def two_peers_with_one_key(scene):
    stage = Stage(scene)
    key = stage.key_of("read")
    first, second = Peer(stage, "client", key), Peer(stage, "client", key)
    for one in (first, second, first, second):
        equal(one.tell("say 54 54"), "54 experiments 0", "each of two readers is answered")
    first.end()
    second.end()
    # A worker is its key: the later one is it, the earlier one has to register again.
    key = stage.key_of("worker")
    first, second = Peer(stage, "worker", key), Peer(stage, "worker", key)
    equal(first.tell("say 20 40"), "20 registered 0", "the first one registers")
    equal(second.tell("say 20 40"), "20 registered 0", "the second one registers")
    equal(first.tell("say 40 40"), "40 unknown 0", "the first one is not known any more")
    equal(second.tell("say 40 40"), "40 error 1", "the second one is")
    first.end()
    second.end()
    stage.end()


def token_id(text):
    """The id in a token: ASSAY1- and base32 of key 32 B, id 8 B, secret 20 B, crc 4 B."""
    return token_bytes(text)[32:40].hex()


def token_bytes(text):
    word = text.strip().split("-", 1)[1].upper()
    return base64.b32decode(word + "=" * (-len(word) % 8))


def token_text(head, bytes_of):
    """With a sum that is right, whichever order the head writes it in: it is that of a real one."""
    real = token_bytes(read_text(head))
    order = "little" if int.from_bytes(real[60:64], "little") == zlib.crc32(real[:60]) else "big"
    equal(int.from_bytes(real[60:64], order), zlib.crc32(real[:60]), "the sum of a token")
    body = bytes_of + zlib.crc32(bytes_of).to_bytes(4, order)
    return "ASSAY1-" + base64.b32encode(body).decode().rstrip("=") + "\n"


@case
def tokens_that_are_no_good_are_all_answered_alike(scene):
    stage = Stage(scene)
    other = Head(scene, "other")
    good = scene.token(stage.head, "admin", "good.token")
    body = token_bytes(read_text(good))[:60]
    files = {
        "expired": scene.token(stage.head, "admin", "expired.token", "--expires", "1s"),
        "used up": scene.token(stage.head, "admin", "used.token"),
        "revoked": scene.token(stage.head, "admin", "revoked.token"),
        "of another head": scene.token(other, "admin", "other.token"),
        "with another secret": scene.write(
            "secret.token", token_text(good, body[:59] + bytes([body[59] ^ 1])), 0o600),
    }
    made = time.monotonic()  # the head's wall clock need not be ours
    other.daemon.end()
    stage.key_of("admin", files["used up"])
    stage.head.assay("token", "revoke", token_id(read_text(files["revoked"])))
    wait_for(lambda: time.monotonic() > made + 1.05, 10, "a token to end")
    for name in zoo.TOKENS:
        lines = stage.lines()
        one = Peer(stage, "join", stage.fresh())
        equal(one.tell("join " + files[name]), zoo.JOIN_SEES, "a token " + name)
        stage.is_audited(lines, zoo.JOIN_AUDIT % token_id(read_text(files[name])), name)
        equal(one.tell("say 10 10"), "10 welcome 0", "afterwards it is still nobody")
        one.end()
        stage.goes_on(name)
    stage.key_of("admin", good)
    stage.end()


def spoil(how, value, path):
    """Returns what makes it good again."""
    folder = os.path.dirname(path)
    kept = path + ".kept"
    if how == "file":
        os.chmod(path, value)
        return lambda: os.chmod(path, 0o600)
    if how == "folder":
        os.chmod(folder, value)
        return lambda: os.chmod(folder, 0o700)
    if how == "owner":
        os.chown(path, 65534, -1)
        return lambda: os.chown(path, os.geteuid(), -1)
    os.rename(path, kept)
    if how == "link":
        os.symlink(kept, path)
    else:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(read_text(kept).replace("secret ", "secret 00", 1))
    return lambda: os.rename(kept, path)


@case
def key_files_that_others_could_have_read_are_not_used(scene):
    stage = Stage(scene)
    person = scene.home("person")
    words = ("list", "--address", stage.head.address)
    scene.assay(*words, "--token-file", stage.tokens["read"], home=person)
    own = [os.path.join(where, name) for where, _, names in os.walk(person) for name in names
           if name.endswith(".key")]
    equal(len(own), 1, "keys of a person")
    lines = stage.lines()
    for name, how, value, mend in zoo.FILES:
        if how == "owner" and os.geteuid() != 0:
            continue  # only root can give a file away
        heal = spoil(how, value, own[0])
        done = scene.assay(*words, home=person, status=None).check_error()
        check(done.status in (2, 4), "a key file %s: %s" % (name, done.told()))
        named = os.path.dirname(own[0]) if how == "folder" else own[0]
        check(named in done.err and mend in done.err, "the file and the mend: " + done.err)
        heal()
    scene.assay(*words, home=person)
    equal(stage.head.audit[lines:], [], "what the head heard of it")
    stage.end()


@case
def who_has_a_key_still_has_to_speak_as_messages_are(scene):
    stage = Stage(scene)
    before = stage.state()
    roles = {"join": "admin", "client": "admin", "worker": "worker"}
    for name, planes, told, sees, audit in zoo.FORMS:
        for plane in planes:
            lines = stage.lines()
            one = Peer(stage, plane, stage.key_of(roles[plane]))
            what = "%s on %s" % (name, plane)
            equal(one.state, "up", what)
            line = told.format(probe=zoo.PROBES[plane], own="%02x" % zoo.PROBES[plane], version="2")
            equal(one.tell(line), sees, what)
            stage.is_audited(lines, audit % plane, what)
            one.end()
        stage.goes_on(name)
    equal(stage.state()[:2], before[:2], "experiments and nodes")
    # Ten in a minute, and nothing of that key is looked at any more, whichever its connection.
    key = stage.key_of("read")
    one = Peer(stage, "client", key)
    for _ in range(10):
        equal(one.tell("raw c1 54"), "error 8", "a bad message")
    stage.is_audited(0, r" ignored principal \d+, 127\.0\.0\.1 on client: 10 bad messages", "ten")
    second = Peer(stage, "client", key)
    second.hint("say 54 54")
    stage.goes_on("ten bad messages")
    equal(select.select([second.process.stdout], [], [], 0)[0], [], "answers to one that is ignored")
    one.end()
    second.process.kill()
    second.process.wait()
    stage.end()


def try_messages(stage, role):
    """Every row of a role; what becomes of each."""
    rows = list(zoo.matrix(role))
    for plane in zoo.OPEN_TO[role]:
        mine = [row for row in rows if row[0] == plane]
        one = Peer(stage, plane, stage.key_of(role))
        equal(one.state, "up", "%s on %s" % (role, plane))
        lines = stage.lines()
        before = stage.state()
        denied = [row for row in mine if row[3] == "denied"]
        for _, number, name, _ in denied:
            equal(one.tell("say %d %d" % (number, zoo.PROBES[plane])), "%d %s" % (number, zoo.DENIED),
                  "%s says %s on %s" % (role, name, plane))
        equal(stage.state(), before, "what the head knows after what %s may not say" % role)
        said = stage.head.audit[lines:]
        for _, number, name, _ in denied:
            pattern = zoo.MAY_NOT % (role, re.escape(name), plane)
            wanted = sum(1 for row in denied if row[2] == name)
            equal(sum(1 for line in said if re.search(pattern, line)), wanted,
                  "lines of audit.log about %s of %s on %s" % (name, role, plane))
        try_misplaced(stage, role, plane, [row for row in mine if row[3] == "misplaced"])
        lines = stage.lines()
        for _, number, name, _ in [row for row in mine if row[3] == "taken"]:
            one.tell("say %d %d" % (number, zoo.PROBES[plane]))
            pattern = zoo.MAY_NOT % (role, re.escape(name), plane)
            check(not any(re.search(pattern, line) for line in stage.head.audit[lines:]),
                  "%s may say %s on %s" % (role, name, plane))
        one.end()
    return len(rows)


def try_misplaced(stage, role, plane, rows):
    """What this role may say, but not here. A few of them a key: who does so often is ignored."""
    lines = stage.lines()
    for at in range(0, len(rows), 8):
        one = Peer(stage, plane, stage.key_of(role))
        before = stage.state()
        for _, number, name, _ in rows[at : at + 8]:
            equal(one.tell("say %d %d" % (number, zoo.PROBES[plane])),
                  "%d %s" % (number, zoo.MISPLACED), "%s says %s on %s" % (role, name, plane))
        equal(stage.state(), before, "what the head knows after what %s says elsewhere" % role)
        one.end()
    if rows:
        stage.is_audited(lines, zoo.BAD % plane, "messages of another plane")


def messages_of(scene, *roles):
    stage = Stage(scene)
    count = sum(try_messages(stage, role) for role in roles)
    print("         %d messages of %s" % (count, " and ".join(roles)))
    stage.end()


@case
def the_table_of_messages_is_that_of_the_program(scene):
    told = subprocess.run([tool("assay-schema"), "--markdown"], capture_output=True, text=True,
                          check=True, env=scene.env()).stdout
    equal([(number, name) for number, name, _ in zoo.documented()],
          [(int(number), "msg_" + name.lower())
           for number, name in re.findall(r"^\| (\d+) \| `(\w+)`", told, re.M)],
          "messages in docs/PROTOCOL.md")


# Heads of their own: of refusals beyond 200 at once audit.log has only the number.
@case
def nobody_says_anything(scene):
    messages_of(scene, "nobody")


@case
def workers_say_only_what_they_may(scene):
    messages_of(scene, "worker")


@case
def submitters_say_only_what_they_may(scene):
    messages_of(scene, "submit")


@case
def readers_say_only_what_they_may(scene):
    messages_of(scene, "read")


@case
def admins_say_only_what_they_may(scene):
    messages_of(scene, "admin")


@case
def what_was_recorded_says_nothing_again(scene):
    stage = Stage(scene, ("--bind", "127.0.0.1"))
    relay = Relay(stage.ports.values())
    address = "%s:%d" % (Relay.HOST, stage.head.port)
    person = scene.home("person")
    scene.assay("token", "create", "--role", "read", "--address", address, "--token-file",
                stage.tokens["admin"], home=person)
    scene.assay("submit", paced(scene, "once", 1, 1), "--address", address, home=person)
    one = Peer(stage, "worker", stage.key_of("worker"), host=Relay.HOST)
    equal(one.tell("say 20 40"), "20 registered 0", "a worker")
    one.end()
    recorded = list(relay.said)
    equal({port for port, _, _ in recorded}, set(stage.ports.values()), "ports with sessions")

    wait_for(lambda: stage.state()[0][-1][1] != "RUNNING" or stage.state()[0][-1][1:], 30, "once")
    before = stage.state()
    planes = {port: plane for plane, port in stage.ports.items()}
    for port, said, answered in recorded:
        check(len(answered) > 64 + 170, "a session on %s" % planes[port])
        for _ in range(5):
            lines = stage.lines()
            # All at once, and then once more in its two steps.
            for first, second in ((bytes(said), b""), (bytes(said[:64]), bytes(said[64:]))):
                heard, closed = heard_before_the_end(port, first, second, 12 * SLOWER)
                check(closed, "a session played again on %s: the head hangs up" % planes[port])
                # A greeting, a WELCOME, and why not; never a READY, still less an answer.
                check(len(heard) < 64 + 170 + 64 and b"READY" not in heard,
                      "a session played again on %s was told %r" % (planes[port], heard))
            stage.is_audited(lines, "refused a stranger " + zoo.FROM % planes[port],
                             "a session played again")
    equal([row[:1] for row in stage.state()[0]], [row[:1] for row in before[0]], "experiments")
    equal(stage.state()[1:], before[1:], "nodes and tokens")

    # Each message twice in one session: only the first is one.
    relay.twice_on = stage.ports["client"]
    scene.assay("token", "create", "--role", "read", "--address", address, home=person, status=None)
    check(relay.doubled > 0, "something was said twice")
    check(len(stage.state()[2]) <= len(before[2]) + 1, "tokens after one was asked for twice")
    relay.close()
    shutil.rmtree(person)
    stage.end()


main()
