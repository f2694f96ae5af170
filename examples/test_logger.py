#!/usr/bin/env python3
"""Reads results, a line of JSON each, and prints them: what `on_result` in logging.yaml runs."""

import json
import sys

for line in sys.stdin:
    print("TestLogger", json.loads(line), flush=True)
