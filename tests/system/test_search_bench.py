"""bench/search/run: the same runner as for the public tables, on one that needs no package."""
import json
import os
import subprocess
import sys

from cluster import BIN, ROOT, case, main
from expect import check, equal

RUN = os.path.join(ROOT, "bench/search/run")


def run(scene, *words):
    done = subprocess.run([sys.executable, RUN, "--bin", BIN] + list(words), text=True, timeout=60,
                          env=scene.env(scene.home("user")), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr


def regrets(file):
    with open(file) as lines:
        rows = [json.loads(line) for line in lines]
    return {(row["side"], row["parallel"], row["seed"]): row["regret"] for row in rows}


@case
def tpe_finds_more_than_random(scene):
    """One game after the other, and three trials in flight; what was kept is not played again."""
    file = os.path.join(scene.home("kept"), "rows")
    words = ["--tables", "toy", "--only", "ours", "--only", "random", "--part", "regret", "--repeat", "mean",
             "--parallel", "1", "--parallel", "3", "--trials", "60", "--keep", file]
    status, out, err = run(scene, "--seeds", "1", *words)
    equal((status, err), (0, ""), "a first part")
    first = regrets(file)
    equal(sorted(first), [(side, parallel, 0) for side in ("ours", "random") for parallel in (1, 3)], "its games")
    status, out, err = run(scene, "--seeds", "2", *words)
    equal((status, err), (0, ""), "the second part")
    found = regrets(file)
    with open(file) as lines:
        equal(len(lines.readlines()), 8, "games that were played, each once")
    check(first.items() <= found.items(), "the first part's stay")
    for parallel in (1, 3):
        ours, random = ([found[side, parallel, seed] for seed in (0, 1)] for side in ("ours", "random"))
        check(all(0 <= regret < 1 for regret in ours + random), "regrets: %r, %r" % (ours, random))
        check(sum(ours) < sum(random) / 2, "ours %r is less than random's %r" % (ours, random))
        line = next(part for part in out.split("\n\n") if ", %d at a time" % parallel in part).splitlines()
        equal(line[2].split()[:2] + line[2].split()[4:5],
              ["toy", "%.4f" % (sum(ours) / 2), "%.4f" % (sum(random) / 2)], "what is printed of it")


@case
def what_is_missing_is_said(scene):
    """Packages that cannot be had: no venv can be made where a file is."""
    file = scene.write("no-folder", "")
    status, out, err = run(scene, "--tables", "car", "--seeds", "1", "--environment", file)
    equal((status, out), (1, ""), "how it ends")
    check("no environment with Optuna and tables" in err and "  try: " in err, "what it says: %r" % err)
    status, out, err = run(scene, "--tables", "moon")
    check(status == 2 and "no table moon" in err, "an unknown table: %r" % err)


main()
