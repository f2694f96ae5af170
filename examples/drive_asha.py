"""Drives an experiment: Assay says what to try and what to stop, this program does the trials.

    python3 examples/drive_asha.py examples/drive_asha.yaml

`assay` is looked for in the path. Where there are several workers, each asks for a trial when it is free.
"""
import json
import subprocess
import sys

assay = subprocess.Popen(["assay", "drive"] + sys.argv[1:], text=True, bufsize=1,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def say(**line):
    assay.stdin.write(json.dumps(line) + "\n")
    answer = json.loads(assay.stdout.readline())
    if "error" in answer:
        sys.exit(answer["error"])
    return answer


def loss(config, step):
    return (config["x"] - 0.3) ** 2 + abs(config["y"]) / step


while not (asked := say(op="ask")).get("done"):
    action, step = "continue", 0
    while action == "continue":
        step += 1
        result = {"loss": loss(asked["config"], step)}
        action = say(op="result", trial=asked["trial"], result=result)["action"]

print(say(op="status")["text"])
best = say(op="best")
print("best: %s with %s: %.4f" % (best["trial"], best["config"], best["value"]))
