"""Search algorithms of a Ray Tune user's own: they run at the client, and the head tries what they suggest."""
import json
import os

from cluster import case, main
from expect import check, equal
from experiments import cluster_of, end_all
from processes import read_text
from result_files import trial_folders
from scripts import script

CLIMB = """
import json, sys
import ray
from ray import tune
from ray.tune.suggest import SuggestionAlgorithm

class Climb(SuggestionAlgorithm):
    def __init__(self, most):
        super(Climb, self).__init__()
        self.most, self.live, self.best, self.step, self.heard = most, {}, None, 1.0, []

    def _suggest(self, trial_id):
        if len(self.live) >= self.most:
            return None
        x = 0.0 if self.best is None else self.best[1] + self.step
        self.live[trial_id] = x
        self.heard.append(["suggest", trial_id, x])
        return {"x": x, "net": {"depth": 3}}

    def on_trial_result(self, trial_id, result):
        self.heard.append(["result", trial_id, result["training_iteration"]])

    def on_trial_complete(self, trial_id, result=None, error=False, early_terminated=False):
        x = self.live.pop(trial_id)
        self.heard.append(["complete", trial_id, result["n"], error, early_terminated])
        if self.best is None or result["y"] > self.best[0]:
            self.best = (result["y"], x)
        else:
            self.step = -self.step / 2

def train(config, reporter):
    for n in range(3):
        reporter(y=-(config["x"] - 3) ** 2, n=n + config["k"], d=config["net"]["depth"])

if __name__ == "__main__":
    ray.init(%s)
    climb = Climb(int(sys.argv[1]))
    trials = tune.run(train, name="climb", search_alg=climb, num_samples=9, config={"k": 7, "net": {"act": "relu"}},
                      verbose=0)
    print(json.dumps([climb.heard, climb.best, [trial.config for trial in trials]]))
"""


def heard_of(out):
    heard, best, configs = json.loads(out.splitlines()[-1])
    order = {}
    for what, trial_id, *rest in heard:
        order.setdefault(trial_id, []).append([what, *rest])
    return heard, best, configs, order


@case
def one_that_learns_climbs(scene):
    out, _ = script(scene, CLIMB % "num_cpus=2", "1", name="climbs", ray=True)
    heard, best, configs, order = heard_of(out)
    suggested = [line[2] for line in heard if line[0] == "suggest"]
    # Each is made of what was learned from the one before: up to 3, one too far, half a step back, and so on.
    equal(suggested, [0.0, 1.0, 2.0, 3.0, 4.0, 2.5, 3.25, 2.875, 3.0625], "suggestions")
    equal(best, [0.0, 3.0], "the best")
    equal(configs, [{"k": 7, "net": {"act": "relu", "depth": 3}, "x": x} for x in suggested], "what was tried")
    for trial_id, lines in order.items():
        equal(lines[1:], [["result", 1], ["result", 2], ["result", 3], ["complete", 9, False, False]], trial_id)
    folders = trial_folders(scene.path("tune", "climb"))
    equal(sorted(json.loads(read_text(os.path.join(folder, "params.json")))["x"] for folder in folders),
          sorted(suggested), "params.json")
    scene.check_nothing_runs()


@case
def on_a_cluster_several_at_a_time(scene):
    head, workers = cluster_of(scene, 2)
    out, _ = script(scene, CLIMB % ("redis_address=%r" % head.address), "3", name="climbs", ray=True,
                    env={"ASSAY_HOME": head.home})
    heard, _, configs, order = heard_of(out)
    suggested = [line[2] for line in heard if line[0] == "suggest"]
    equal([config["x"] for config in configs], suggested, "tried once each, in their order")
    equal(len(order), 9, "trials")
    for trial_id, lines in order.items():
        equal(lines[1:], [["result", 1], ["result", 2], ["result", 3], ["complete", 9, False, False]], trial_id)
    end_all(scene, head, workers)


RAISES = """
import ray, sys, traceback
from ray import tune
from ray.tune.suggest import SuggestionAlgorithm

class Mine(SuggestionAlgorithm):
    def __init__(self, where):
        self.where, self.count, self.live = where, 0, 0
    def _suggest(self, trial_id):
        if self.live:
            return None
        self.count += 1
        self.live += 1
        if self.count < 3:
            return {"x": self.count}
        if self.where == "suggest":
            raise KeyError("of my own")
        return {"object": {"x": object()}, "domain": {"u": 9}}.get(self.where, {"x": 3})
    def on_trial_complete(self, trial_id, result=None, error=False, early_terminated=False):
        self.live -= 1
        print("complete", self.count, result and result["training_iteration"], error, early_terminated)
        if self.where == "complete" and self.count == 3:
            raise KeyError("of my own")

def train(config, reporter):
    if config["x"] == 2:
        raise ValueError("two")
    for n in range(5):
        reporter(r=n)

if __name__ == "__main__":
    ray.init(num_cpus=1)
    for where in sys.argv[1:]:
        try:
            tune.run(train, name=where, search_alg=Mine(where), num_samples=4, verbose=0, raise_on_failed_trial=False,
                     config={"u": tune.uniform(0, 1)}, stop={"training_iteration": 4},
                     scheduler=tune.schedulers.AsyncHyperBandScheduler(
                         reward_attr="r", grace_period=1, max_t=2 if where == "early" else 99))
            print(where, "is over")
        except Exception as error:
            print(where, type(error).__name__, error)
            if where == "suggest":
                print(traceback.extract_tb(error.__traceback__)[-1].name)
"""


@case
def what_it_raises_and_what_cannot_be(scene):
    out, _ = script(scene, RAISES, "suggest", "complete", "object", "domain", "early", name="raises", ray=True)
    lines = [line for line in out.splitlines() if not line.startswith("  try: ")]
    first = ["complete 1 4 False False", "complete 2 None True False"]
    equal(lines[:4], [*first, "suggest KeyError 'of my own'", "_suggest"], "in suggest")
    equal(lines[4:8], [*first, "complete 3 4 False False", "complete KeyError 'of my own'"], "in complete")
    equal(lines[8:10], first, "an object")
    check(lines[10].startswith("object TuneError config.x: object is no plain data"), lines[10])
    equal(lines[11:13], first, "beyond its domain")
    check(lines[13].startswith("domain TuneError search_alg: config.u: must be from 0.0 to 1.0"), lines[13])
    equal(lines[14:], ["complete 1 2 False True", first[1], "complete 3 2 False True", "complete 4 2 False True",
                       "early is over"], "what a scheduler ends is early")
    scene.check_nothing_runs()


SEARCHER = """
import ray
from ray import tune
from ray.tune.search import ConcurrencyLimiter, Searcher

class Mine(Searcher):
    def __init__(self):
        super().__init__(metric="y", mode="max")
        self.count = 0
    def set_search_properties(self, metric, mode, config):
        print("properties", metric, mode, sorted(config))
        return True
    def suggest(self, trial_id):
        if self.count == 4:
            return Searcher.FINISHED
        self.count += 1
        return {"x": self.count}
    def on_trial_complete(self, trial_id, result=None, error=False):
        print("complete", result["y"], error)

def train(config):
    tune.report(y=config["x"])

if __name__ == "__main__":
    ray.init(num_cpus=4)
    for batch in (False, True):
        tuner = tune.Tuner(train, param_space={"u": tune.uniform(0, 1)}, tune_config=tune.TuneConfig(
            metric="y", mode="max", num_samples=9, search_alg=ConcurrencyLimiter(Mine(), 2, batch=batch)),
            run_config=tune.RunConfig(name="batch" if batch else "free", verbose=0))
        grid = tuner.fit()
        print([result.config["x"] for result in grid], all(0 <= result.config["u"] < 1 for result in grid))
"""


@case
def one_of_ray_2_that_ends_before_its_samples_do(scene):
    out, _ = script(scene, SEARCHER, name="searches", ray=True)
    lines = out.splitlines()
    for part in (lines[:6], lines[6:]):
        equal(part[0], "properties y max ['u']", "properties")
        equal(sorted(part[1:5]), ["complete %d False" % n for n in range(1, 5)], "completes")
        equal(part[5], "[1, 2, 3, 4] True", "what was tried")
    scene.check_nothing_runs()


GENERATIONS = """
import ray
from ray import tune
from ray.tune.config_parser import create_trial_from_spec, make_parser
from ray.tune.suggest import SearchAlgorithm

class Generations(SearchAlgorithm):
    def add_configurations(self, experiments):
        self.experiment, self.open, self.scores, self.center, self.count = experiments[0], {}, [], 0, 0
    def next_trials(self):
        if self.open or self.count == 3:
            return []
        self.count += 1
        for x in (self.center - 1, self.center, self.center + 1):
            spec = {**self.experiment.spec, "config": {"x": x}}
            trial = create_trial_from_spec(spec, self.experiment.name, make_parser(), experiment_tag="x")
            self.open[trial.trial_id] = trial
        return list(self.open.values())
    def on_trial_complete(self, trial_id, result=None, error=False, early_terminated=False):
        trial = self.open.pop(trial_id)
        self.scores.append((result["y"], trial.config["x"]))
        self.center = max(self.scores)[1]
    def is_finished(self):
        return self.count == 3 and not self.open

def train(config, reporter):
    reporter(y=-(config["x"] - 5) ** 2)

if __name__ == "__main__":
    ray.init(num_cpus=2)
    trials = tune.run(train, name="generations", search_alg=Generations(), verbose=0)
    print([trial.config["x"] for trial in trials], {trial.status for trial in trials})
"""


@case
def one_that_makes_trials_by_the_generation(scene):
    out, _ = script(scene, GENERATIONS, name="generations", ray=True)
    equal(out, "[-1, 0, 1, 0, 1, 2, 1, 2, 3] {'TERMINATED'}\n", "what was tried")
    scene.check_nothing_runs()


GENETIC = """
import random
import ray
from ray import tune
from ray.tune.automl import ContinuousSpace, DiscreteSpace, GeneticSearch, SearchSpace

def train(config, reporter):
    net = config["net"]
    reporter(timesteps_total=1, neg_mean_loss=-(net["x"] - 1) ** 2 - net["deep"]["y"] ** 2 - (config["z"] != "b"))

if __name__ == "__main__":
    random.seed(5)
    ray.init(num_cpus=2)
    space = SearchSpace({ContinuousSpace("net.x", 0, 4, 9), ContinuousSpace("net.deep.y", -2, 2, 5),
                         DiscreteSpace("z", ["a", "b", "c"])})
    search = GeneticSearch(space, reward_attr="neg_mean_loss", max_generation=4, population_size=8)
    trials = tune.run(train, name="genetic", search_alg=search, stop={"training_iteration": 100}, verbose=0,
                      scheduler=tune.schedulers.AsyncHyperBandScheduler(reward_attr="neg_mean_loss"))
    rewards = [trial.last_result["neg_mean_loss"] for trial in trials]
    print(len(trials), {trial.status for trial in trials}, max(rewards[:8]) <= max(rewards[8:]),
          search.get_best_trial().best_result["neg_mean_loss"] == max(rewards))
"""


@case
def generations_that_are_bred(scene):
    out, _ = script(scene, GENETIC, name="genetic", ray=True)
    # 8 trials, then 95 of 100 each time
    equal(out, "%d {'TERMINATED'} True True\n" % (8 + 7 + 6 + 5), "what was tried")
    scene.check_nothing_runs()


if __name__ == "__main__":
    main()
