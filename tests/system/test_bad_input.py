"""Whatever people, programs and disks hand in that is no good is refused in two lines, at once and without
harm: rows of bad_input/table.py, each done to the real programs."""
import base64
import json
import os
import re
import resource
import shutil
import socket
import threading
import zlib

from bad_input import table
from cluster import Daemon, Head, case, free_port, main, tool
from expect import Failure, Skip, SLOWER, check, equal, wait_for
from experiments import (
    PYTHON, check_results, cluster_of, experiment_rows, paced, submit, trials,
)
from result_files import result_rows, trial_folders

# Seconds of a processor that a refusal may take. By the clock it may take WAITS times as long: how many
# others want the processors is nobody's doing here.
REFUSED_S = 1.0  # for what asks nobody
STARTED_S = 5.0  # for what starts programs
WAITS = 5
SPEAKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bad_input")


class Rows:
    """Failures of a table are told together: one cause often shows in many rows."""

    def __init__(self):
        self.wrong, self.count = [], 0

    def row(self, what, function, *words, **options):
        self.count += 1
        try:
            return function(*words, **options)
        except Failure as why:
            self.wrong.append("%s: %s" % (what, why))
            return None

    def end(self):
        check(not self.wrong, "%d of %d rows\n  %s"
              % (len(self.wrong), self.count, "\n  ".join(self.wrong)))
        print("         %d rows" % self.count)


def worked_s():
    """Seconds of a processor, of all that was started and has ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def refused(done, status, said, at_most_s, seconds):
    """Two lines, the status, nothing broken, at once."""
    equal(done.status, status, "status of %s" % done.told())
    done.check_error()
    first = done.err.splitlines()[0]
    check(said in first, "%r is said in %r" % (said, first))
    check("\033" not in done.err, "nothing speaks to a terminal: %r" % done.err)
    check(seconds <= at_most_s * SLOWER, "refused in %.1f s: %s" % (seconds, done))


def try_it(scene, words, status, said, at_most_s=REFUSED_S, by=None, **options):
    before = worked_s()
    done = (by or scene).assay(*words, status=None, limit_s=at_most_s * WAITS, **options)
    if words[0] in ("head", "worker"):
        done.err = re.sub(r"^\d{4}-\d\d-\d\dT.*\n", "", done.err, flags=re.M)  # their log
    refused(done, status, said, at_most_s, worked_s() - before)
    return done


# ---------------------------------------------------------------- files and flags


def refuse_file(scene, number, content, place, said):
    name = "f%d.yaml" % number
    with open(scene.path(name), "wb") as file:
        file.write(content)
    done = try_it(scene, ["run", name], 2, said)
    at = re.match(r"assay: %s:(\d+:\d+): " % re.escape(name), done.err)
    if place is None:
        check(done.err.startswith("assay: %s: " % name), "the file is named: %s" % done.err)
    else:
        check(at, "FILE:LINE:COL: %s" % done.err)
        check(at.group(1).startswith(place), "%s is not %s: %s" % (at.group(1), place, done.err))


@case
def files_that_are_no_experiments(scene):
    rows = Rows()
    for number, (what, content, place, said) in enumerate(table.FILES):
        rows.row(what, refuse_file, scene, number, content, place, said)
    check(not os.path.exists(scene.path("me.home", "runs")), "no run was begun")
    rows.end()


@case
def flags_that_mean_nothing(scene):
    os.mkdir(scene.path("folder"))
    os.mkfifo(scene.path("fifo"))
    rows = Rows()
    for what, words, status, said in table.FLAGS:
        rows.row(what, try_it, scene, words, status, said)
    rows.end()


# ---------------------------------------------------------------- places that cannot be written


@case
def folders_that_cannot_be_made(scene):
    """Root may write everywhere, but a file has no folders in it."""
    scene.write("file", "")
    scene.write("fine.yaml", "run: {command: 'true'}\ncode: none\n")
    rows = Rows()
    for what, words, home, status, said in table.PLACES:
        rows.row(what, try_it, scene, words, status, said, STARTED_S,
                 env={"ASSAY_HOME": scene.path(home)})
    rows.end()
    scene.check_nothing_runs()


def on_full_disk(scene, name, folder, size, words, env=None):
    """A command for which a folder is a disk of its own, that goes when the command does."""
    os.makedirs(folder, exist_ok=True)
    script = "mount -t tmpfs -o size=%s none %s && exec \"$@\"" % (size, folder)
    return Daemon(scene, name, ["unshare", "-m", "sh", "-c", script, "sh"] + words, scene.env(None, env))


def disks_can_be_made(scene):
    if shutil.which("unshare") is None:
        return False
    probe = on_full_disk(scene, "probe", scene.path("probe"), "64k", ["true"])
    return probe.wait() == 0


@case
def disks_that_are_full(scene):
    """Results that find no room are said to be missing, and the run comes to its end; a home without
    room is refused."""
    if not disks_can_be_made(scene):
        raise Skip("no disk can be mounted here (root and unshare are needed)")
    loud = scene.write("loud.yaml", json.dumps({
        "name": "loud", "code": "none", "local_dir": scene.path("small"), "num_samples": 2,
        "run": {"command": "sh -c 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); "
                           "echo \"assay: x=$i filler=%s\"; done'" % ("y" * 500)}}))
    runs = on_full_disk(scene, "loud", scene.path("small"), "128k", [tool("assay"), "run", loud])
    home = on_full_disk(scene, "home", scene.path("tiny"), "16k",
                        [tool("assay"), "head", "--port", "0", "--data-dir", scene.path("tiny", "d")])
    status = home.wait(20)
    equal(status, 2, "a head without room: " + home.err())
    check(re.match(r"assay: .+: .+\n  try: .+\n", home.err()), "two lines: " + home.err())
    equal(runs.wait(30), 70, "a run whose disk is full: " + runs.err())
    found = re.match(r"assay: results: .+\n  try: make room, then: assay (head .+), which writes", runs.err())
    check(found, "it is said that files are missing: %s" % runs.err())
    # As it says: the results are in the log, and now there is room.
    again = scene.start("again", *found.group(1).split())
    folder = os.path.join(scene.path("small"), "loud")
    wait_for(lambda: "listens at" in again.out(), 20, lambda: "the head: " + again.err())
    wait_for(lambda: [len(result_rows(one)) for one in trial_folders(folder)] == [400, 400], 20,
             "all results to be in the files")
    again.end()


# ---------------------------------------------------------------- keys and tokens


def token_bytes(text):
    body = text.strip()[len("ASSAY1-"):]
    return bytearray(base64.b32decode(body + "=" * (-len(body) % 8)))


def token_text(data):
    """With a checksum that is right."""
    data[-4:] = zlib.crc32(bytes(data[:-4])).to_bytes(4, "big")
    return "ASSAY1-" + base64.b32encode(bytes(data)).decode().rstrip("=")


def bad_tokens(scene, head):
    """Files by the names of table.TOKENS."""
    good = open(scene.token(head, "read", "good.token")).read().strip()
    other = token_bytes(good)
    other[3] ^= 1
    secret = token_bytes(good)
    secret[45] ^= 1
    texts = {
        "empty": "", "blank": " \n\n", "garbage": "let me in", "cut": good[:-9],
        "longer": good + "A", "typo": good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        "letters": good[:20] + "!" + good[21:], "two": good + "\n" + good, "big": "A" * 100000,
        "zero": "ASSAY1-\0\0", "other head": token_text(other), "other secret": token_text(secret),
        "good": good,
    }
    for name, text in texts.items():
        scene.write("tokens/" + name, text, 0o644)
    os.mkdir(scene.path("tokens", "folder"))
    os.mkfifo(scene.path("tokens", "fifo"))
    return good


def tokens_and_keys(scene, head):
    rows = Rows()
    good = bad_tokens(scene, head)
    for number, (what, name, status, said) in enumerate(table.TOKENS):
        for words in (["list"], ["worker", "--data-dir", scene.path("td%d" % number)]):
            rows.row("%s, %s" % (what, words[0]), try_it, scene,
                     words + ["--address", head.address, "--token-file",
                              good if name == "argument" else scene.path("tokens", name)],
                     status, said, STARTED_S, home=scene.home("t%d" % number))
    # As it comes from `assay token create > FILE`; once, and not a second time.
    words = ["list", "--address", head.address, "--token-file", scene.path("tokens", "good")]
    rows.row("a good one", scene.assay, *words)
    rows.row("used up", try_it, scene, words, 4, "used", STARTED_S, home=scene.home("late"))
    for number, (what, damage, status, said) in enumerate(table.KEYS):
        home = scene.home("k%d" % number)
        shutil.copytree(scene.home("me"), home, dirs_exist_ok=True)
        if not damage_key(home, damage):
            continue
        rows.row(what, try_it, scene, ["list", "--address", head.address], status, said,
                 STARTED_S, home=home)
    for what, content, status, said in table.LAST_HEADS:
        home = scene.home("l" + what.replace(" ", ""))
        shutil.copytree(head.home, home, dirs_exist_ok=True)
        with open(os.path.join(home, "last_head"), "wb") as file:
            file.write(content)
        for words in (["list"], ["worker", "--data-dir", scene.path("lw")]):
            rows.row("%s, %s" % (what, words[0]), try_it, scene, words, status, said, STARTED_S,
                     home=home)
    rows.end()


def damage_key(home, damage):
    """False where it cannot be done by this user."""
    path = os.path.join(home, "keys", "client.key")
    text = open(path, "rb").read()
    if damage == "owner":
        if os.geteuid() != 0:
            return False
        os.chown(path, 65534, 65534)
    elif damage == "mode":
        os.chmod(path, 0o644)
    elif damage == "folder mode":
        os.chmod(os.path.dirname(path), 0o755)
    elif damage == "link":
        os.rename(path, path + ".real")
        os.symlink(path + ".real", path)
    elif damage == "folder":
        os.unlink(path)
        os.mkdir(path, 0o700)
    elif damage == "fifo":
        os.unlink(path)
        os.mkfifo(path, 0o600)
    elif damage == "pin":
        known = os.path.join(home, "known_heads")
        for name in os.listdir(known):
            with open(os.path.join(known, name), "wb") as file:
                file.write(b"\xff\0 nonsense")
    else:
        with open(path, "wb") as file:
            file.write({"cut": text[:-10], "empty": b"", "garbage": os.urandom(len(text)),
                        "longer": text + b"x",
                        "halves": text[:30] + bytes([text[30] ^ 1]) + text[31:]}[damage])
    return True


# ---------------------------------------------------------------- a running cluster


def trial_specs(scene):
    return json.dumps({
        name: {"run": {"command": "%s -I -S speaks.py '%s'" % (PYTHON, name)}, "code": SPEAKS,
               "local_dir": scene.path("results"), "metric": "x", "mode": "max"}
        for name, *_ in table.TRIALS})


def trial_ends(head, number, state, results, said):
    row = trials(head, number)[0]
    equal(row["state"], state, "%s: state, reason %s, %r" % (number, row["reason"], row["text"]))
    equal(row["results"], results, "results")
    check(said in (row["text"] or ""), "%r is said in %r" % (said, row["text"]))
    check("\033" not in head.assay("show", "%s/0" % number).out, "nothing speaks to a terminal")
    equal(head.assay("wait", number, status=None).status, 0 if state == "TERMINATED" else 1,
          "status of wait")


def trials_that_misspeak(scene, head, numbers):
    def ended():
        rows = {str(row["experiment"]): row["state"] for row in experiment_rows(head)}
        return all(rows[number] not in ("RUNNING", "PENDING") for number in numbers)

    wait_for(ended, 40, lambda: "all to end: %s" % [
        (row["name"], row["state"]) for row in experiment_rows(head)])
    rows = Rows()
    for number, (name, state, results, said) in zip(numbers, table.TRIALS):
        rows.row(name, trial_ends, head, number, state, results, said)
    rows.end()


def requests_that_are_refused(scene, head):
    rows = Rows()
    for what, words, status, said in table.REQUESTS:
        rows.row(what, try_it, scene, words, status, said, REFUSED_S, head)
    rows.end()


def noise(port, stop):
    """Strangers who speak other languages to the head's ports."""
    texts = [b"GET / HTTP/1.0\r\n\r\n", b"\0" * 70000, b"\xff" * 9 + b"\x7f" * 64, b"*1\r\n$4\r\nPING\r\n"]
    while not stop.is_set():
        for text in texts:
            with socket.socket() as one:
                one.settimeout(0.2)
                try:
                    one.connect(("127.0.0.1", port))
                    one.sendall(text)
                    one.recv(100)
                except OSError:
                    pass
        stop.wait(0.02)


@case
def a_cluster_goes_on(scene):
    """Bad trials, tokens, keys, requests and strangers, while an honest experiment runs: it ends with
    every result, and head, worker and executors are the same processes as before."""
    head, workers = cluster_of(scene, 4, names=("n1",))
    honest = submit(head, paced(scene, "honest", 4, 300, 0.02))
    numbers = head.assay("submit", scene.write("trials.yaml", trial_specs(scene))).out.split()
    equal(len(numbers), len(table.TRIALS), "experiments")
    stop = threading.Event()
    stranger = threading.Thread(target=noise, args=(head.port, stop), daemon=True)
    stranger.start()
    try:
        requests_that_are_refused(scene, head)
        tokens_and_keys(scene, head)
        trials_that_misspeak(scene, head, numbers)
    finally:
        stop.set()
        stranger.join()
    head.assay("wait", honest, "--timeout", "30s", limit_s=40)
    rows = trials(head, honest)
    equal([row["state"] for row in rows], ["TERMINATED"] * 4, "states of the honest ones")
    equal([row["attempt"] for row in rows], [1] * 4, "attempts of the honest ones")
    check_results(scene, scene.path("results", "honest"), rows, 300)
    check(head.daemon.runs() and workers[0].daemon.runs(), "head and worker live")
    workers[0].daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()


# ---------------------------------------------------------------- Redis


class Redis:
    def __init__(self, scene, name, *settings):
        self.port = free_port()
        os.mkdir(scene.path(name))
        self.daemon = Daemon(
            scene, name, ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                          "--appendonly", "yes", "--dir", scene.path(name)] + list(settings),
            scene.env())
        self.address = "127.0.0.1:%d" % self.port
        wait_for(lambda: b"PONG" in self.say("PING") or b"NOAUTH" in self.say("PING"), 10, "redis-server")

    def say(self, *words):
        """The answer, as it comes; nothing where nobody listens."""
        sent = b"*%d\r\n" % len(words)
        for word in words:
            data = word if isinstance(word, bytes) else word.encode()
            sent += b"$%d\r\n%s\r\n" % (len(data), data)
        with socket.socket() as one:
            one.settimeout(5)
            try:
                one.connect(("127.0.0.1", self.port))
                one.sendall(sent)
                return one.recv(65536)
            except OSError:
                return b""


def head_refused(scene, name, redis, status, said, env=None):
    return try_it(scene, ["head", "--port", "0", "--data-dir", name, "--redis-address", redis.address],
                  status, said, STARTED_S, env=env)


@case
def a_redis_with_something_else_in_it(scene):
    """Nothing of what stands there is changed, and no head leads on top of it."""
    redis, key = Redis(scene, "redis"), "assay:{default}:log"
    rows = Rows()
    for number, (what, commands, status, said) in enumerate(table.STREAMS):
        redis.say("FLUSHALL")
        for command in commands:
            answer = redis.say(command[0], key, *command[1:])
            check(not answer.startswith(b"-"), "%s: %s" % (command, answer))
        before = redis.say("DUMP", key)
        rows.row(what, head_refused, scene, "d%d" % number, redis, status, said)
        if what not in table.EPOCH_IS_TAKEN:
            rows.row(what, equal, redis.say("DUMP", key), before, "the key, before and after")
    rows.end()


@case
def a_redis_that_is_none_or_says_no(scene):
    rows = Rows()
    locked = Redis(scene, "locked", "--requirepass", "secret")
    forgets = Redis(scene, "forgets", "--maxmemory-policy", "allkeys-lru")
    rows.row("a password is wanted", head_refused, scene, "p1", locked, 2, "NOAUTH")
    for mode, text, said in ((0o644, "secret", "password"), (0o600, "wrong", "WRONGPASS")):
        path = scene.write("password%o" % mode, text, mode)
        rows.row("a password of mode %o" % mode, head_refused, scene, "p2", locked, 2, said,
                 {"ASSAY_REDIS_PASSWORD_FILE": path})
    rows.row("it throws keys away", head_refused, scene, "p3", forgets, 2, "maxmemory-policy")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        locked.address = "127.0.0.1:%d" % listener.getsockname()[1]

        def answer():
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                with one:
                    one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        rows.row("a web server", head_refused, scene, "p4", locked, 2, locked.address)
        listener.shutdown(socket.SHUT_RDWR)
    rows.end()


@case
def an_entry_of_somebody_else_ends_the_head(scene):
    """It wrote nothing on top of what it did not write, says so and stops; what was there before is
    decided again by the next one once the entry is gone."""
    redis = Redis(scene, "redis")
    head = Head(scene, words=["--redis-address", redis.address])
    head.assay("token", "create", "--role", "read")
    equal(redis.say("XADD", "assay:{default}:log", "900-0", "e", b"\xc1garbage")[:1], b"$", "added")
    head.assay("token", "create", "--role", "read", status=None)
    status = head.daemon.wait()
    check(status in table.FENCED, "status %d: %s" % (status, head.daemon.err()))
    check(re.search(r"^assay: .+: .+\n  try: .+$", head.daemon.err(), re.M), head.daemon.err())
    rows = Rows()
    rows.row("started again", head_refused, scene, "h.data", redis, 2, "900-0")
    equal(redis.say("XDEL", "assay:{default}:log", "900-0"), b":1\r\n", "removed")
    rows.end()


@case
def files_of_its_redis_that_are_garbage(scene):
    head = Head(scene)
    head.assay("token", "create", "--role", "read")
    head.daemon.end()
    folder = os.path.join(head.data_dir, "redis", "appendonlydir")
    rows = Rows()
    for what, suffix, change, status, said in table.AOF:
        keep = scene.path("keep")
        shutil.copytree(head.data_dir, keep)
        name = [name for name in os.listdir(folder) if name.endswith(suffix)][0]
        path = os.path.join(folder, name)
        data = open(path, "rb").read()
        with open(path, "wb") as file:
            file.write(change(data))
        rows.row(what, try_it, scene, ["head", "--port", "0", "--data-dir", head.data_dir], status, said,
                 STARTED_S)
        shutil.rmtree(head.data_dir)
        os.rename(keep, head.data_dir)
    rows.end()
    # The files as they were are as good as ever.
    head.start()
    check(head.assay("token", "list", "--json").json()["tokens"], "the token is there")
    head.daemon.end()


main()
