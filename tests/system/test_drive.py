"""`assay drive`: another program runs the trials, and asks and tells on real pipes."""
import json
import os
import re
import subprocess
import sys

from cluster import BIN, EXAMPLES, case, main, tool
from expect import Failure, check, equal, shorten

ASHA = {"type": "async_hyperband", "semantics": "tune-0.7", "reward_attr": "r"}


class Caller:
    """One that waits for each answer before it says the next thing."""

    def __init__(self, scene, experiment, *words):
        self.process = subprocess.Popen(
            [tool("assay"), "drive", scene.write("drive.json", json.dumps(experiment))] + list(words),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
            env=scene.env(scene.home("user")))

    def say(self, op, **keys):
        self.process.stdin.write(json.dumps(dict(keys, op=op)) + "\n")
        line = self.process.stdout.readline()
        check(line.endswith("\n"), "%s is answered with a line: %r" % (op, line))
        return json.loads(line)

    def result(self, trial, time, reward):
        return self.say("result", trial=trial, result={"training_iteration": time, "r": reward})

    def end(self):
        out, err = self.process.communicate(timeout=30)
        equal((out, err, self.process.returncode), ("", "", 0), "how it ends with its input")


def say_all(scene, experiment, lines, *words):
    """What all lines at once are answered with, one by one."""
    file = scene.write("all.json", json.dumps(experiment))
    done = scene.assay("drive", file, *words, stdin="".join(line + "\n" for line in lines))
    equal(done.err, "", "what it says on stderr")
    answers = done.out.split("\n")
    equal((len(answers), answers[-1]), (len(lines) + 1, ""), "an answer a line")
    return [json.loads(line) for line in answers[:-1]]


@case
def asha_decides_as_tune(scene):
    """The vectors of Ray Tune's 0.7.0 (ray-tune-0.7.md, 6.2), the bracket chosen."""
    caller = Caller(scene, {"num_samples": 0, "scheduler": dict(ASHA, grace_period=1, max_t=9, reduction_factor=3)})
    for name in "abcde":
        equal(caller.say("add", trial=name, bracket=0, config={"of": name}), {"trial": name}, "add")
        equal(caller.say("ask"), {"trial": name, "config": {"of": name}, "resume": False,
                                  "horizon": {"training_iteration": 1}}, "ask")
    steps = [("a", 1, 10, "continue"), ("b", 1, 20, "continue"), ("c", 1, 5, "stop"), ("d", 1, 15, "continue"),
             ("a", 2, 11, "continue"), ("b", 3, 25, "continue"), ("a", 3, 12, "stop"), ("d", 3, 24, "continue"),
             ("e", 1, 30, "continue"), ("e", 5, 18, "stop"), ("b", 9, 1, "stop"), ("d", 8, 3, "continue")]
    for trial, time, reward, action in steps:
        equal(caller.result(trial, time, reward), {"trial": trial, "action": action}, "%s at %d" % (trial, time))
    status = caller.say("status")
    equal(status["num_stopped"], 4, "num_stopped")
    equal(status["cutoffs"], [None, 24.0, 18.333333333333336], "cutoffs")
    equal(status["states"]["d"], "RUNNING", "state of d")
    equal(caller.say("best"), {"trial": "e", "config": {"of": "e"}, "metric": "r", "mode": "max", "value": 30.0,
                               "training_iteration": 1}, "best")
    caller.end()

    caller = Caller(scene, {"num_samples": 0, "scheduler": dict(ASHA, grace_period=1, max_t=10, reduction_factor=2)})
    cutoffs = []
    for name, reward, action in (("t1", 2, "continue"), ("t2", 4, "continue"), ("t3", 1, "stop")):
        caller.say("add", trial=name, config={})
        caller.say("ask")
        equal(caller.result(name, 1, reward)["action"], action, "action for " + name)
        cutoffs.append(caller.say("status")["cutoffs"][-1])
    equal(cutoffs, [2.0, 3.0, 2.0], "the lowest rung's cut-off after each")
    caller.end()


@case
def hyperband_decides_as_tune(scene):
    """The vector of 6.3."""
    caller = Caller(scene, {"num_samples": 13, "scheduler": dict(ASHA, type="hyperband", max_t=9)})
    equal([caller.say("ask")["trial"] for _ in range(13)], ["t%d" % i for i in range(13)], "who starts")
    for number, reward in zip(range(5, 12), (3, 1, 4, 1, 5, 9, 2)):
        equal(caller.result("t%d" % number, 3, reward), {"trial": "t%d" % number, "action": "pause"}, "action")
    last = caller.result("t12", 3, 6)
    equal(last["action"], "continue", "the last one's action")
    equal([(one["trial"], one["action"]) for one in last["also"]],
          [(name, "stop") for name in ("t6", "t8", "t11", "t5", "t7")] + [("t9", "resume"), ("t10", "resume")], "also")
    status = caller.say("status")
    equal(status["num_stopped"], 5, "num_stopped")
    equal([status["states"]["t%d" % i] for i in (6, 9, 10, 12)], ["TERMINATED", "PENDING", "PENDING", "RUNNING"],
          "states")
    check("Max Size (n)=3, Milestone (r)=9, completed=57.1%" in status["text"], status["text"])
    for name in ("t9", "t10"):
        asked = caller.say("ask")
        equal((asked["trial"], asked["resume"], asked["horizon"]), (name, True, {"training_iteration": 9}), "ask")
        equal(caller.result(name, 9, 1), {"trial": name, "action": "pause"}, "at the last milestone")
    equal(caller.result("t12", 9, 1), {"trial": "t12", "action": "stop", "also": [
        {"trial": "t9", "action": "stop"}, {"trial": "t10", "action": "stop"}]}, "the last at the last milestone")
    caller.end()


@case
def every_op_has_its_answer(scene):
    answers = say_all(scene, {"num_samples": 2, "config": {"a": {"grid_search": [1, 2]}}, "metric": "r", "mode": "min"}, [
        '{"op":"ask","peek":true}', '{"op":"ask","blocked":["t0"]}', '{"op":"ask"}', '{"op":"requeue","trial":"t0"}',
        '{"op":"ask"}', '{"op":"result","trial":"t0","result":{"r":2.5,"deep":{"er":[NaN]}}}',
        '{"op":"complete","trial":"t0","result":{"r":3}}', '{"op":"error","trial":"t1"}', '{"op":"remove","trial":"t2"}',
        '{"op":"add","config":{"a":7},"trial":"mine"}', '{"op":"ask","blocked":["t3"]}', '{"op":"ask"}',
        '{"op":"complete","trial":"mine"}', '{"op":"best"}', '{"op":"status"}', '{"op":"asks"}', '{"op":"ask"}',
        '{"op":"complete","trial":"t3"}', '{"op":"ask"}'])

    def asked(name, value):
        return {"trial": name, "config": {"a": value}, "resume": False, "horizon": None}

    equal(answers, [
        asked("t0", 1), asked("t1", 2), asked("t0", 1), {"trial": "t0"}, asked("t0", 1),
        {"trial": "t0", "action": "continue"}, {"trial": "t0"}, {"trial": "t1"}, {"trial": "t2"}, {"trial": "mine"},
        asked("mine", 7), asked("t3", 2), {"trial": "mine"},
        {"trial": "t0", "metric": "r", "mode": "min", "value": 2.5, "training_iteration": 1, "config": {"a": 1}},
        {"states": {"t0": "TERMINATED", "t1": "ERROR", "t2": "TERMINATED", "t3": "RUNNING", "mine": "TERMINATED"},
         "num_stopped": 0, "text": "Using FIFO scheduling algorithm.", "cutoffs": []},
        {"error": "there is no op 'asks': did you mean 'ask'?"}, {"trial": None}, {"trial": "t3"},
        {"trial": None, "done": True}], "answers")


@case
def seeds_and_keys_are_those_of_run(scene):
    space = {"config": {"a": {"uniform": [0, 1]}}}
    once, again, other = (say_all(scene, space, ['{"op":"ask"}'], "--seed", seed)[0]["config"]
                          for seed in ("5", "5", "6"))
    equal(once, again, "the same seed")
    check(once != other, "another seed draws something else: %s" % once)
    lines = ['{"op":"ask"}'] * 4
    answers = say_all(scene, space, lines, "-n", "4", "--set", "max_concurrent=3", "--scheduler", "hyperband",
                      "--metric", "x", "--mode", "max")
    equal([one["trial"] for one in answers], ["t0", "t1", "t2", None], "max_concurrent")
    check("training_iteration" in answers[0]["horizon"], answers[0])


@case
def files_that_cannot_be_driven(scene):
    def refused(experiment, *parts):
        said = scene.assay("drive", scene.write("wrong.json", json.dumps(experiment)), status=2)
        equal(said.out, "", "what it prints")
        lines = said.err.split("\n")
        check(len(lines) == 3 and lines[0].startswith("assay: ") and lines[1].startswith("  try: "), said.err)
        check(all(part in lines[0] for part in parts), said.err)

    refused({"num_samples": -1}, "wrong.json:1:", "num_samples")
    refused({"num_sample": 1}, "wrong.json:1:", "num_sample")
    refused({"a": {"run": {"command": "x"}}, "b": {"run": {"command": "y"}}}, "2 experiments")
    refused({"config": {"x": 1}, "search": "external"}, "search.type", "nobody suggests")
    refused({"config": {"x": 1}, "scheduler": {"type": "pbt_replay", "policy": "none.txt"}}, "none.txt", "No such file")
    # Whoever runs trials on nodes has nothing to run.
    nothing = scene.write("nothing.json", json.dumps({"run": {"command": "true"}, "num_samples": 0}))
    said = scene.assay("run", nothing, status=2)
    check("nothing.json:1:" in said.err and "num_samples: must be from 1 to" in said.err, said.err)


@case
def long_lines_and_the_end_of_input(scene):
    big = '{"op":"add","config":{"a":"%s"}}' % ("x" * (1 << 20))
    answers = say_all(scene, {"num_samples": 1}, [big, '{"op":"ask"}', big + big, '{"op":"ask"}'])
    equal(answers[0], {"error": "a line has 1048576 bytes at most"}, "a line that is too long")
    equal(answers[2], answers[0], "one of twice that")
    equal((answers[1]["trial"], answers[3]), ("t0", {"trial": None}), "what stands between them")
    for end, want in (('{"op":"ask"}', "t0"), ("", None)):
        done = scene.assay("drive", scene.write("one.json", "{}"), stdin=end)
        equal(json.loads(done.out)["trial"] if done.out else None, want, "a last line without its newline")


@case
def a_pipe_of_many_lines(scene):
    lines = ['{"op":"ask"}'] + ['{"op":"result","trial":"t0","result":{"r":%d}}' % i for i in range(100000)]
    answers = say_all(scene, {"num_samples": 1, "metric": "r", "mode": "max"}, lines + ['{"op":"best"}'])
    equal(set(one.get("action") for one in answers[1:-1]), {"continue"}, "actions")
    equal((answers[-1]["value"], answers[-1]["training_iteration"]), (99999.0, 100000), "best")


def example(scene, name):
    """What it prints, a line each."""
    env = scene.env(scene.home("user"))
    env["PATH"] = BIN + os.pathsep + env.get("PATH", "")
    done = subprocess.run([sys.executable, os.path.join(EXAMPLES, name + ".py"),
                           os.path.join(EXAMPLES, name + ".yaml")], env=env, stdin=subprocess.DEVNULL, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0 or done.stderr != "":
        raise Failure("the example ended with %d: %s" % (done.returncode, shorten(done.stderr)))
    return done.stdout.splitlines()


@case
def the_example_drives(scene):
    lines = example(scene, "drive_asha")
    check(lines[0].startswith("Using AsyncHyperBand: num_stopped="), lines)
    check(int(lines[0].rsplit("=", 1)[1]) == 27, "all that begin are stopped, at a rung or at max_t: " + lines[0])
    best = lines[-1]
    check(best.startswith("best: t") and float(best.rsplit(" ", 1)[1]) < 0.05, best)


@case
def a_population_is_driven(scene):
    lines = example(scene, "drive_pbt")
    check(re.match(r"PopulationBasedTraining: \d+ checkpoints, [1-9]\d* perturbs$", lines[0]), lines)
    check(lines[1].startswith("best: t") and float(lines[1].rsplit(" ", 1)[1]) >= 1.19, lines[1])


main()
