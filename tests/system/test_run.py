"""`assay run` of the examples: what is shown, what is written, and that a seed decides everything."""
import glob
import os
import re
import signal

from cluster import EXAMPLES, FINAL, case, main
from expect import check, equal, shorten, wait_for
from processes import read_text
from result_files import check_once, count_rows, json_rows, result_rows, trial_folders


def run_example(scene, name, *words, home="me", limit_s=55):
    local = scene.path(home + ".results")
    done = scene.assay("run", os.path.join(EXAMPLES, name), "--set", "local_dir=" + local, *words,
                       home=scene.home(home), limit_s=limit_s)
    folders = glob.glob(os.path.join(local, "*"))
    equal(len(folders), 1, "folders of experiments in local_dir")
    return done, folders[0]


def blocks_of(text):
    """Status blocks: from their first line to the empty one."""
    return [block.split("\n\n")[0].splitlines() for block in text.split("== Status ==\n")[1:]]


def trials_of(scene, home):
    listed = scene.assay("trials", "last", "--json", home=scene.home(home)).json()
    return listed["trials"] if isinstance(listed, dict) else listed


def decided(scene, home):
    """What a seed decides of each trial: its name, configuration, end."""
    return {
        row["trial"]: (row["name"], row["config"], row["state"], row["reason"], row["results"])
        for row in trials_of(scene, home)
    }


def check_block(lines, counts):
    """The lines of the reference's part 8, in their order."""
    patterns = [
        r"Using AsyncHyperBand: num_stopped=\d+",
        r"Bracket: Iter 45\.000: \S+ \| Iter 15\.000: \S+ \| Iter 5\.000: \S+",
        r"Bracket: Iter 45\.000: \S+ \| Iter 15\.000: \S+",
        r"Bracket: Iter 45\.000: \S+",
        r"Resources requested: (\?|\d+/\d+ CPUs, 0/0 GPUs)",
        r"Memory usage on this node: \d+\.\d/\d+\.\d GB(: .*)?",
    ]
    if counts:
        patterns += [r"Result logdir: /.+", r"Number of trials: 30 \(%s\)" % re.escape(counts)]
    for number, pattern in enumerate(patterns):
        check(
            number < len(lines) and re.fullmatch(pattern, lines[number]),
            "line %d of a status block is not /%s/: %s" % (number + 1, pattern, "\n".join(lines)),
        )


@case
def asha_shows_tunes_blocks_and_the_best_trial(scene):
    done, folder = run_example(scene, "async_hyperband.yaml", "--seed", "7")
    blocks = blocks_of(done.out)
    check(len(blocks) >= 2, "a first and a last status block: %s" % shorten(done.out))
    check_block(blocks[0], None)
    check_block(blocks[-1], "{'TERMINATED': 30}")
    first = [re.findall(r"Iter \d+\.000: (\S+)", line) for line in blocks[0][1:4]]
    equal(first, [["None"] * 3, ["None"] * 2, ["None"]], "cutoffs in the first block")
    lines = [line for line in blocks[-1] if line.startswith(" - ")]
    equal(len(lines), 30, "trials shown in the last block")
    for line in lines:
        check(
            re.fullmatch(
                r" - \S+_\d+_height=\d+,width=\d+:\tTERMINATED, \[1 CPUs, 0 GPUs\], \[pid=\d+\], "
                r"\d+ s, \d+ iter, \S+ rew",
                line,
            ),
            "a trial's line is Tune's: %r" % line,
        )
    tags = [int(re.search(r"_(\d+)_height=", line).group(1)) for line in lines]
    equal(tags, list(range(30)), "trials of a group stand in natural order")

    rewards = {}
    equal(len(trial_folders(folder)), 30, "folders of trials")
    for path in trial_folders(folder):
        rows = result_rows(path)
        check_once(rows, len(rows), path)
        check(rows[-1]["done"] is True and len(rows) <= 100, "the last result of %s is done" % path)
        rewards[path] = max(row["episode_reward_mean"] for row in rows)
    best = os.path.basename(max(rewards, key=rewards.get))
    shown = re.search(r"[Bb]est.*", done.out.split("== Status ==")[-1], re.S)
    check(shown, "the best trial is printed: %s" % shorten(done.out[-1500:]))
    number = re.search(r"_(\d+)_height=", best).group(1)
    check("_%s_height=" % number in shown.group(0), "%s is the best, not: %s" % (best, shown.group(0)))


@case
def same_seed_same_trials(scene):
    first, folder = run_example(scene, "async_hyperband.yaml", "--seed", "7", home="a")
    again, other = run_example(scene, "async_hyperband.yaml", "--seed", "7", home="b")
    one, two = decided(scene, "a"), decided(scene, "b")
    equal(len(one), 30, "trials")
    equal({n: row[:2] for n, row in one.items()}, {n: row[:2] for n, row in two.items()},
          "names and configurations of two runs with one seed")
    run_example(scene, "async_hyperband.yaml", "--seed", "8", home="c")
    check({n: row[1] for n, row in decided(scene, "c").items()} != {n: row[1] for n, row in one.items()},
          "another seed proposes something else")


@case
def one_at_a_time_decides_alike(scene):
    for home in "ab":
        run_example(scene, "async_hyperband.yaml", "--seed", "7", "--set", "max_concurrent=1", home=home)
    one = decided(scene, "a")
    equal(one, decided(scene, "b"), "decisions of two runs, one trial at a time")
    check(all(row[2] in FINAL for row in one.values()), "every trial is final: %s" % one)
    check(len({row[4] for row in one.values()}) > 1, "some trials are stopped before others")


@case
def reading_goes_on_without_a_head(scene):
    done, folder = run_example(scene, "async_hyperband.yaml", "--seed", "7")
    scene.check_nothing_runs()
    best = scene.assay("best", "last", "--json").json()
    best = best["trials"] if isinstance(best, dict) else best
    rewards = {
        os.path.basename(path): max(row["episode_reward_mean"] for row in result_rows(path))
        for path in trial_folders(folder)
    }
    top = max(rewards.values())
    equal(best[0]["best"], top, "the best value")
    check(best[0]["name"] in max(rewards, key=rewards.get), "the best trial's name: %s" % best[0])
    check(scene.assay("best", "last").out.strip(), "a table of the best")
    equal(len(trials_of(scene, "me")), 30, "trials of last")
    equal({row["state"] for row in trials_of(scene, "me")}, {"TERMINATED"}, "their states")
    equal(len(scene.assay("trials", "last").out.splitlines()), 31, "lines of the table of trials")
    streamed = scene.assay("results", "last", "--json").json_lines()
    written = [row for path in trial_folders(folder) for row in result_rows(path)]
    equal(len(streamed), len(written), "results of last")
    equal(scene.assay("best", folder, "--json").json(), scene.assay("best", "last", "--json").json(),
          "a path names the same experiment")


@case
def a_run_is_decided_again(scene):
    run_example(scene, "async_hyperband.yaml", "--seed", "7")
    found = glob.glob(os.path.join(scene.home("me"), "runs", "*"))
    equal(len(found), 1, "folders of runs")
    replayed = scene.assay("replay", found[0])
    check("equal" in replayed.out, "every decision is the same: %s" % shorten(replayed.out[-600:]))


@case
def a_logger_hears_every_result_in_order(scene):
    done, folder = run_example(scene, "logging.yaml")
    folders = trial_folders(folder)
    equal(len(folders), 2, "trials")
    written = {}
    for path in folders:
        rows = result_rows(path)
        check_once(rows, 999, path)
        check(rows[-1]["done"] is True, "the 999th result is done")
        check(os.path.exists(os.path.join(path, "progress.csv")), "progress.csv")
        written[rows[0]["experiment_id"], str(rows[0]["config"])] = rows
        csv = read_text(os.path.join(path, "progress.csv"))
        equal(csv.count("\n"), 1000, "lines of progress.csv")
    heard = [line for line in done.out.splitlines() if line.startswith("TestLogger ")]
    equal(len(heard), 2 * 999, "lines of the logger")
    per_trial = {}
    for line in heard:
        iteration = int(re.search(r"['\"]training_iteration['\"]: (\d+)", line).group(1))
        config = re.search(r"['\"]config['\"]: (\{[^}]*\})", line).group(1)
        per_trial.setdefault(config, []).append(iteration)
    equal(len(per_trial), 2, "configurations that the logger saw")
    for config, iterations in per_trial.items():
        equal(iterations, list(range(1, 1000)), "the logger's results of %s" % config)
    check(re.search(r"^Number of trials: 2 \(\{'TERMINATED': 2\}\)$", done.out, re.M), "the last block")
    names = re.findall(r"^ - (\S+):\tTERMINATED", done.out, re.M)
    check(names and all(re.fullmatch(r"\S+_[0-9a-f]{8}_123", name) for name in names),
          "names of trials as the example's: %s" % names)


@case
def a_failing_trial_is_told_by_the_status(scene):
    done = scene.assay("run", "-n", 2, "-p", "x=choice:1,2", "--metric", "loss", "--mode", "min",
                       "--name", "fails", "--set", "local_dir=" + scene.path("results"),
                       "--", "sh", "-c", "echo 'assay: loss={x}'; echo went wrong >&2; exit 3",
                       status=1)
    check("ERROR" in done.out, "failed trials are shown: %s" % shorten(done.out))
    rows = trials_of(scene, "me")
    equal([row["state"] for row in rows], ["ERROR", "ERROR"], "states")
    for row in rows:
        equal((row["reason"], row["status"]), ("exit", 3), "why it ended")
        check("went wrong" in row["text"], "the end of its stderr is kept: %s" % row["text"])


@case
def ctrl_c_ends_everything(scene):
    running = scene.start("run", "run", "-n", 4, "-p", "x=uniform:0,1", "--name", "endless",
                          "--set", "local_dir=" + scene.path("results"), "--",
                          "sh", "-c", "while :; do echo 'assay: loss={x}'; sleep 0.05; done")
    wait_for(lambda: count_rows(scene.path("results", "endless")) > 5, 30, "results to come")
    running.kill(signal.SIGINT)
    equal(running.wait(30), 130, "status after Ctrl-C: " + running.err())
    scene.check_nothing_runs()
    for path in trial_folders(scene.path("results", "endless")):
        json_rows(os.path.join(path, "result.json"))


main()
