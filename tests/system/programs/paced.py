"""Reports --reports times, --pace seconds apart, and keeps its own account of it.

The account is what a checker compares with: a line, synced, before each report, and when it began and
ended by a clock that all processes of the machine share.
"""
import argparse
import os
import select
import time
import zlib


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--truth", required=True)
    parser.add_argument("--reports", type=int, required=True)
    parser.add_argument("--pace", type=float, default=0)
    parser.add_argument("--fail-at", type=int, default=0)
    parser.add_argument("--pad", type=int, default=0)  # bytes that make a report larger
    parser.add_argument("--last-when", help="the last report waits until there is this file")
    options = parser.parse_args()
    pad = " pad=" + "x" * options.pad if options.pad else ""

    trial, attempt = os.environ["ASSAY_TRIAL_ID"], os.environ["ASSAY_ATTEMPT"]
    # This run alone: what it reports is nobody else's.
    run = int.from_bytes(os.urandom(4), "little")
    path = os.path.join(options.truth, "%s.%s.%d" % (trial, attempt, run))
    truth = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)

    def account(text):
        os.write(truth, (text + "\n").encode())
        os.fdatasync(truth)

    account("begin %.6f %s" % (time.monotonic(), os.environ.get("TEST_NODE", "?")))
    for n in range(1, options.reports + 1):
        if n == options.fail_at:
            raise SystemExit("asked to fail")
        while n == options.reports and options.last_when and not os.path.exists(options.last_when):
            select.select([], [], [], 0.02)
        value = zlib.crc32(("%s.%s.%d.%d" % (trial, attempt, run, n)).encode())
        account("report %d %d" % (n, value))
        print("assay: n=%d value=%d run=%d%s" % (n, value, run, pad), flush=True)
        if options.pace > 0:
            select.select([], [], [], options.pace)
    account("end %.6f" % time.monotonic())


main()
