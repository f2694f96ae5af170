"""What is secret stays so: keys, tokens and passwords on the machines, and what is said on the way
between them (I12)."""
import base64
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from cluster import Head, Worker, case, main  # noqa: E402
from expect import check, equal, wait_for  # noqa: E402
from experiments import (  # noqa: E402
    cluster_of, experiment_row, experiment_rows, paced, trials, up,
)
from processes import read_bytes, read_text  # noqa: E402
from result_files import count_rows, result_rows, trial_folders  # noqa: E402
from strangers import Relay, listening_ports  # noqa: E402

Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(raw):
    """As ZeroMQ writes keys as text; of 4 bytes each."""
    out = bytearray()
    for (number,) in struct.iter_unpack(">I", raw[: len(raw) // 4 * 4]):
        for power in (85**4, 85**3, 85**2, 85, 1):
            out.append(Z85[number // power % 85])
    return bytes(out)


def forms_of(raw):
    """Raw, hex, base32, base64 and z85, also where something else stands in front of it."""
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), z85(raw)}
    for skipped in range(5):
        word = base64.b32encode(bytes(skipped) + raw)
        # Not the digits that also hold bits of what stands before or behind.
        found.add(word[-(-skipped * 8 // 5) : (skipped + len(raw)) * 8 // 5])
    for skipped in range(3):
        word = base64.b64encode(bytes(skipped) + raw)
        word = word[-(-skipped * 4 // 3) : (skipped + len(raw)) * 4 // 3]
        found |= {word, word.replace(b"+", b"-").replace(b"/", b"_")}
    check(all(len(form) >= 16 for form in found), "forms that can be told from noise: %s" % found)
    return found


def token_bytes(text):
    """ASSAY1- and base32 of the head's key 32 B, id 8 B, secret 20 B, sum 4 B."""
    word = text.split("-", 1)[1].upper()
    return base64.b32decode(word + "=" * (-len(word) % 8))


def secret_of_key(path):
    for line in read_text(path).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "secret" and len(words[1]) == 64:
            return bytes.fromhex(words[1])
    check(False, "%s holds a secret key that this test knows: %r"
          % (path, [line.split()[:1] for line in read_text(path).splitlines()]))


def secrets_of(scene, tokens):
    """What nobody else may read, by the file that it is in: all its forms."""
    found = {}
    for path in tokens:
        text = read_text(path).strip()
        found[path] = {text.encode(), text.lower().encode()} | forms_of(token_bytes(text)[40:60])
    for where, _, names in os.walk(scene.folder):
        for name in names:
            path = os.path.join(where, name)
            if name.endswith(".key"):
                found[path] = forms_of(secret_of_key(path))
            elif "password" in name:
                words = [word for word in read_text(path).split() if len(word) >= 16]
                check(words, "a password in %s" % path)
                found[path] = set().union(*(forms_of(word.encode()) for word in words))
    return found


class Look:
    """Finds what nobody may find."""

    def __init__(self, secrets):
        self.secrets, self.places = secrets, 0

    def at(self, where, content):
        self.places += 1
        for name, forms in self.secrets.items():
            for form in forms:
                check(form not in content, "%s is in %s" % (name, where))

    def at_processes(self, scene):
        """Returns how many there were."""
        pids = scene.pids()
        for pid in pids:
            self.at("argv of %d" % pid, read_bytes("/proc/%d/cmdline" % pid))
            self.at("environment of %d" % pid, read_bytes("/proc/%d/environ" % pid))
        return len(pids)

    def at_files(self, folder):
        """All but those that a secret is for."""
        for where, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(where, name)
                if path not in self.secrets and os.path.isfile(path):
                    self.at(path, read_bytes(path))


@case
def no_secret_is_where_others_can_read_it(scene):
    """Not in any argv or environment, not in logs, not in a trial's folder, not in the log of Redis."""
    head, workers = cluster_of(scene, 2)
    token = scene.token(head, "submit")
    person = scene.home("person")
    scene.assay("submit", paced(scene, "spied", 4, 200, 0.02), "--address", head.address,
                "--token-file", token, home=person)
    number = experiment_rows(head)[0]["experiment"]
    wait_for(lambda: any(row["results"] for row in trials(head, number)), 30, "trials to run")
    unused = scene.token(head, "admin", "unused.token")
    secrets = secrets_of(scene, [token, unused, scene.path("worker.token")])
    kinds = [os.path.basename(path) for path in secrets]
    equal(sum(name.endswith(".key") for name in kinds), 5,
          "keys of a head, its admin, two workers and a person: %s" % kinds)
    check(any("password" in name for name in kinds), "a password of Redis: %s" % kinds)
    for path in secrets:
        equal(os.stat(path).st_mode & 0o077, 0, "what others may do with " + path)

    look = Look(secrets)
    seen = 0
    while experiment_row(head, number)["state"] == "RUNNING":
        seen = max(seen, look.at_processes(scene))
    check(seen >= 5, "head, redis-server, two workers, trials: %d processes" % seen)
    for command in (("token", "list", "--json"), ("nodes", "-v"), ("show", number, "--json"),
                    ("list", "--json"), ("status", number)):
        look.at(" ".join(map(str, command)), head.assay(*command).out.encode())
    for where in ("/proc/%d/cmdline" % head.redis_pid(), "/proc/%d/environ" % head.redis_pid()):
        look.at(where, read_bytes(where))
    look.at_files(scene.folder)
    head.daemon.end()
    look.at_files(head.data_dir)
    print("         %d secrets looked for in %d places" % (len(secrets), look.places))


@case
def nothing_goes_over_the_wire_in_clear(scene):
    """A relay between all of them and the head hears a configuration, code, results, output and how
    one joins; and nothing of it can be read."""
    head = Head(scene, words=("--bind", "127.0.0.1"))
    relay = Relay(listening_ports(head.daemon.pid))
    tokens = [scene.token(head, "worker"), scene.token(head, "submit"), scene.token(head, "admin")]
    port = head.port
    worker_words = ("--address", "%s:%d" % (Relay.HOST, port))
    worker = Worker(scene, "n1", head, cpus=1, token=tokens[0], words=worker_words)
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "n1: " + worker.daemon.err())
    person = scene.home("person")

    # Nowhere else in the world, and long enough not to turn up by chance.
    marks = {"the configuration": os.urandom(24).hex(), "the code": os.urandom(24).hex(),
             "the results": os.urandom(24).hex(), "the output": os.urandom(24).hex()}
    scene.write("tree/said.sh", "#!/bin/sh\n# %s\necho %s\nfor n in 1 2 3; do "
                "echo \"assay: n=$n word=%s\"; done\n"
                % (marks["the code"], marks["the output"], marks["the results"]), 0o755)
    file = scene.write("said.yaml", """
name: said
run: {command: "sh said.sh"}
code: %s
config: {mark: %s, x: {uniform: [0, 1]}}
num_samples: 2
metric: n
mode: max
local_dir: %s
""" % (scene.path("tree"), marks["the configuration"], scene.path("results")))
    there = ("--address", "%s:%d" % (Relay.HOST, port))
    scene.assay("submit", file, *there, "--token-file", tokens[1], home=person)
    scene.assay("wait", 1, *there, "--timeout", "30s", home=person)
    heard = {"status": scene.assay("status", 1, *there, home=person).out,
             "trials": scene.assay("trials", 1, "--json", *there, home=person).out,
             "results": scene.assay("results", 1, *there, home=person).out}
    check(marks["the configuration"] in heard["trials"], "the configuration was heard: %s" % heard)
    check(marks["the results"] in heard["results"], "results were heard: %s" % heard)
    folder = experiment_row(head, 1)["folder"]
    equal(count_rows(folder), 6, "results of the two")
    for path in trial_folders(folder):
        equal({row["config"]["mark"] for row in result_rows(path)}, {marks["the configuration"]},
              "the configuration at the head")
        equal({row["word"] for row in result_rows(path)}, {marks["the results"]}, "results at the head")

    made = scene.assay("token", "create", "--role", "read", *there, "--token-file", tokens[2],
                       home=scene.home("admin"))
    tokens.append(scene.write("told.token", made.out, 0o600))
    secrets = secrets_of(scene, tokens)
    for name, text in marks.items():
        secrets[name] = forms_of(text.encode()) | forms_of(bytes.fromhex(text))
    secrets["names and words of messages"] = {b"said.sh", b"uniform", b"num_samples",
                                              b"training_iteration"}
    equal({port for port, _, _ in relay.said}, set(listening_ports(head.daemon.pid)),
          "ports that something went over")
    check(all(b"CURVE" in said for _, said, _ in relay.said), "what can be read there is read here")
    look = Look(secrets)
    for number, (port, up_bytes, down_bytes) in enumerate(list(relay.said)):
        look.at("what connection %d said to port %d" % (number, port), bytes(up_bytes))
        look.at("what port %d said to connection %d" % (port, number), bytes(down_bytes))
    total = sum(len(said) + len(answered) for _, said, answered in relay.said)
    check(total > 8000, "bytes that were heard: %d" % total)
    print("         %d secrets looked for in %d bytes of %d connections"
          % (len(secrets), total, len(relay.said)))
    relay.close()


main()
