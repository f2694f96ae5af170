"""Trials that go wrong, each in its own way, and what is said of them: the right reason, and no other."""
import os
import re
import subprocess
import time

from cluster import PROGRAMS, case, main
from disks import fill, small_disk
from expect import Skip, check, equal, wait_for
from experiments import (
    PYTHON, accounts, check_results, cluster_of, experiment_row, nodes, paced, submit, trials,
)
from processes import argv_of
from result_files import experiment_folder

WAYS = ("memory", "signal", "hang", "exit", "flood")
REASONS = {
    "memory": ("ERROR", "oom"),
    "signal": ("ERROR", "signal"),
    "hang": ("ERROR", "report_timeout"),
    "exit": ("ERROR", "exit"),
    "flood": ("TERMINATED", "completed"),
    "stubborn": ("ERROR", "time_limit"),
}


def experiment(scene, name, ways, more):
    command = "%s -I -S failing.py --scene %s {way}" % (PYTHON, scene.folder)
    return scene.write(name + ".yaml", """
name: %s
run: {command: "%s"}
code: %s
config: {way: {grid_search: [%s]}}
metric: value
mode: max
local_dir: %s
resources_per_trial: {cpu: 1, memory: 128M}
%s
""" % (name, command, PROGRAMS, ", ".join(ways), scene.path("results"), more))


def shown(head, number, count):
    """By way, as `show --json` has each trial."""
    found = {}
    for i in range(count):
        row = head.assay("show", "%s/%d" % (number, i), "--json").json()
        found[row["config"]["way"]] = row
    return found


def left_of(scene):
    return [pid for pid in scene.pids() if b"failing.py" in argv_of(pid)]


def end_all(scene, head, workers):
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()


@case
def six_ways_to_go_wrong(scene):
    head, workers = cluster_of(scene, 8, names=("n1",))
    five = submit(head, experiment(scene, "five", WAYS, "report_timeout: 8s"))
    deaf = submit(head, experiment(scene, "deaf", ("stubborn",), "time_limit: 3s"))
    head.assay("wait", five, "--timeout", "120s", status=1, limit_s=130)
    head.assay("wait", deaf, "--timeout", "60s", status=1, limit_s=70)
    rows = shown(head, five, len(WAYS))
    rows.update(shown(head, deaf, 1))
    equal({way: (row["state"], row["reason"]) for way, row in rows.items()}, REASONS, "reasons")
    equal(rows["exit"]["status"], 3, "exit status")
    equal(rows["signal"]["status"], 9, "signal")
    check("Traceback: the last words" in rows["exit"]["text"], "stderr: %r" % rows["exit"]["text"])
    check("memory limit of 128.0 MiB" in rows["memory"]["text"], "%r" % rows["memory"]["text"])
    for way, row in rows.items():
        check(row["results"] >= 2, "%s: what it reported before counts: %s" % (way, row))
    told = head.assay("explain", "%s/%d" % (five, rows["exit"]["trial"])).out
    check("exit" in told and "Traceback: the last words" in told, told)
    wait_for(lambda: not left_of(scene), 5,
             lambda: "nothing of them to be left, but %s" % [argv_of(pid) for pid in left_of(scene)])
    end_all(scene, head, workers)


@case
def what_never_starts_ends_its_experiment(scene):
    file = scene.write("burning.yaml", """
name: burning
run: {command: "%s -I -S -c 'import no_such_module'"}
code: none
num_samples: 1000
max_failures: -1
local_dir: %s
""" % (PYTHON, scene.path("results")))
    done = scene.assay("run", file, status=1, limit_s=90)
    check("The experiment was ended:" in done.out, done.told())
    check("No module named 'no_such_module'" in done.out, done.told())
    check("Ended: 16 attempts in a row" in done.out, "the status block says it: %s" % done.told())
    scene.check_nothing_runs()


@case
def a_retry_waits_and_is_told(scene):
    """Every attempt's end is to be heard of while the next one runs."""
    head, _ = cluster_of(scene, 2, names=("n1",))
    file = scene.write("again.yaml", """
name: again
run: {command: "sh -c 'echo assay: v=1; echo attempt $ASSAY_ATTEMPT is wrong >&2; exit $ASSAY_ATTEMPT'"}
code: none
max_failures: 2
local_dir: %s
""" % scene.path("results"))
    number = submit(head, file)
    head.assay("wait", number, "--timeout", "60s", status=1, limit_s=70)
    row = trials(head, number)[0]
    equal((row["state"], row["reason"], row["status"], row["attempt"], row["failures"]),
          ("ERROR", "exit", 3, 3, 3), "the trial")
    told = head.assay("explain", number + "/0").out
    for attempt in (1, 2, 3):
        check("Attempt %d on node" % attempt in told and
              "ended: exit with status %d" % attempt in told, told)
    check("attempt 3 is wrong" in told, told)
    row = experiment_row(head, number)
    check(row["ended_ms"] - row["submitted_ms"] >= 1000, "it rested before its third attempt")


def attempts(head, trial):
    """By `show --json`, without what no two runs have alike."""
    rows = head.assay("show", trial, "--json").json()["attempts"]
    for row in rows:
        check(row["started_ms"] <= row["ended_ms"], "times: %s" % row)
    ended = [row["ended_ms"] for row in rows]
    equal(ended, sorted(ended), "they ended one after the other")
    return [tuple(row[key] for key in ("attempt", "node", "from_iteration", "reason", "status", "results"))
            for row in rows]


@case
def every_attempt_is_shown_and_stays(scene):
    """It saves at 2 and fails, goes on from there and is killed, and ends well."""
    head, workers = cluster_of(scene, 2, names=("n1",), words=("--log-tail", "8K", "-v"))
    script = scene.write("thrice.sh", """
i=$(cat "$ASSAY_RESTORE/i" 2>/dev/null || echo 0)
report() { i=$((i + 1)); echo "assay: v=$i$1"; }
case $ASSAY_ATTEMPT in
1) report; mkdir -p kept; echo 2 >kept/i; report " checkpoint=kept"; exit 3 ;;
2) report; kill -9 $$ ;;
*) report; report ;;
esac
""")
    file = scene.write("thrice.yaml", """
name: thrice
run: {command: "sh %s"}
code: none
max_failures: 3
local_dir: %s
""" % (script, scene.path("results")))
    number = submit(head, file)
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    trial = number + "/0"
    wanted = [(1, "n1", None, "exit", 3, 2), (2, "n1", 2, "signal", 9, 1), (3, "n1", 2, "completed", 0, 2)]
    equal(attempts(head, trial), wanted, "attempts")
    table = [line.split() for line in head.assay("show", trial).out.splitlines()
             if re.match(r"# \d", line)]
    equal([line[1:4] for line in table],
          [["1", "n1", "fresh"], ["2", "n1", "at"], ["3", "n1", "at"]], "the table")
    equal([line[-2:] for line in table], [["exit", "3"], ["signal", "9"], ["2", "completed"]], "reasons")
    shown_before = head.assay("show", trial, "--json").json()["attempts"]
    head.kill()
    head.start()
    equal(head.assay("show", trial, "--json").json()["attempts"], shown_before, "after a kill")
    # Another one, until its log was cut by an image.
    made = lambda: len(re.findall(r" image: of \d+-\d+: ", head.daemon.err(), re.M))
    other = submit(head, paced(scene, "other", 20, 30))
    head.assay("wait", other, "--timeout", "60s", limit_s=70)
    wait_for(lambda: made() >= 1, 20, "an image")
    head.kill()
    head.start()
    check(re.search(r" replayed: from \d+-\d+:", head.daemon.err(), re.M), "it began with an image")
    equal(head.assay("show", trial, "--json").json()["attempts"], shown_before, "from an image")
    only = head.assay("show", other + "/0", "--json").json()["attempts"]
    equal([(row["attempt"], row["from_iteration"], row["reason"], row["results"]) for row in only],
          [(1, None, "completed", 30)], "an only attempt")
    check("# ATTEMPT" not in head.assay("show", other + "/0").out, "a table of one says nothing new")
    end_all(scene, head, workers)


def state_of(head, name):
    return [node["state"] for node in nodes(head) if node["name"] == name][0]


@case
def a_full_disk_takes_no_new_work(scene):
    folder = small_disk(scene.path("n1.data"))
    if folder is None:
        raise Skip("no file system can be mounted here")
    try:
        head, workers = cluster_of(scene, 2)
        ballast = fill(folder)
        wait_for(lambda: state_of(head, "n1") == "FULL", 20, "the head to hear that the disk is full")
        number = submit(head, paced(scene, "elsewhere", 6, 3))
        head.assay("wait", number, "--timeout", "60s", limit_s=70)
        rows = trials(head, number)
        equal({(row["state"], row["node"], row["attempt"]) for row in rows},
              {("TERMINATED", "n2", 1)}, "all of them on the other node, at once")
        os.unlink(ballast)
        wait_for(lambda: state_of(head, "n1") == "UP", 20, "the head to hear that there is room")
        end_all(scene, head, workers)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@case
def with_its_disk_full_a_trial_waits_and_loses_nothing(scene):
    """It reports more than fits in memory while there is no head to take it."""
    folder = small_disk(scene.path("n1.data"))
    if folder is None:
        raise Skip("no file system can be mounted here")
    reports = 4000
    try:
        head, workers = cluster_of(scene, 1, names=("n1",))
        number = submit(head, paced(scene, "patient", 1, reports, flags="--pad 2000"))
        wait_for(lambda: trials(head, number)[0]["results"] > 0, 20, "its first results")
        head.kill()
        ballast = fill(folder)
        seen = {"reports": 0, "since": time.monotonic()}

        def waits():
            reports_now = max(len(one.reports) for one in accounts(scene).values())
            if reports_now != seen["reports"]:
                seen.update(reports=reports_now, since=time.monotonic())
            return time.monotonic() - seen["since"] > 2

        wait_for(waits, 60, "the trial to wait")
        check(0 < seen["reports"] < reports, "it waits: %d reports" % seen["reports"])
        os.unlink(ballast)
        head.start()
        head.assay("wait", number, "--timeout", "90s", limit_s=100)
        rows = trials(head, number)
        equal([(row["state"], row["attempt"], row["results"]) for row in rows],
              [("TERMINATED", 1, reports)], "the trial")
        check_results(scene, experiment_folder(scene.path("results"), "patient"), rows, reports)
        end_all(scene, head, workers)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


main()
