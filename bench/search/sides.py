"""Who suggests: Assay's searchers through `assay drive`, and Optuna.

Each side is opened for a space as a table has it and a seed, then asked and told: ask() gives a
trial and the point to try, tell() takes the value of a trial, lower being better.
"""

import contextlib
import json
import subprocess
import warnings

from machine import LEAVE_LIMIT_S, Failure, end
from tables import CATEGORY

METRIC = "value"


class Driven:
    """`assay drive` at the other end of a pipe, a line at a time."""

    def __init__(self, machine, experiment, seed):
        file, _ = machine.write({"metric": METRIC, "mode": "min", **experiment})
        self.process = subprocess.Popen(
            [machine.path("assay"), "drive", str(file), "--seed", str(seed)], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=machine.environment(machine.home), cwd=machine.folder)

    def say(self, line):
        try:
            self.process.stdin.write(json.dumps(line) + "\n")
        except BrokenPipeError:
            pass  # it has ended: so does what it says
        answer = self.process.stdout.readline()
        if not answer.endswith("\n"):
            raise Failure(f"assay drive ended: {self.process.communicate()[1].strip()}")
        answer = json.loads(answer)
        if "error" in answer:
            raise Failure(f"assay drive: {answer['error']}")
        return answer

    def suggest(self):
        answer = self.say({"op": "ask"})
        if answer["trial"] is None:
            raise Failure("assay drive has nothing to try")
        return answer["trial"], answer["config"]

    def tell(self, trial, value):
        self.say({"op": "complete", "trial": trial, "result": {METRIC: value}})

    def close(self):
        """It ends with its input; what does not is killed."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            status = self.process.wait(LEAVE_LIMIT_S)
        except subprocess.TimeoutExpired:
            end(self.process)
            raise Failure("assay drive does not end with its input") from None
        finally:
            self.process.stdout.close()
            self.process.stderr.close()
        if status != 0:
            raise Failure(f"assay drive ended with {status}")


class Assay:
    def __init__(self, machine, search):
        self.machine = machine
        self.search = search

    @contextlib.contextmanager
    def open(self, dimensions, trials, seed):
        config = {f"x{i}": {"choice": [f"c{k}" for k in range(count)]} if kind == CATEGORY
                  else {"randint": [0, count]} for i, (kind, count) in enumerate(dimensions)}
        driven = Driven(self.machine, {"num_samples": trials, "search": self.search,
                                       "config": config}, seed)
        try:
            yield AssayPoints(driven, dimensions)
        finally:
            driven.close()


class AssayPoints:
    """Configurations as points of a table."""

    def __init__(self, driven, dimensions):
        self.driven = driven
        self.dimensions = dimensions
        self.tell = driven.tell

    def ask(self):
        trial, config = self.driven.suggest()
        return trial, [int(config[f"x{i}"][1:]) if kind == CATEGORY else config[f"x{i}"]
                       for i, (kind, _) in enumerate(self.dimensions)]


class Optuna:
    @contextlib.contextmanager
    def open(self, dimensions, trials, seed):
        yield OptunaPoints(dimensions, seed)


class OptunaPoints:
    """A study with the sampler that Optuna has when nothing is said, but for the seed."""

    def __init__(self, dimensions, seed):
        import optuna

        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.dimensions = dimensions
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        self.tell = self.study.tell

    def ask(self):
        trial = self.study.ask()
        return trial, [trial.suggest_categorical(f"x{i}", list(range(count))) if kind == CATEGORY
                       else trial.suggest_int(f"x{i}", 0, count - 1)
                       for i, (kind, count) in enumerate(self.dimensions)]


def sides(machine):
    """By name."""
    return {"ours": Assay(machine, "tpe"), "random": Assay(machine, "random"), "optuna": Optuna()}
