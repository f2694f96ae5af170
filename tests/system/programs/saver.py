"""Counts, and saves how far it has come: a new folder below $ASSAY_CHECKPOINT_DIR each time.

Keeps its own account: a line for each attempt, of where it began and on which node. --blob MB adds a
large file of which one megabyte in the middle changes with every checkpoint; --file is that file's
seed. --wait PATH makes it wait before the step of that number until PATH is there.
"""
import argparse
import json
import os
import random
import select
import shutil
import signal

MB = 1 << 20


def blob_write(path, megabytes, step):
    with open(path, "wb") as file:
        for n in range(megabytes):
            seed = n if n != megabytes // 2 else 1000 + step
            file.write(random.Random(seed).randbytes(MB))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--truth", required=True)
    parser.add_argument("--reports", type=int, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--crash-at", type=int, default=0, help="in the first attempt")
    parser.add_argument("--hold-at", type=int, default=0, help="wait there, in the first attempt")
    parser.add_argument("--hold-again", type=int, default=0, help="wait there, in the second one")
    parser.add_argument("--blob", type=int, default=0)
    parser.add_argument("--hostile", default="")
    options = parser.parse_args()
    first = os.environ["ASSAY_ATTEMPT"] == "1"
    step = 0
    restore = os.environ.get("ASSAY_RESTORE")
    if restore is not None:
        with open(os.path.join(restore, "deep", "state.json"), encoding="utf-8") as file:
            step = json.load(file)["step"]
        # A private copy: nobody minds what is done with it.
        shutil.rmtree(os.path.join(restore, "deep"))
    with open(os.path.join(options.truth, os.environ["ASSAY_TRIAL_ID"]), "a", encoding="utf-8") as file:
        file.write("%s %d %s\n" % (os.environ["ASSAY_ATTEMPT"], step, os.environ.get("TEST_NODE", "?")))
    while step < options.reports:
        step += 1
        if first and step == options.crash_at:
            os.kill(os.getpid(), signal.SIGKILL)
        line = {"step": step}
        if step % options.every == 0:
            folder = os.path.join(os.environ["ASSAY_CHECKPOINT_DIR"], "step-%d" % step)
            os.makedirs(os.path.join(folder, "deep", "empty"))
            with open(os.path.join(folder, "deep", "state.json"), "w", encoding="utf-8") as file:
                json.dump({"step": step}, file)
            if options.blob:
                blob_write(os.path.join(folder, "blob"), options.blob, step)
            if options.hostile == "link":
                os.symlink("/etc/passwd", os.path.join(folder, "deep", "secret"))
            elif options.hostile == "fifo":
                os.mkfifo(os.path.join(folder, "pipe"))
            elif options.hostile == "missing":
                shutil.rmtree(folder)
            line["checkpoint"] = folder
        print("assay: " + json.dumps(line), flush=True)
        if (first and step == options.hold_at) or (
                os.environ["ASSAY_ATTEMPT"] == "2" and step == options.hold_again):
            while True:
                select.select([], [], [], 3600)


main()
