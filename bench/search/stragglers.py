#!/usr/bin/env python3
"""The stragglers and lost jobs of the ASHA paper, by `assay simulate`.

    stragglers.py [--seeds N]

eta = 4, r = 1, R = 256, 25 workers; a job takes its rung's steps x (1 + |z|), z normal with a deviation, from
scratch; it is lost with a chance in each unit of time; 2,000 units. Printed is the mean number of
configurations that were trained to R, with its standard error, beside what an independent simulator had over
25 seeds (Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, appendix A.1, has the
experiment).
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DEVIATIONS = (0.10, 0.24, 0.56, 1.33)
CHANCES = (0, 0.001, 0.004, 0.01)
FORMS = {
    "halving": {"type": "hyperband", "sizes": "halving", "max_t": 256, "reduction_factor": 4},
    "promotion": {"type": "asha", "form": "promotion", "max_t": 256, "reduction_factor": 4},
    "stopping": {"type": "asha", "form": "stopping", "max_t": 256, "reduction_factor": 4},
}
ELSEWHERE = {  # synchronous halving, ASHA
    0.10: ((30.4, 40.0), (28.4, 35.9), (22.2, 27.0), (10.7, 12.2)),
    0.24: ((26.6, 35.5), (24.9, 32.4), (19.2, 23.3), (7.9, 9.1)),
    0.56: ((21.0, 28.7), (18.8, 24.8), (13.4, 16.6), (4.0, 5.7)),
    1.33: ((12.4, 18.3), (11.0, 14.7), (6.6, 7.0), (1.4, 1.6)),
}


def counts(assay, form, deviation, chance, seeds):
    experiment = {"name": "stragglers", "config": {"x": {"uniform": [0, 1]}}, "metric": "loss", "mode": "min",
                  "num_samples": 60000, "scheduler": FORMS[form]}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(experiment, file)
        file.flush()
        done = subprocess.run([assay, "simulate", file.name, "--json", "--alone", "--formula", "loss=x", "--seed", "1",
                               "--workers", "25", "--until", "2000s", "--stragglers", str(deviation), "--drops",
                               str(chance), "--from-scratch", "--repeat", str(seeds)],
                              stdout=subprocess.PIPE, check=True, text=True)
    return [run["to_the_end"] for run in json.loads(done.stdout)["runs"]]


def cell(assay, form, deviation, chance, seeds):
    found = counts(assay, form, deviation, chance, seeds)
    return "%5.1f ± %4.2f" % (statistics.mean(found),
                              statistics.stdev(found) / math.sqrt(seeds) if seeds > 1 else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--assay", default=os.path.join(HERE, "..", "..", "build", "release", "bin", "assay"))
    options = parser.parse_args()
    print("| deviation | lost | halving | elsewhere | ASHA, promotion | elsewhere | ASHA, stopping |")
    print("|---|---|---|---|---|---|---|")
    for deviation in DEVIATIONS:
        for chance, elsewhere in zip(CHANCES, ELSEWHERE[deviation]):
            cells = [cell(options.assay, form, deviation, chance, options.seeds) for form in FORMS]
            print("| %.2f | %g | %s | %.1f | %s | %.1f | %s |" % (
                deviation, chance, cells[0], elsewhere[0], cells[1], elsewhere[1], cells[2]), flush=True)


main()
