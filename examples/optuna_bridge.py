"""Optuna suggests what an experiment of Assay's with `search: external` tries, and learns from how its trials end.

    assay submit examples/external.yaml
    python3 examples/optuna_bridge.py last

It needs Optuna (pip install optuna), and `assay` in the path; behind the experiment may stand flags of `assay suggest`.
It may be ended and started again: Assay tells it of all trials that have ended, those too that somebody else suggested.
"""
import json
import subprocess
import sys

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

MISSING = object()


def stepped(low, high, q):
    """Multiples of q, as Assay counts them: from 0."""
    first, last = -(-low // q) * q + 0, high // q * q  # + 0: no -0.0
    return IntDistribution(first, last, step=q) if isinstance(q, int) else FloatDistribution(first, last, step=q)


# Optuna has no normal distribution and no steps in log space: what is not here is left out, and Assay draws it.
DISTRIBUTIONS = {
    "uniform": FloatDistribution,
    "loguniform": lambda low, high: FloatDistribution(low, high, log=True),
    "quniform": stepped,
    "qrandint": stepped,
    "randint": lambda low, high: IntDistribution(low, high - 1),
    "lograndint": lambda low, high: IntDistribution(low, high - 1, log=True),
}
CHOICES = ("choice", "grid_search")
UNKNOWN = ("randn", "qloguniform")


def fits(space, value):
    """Whether a value may be of this part of a space; for which of a choice's values it is."""
    if isinstance(space, dict) and len(space) == 1 and next(iter(space)) in (*DISTRIBUTIONS, *CHOICES, *UNKNOWN):
        kind, inside = next(iter(space.items()))
        return any(fits(one, value) for one in inside) if kind in CHOICES else isinstance(value, (int, float))
    if isinstance(space, dict):
        return isinstance(value, dict) and set(space) == set(value) and all(fits(space[key], value[key]) for key in space)
    if isinstance(space, list):
        return isinstance(value, list) and len(space) == len(value) and all(map(fits, space, value))
    return space == value


def walk(space, choose, value=MISSING, name=""):
    """The configuration that choose(name, distribution, value) makes of a space. Of a choice Optuna is
    asked for the place; a map or list in it has domains of its own. value: of a trial that was."""
    if isinstance(space, dict) and len(space) == 1:
        kind, inside = next(iter(space.items()))
        if kind in UNKNOWN:
            return MISSING
        if kind in DISTRIBUTIONS:
            return choose(name, DISTRIBUTIONS[kind](*inside), value)
        if kind in CHOICES:
            was = MISSING if value is MISSING else next(i for i, one in enumerate(inside) if fits(one, value))
            place = choose(name, CategoricalDistribution(range(len(inside))), was)
            return walk(inside[place], choose, value, "%s[%d]" % (name, place))
    if isinstance(space, dict):
        made = {key: walk(one, choose, value if value is MISSING else value[key], name + "." + key)
                for key, one in space.items()}
        return {key: one for key, one in made.items() if one is not MISSING}
    if isinstance(space, list):
        return [walk(one, choose, value if value is MISSING else value[i], "%s.%d" % (name, i))
                for i, one in enumerate(space)]
    return space


def suggest(trial):
    def choose(name, of, value):
        if isinstance(of, CategoricalDistribution):
            return trial.suggest_categorical(name, of.choices)
        if isinstance(of, IntDistribution):
            return trial.suggest_int(name, of.low, of.high, step=of.step, log=of.log)
        return trial.suggest_float(name, of.low, of.high, step=of.step, log=of.log)
    return choose


def remember(space, config):
    """What Optuna would have had to choose for a configuration."""
    values, distributions = {}, {}

    def choose(name, of, value):
        values[name], distributions[name] = value, of
        return value
    walk(space, choose, config)
    return values, distributions


def main():
    assay = subprocess.Popen(["assay", "suggest"] + sys.argv[1:], text=True, bufsize=1,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    head = json.loads(assay.stdout.readline() or sys.exit(assay.wait()))
    study = optuna.create_study(direction="minimize" if head["mode"] == "min" else "maximize")
    asked, running = None, {}  # the trial that was suggested last; those that Assay has taken, by its numbers
    for line in map(json.loads, assay.stdout):
        if "want" in line:
            asked = study.ask()
            assay.stdin.write(json.dumps({"config": walk(head["space"], suggest(asked))}) + "\n")
        elif "suggested" in line:
            running[line["suggested"]] = asked
        elif "error" in line:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
            print("not taken: %s" % line["error"], file=sys.stderr)
        elif "trial" in line and line["trial"] in running:
            value = line["metric"]
            study.tell(running.pop(line["trial"]), value,
                       state=None if value is not None else optuna.trial.TrialState.FAIL)
        elif "trial" in line and line["metric"] is not None:
            values, distributions = remember(head["space"], line["config"])
            study.add_trial(optuna.create_trial(value=line["metric"], params=values, distributions=distributions))
    best = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    print("%d trials, the best: %s" % (len(best), study.best_value if best else "none"))
    return assay.wait()


if __name__ == "__main__":
    sys.exit(main())
