"""Drives a population: Assay says who saves, and who goes on from whom; this program does the trials.

    python3 examples/drive_pbt.py examples/drive_pbt.yaml

`assay` is looked for in the path. A trial climbs the hill 1.2 - a^2 - b^2, and sees the part of it that its
configuration says: see examples/hill.c.
"""
import json
import subprocess
import sys

assay = subprocess.Popen(["assay", "drive"] + sys.argv[1:], text=True, bufsize=1,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
states, saved, configs = {}, {}, {}  # by trial: where it is, what it has saved, how it is configured


def say(**line):
    assay.stdin.write(json.dumps(line) + "\n")
    answer = json.loads(assay.stdout.readline())
    if "error" in answer:
        sys.exit(answer["error"])
    return answer


def step(trial):
    point, h = states[trial], configs[trial]["h"]
    states[trial] = {key: point[key] * (1 - 0.1 * h[key]) for key in point}
    return 1.2 - sum(one ** 2 for one in states[trial].values())


def report(trial):
    """Whether it goes on."""
    answer = say(op="result", trial=trial, result={"height": step(trial)})
    for other in answer.get("also", []):
        if other["action"] == "save":
            saved[other["trial"]] = states[other["trial"]]
    if "from" in answer:  # of another, with another configuration
        states[trial] = saved[trial] = saved[answer["from"]]
        configs[trial] = answer["config"]
    elif answer["action"] == "pause":
        saved[trial] = states[trial]
    return answer["action"] in ("continue", "exploit")


running = []
while True:
    while (asked := say(op="ask"))["trial"] is not None:
        trial = asked["trial"]
        configs[trial] = asked["config"]
        states[trial] = saved[trial] if asked["resume"] else {"a": 0.9, "b": 0.9}
        running.append(trial)
    if asked.get("done"):
        break
    running = [trial for trial in running if report(trial)]

print(say(op="status")["text"])
best = say(op="best")
print("best: %s with %s: %.4f" % (best["trial"], best["config"], best["value"]))
