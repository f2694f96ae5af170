"""Games: a side, a table, a seed; and what all of them say together."""

import collections
import json
import math
import random
import statistics
import time

from tables import MEAN, ONE

# The first trials of a study are drawn by random on both sides, and no measure of a suggestion.
STARTUP = 10

SAYS = {MEAN: "mean of a table's repeats", ONE: "one repeat drawn"}


def play(side, view, parallel, trials, seed):
    """The regret of the best trial, and milliseconds that the median suggestion took. So many
    trials are always in flight, and told of in the order in which they were asked for."""
    draws = random.Random(f"{view.table.name} {seed}")
    flying = collections.deque()
    took = []
    best = math.inf
    with side.open(view.table.dimensions, trials, seed) as player:
        while len(took) < trials or flying:
            if len(took) < trials and len(flying) < parallel:
                begin = time.perf_counter()
                trial, point = player.ask()
                took.append(time.perf_counter() - begin)
                flying.append((trial, view.look(point, draws)))
            else:
                trial, value = flying.popleft()
                player.tell(trial, value)
                best = min(best, value)
    return view.regret(best), 1e3 * statistics.median(took[STARTUP:] or took)


class Rows:
    """Games that were played, in a file where one is named: what is there is not played again."""

    KEYS = ("side", "table", "repeat", "parallel", "trials", "seed")

    def __init__(self, path):
        self.path = path
        self.rows = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                row = json.loads(line)
                self.rows[tuple(row[key] for key in self.KEYS)] = row

    def has(self, *key):
        return key in self.rows

    def add(self, *key, **figures):
        row = {**dict(zip(self.KEYS, key)), **figures}
        self.rows[key] = row
        if self.path is not None:
            with open(self.path, "a") as file:
                file.write(json.dumps(row) + "\n")

    def of(self, **wanted):
        return [row for row in self.rows.values()
                if all(row[key] == value for key, value in wanted.items())]


class Mean:
    """A mean and its standard error; of few numbers there is no error: NaN."""

    def __init__(self, value, error):
        self.value = value
        self.error = error

    def __str__(self):
        return f"{self.value:.4f} +- {self.error:.4f}"


def mean_of(values):
    error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Mean(statistics.fmean(values), error)


def mean_of_means(means):
    """Each table counts the same; what differs from seed to seed is all of the error."""
    return Mean(statistics.fmean(mean.value for mean in means),
                math.sqrt(sum(mean.error ** 2 for mean in means)) / len(means))


def ratio(one, other):
    """With its error to the first order; of a regret that is 0 there is none: NaN."""
    if one.value == 0 or other.value == 0:
        return Mean(math.nan, math.nan)
    value = one.value / other.value
    return Mean(value, value * math.hypot(one.error / one.value, other.error / other.value))


def column(rows, tables, side, which):
    """Of a side: a mean by table, and one of all tables."""
    means = []
    for table in tables:
        found = rows.of(side=side, table=table, **which)
        if not found:
            return None
        means.append(mean_of([row["regret"] for row in found]))
    return [*means, mean_of_means(means)]


def seed_count(rows, side, which):
    return len({row["seed"] for row in rows.of(side=side, **which)})


def show(rows, tables, names, which):
    """A block of the table: a line a table, a column a side, and how ours is to Optuna's."""
    columns = {name: column(rows, tables, name, which) for name in names}
    columns = {name: found for name, found in columns.items() if found is not None}
    beside = "ours" in columns and "optuna" in columns
    seeds = ", ".join(f"{name} {seed_count(rows, name, which)}" for name in columns)
    print(f"\n{SAYS[which['repeat']]}, {which['parallel']} at a time, {which['trials']} trials; "
          f"seeds: {seeds}")
    print(f"{'table':<26}" + "".join(f"{name:>20}" for name in columns)
          + (f"{'ours/optuna':>20}" if beside else ""))
    for i, table in enumerate([*tables, "all"]):
        last = f"{ratio(columns['ours'][i], columns['optuna'][i])!s:>20}" if beside else ""
        print(f"{table:<26}" + "".join(f"{found[i]!s:>20}" for found in columns.values()) + last)
    print(f"{'ms a suggestion':<26}" + "".join(
        f"{statistics.median(row['suggest_ms'] for row in rows.of(side=name, **which)):>20.3f}"
        for name in columns), flush=True)
