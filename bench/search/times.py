"""How long a suggestion takes behind many finished trials."""

import random
import statistics
import subprocess
import time

from machine import RUN_LIMIT_S, Failure
from sides import METRIC, Driven

SUGGESTIONS = 200
OPTUNA_SUGGESTIONS = 20
DIMENSIONS = 10

# Of ten dimensions each, one kind after the other.
SPACES = {
    "uniform": [{"uniform": [0, 1]}],
    "loguniform": [{"loguniform": [1e-5, 1]}],
    "randint": [{"randint": [0, 10]}],
    "choice": [{"choice": [0, 1, 2, 3]}],
    "lograndint": [{"lograndint": [1, 1000]}],
    "these five twice": [{"uniform": [0, 1]}, {"loguniform": [1e-5, 1]}, {"randint": [0, 10]},
                         {"choice": [0, 1, 2, 3]}, {"lograndint": [1, 1000]}],
}


def space(name):
    kinds = SPACES[name]
    return {f"x{i}": kinds[i % len(kinds)] for i in range(DIMENSIONS)}


def loss(config):
    return sum((number - 0.3) ** 2 for number in config.values())


def piped_ms(machine, name, finished):
    """From the line that asks to the answer, the pipe and Python's share included: the median."""
    driven = Driven(machine, {"num_samples": finished + SUGGESTIONS, "search": "tpe",
                              "config": space(name)}, 1)
    took = []
    try:
        for _ in range(finished + SUGGESTIONS):
            begin = time.perf_counter()
            trial, config = driven.suggest()
            took.append(time.perf_counter() - begin)
            driven.tell(trial, loss(config))
    finally:
        driven.close()
    return 1e3 * statistics.median(took[finished:])


def core_ms(machine, name, finished):
    """Processor time of the searcher alone, in a process of its own: the median."""
    file, _ = machine.write({"run": {"command": "true"}, "metric": METRIC, "mode": "min",
                             "num_samples": finished + SUGGESTIONS, "search": "tpe",
                             "config": space(name)})
    done = subprocess.run([machine.path("assay-bench-suggest"), str(file), str(finished)],
                          text=True, capture_output=True, timeout=RUN_LIMIT_S)
    if done.returncode != 0:
        raise Failure(done.stderr.strip())
    return float(done.stdout)


def distribution(domain):
    import optuna

    (kind, bounds), = domain.items()
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(bounds)
    if kind.endswith("uniform"):
        return optuna.distributions.FloatDistribution(*bounds, log=kind == "loguniform")
    low, high = bounds
    return optuna.distributions.IntDistribution(low, high - 1, log=kind == "lograndint")


def drawn(distribution, draws):
    if hasattr(distribution, "choices"):
        return draws.choice(distribution.choices)
    if isinstance(distribution.low, int):
        return draws.randint(distribution.low, distribution.high)
    return draws.uniform(distribution.low, distribution.high)


def optuna_ms(name, finished):
    """Its ask with the whole space, behind trials that were drawn and added: the median."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {key: distribution(domain) for key, domain in space(name).items()}
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    draws = random.Random(1)
    for _ in range(finished):
        params = {key: drawn(of, draws) for key, of in distributions.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions,
                                                  value=loss(params)))
    took = []
    for _ in range(OPTUNA_SUGGESTIONS):
        begin = time.perf_counter()
        trial = study.ask(distributions)
        took.append(time.perf_counter() - begin)
        study.tell(trial, loss(trial.params))
    return 1e3 * statistics.median(took)


def show(machine, finished_counts, with_ours, with_optuna):
    """A line a space and number of finished trials."""
    columns = ["core", "pipe"] if with_ours else []
    columns += ["optuna"] if with_optuna else []
    print("\nms a suggestion, ten dimensions: the core's own processor time, from `assay drive`'s "
          "pipe, Optuna's ask")
    print(f"{'space':<20}{'finished':>10}" + "".join(f"{name:>12}" for name in columns), flush=True)
    for name in SPACES:
        for finished in finished_counts:
            figures = []
            if with_ours:
                figures += [core_ms(machine, name, finished), piped_ms(machine, name, finished)]
            if with_optuna:
                figures.append(optuna_ms(name, finished))
            print(f"{name:<20}{finished:>10}" + "".join(f"{ms:>12.3f}" for ms in figures),
                  flush=True)
