"""The client's side of the Python package: experiments from scripts, Ray Tune's scripts, a cluster, wrong input."""
import json
import os
import re
import signal
import sys

from cluster import Daemon, case, main
from expect import check, equal, shorten, wait_for
from experiments import cluster_of, end_all
from processes import read_text
from result_files import result_rows, trial_folders
from scripts import env_of, script

MODEL = """
import json, math, os, random
import ray
from ray import tune
from ray.tune import Trainable, Experiment, run, sample_from
from ray.tune.schedulers import AsyncHyperBandScheduler

class TestLogger(tune.logger.Logger):
    def on_result(self, result):
        print("TestLogger", result)

class Model(Trainable):
    def _setup(self, config):
        self.timestep = 0

    def _train(self):
        self.timestep += 1
        v = math.tanh(float(self.timestep) / self.config["width"]) * self.config["height"]
        return {"episode_reward_mean": v}

    def _save(self, checkpoint_dir):
        path = os.path.join(checkpoint_dir, "checkpoint")
        with open(path, "w") as f:
            f.write(json.dumps({"timestep": self.timestep}))
        return path

    def _restore(self, checkpoint_path):
        with open(checkpoint_path) as f:
            self.timestep = json.loads(f.read())["timestep"]

SPACE = {
    "width": sample_from(lambda spec: 10 + int(90 * random.random())),
    "height": sample_from(lambda spec: int(100 * random.random())),
}
"""

ASHA = MODEL + """
if __name__ == "__main__":
    ray.init(%s)
    run(Model, name="asha", num_samples=12, config=SPACE, stop={"training_iteration": 99999},
        resources_per_trial={"cpu": 1, "gpu": 0},
        scheduler=AsyncHyperBandScheduler(
            time_attr="training_iteration", reward_attr="episode_reward_mean",
            grace_period=5, max_t=50))
"""

LOGGING = MODEL + """
if __name__ == "__main__":
    ray.init()
    run(Experiment(
        name="logged", run=Model, num_samples=2, loggers=[TestLogger], config=SPACE,
        trial_name_creator=tune.function(
            lambda trial: "{}_{}_123".format(trial.trainable_name, trial.trial_id)),
        stop={"training_iteration": 200}))
"""


@case
def a_script_of_ray_tunes_runs_as_it_is(scene):
    out, _ = script(scene, ASHA % "", name="asha_example", ray=True)
    blocks = out.split("== Status ==\n")[1:]
    check(re.match(r"Using AsyncHyperBand: num_stopped=12\nBracket: Iter 20\.000: \S+ \| Iter 5\.000: "
                   r"\S+\nResources requested: 0/\d+ CPUs, 0/0 GPUs\nMemory usage on this node: ",
                   blocks[-1]), "the last block: " + blocks[-1])
    rows = re.findall(r"^ - Model_(\d+)_height=\d+,width=\d+:\tTERMINATED, \[1 CPUs, 0 GPUs\], "
                      r"\[pid=\d+\], \d+ s, \d+ iter, \S+ rew$", blocks[-1], re.M)
    equal(rows, [str(n) for n in range(12)], "its trials")
    check(re.search(r"^Result for Model_\d+_height=\d+,width=\d+:\n  date: .*\n  done: true\n"
                    r"  episode_reward_mean: ", out, re.M), "results: " + shorten(out))
    folders = trial_folders(scene.path("tune", "asha"))
    equal(len(folders), 12, "folders")
    for folder in folders:
        config = json.loads(read_text(os.path.join(folder, "params.json")))
        check(10 <= config["width"] < 100, "width: %s" % config)
        equal(len(read_text(os.path.join(folder, "progress.csv")).splitlines()),
              len(result_rows(folder)) + 1, "lines of progress.csv")


@case
def a_logger_hears_every_result_in_order(scene):
    out, _ = script(scene, LOGGING, name="logging_example", ray=True)
    lines = [eval(line[len("TestLogger "):]) for line in out.splitlines()
             if line.startswith("TestLogger ")]
    equal(len(lines), 400, "results that the logger heard")
    for who in {line["experiment_id"] for line in lines}:
        own = [line for line in lines if line["experiment_id"] == who]
        equal([line["training_iteration"] for line in own], list(range(1, 201)), "in order")
        equal([line["done"] for line in own], [False] * 199 + [True], "done")
    check(re.fullmatch(r"(?s).*TERMINATED trials:\n( - Model_[0-9a-f]{8}_123:\tTERMINATED.*\n){2}\n",
                       out), "the block comes last: " + out[-600:])


REUSE = """
import os
import assay, ray
from ray import tune

class Model(tune.Trainable):
    def _setup(self, config):
        self.resets = 0
    def _train(self):
        return {"pid": os.getpid(), "resets": self.resets, "x": self.config["x"], "done": True}
    def reset_config(self, new_config):
        self.resets += 1
        return True

def say(results):
    print([r["x"] for r in results], sorted(r["resets"] for r in results), len({r["pid"] for r in results}))

if __name__ == "__main__":
    ray.init(num_cpus=1)
    config = {"x": tune.grid_search([1, 2, 3])}
    for reuse in (True, False):
        found = tune.run(Model, config=config, reuse_actors=reuse, verbose=0)
        say([trial.last_result for trial in found])
    tuner = tune.Tuner(Model, param_space=config, tune_config=tune.TuneConfig(reuse_actors=True),
                       run_config=tune.RunConfig(verbose=0))
    say([result.metrics for result in tuner.fit()])
    found = assay.run(Model, config={"x": 4}, num_samples=2, reuse=True, worker_cpus=1, verbose=0)
    say([trial.last_result for trial in found.trials])
    try:
        assay.run({"command": "true"}, name="c", reuse=True)
    except assay.UsageError as error:
        print(error)
"""


@case
def reuse_hands_processes_on(scene):
    out, _ = script(scene, REUSE, name="reuse", ray=True)
    lines = out.splitlines()
    equal(lines[:4], ["[1, 2, 3] [0, 1, 2] 1", "[1, 2, 3] [0, 0, 0] 3", "[1, 2, 3] [0, 1, 2] 1",
                      "[4, 4] [0, 1] 1"], "resets and processes")
    check("run.reuse" in lines[4] and "a command cannot be handed another trial" in lines[4], out)


@case
def a_cluster_runs_the_script_where_its_file_is_not(scene):
    head, workers = cluster_of(scene, 1)
    env = {"ASSAY_HOME": head.home}
    script(scene, ASHA % ("redis_address=%r" % head.address), name="asha_example", ray=True, env=env)
    equal(len(trial_folders(scene.path("tune", "asha"))), 12, "folders")
    out, _ = script(scene, """
import assay, os
client = assay.Client(%r)
def nobody():
    os.environ["ASSAY_HOME"] += ".empty"
    assay.Client().stop(1)
if __name__ == "__main__":
    number = client.submit("train_here:train", config={"x": assay.grid_search([1, 2])}, metric="y",
                           mode="min", local_dir=%r, code=%r)
    events = [event["event"] for event in client.watch(number)]
    found = client.wait(number, timeout=50)
    print(events[0], events[-1], events.count("result") >= 2, found.best_config)
    print([t.state for t in found.trials], [r["y"] for r in found.results()])
    print(client.best(number)[0].number, client.status(number)["states"])
    number = client.submit("train_here:forever", local_dir=%r, code=%r)
    for result in client.results(number, follow=True):
        break
    client.stop(number)
    print(client.wait(number).trials[0].reason)
    for call in (lambda: client.stop(99), lambda: client.show("nobody"),
                 lambda: assay.Client("127.0.0.1:1").experiments(), nobody):
        try:
            call()
        except assay.AssayError as error:
            print(type(error).__name__, "|", error.mend)
""" % (head.address, scene.path("r"), scene.path("code"), scene.path("r"), scene.path("code")),
        env=env) if scene.write("code/train_here.py", """
import assay
def train(config):
    for n in range(3):
        assay.report(y=config["x"] * n)
def forever(config):
    n = 0
    while True:
        n += 1
        assay.report(n=n)
""") else None
    equal(out.splitlines()[:4], [
        "status status True {'x': 1}", "['TERMINATED', 'TERMINATED'] [0, 1, 2, 0, 2, 4]",
        "0 {'TERMINATED': 2}", "stopped"], "what the client saw")
    errors = [line.split(" | ") for line in out.splitlines()[4:]]
    equal([name for name, _ in errors], ["RefusedError", "RefusedError", "DeniedError", "NoHeadError"], "errors")
    check(all(mend for _, mend in errors), "each with its mend: %s" % errors)
    end_all(scene, head, workers)


@case
def a_program_suggests(scene):
    head, workers = cluster_of(scene, 2, ("n1",))
    scene.write("code/m.py", "def f(config):\n    return {'y': (config['x'] - 3) ** 2}\n")
    out, _ = script(scene, """
import assay
client = assay.Client(%r)
number = client.submit("m:f", config={"x": assay.uniform(0, 10)}, num_samples=4, search="external",
                       metric="y", mode="min", local_dir=%r, code=%r)
told, suggested, refused = {}, 0, None
with client.suggest(number) as line:
    print(line.about["total"], line.about["mode"])
    for event in line:
        if "want" in event and refused is None:
            try:
                line.suggest({"x": 11})
            except assay.UsageError as error:
                refused = error.why
        if "want" in event and suggested < line.about["total"]:
            assert line.suggest({"x": suggested}) == suggested
            suggested += 1
        elif "state" in event:
            told[event["trial"]] = event["metric"]
print([told[n] for n in sorted(told)], client.wait(number).best_result["y"], refused)
""" % (head.address, scene.path("r"), scene.path("code")), env={"ASSAY_HOME": head.home})
    check(out.startswith("4 min\n[9.0, 4.0, 1.0, 0.0] 0.0 config.x: "), out)
    end_all(scene, head, workers)


RUN = """
import assay, math, os, sys, time
class Ear(assay.Callback):
    def on_start(self, experiment): print("start", experiment["name"])
    def on_result(self, trial, result): print("result", trial.name, result["loss"])
    def on_trial_complete(self, trial): print("complete", trial.name)
    def on_trial_error(self, trial): print("error", trial.name)
    def on_end(self, analysis): print("end", len(analysis.trials))
def train(config):
    for n in range(3):
        assay.report(loss=config["net"]["x"] + n if config["net"]["x"] < 9 else math.nan)
    if config["net"]["x"] == 2:
        raise ValueError("two is too many")
def counts(config):
    n = 0
    while True:
        n += 1
        assay.report(n=n)
        time.sleep(0.002)
def wait(config):
    assay.report(loss=1)
    open(os.environ["STARTED"], "w").close()
    while os.environ["STARTED"].endswith("1"):
        assay.report(loss=1)
    time.sleep(600)
if __name__ == "__main__":
    what = sys.argv[1]
    if what == "run":
        try:
            assay.run(train, config={"net": {"x": assay.grid_search([1, 2, 9])}}, metric="loss",
                      mode="min", name="here", local_dir="results", callbacks=[Ear()], verbose=0)
        except assay.TrialsFailedError as error:
            print(error)
            found = error.analysis
        print(found.best_config, found.best_result["loss"], found.best_trial.best_at)
        print([r["loss"] for r in found.results(found.trials[2])], len(found.failed))
    elif what == "raises":
        class Raises(assay.Callback):
            def on_result(self, trial, result):
                if result["n"] == 50:
                    raise KeyError("of the callback")
        try:
            assay.run(counts, name="raises", local_dir="results", verbose=0, callbacks=[Raises()])
        except KeyError as error:
            print(error)
    elif what == "wait":
        try:
            assay.run(wait, name="waits", local_dir="results", verbose=0, callbacks=[Ear()])
        except assay.Interrupted as stopped:
            print(stopped.analysis and stopped.analysis.trials[0].last_result["loss"])
            sys.exit(130)
"""


@case
def run_calls_back_and_answers(scene):
    out, _ = script(scene, RUN, "run", name="runs")
    lines = out.splitlines()
    equal(lines[0], "start here", "first")
    for n, x in enumerate([1, 2]):
        own = [line for line in lines if re.match(r"\w+ train_%d_" % n, line)]
        equal(own, ["result train_%d_x=%d %d" % (n, x, x + i) for i in range(3)]
              + ["%s train_%d_x=%d" % ("complete" if n == 0 else "error", n, x)], "callbacks")
    check("1 of 3 trials failed" in out and "ValueError: two is too many" in out
          and "  try: " in out, "why: " + out)
    equal(lines[-2:], ["{'net': {'x': 1}} 1 1", "[nan, nan, nan] 1"], "what was found")


@case
def what_a_callback_raises_stops_the_experiment(scene):
    out, _ = script(scene, RUN, "raises", name="runs")
    equal(out, "'of the callback'\n", "what run raised")
    scene.check_nothing_runs()


def interrupted(scene, times):
    started = scene.path("started.%d" % times)
    path = scene.write("scripts/waits.py", RUN)
    daemon = Daemon(scene, "waits.%d" % times, [sys.executable, path, "wait"],
                    env_of(scene, "w%d" % times, {"STARTED": started}), cwd=scene.folder)
    wait_for(lambda: os.path.exists(started) or not daemon.runs(), 40,
             lambda: "the trial to run: " + daemon.err())
    daemon.kill(signal.SIGINT)
    wait_for(lambda: "Ctrl-C again" in daemon.err(), 20, lambda: "it to stop: " + daemon.err())
    if times == 2:
        daemon.kill(signal.SIGINT)
    return daemon.wait(30), daemon.out()


@case
def ctrl_c_once_keeps_what_there_is_and_twice_ends_at_once(scene):
    status, out = interrupted(scene, 1)
    equal((status, out.splitlines()[-1]), (130, "1"), "once: " + out)
    status, out = interrupted(scene, 2)
    equal(status, 130, "twice: " + out)
    scene.check_nothing_runs()


BAD = """
import assay, sys
class NoStep(assay.Trainable):
    pass
def sends_object(config):
    assay.report(x=object())
def no_metric(config):
    assay.report(y=1)
class Other: pass
def run(what, **keys):
    try:
        assay.run(what, name="bad", local_dir="results", verbose=0, **keys)
    except assay.AssayError as error:
        print(type(error).__name__, "|", str(error).replace("\\n", " / "))
if __name__ == "__main__":
    run(sends_object, config={"a": {"b": object()}})
    run(NoStep)
    run(Other)
    run(lambda: 1)
    run(sends_object, num_samplez=3)
    run(sends_object)
    run(no_metric, stop={"x": 1})
    run("missing_module:f")
    run({"python": "scripts.bad:no_metric", "interpreter": "/no/python"})
    run(no_metric, scheduler={"type": "asha", "metric": "y"}, mode="up")
"""


@case
def wrong_input_is_said_with_the_mend(scene):
    out, _ = script(scene, BAD, name="bad")
    wanted = [
        (r"UsageError \| config\.a\.b: object is no plain data", ""),
        (r"UsageError \| NoStep: it has no step\(\)", "def step"),
        (r"UsageError \| run: Other is no assay\.Trainable", "class Other"),
        (r"UsageError \| lambda: cannot be called with a configuration", "def train"),
        (r"UsageError \| .*num_samplez", "num_samples"),
        (r"TrialsFailedError \| bad: 1 of 1 trials failed; sends_object_0 on \S+: .*x is object, which is no plain", ""),
        (r"TrialsFailedError \| bad: 1 of 1 .*x", ""),
        (r"TrialsFailedError \| bad: 1 of 1 .* on \S+: .*no module missing_module", ""),
        (r"TrialsFailedError \| bad: 1 of 1 .* on \S+: .*/no/python: no such program", ""),
        (r"UsageError \| .*mode", ""),
    ]
    lines = out.splitlines()
    for line, (pattern, mend) in zip(lines, wanted):
        check(re.match(pattern, line), "/%s/ is not %s" % (pattern, line))
        check(" / " in line and "try: " in line and mend in line.split("try: ")[1],
              "the mend: " + line)
    equal(len(lines), len(wanted), "errors: " + out)


if __name__ == "__main__":
    main()
