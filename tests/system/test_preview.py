"""`assay preview`: what it says would run is what runs, and nothing runs for it."""
import glob
import json
import os
import re

from cluster import EXAMPLES, case, main
from expect import check, equal, shorten
from result_files import result_rows, trial_folders

GRID = """\
name: mixed
run: {command: "sh show.sh {a.x} {b}"}
num_samples: 2
config:
  a: {x: {uniform: [0, 1]}, y: {grid_search: [1, two]}}
  b: {grid_search: [relu, tanh]}
stop: {training_iteration: 1}
"""


def preview(scene, *words, **options):
    return scene.assay("preview", "--json", *words, **options).json()


def ran(scene, *words):
    """Run it; its trials by number."""
    scene.assay("run", *words, "--set", "local_dir=" + scene.path("results"))
    rows = scene.assay("trials", "last", "--json").json()["trials"]
    return sorted(rows, key=lambda row: row["trial"])


def told(rows):
    return [(row["name"], row["tag"], row["config"]) for row in rows]


def grid_file(scene):
    scene.write("grid/show.sh", "echo \"assay: loss=$1\"\n")
    scene.write("grid/deep/more.py", "pass\n")
    scene.write("grid/.hidden", "no\n")
    return scene.write("grid/exp.yaml", GRID)


@case
def a_seed_makes_the_trials_that_run(scene):
    """The example, with brackets; and a space of grids and draws."""
    for file, count in ((os.path.join(EXAMPLES, "async_hyperband.yaml"), 30), (grid_file(scene), 8)):
        shown = preview(scene, file, "--seed", "7")
        equal((shown["total"], shown["known"], len(shown["trials"])), (count,) * 3, "trials of " + file)
        equal(set(shown["trials"][0]), {"config", "tag", "name"}, "what is told of a trial")
        equal(told(shown["trials"]), told(ran(scene, file, "--seed", "7")), "trials that ran")
        other = preview(scene, file, "--seed", "8")
        check(told(other["trials"]) != told(shown["trials"]), "another seed makes others")


@case
def a_seed_that_was_chosen_makes_them_again(scene):
    file = grid_file(scene)
    first = preview(scene, file)
    equal(first["search"]["seed_given"], False, "seed_given")
    again = preview(scene, file, "--seed", first["search"]["seed"])
    equal(told(again["trials"]), told(first["trials"]), "the trials of the seed that was chosen")
    check(re.search(r"^Search: .* --seed \d+ makes these trials", scene.assay("preview", file).out, re.M),
          "it is said how to get them again")


@case
def code_is_what_a_run_ships(scene):
    file = grid_file(scene)
    code = preview(scene, file, "--seed", "7")["code"]
    equal([row["path"] for row in code["files"]], ["deep/more.py", "exp.yaml", "show.sh"], "files")
    equal(code["bytes"], sum(row["bytes"] for row in code["files"]), "their bytes")
    equal(code["run_ships"], True, "a run ships it")
    ran(scene, file, "--seed", "7")
    blobs = glob.glob(os.path.join(scene.home("me"), "runs", "*", "**", code["hash"]), recursive=True)
    check(blobs, "the head got the tree %s" % code["hash"])
    equal({os.path.getsize(path) for path in blobs}, {code["packed_bytes"]}, "its size")

    native = preview(scene, os.path.join(EXAMPLES, "async_hyperband.yaml"))["code"]
    equal([row["path"] for row in native["files"]], ["libsigmoid.so"], "a library alone")
    equal(native["run_ships"], False, "a run opens it where it is")
    equal(preview(scene, "--", "true")["code"], None, "a program of the system's")

    for number in range(2000):
        scene.write("grid/many/%d" % number, "")
    shown = preview(scene, file)["code"]
    equal([row["path"] for row in shown["files"]], ["show.sh"], "the script alone of a large folder")
    scene.assay("preview", file, "--set", "code=absent", status=2).check_error()
    with open(scene.path("grid", "large"), "wb") as large:
        large.truncate(101 << 20)
    refused = scene.assay("preview", file, "--set", "code=.", status=2)
    check("more than 100 MiB" in refused.err and not refused.out, "over the limit: %s" % refused.told())
    refused.check_error()


@case
def nothing_is_started_and_nobody_asked(scene):
    file = grid_file(scene)
    scene.assay("preview", file, env={"ASSAY_ADDRESS": "127.0.0.1:1", "PATH": "/nowhere"})
    equal(scene.pids(), [], "processes")
    equal(glob.glob(os.path.join(scene.home("me"), "*")), [], "files in ASSAY_HOME")
    check(not os.path.exists(scene.path("user", "assay_results")), "no folder for results is made")


@case
def hyperband_costs_what_was_said(scene):
    """Every trial reports so often as its milestones let it; all of them together are the cost."""
    file = scene.write("hb/exp.yaml", """\
name: bands
run: {command: "sh count.sh {x}"}
num_samples: 17
config: {x: {uniform: [0, 1]}}
metric: loss
mode: min
scheduler: {type: hyperband, max_t: 9, sizes: tune, reward_attr: loss}
""")
    # Each would end by itself only behind all milestones.
    scene.write("hb/count.sh", """\
n=0
[ -n "$ASSAY_RESTORE" ] && n=$(cat "$ASSAY_RESTORE/n")
while [ $n -lt 50 ]; do
    n=$((n + 1))
    mkdir -p saved; echo $n > saved/n
    assay report loss=$1 --checkpoint saved || exit 0
done
""")
    shown = preview(scene, file, "--seed", "3")
    scheduler, cost = shown["scheduler"], shown["cost"]
    equal([[(rung["at"], rung["trials"]) for rung in bracket["rungs"]] for bracket in scheduler["brackets"]],
          [[(9, 5)], [(3, 8), (9, 3)], [(1, 15), (4, 5), (9, 2)]], "brackets")
    equal((scheduler["type"], scheduler["round_trials"]), ("hyperband", 28), "a round")
    equal([bracket["chance"] for bracket in scheduler["brackets"]], [None] * 3, "chances")
    by_hand = (5 * 9) + (8 * 3 + 3 * 6) + (4 * 1 + 4 * 3 + 2 * 5)
    equal((cost["unit"], cost["worst"], cost["expected"], cost["trial"]),
          ("training_iteration", by_hand, by_hand, 9), "cost")
    ran(scene, file, "--seed", "3")
    folders = trial_folders(scene.path("results", "bands"))
    equal(len(folders), 17, "trials")
    equal(sum(len(result_rows(path)) for path in folders), by_hand, "results of the run")


@case
def several_experiments_are_told_one_by_one(scene):
    file = scene.write("two.yaml", """\
one: {run: {command: "true {x}"}, num_samples: 3, config: {x: {randint: [0, 9]}}, max_concurrent: 2}
two: {run: {command: "true"}, search: {type: list, points: [{a: 1}, {a: 2, b: {c: 3}}]}, config: {a: 0}}
""")
    shown = preview(scene, file, "--seed", "1")["experiments"]
    equal([(row["name"], row["total"]) for row in shown], [("one", 3), ("two", 2)], "experiments")
    equal([row["config"] for row in shown[1]["trials"]], [{"a": 1}, {"a": 2, "b": {"c": 3}}], "a list's")
    equal([row["max_concurrent"] for row in shown], [2, None], "max_concurrent")
    equal([row["search"]["seed"] for row in shown], [1, 1], "one seed")
    text = scene.assay("preview", file, "--cpus", "3").out
    equal(re.findall(r"^(\w+): \d+ trials$", text, re.M), ["one", "two"], "titles: %s" % text)
    check("3 CPUs a trial; 2 at a time: 6 CPUs" in text, "what they need together: %s" % text)


@case
def what_bounds_the_cost_is_found(scene):
    def cost(*words):
        return preview(scene, "-n", "4", *words, "--", "true")["cost"]

    def line(*words):
        text = scene.assay("preview", "-n", "4", *words, "--", "true").out
        return re.search(r"^Cost: +(.*)$", text, re.M).group(1)

    judged = ("--scheduler", "asha", "--metric", "loss", "--mode", "min", "--max-t", "16")
    equal((cost()["worst"], cost()["trial"]), (None, None), "nothing bounds it")
    check(line().startswith("unbounded"), line())
    equal(cost("--stop", "loss=3")["worst"], None, "a rule on another metric")
    equal(cost("--stop", "training_iteration=25")["worst"], 100, "a stop rule")
    equal(line("--stop", "training_iteration=2500"),
          "at worst 10,000 iterations in all (4 trials to 2,500)", "in words")
    equal(cost(*judged)["worst"], 64, "max_t")
    equal(cost(*judged, "--stop", "training_iteration=5")["worst"], 20, "the nearer of both")
    check(16 < cost(*judged)["expected"] < 64, "who is stopped costs less")
    other = cost(*judged, "--set", "scheduler.time_attr=timesteps_total")
    equal((other["unit"], other["worst"]), ("timesteps_total", 64), "another unit")
    promoted = cost(*judged, "--set", "scheduler.form=promotion")
    equal((promoted["worst"], promoted["worst_anew"]), (64, 4 * (1 + 4 + 16)), "without checkpoints")


@case
def keys_of_a_section_go_with_its_name(scene):
    shown = preview(scene, "-n", "4", "-p", "x=uniform:0,1", "--metric", "loss", "--mode", "min", "--scheduler", "asha",
                    "--set", "scheduler.form=promotion",
                    "--search", "tpe", "--set", "search.seed=3", "--", "true")
    equal((shown["scheduler"]["form"], shown["search"]["type"], shown["search"]["seed"]), ("promotion", "tpe", 3),
          "--set")


@case
def many_trials_are_shown_in_part(scene):
    words = ("-n", "100000", "-p", "x=uniform:0,1", "--seed", "5", "--", "true")
    lines = scene.assay("preview", *words).out.splitlines()
    check(lines[0] == "true: 100,000 trials" and len(lines) < 40, "a page: %s" % shorten("\n".join(lines)))
    equal(lines[-1], "... and 99,980 more: --trials 100000 shows all", "the last line")
    three = preview(scene, "--trials", "3", *words)
    equal((len(three["trials"]), three["total"]), (3, 100000), "of --trials 3")
    shown = scene.assay("preview", "--json", *words).out
    check(shown.endswith("}\n") and shown.count("\n") == 1, "one line of JSON")
    every = json.loads(shown)["trials"]
    equal(len(every), 100000, "trials of --json")
    equal(every[:3], three["trials"], "the same ones")


@case
def names_without_an_id_say_so(scene):
    shown = preview(scene, os.path.join(EXAMPLES, "logging.yaml"))
    equal([row["name"] for row in shown["trials"]], ["sigmoid_{id}_123"] * 2, "names")


@case
def a_bad_file_is_refused_as_by_run(scene):
    for name, text in (("key.yaml", "name: x\nrun: {command: true}\nnum_sample: 3\n"),
                       ("yaml.yaml", "name: [\n"),
                       ("space.yaml", "run: {command: a}\nconfig:\n  x: {uniform: [3, 1]}\n")):
        file = scene.write(name, text)
        refused = scene.assay("preview", file, status=2)
        refused.check_error()
        equal(refused.err, scene.assay("run", file, status=2).err, "the words of run")
        check(re.match(r"assay: %s:\d+:\d+: " % re.escape(file), refused.err), refused.err)
        equal(refused.out, "", "nothing is shown")
    scene.assay("preview", scene.path("absent.yaml"), status=2).check_error()
    scene.assay("preview", status=2).check_error()


@case
def flags_are_saved_as_run_saves_them(scene):
    scene.assay("preview", "-n", "3", "-p", "x=uniform:0,1", "--seed", "9", "--save", "it.yaml", "--",
                "true")
    shown = preview(scene, "it.yaml")
    equal((shown["total"], shown["search"]["seed"]), (3, 9), "what was saved")


main()
