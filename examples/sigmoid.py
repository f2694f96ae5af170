#!/usr/bin/env python3
"""The same curve as sigmoid.c from any program: it prints lines that begin with `assay: `.

    command: "python3 sigmoid.py --width {width} --height {height}"
"""

import argparse
import itertools
import json
import math

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=float, default=1)
parser.add_argument("--height", type=float, default=1)
parser.add_argument("--count", type=int, help="how many results; without end by default")
arguments = parser.parse_args()

steps = itertools.count(1) if arguments.count is None else range(1, arguments.count + 1)
for timestep in steps:
    value = math.tanh(timestep / arguments.width) * arguments.height
    print("assay:", json.dumps({"episode_reward_mean": value}), flush=True)
