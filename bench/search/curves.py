#!/usr/bin/env python3
"""Learning curves of real training, and what each scheduler makes of them.

    curves.py make FOLDER [NAME...]       trains: a CSV a table, as `assay simulate --table` reads it
    curves.py compare FOLDER [--seeds N]  regret of every scheduler on them, by `assay simulate`

A table has 200 configurations with 51 steps each: epochs of a network or a linear model, trees of a forest
that is boosted; the loss is the log loss of a third of the data that is held out. Needs scikit-learn 1.5 to
make them (the data comes with it), nothing to compare.

Regret is (best seen - best of the table) / (median of the table's last steps - best of the table): 0 is
perfect, 1 what a configuration chosen blindly has at its end. Budgets are in steps: workers x seconds, a step
taking one second.
"""
import argparse
import csv
import glob
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, CONFIGURATIONS = 51, 200
BUDGETS = ((1, 255), (1, 1020), (8, 255), (8, 1020), (25, 1020))  # workers, steps of all together


# ---- making them ----

def log_uniform(draw, low, high):
    return math.exp(draw.uniform(math.log(low), math.log(high)))


def split(load):
    """Two thirds to train with, one to look at; scaled to mean 0, deviation 1."""
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler
    data = load()
    train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, test_size=1 / 3, random_state=1,
                                                        stratify=data.target)
    scaler = StandardScaler().fit(train_x)
    return scaler.transform(train_x), scaler.transform(test_x), train_y, test_y


def loss_of(model, x, y):
    """Log loss; infinities and nonsense as the loss of knowing nothing ten times over."""
    import numpy
    from sklearn.metrics import log_loss
    classes = numpy.unique(y)
    worst = 10 * math.log(len(classes))
    chances = model.predict_proba(x)
    if not numpy.isfinite(chances).all():
        return worst
    return min(worst, log_loss(y, chances, labels=classes))


def epochs(model, load):
    """The loss behind each of STEPS epochs."""
    train_x, test_x, train_y, test_y = split(load)
    losses = []
    for _ in range(STEPS):
        model.partial_fit(train_x, train_y, classes=sorted(set(train_y)))
        losses.append(loss_of(model, test_x, test_y))
    return losses


def network(draw, load):
    from sklearn.neural_network import MLPClassifier
    config = {"lr": log_uniform(draw, 1e-5, 1), "alpha": log_uniform(draw, 1e-7, 1),
              "batch": draw.choice((8, 16, 32, 64, 128)), "width": draw.choice((8, 16, 32, 64)),
              "momentum": draw.uniform(0, 0.99)}
    model = MLPClassifier((config["width"],), solver="sgd", learning_rate_init=config["lr"], alpha=config["alpha"],
                          batch_size=config["batch"], momentum=config["momentum"], random_state=1)
    return config, epochs(model, load)


def linear(draw, load):
    from sklearn.linear_model import SGDClassifier
    config = {"eta0": log_uniform(draw, 1e-5, 10), "alpha": log_uniform(draw, 1e-7, 1),
              "power_t": draw.uniform(0.01, 0.9), "l1_ratio": draw.uniform(0, 1)}
    model = SGDClassifier(loss="log_loss", penalty="elasticnet", learning_rate="invscaling", random_state=1,
                          eta0=config["eta0"], alpha=config["alpha"], power_t=config["power_t"],
                          l1_ratio=config["l1_ratio"])
    return config, epochs(model, load)


def boosting(draw, load):
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import log_loss
    train_x, test_x, train_y, test_y = split(load)
    config = {"lr": log_uniform(draw, 1e-3, 2), "depth": draw.randint(1, 6), "subsample": draw.uniform(0.3, 1),
              "features": draw.uniform(0.1, 1)}
    model = GradientBoostingClassifier(n_estimators=STEPS, learning_rate=config["lr"], max_depth=config["depth"],
                                       subsample=config["subsample"], max_features=config["features"],
                                       random_state=1).fit(train_x, train_y)
    labels = sorted(set(test_y))
    worst = 10 * math.log(len(labels))
    losses = [min(worst, log_loss(test_y, chances, labels=labels)) for chances in model.staged_predict_proba(test_x)]
    return config, losses


def tables():
    from sklearn.datasets import load_breast_cancer, load_digits, load_wine
    return {
        "wine-network": (network, load_wine), "cancer-network": (network, load_breast_cancer),
        "cancer-linear": (linear, load_breast_cancer), "digits-linear": (linear, load_digits),
        "cancer-boosting": (boosting, load_breast_cancer), "wine-boosting": (boosting, load_wine),
    }


def make(folder, names):
    import warnings
    warnings.filterwarnings("ignore")
    os.makedirs(folder, exist_ok=True)
    for name, (train, load) in tables().items():
        if names and name not in names:
            continue
        draw = random.Random(name)
        path = os.path.join(folder, name + ".csv")
        with open(path + ".part", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for number in range(CONFIGURATIONS):
                config, losses = train(draw, load)
                if number == 0:
                    writer.writerow(["trial", "training_iteration", "loss"] + ["of_" + key for key in config])
                for step, loss in enumerate(losses, 1):
                    writer.writerow([number, step, repr(float(loss))] + list(config.values()))
        os.rename(path + ".part", path)
        print("%s: %d curves of %d steps" % (path, CONFIGURATIONS, STEPS), flush=True)


# ---- comparing ----

SCHEDULERS = (
    ("random, full length", "fifo"),
    ("median, grace 5", {"type": "median", "time_attr": "training_iteration", "grace_period": 5}),
    ("ASHA stopping, eta 4", {"type": "asha", "max_t": STEPS, "reduction_factor": 4}),
    ("ASHA stopping, eta 3", {"type": "asha", "max_t": STEPS, "reduction_factor": 3}),
    ("ASHA promotion, eta 4", {"type": "asha", "form": "promotion", "max_t": STEPS, "reduction_factor": 4}),
    ("ASHA promotion, eta 3", {"type": "asha", "form": "promotion", "max_t": STEPS, "reduction_factor": 3}),
    ("HyperBand, eta 3", {"type": "hyperband", "sizes": "paper", "max_t": STEPS, "reduction_factor": 3}),
)


def bounds(path):
    """(the best of all, the median of the last steps)."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return (min(float(row["loss"]) for row in rows),
            statistics.median(float(row["loss"]) for row in rows if int(row["training_iteration"]) == STEPS))


def regrets(assay, path, scheduler, workers, steps, seeds):
    best, median = bounds(path)
    experiment = {"name": "curves", "metric": "loss", "mode": "min", "num_samples": CONFIGURATIONS,
                  "scheduler": scheduler}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(experiment, file)
        file.flush()
        done = subprocess.run([assay, "simulate", file.name, "--json", "--alone", "--table", path, "--seed", "1",
                               "--workers", str(workers), "--until", "%ds" % (steps // workers), "--repeat",
                               str(seeds)], stdout=subprocess.PIPE, check=True, text=True)
    return [(run["best"]["value"] - best) / (median - best) for run in json.loads(done.stdout)["runs"]]


def compare(folder, assay, seeds):
    paths = sorted(glob.glob(os.path.join(folder, "*.csv")))
    if not paths:
        sys.exit("curves.py: %s: there are no tables\n  try: curves.py make %s" % (folder, folder))
    print("%d tables, %d seeds each; mean regret, and its standard error over the seeds" % (len(paths), seeds))
    print("%-22s" % "" + "".join("   W=%-2d %5d steps" % budget for budget in BUDGETS))
    for name, scheduler in SCHEDULERS:
        cells = []
        for workers, steps in BUDGETS:
            # The same seeds on every table: their means are independent of each other.
            rows = [regrets(assay, path, scheduler, workers, steps, seeds) for path in paths]
            means = [statistics.mean(row[i] for row in rows) for i in range(seeds)]
            cells.append("  %7.4f ± %6.4f" % (statistics.mean(means),
                                             statistics.stdev(means) / math.sqrt(seeds) if seeds > 1 else 0))
        print("%-22s" % name + "".join(cells), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "compare"))
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--assay", default=os.path.join(HERE, "..", "..", "build", "release", "bin", "assay"))
    options = parser.parse_args()
    if options.what == "make":
        make(options.folder, options.names)
    else:
        compare(options.folder, options.assay, options.seeds)


main()
