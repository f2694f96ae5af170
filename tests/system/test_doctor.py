"""`assay doctor`: what it says of this machine and of the head, and what it advises."""
import os

from cluster import Head, case, main
from expect import check, equal, wait_for
from shared import SharedHead, SharedRedis


def rows(result):
    """By whose and what; a subject that comes more often has its last line."""
    document = result.json()
    found = {(row["of"], row["subject"]): row for row in document["checks"]}
    for row in document["checks"]:
        check(row["state"] in ("ok", "warning", "error"), "state: %s" % row)
        equal(bool(row["mend"]), row["state"] != "ok", "what is not well has a mend: %s" % row)
    well = all(row["state"] == "ok" for row in document["checks"])
    equal((document["well"], result.status), (well, 0 if well else 1), "whether all is well")
    return found


@case
def without_a_head_the_machine_is_looked_at(scene):
    said = scene.assay("doctor", status=None)
    check(said.err == "" and "head: none is there" in said.out, said.told())
    found = rows(scene.assay("doctor", "--json", status=None))
    equal(found["head", "head"]["state"], "ok", "that there is no head")
    for subject in ("assay", "assay-head", "assay-worker", "assay-executor", "redis-server",
                    "ASSAY_HOME", "open files", "GPUs"):
        equal(found["machine", subject]["state"], "ok", subject)
    check(("machine", "cgroups") in found, "cgroups are looked at")
    named = rows(scene.assay("doctor", "--json", "--address", "redis://127.0.0.1:1", status=None))
    equal(named["head", "head"]["state"], "error", "a head that is named has to be there")


@case
def a_head_is_looked_at_by_every_role(scene):
    head = Head(scene)
    found = rows(head.assay("doctor", "--json", status=None))
    for subject in ("head", "version", "clock", "acknowledgements", "log", "data directory", "keys",
                    "open files", "results", "code trees", "tokens", "keys that were let in",
                    "experiments that run", "workers"):
        equal(found["head", subject]["state"], "ok", subject)
    equal(found["head", "acknowledgements"]["text"], "an acknowledgement is on Redis's disk", "worth")
    wait_for(lambda: rows(head.assay("doctor", "--json", status=None))["head", "Redis"]["state"] == "ok",
             20, "Redis to say how full it is")
    token = scene.token(head, "read", "read.token")
    reader = rows(scene.assay("doctor", "--json", "--address", head.address, "--token-file", token,
                              status=None))
    equal(set(reader) & {("head", "tokens"), ("head", "log")}, {("head", "tokens"), ("head", "log")},
          "what a reader sees")
    check(" of at most " in found["head", "tokens"]["text"], found["head", "tokens"])


@case
def files_that_others_may_read_are_named(scene):
    head = Head(scene)
    home = scene.home("me")
    scene.assay("list", "--address", head.address, "--token-file", scene.token(head, "read"))
    key = os.path.join(home, "keys", "client.key")
    equal(rows(scene.assay("doctor", "--json", status=None))["machine", "key"]["state"], "ok", "key")
    os.chmod(key, 0o644)
    row = rows(scene.assay("doctor", "--json", status=None))["machine", "key"]
    equal((row["state"], row["mend"]), ("error", "chmod 600 %s, and own it" % key), "key")
    os.chmod(key, 0o600)
    secret = scene.write("secret", "word", 0o644)
    row = rows(scene.assay("doctor", "--json", status=None, env={"ASSAY_REDIS_PASSWORD_FILE": secret}))
    equal(row["machine", "ASSAY_REDIS_PASSWORD_FILE"]["state"], "error", "password file")
    row = rows(scene.assay("doctor", "--json", status=None, env={"ASSAY_TOKEN_FILE": secret + "x"}))
    equal(row["machine", "ASSAY_TOKEN_FILE"]["state"], "error", "token file")
    os.chmod(os.path.join(head.data_dir, "keys"), 0o755)
    row = rows(scene.assay("doctor", "--json", "--address", head.address, status=None))["head", "keys"]
    equal(row["state"], "error", "the head's keys")
    said = head.assay("doctor", "--json", status=1)
    check("cannot be asked" in said.out and "  try: " in said.err, said.told())


@case
def what_a_shared_redis_is_worth_is_told(scene):
    """An acknowledgement may be lost, and its memory is almost full: both are said, before they are."""
    redis = SharedRedis(scene, "--appendfsync", "everysec")
    head = SharedHead(scene, redis)
    found = rows(head.assay("doctor", "--json", "--address", redis.url, status=None))
    row = found["head", "acknowledgements"]
    equal(row["state"], "warning", "an acknowledgement")
    check("power cut" in row["text"] and "appendfsync always" in row["mend"], row)
    used = next(int(line.split(":")[1]) for line in redis.ask("INFO", "memory").split("\r\n")
                if line.startswith("used_memory:"))
    redis.ask("CONFIG", "SET", "maxmemory", str(used * 5 // 4))

    def state():
        return rows(head.assay("doctor", "--json", status=None))["head", "Redis"]

    wait_for(lambda: state()["state"] == "warning" and "of at most" in state()["text"], 30,
             lambda: "the head to see that memory is short: %s" % state())
    check("redis-memory" in head.daemon.err(), "it is logged: " + head.daemon.err())


main()
