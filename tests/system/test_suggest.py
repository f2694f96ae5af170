"""`search: external`: another program suggests what is tried, over a real head and worker, and is told how it ends.

What it suggests are multiples of 1/1024, which random draws never are.
"""
import json
import queue
import subprocess
import threading

from cluster import Head, Worker, case, main, tool
from expect import Failure, SLOWER, check, equal, wait_for
from experiments import cluster_of, end_all, experiment_row, submit, trials, wait_ended
from processes import read_text

LIMIT_S = 30
GRAIN = 1024


def file_of(scene, name, trials, timeout, more=""):
    return scene.write(name + ".yaml", """
name: %s
run: {command: "sh -c 'echo assay: loss={x}'"}
code: none
config: {x: {uniform: [0, 1]}, net: {choice: [flat, {deep: {randint: [1, 9]}}]}}
num_samples: %d
search: {type: external, seed: 1, timeout: %s}
metric: loss
mode: min
local_dir: %s
%s""" % (name, trials, timeout, scene.path("results"), more))


def is_suggested(config):
    return (config["x"] * GRAIN).is_integer()


class Optimiser:
    """A program at the pipe: it reads lines as they come."""

    def __init__(self, scene, home, experiment, *words):
        self.process = subprocess.Popen([tool("assay"), "suggest", str(experiment)] + list(words), text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(scene.path("out", "suggest.err"), "a"), env=scene.env(home))
        self.err = scene.path("out", "suggest.err")
        self.lines = queue.Queue()
        self.told = []  # how trials have ended
        self.wanted = False
        threading.Thread(target=self.read, daemon=True).start()
        self.head = self.next()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def next(self):
        try:
            line = self.lines.get(timeout=LIMIT_S * SLOWER)
        except queue.Empty:
            raise Failure("nothing was said for %d s" % LIMIT_S)
        check(line.endswith("\n"), "it ended too soon: " + read_text(self.err))
        return json.loads(line)

    def until(self, key):
        """The next line with a key; ends of trials on the way are kept, and that one is wanted."""
        if key == "want" and self.wanted:
            return {"want": 1}
        while True:
            line = self.next()
            if "trial" in line:
                self.told.append(line)
            if "want" in line:
                equal(line, {"want": 1}, "want")
                self.wanted = True
            if key in line:
                return line
            check("trial" in line or "want" in line, "while waiting for %s: %s" % (key, line))

    def say(self, text):
        self.wanted = False
        self.process.stdin.write(text + "\n")

    def suggest(self, **config):
        self.say(json.dumps({"config": config}))
        return self.until("suggested")["suggested"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self):
        return self.process.wait(LIMIT_S * SLOWER)


@case
def an_optimiser_that_dies_and_another_one(scene):
    head = Head(scene)
    number = submit(head, file_of(scene, "ext", 16, "2s"))
    first = Optimiser(scene, head.home, number)
    equal(first.head, {"experiment": int(number), "name": "ext", "metric": "loss", "mode": "min", "total": 16, "space": {
        "x": {"uniform": [0, 1]}, "net": {"choice": ["flat", {"deep": {"randint": [1, 9]}}]}}}, "the first line")
    # From now on there are places that wait for it.
    worker = Worker(scene, "n1", head, cpus=2, token=scene.token(head, "worker", "worker.token"))
    given = {}
    for i in range(4):
        first.until("want")
        given[first.suggest(x=i / GRAIN, net={"deep": 3})] = i / GRAIN
    # What has ended is told before the next one is wanted: of four that began two at a time, two at least.
    first.until("want")
    check(len(first.told) >= 2, "ends that were told: %s" % first.told)
    for line in first.told:
        if line["trial"] in given: # else it was a slow machine, and random had its turn
            equal((line["state"], line["config"], line["metric"]),
                  ("TERMINATED", {"x": given[line["trial"]], "net": {"deep": 3}}, given[line["trial"]]), "an end")
    created = experiment_row(head, number)["created"]
    first.kill()
    # Nobody suggests: random fills in after two seconds.
    wait_for(lambda: experiment_row(head, number)["created"] > created, LIMIT_S, "random to fill in")
    wait_ended(head, number)
    rows = trials(head, number)
    equal(len(rows), 16, "trials")
    equal({row["trial"]: row["config"]["x"] for row in rows if is_suggested(row["config"])}, given, "what was suggested")
    # Whoever comes now is told all of it, and that it is over.
    second = Optimiser(scene, head.home, number)
    second.until("done")
    equal(sorted((line["trial"], line["metric"]) for line in second.told),
          [(row["trial"], row["config"]["x"]) for row in rows], "what the second is told")
    equal(second.wait(), 0, "its status")
    end_all(scene, head, [worker])


@case
def wrong_lines_change_nothing(scene):
    head, workers = cluster_of(scene, 1, names=("n1",))
    number = submit(head, file_of(scene, "ext", 3, "never", "points_to_evaluate: [{x: 0.5, net: flat}]"))
    talk = Optimiser(scene, head.home, number)
    talk.until("want")
    for line, *parts in (("{", "column"), ("[]", "object"), ('{"config":1}', "map"), ('{"confi":{}}', "confi"), ("{}", "config"),
                         ('{"config":{"x":2}}', "config.x", "0.0 to 1.0"), ('{"config":{"y":1}}', "config.y"),
                         ('{"config":{"net":{"deep":9}}}', "config.net"), ("x" * (3 << 20), "1048576"),
                         ('{"config":{"x\\u0007":1}}', "config.x")):
        talk.say(line)
        said = talk.until("error")
        check(all(part in said["error"] for part in parts) and "later" not in said, said)
        equal(experiment_row(head, number)["created"], 1, "trials")
    equal(talk.suggest(x=1 / GRAIN), 1, "the trial of one that is right")
    talk.until("want")
    # The last one, of which everything is drawn; then it has all its trials.
    equal(talk.suggest(), 2, "the trial of the last one")
    talk.say('{"config":{}}')
    check("all its trials" in talk.until("error")["error"], "one too many")
    talk.until("done")
    equal(sorted(line["trial"] for line in talk.told), [0, 1, 2], "ends")
    equal(talk.wait(), 0, "status")
    # Whom it is not for.
    other = submit(head, scene.write("own.yaml", "run: {command: 'true'}\ncode: none\nlocal_dir: " + scene.path("r")))
    check("makes its trials itself" in head.assay("suggest", other, status=6, stdin="").check_error().err, "random")
    reader = scene.token(head, "read")
    read = Optimiser(scene, scene.home("reader"), number, "--address", head.address, "--token-file", reader)
    read.until("done")
    equal(read.wait(), 0, "one who may only read reads")
    wait_ended(head, other)
    end_all(scene, head, workers)


@case
def the_head_dies_between_suggestions(scene):
    head, workers = cluster_of(scene, 1, names=("n1",))
    number = submit(head, file_of(scene, "ext", 6, "never"))
    talk = Optimiser(scene, head.home, number)
    given = {}
    for i in range(6):
        talk.until("want")
        if i == 2:
            head.kill()
        talk.say(json.dumps({"config": {"x": i / GRAIN}}))
        if i == 2:
            head.start()
        given[talk.until("suggested")["suggested"]] = i / GRAIN
        if i == 4:
            head.kill()
            head.start()
    talk.until("done")
    equal(talk.wait(), 0, "status")
    rows = trials(head, number)
    equal([(row["trial"], row["config"]["x"]) for row in rows], [(i, i / GRAIN) for i in range(6)], "each became one trial")
    equal(sorted(set((line["trial"], line["metric"]) for line in talk.told)), sorted(given.items()), "what was told")
    end_all(scene, head, workers)


@case
def more_than_can_wait(scene):
    """Nobody has a place: they are kept up to a limit, and whoever is refused is told to come again."""
    head = Head(scene)
    number = submit(head, file_of(scene, "ext", 80, "never"))
    lines = "".join('{"config":{"x":%r}}\n' % (i / GRAIN) for i in range(70))
    said = head.assay("suggest", number, stdin=lines).json_lines()
    equal([line.get("suggested") for line in said[1:]], list(range(64)) + [None] * 6, "answers")
    check(all(line["later"] is True and "wait" in line["error"] for line in said[65:]), said[65:])
    head.assay("stop", number)
    wait_ended(head, number)
    end_all(scene, head, [])


@case
def a_run_with_a_head_of_its_own_says_where_it_is(scene):
    run = subprocess.Popen([tool("assay"), "run", file_of(scene, "alone", 2, "never, open: true")], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           env=scene.env(scene.home("me")))
    line = run.stdout.readline()
    check(line.startswith("Suggest: assay suggest last --address /"), "where: " + line)
    optimiser = Optimiser(scene, scene.home("other"), "last", "--address", line.split()[-1])
    optimiser.until("want")
    equal(optimiser.suggest(x=0.5, net="flat", more={"than": "config"}), 0, "the trial")
    equal(optimiser.suggest(x=0.25), 1, "the other")
    rest = run.stdout.read()
    equal(run.wait(LIMIT_S * SLOWER), 0, "status: " + rest)
    optimiser.kill()  # its head may be gone before it was told of the end
    check("sh_0_than=config,net=flat,x=0.5:" in rest and "sh_1_" in rest, "what was tried: " + rest)
    done = subprocess.run([tool("assay"), "list", "--address", scene.path("nowhere")], text=True, capture_output=True,
                          env=scene.env(scene.home("me")))
    equal((done.returncode, done.stderr.splitlines()[0].split(": ")[1:]),
          (3, [scene.path("nowhere"), "no private head's folder"]), "a folder that is none")
    scene.check_nothing_runs()


main()
