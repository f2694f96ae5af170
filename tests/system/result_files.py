"""What an experiment has written, as its documentation says."""
import glob
import json
import os

from expect import Failure, check, equal, shorten
from processes import read_bytes, read_text


def experiment_folder(local_dir, name):
    return os.path.join(local_dir, name)


def trial_folders(folder):
    return sorted(
        os.path.dirname(path) for path in glob.glob(os.path.join(glob.escape(folder), "*", "params.json"))
    )


def json_rows(path):
    """Rows of a file of JSON lines. What a reader sees has no half line in it."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(True), 1):
        try:
            check(line.endswith("\n"), "%s:%d has no end" % (path, number))
            rows.append(json.loads(line))
        except ValueError:
            raise Failure("%s:%d is no JSON: %s" % (path, number, shorten(line)))
    return rows


def result_rows(trial_folder):
    return json_rows(os.path.join(trial_folder, "result.json"))


def count_rows(folder):
    """Results that stand in an experiment's files now."""
    return sum(
        read_bytes(path).count(b"\n")
        for path in glob.glob(os.path.join(glob.escape(folder), "*", "result.json"))
    )


def check_once(rows, last, what):
    """Results 1..last, each exactly once, in order; and the flags of Tune's files."""
    equal([row["training_iteration"] for row in rows], list(range(1, last + 1)), what)
    check(not any(row["done"] for row in rows[:-1]), "%s: done before the last one" % what)
    for row in rows:
        for field in ("date", "timestamp", "time_this_iter_s", "time_total_s", "pid", "hostname",
                      "node_ip", "config", "experiment_id"):
            check(field in row, "%s: a result without %s" % (what, field))
