"""A sweep with no file: any program, in any language, is a trainable."""
import json
import os
import sys

from cluster import PROGRAMS, case, main, tool
from expect import check, equal, shorten
from processes import read_text
from result_files import result_rows, trial_folders

PYTHON = os.path.realpath(sys.executable)


def sweep(scene, *words, **options):
    return scene.assay("run", "--metric", "loss", "--mode", "min", "--name", "sweep",
                       "--set", "local_dir=" + scene.path("results"), *words, **options)


def losses(scene):
    """Of each trial's folder: its configuration and its results' losses."""
    found = {}
    for path in trial_folders(scene.path("results", "sweep")):
        config = json.loads(read_text(os.path.join(path, "params.json")))
        found[path] = (config, [row["loss"] for row in result_rows(path)])
    return found


def rows_of(scene, *words):
    listed = scene.assay(*words, "--json").json()
    return listed["trials"] if isinstance(listed, dict) else listed


@case
def two_hundred_trials_of_a_shell_line(scene):
    done = sweep(scene, "-n", 200, "-p", "x=uniform:0,1", "--", "sh", "-c",
                 'echo "assay: loss={x}"', limit_s=55)
    rows = rows_of(scene, "trials", "last")
    equal(len(rows), 200, "trials")
    equal({row["state"] for row in rows}, {"TERMINATED"}, "states")
    equal({row["attempt"] for row in rows}, {1}, "attempts")
    found = losses(scene)
    equal(len(found), 200, "folders")
    for path, (config, seen) in found.items():
        equal(seen, [config["x"]], "what %s reported is its configuration's x, to the bit" % path)
    equal(len({config["x"] for config, seen in found.values()}), 200, "different draws")
    check(all(0 <= config["x"] < 1 for config, seen in found.values()), "draws in their bounds")
    least = min(seen[0] for config, seen in found.values())
    best = rows_of(scene, "best", "last", "-n", 3)
    equal([row["best"] for row in best], sorted(seen[0] for c, seen in found.values())[:3], "best three")
    equal(best[0]["config"]["x"], least, "the best trial's configuration")
    tail = done.out.split("== Status ==")[-1]
    check("%.6f" % least in tail or repr(least) in tail or "%.6g" % least in tail,
          "the best value %r is printed: %s" % (least, shorten(tail[-1500:])))
    check("Number of trials: 200 ({'TERMINATED': 200})" in done.out, "the last block counts them")


@case
def python_with_lines_of_json(scene):
    program = scene.write("code/train.py", """
import json, os, sys
with open(os.environ["ASSAY_CONFIG"]) as file:
    config = json.load(file)
assert config == {"lr": float(sys.argv[1]), "layers": {"width": int(sys.argv[2])}}, config
assert os.getcwd() == os.environ["ASSAY_TRIAL_DIR"]
fd = os.fdopen(int(os.environ["ASSAY_REPORT_FD"]), "r+b", 0)
for step in range(1, 6):
    fd.write((json.dumps({"loss": config["lr"] / step, "nested": {"step": step}}) + "\\n").encode())
    answer = json.loads(fd.readline())
    assert answer["action"] in ("continue", "stop"), answer
    if answer["action"] == "stop":
        break
""")
    sweep(scene, "-n", 6, "-p", "lr=loguniform:1e-4,1e-1", "-p", "layers.width=choice:8,16", "--",
          PYTHON, "-S", program, "{lr}", "{layers.width}")
    found = losses(scene)
    equal(len(found), 6, "folders")
    for path, (config, seen) in found.items():
        equal(seen, [config["lr"] / step for step in range(1, 6)], "results of " + path)
    for row in rows_of(scene, "trials", "last"):
        equal((row["state"], row["results"]), ("TERMINATED", 5), "trial %s" % row["name"])


@case
def shell_with_report(scene):
    sweep(scene, "-p", "x=grid_search:0,0.25,0.5,0.75", "--", "sh",
          os.path.join(PROGRAMS, "quadratic.sh"), "{x}", env={"SWEEP_TOOL": tool("assay")})
    found = losses(scene)
    equal(sorted(config["x"] for config, seen in found.values()), [0, 0.25, 0.5, 0.75], "the grid")
    for path, (config, seen) in found.items():
        equal(len(seen), 3, "results of %s: %s" % (path, read_text(os.path.join(path, "stderr"))))
    equal(rows_of(scene, "best", "last")[0]["config"], {"x": 0.25}, "the best")


@case
def report_tells_when_to_stop(scene):
    sweep(scene, "-n", 2, "-p", "x=uniform:0,1", "--stop", "training_iteration=3", "--", "sh", "-c",
          "while :; do \"$SWEEP_TOOL\" report loss={x} || break; done; "
          "\"$SWEEP_TOOL\" report loss={x}; echo left with $?",
          env={"SWEEP_TOOL": tool("assay")})
    for path in trial_folders(scene.path("results", "sweep")):
        rows = result_rows(path)
        equal([row["done"] for row in rows], [False, False, True], "results up to the stop rule")
        said = read_text(os.path.join(path, "stdout"))
        check(said in ("left with 10\n", ""), "report says 10 for stop: %r" % said)
    equal({row["state"] for row in rows_of(scene, "trials", "last")}, {"TERMINATED"}, "states")


@case
def what_cannot_be_is_refused_with_the_mend(scene):
    for words, needle in (
        (("-p", "x=uniform:0,1", "--", "sh", "-c", "echo {y}"), "y"),
        (("-p", "x=unifrom:0,1", "--", "true"), "uniform"),
        (("-p", "x=uniform:0,1", "--shceduler", "asha", "--", "true"), "shceduler"),
        (("-p", "x=uniform:0,1", "--scheduler", "ahsa", "--", "true"), "asha"),
        (("-p", "x=uniform:0,1"), ""),
    ):
        refused = sweep(scene, *words, status=2).check_error()
        check(needle in refused.err, "%s names %s: %s" % (refused, needle, refused.err))
    bad = scene.write("bad.yaml", "name: x\nrun: {command: 'true'}\nnum_smaples: 3\n")
    refused = scene.assay("run", bad, status=2).check_error()
    check("bad.yaml:3:1" in refused.err and "num_samples" in refused.err,
          "a file's error has its place and the nearest key: " + refused.err)
    check(not os.path.exists(scene.path("results")), "nothing was begun")


@case
def a_saved_sweep_is_a_file_that_runs(scene):
    words = ("-n", 3, "-p", "x=uniform:0,1", "--seed", 5)
    program = ("--", "sh", "-c", "echo 'assay: loss={x}'; echo 'it'\\''s'")
    sweep(scene, *words, "--save", scene.path("saved.yaml"), *program)
    check(not os.path.exists(scene.path("results")), "saving runs nothing")
    sweep(scene, *words, *program)
    first = sorted(seen[0] for config, seen in losses(scene).values())
    scene.assay("run", scene.path("saved.yaml"), "--set", "local_dir=" + scene.path("again"))
    again = trial_folders(scene.path("again", "sweep"))
    equal(sorted(result_rows(path)[0]["loss"] for path in again), first, "the same trials")
    equal({read_text(os.path.join(path, "stdout")).splitlines()[-1] for path in again}, {"it's"},
          "the command's quotes")


main()
