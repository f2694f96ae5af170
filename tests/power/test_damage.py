"""F21: rubbish behind the last entry is what a power cut leaves, and the head starts; damage before it is not,
and the head refuses, says where, and what can be done. Nothing is cut off in silence.
"""
import os
import random
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))

from cluster import case, main  # noqa: E402
from expect import check, wait_for  # noqa: E402
from logfile import Log, commands  # noqa: E402
from machine import Machine  # noqa: E402
from processes import read_bytes  # noqa: E402

SEED = int(os.environ.get("POWER_SEED", "1"))


def machine_with_log(scene):
    """A head that has taken a few things, and is down."""
    machine = Machine(scene, random.Random(SEED), slow_us=0)
    for number in range(20):
        scene.token(machine.head, "worker", "token%d" % number)
    machine.kill()
    return machine, machine.log_files()[0]


def places_of(data):
    """Where entries of the log begin and end."""
    return [(begin, end) for words, begin, end in commands(data, 0)
            if words[0].upper() == b"XADD" and words[-2] == b"e"]


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def check_refused(machine, what):
    """It does not start, names the file and a mend, and leaves the file alone."""
    path = machine.log_files()[0]
    before = read_bytes(path)
    machine.start(may_die=True)
    status = wait_for(lambda: machine.head.daemon.process.poll(), 20,
                      lambda: what + ": the head starts on a damaged log: " + machine.head.daemon.err())
    text = machine.head.daemon.err()
    check(status == 2, "%s: status %s: %s" % (what, status, text))
    lines = [line for line in text.splitlines() if line.startswith(("assay: ", "  try: "))]
    check(len(lines) == 2 and re.search("backup|copy", lines[1]), "%s: it says: %s" % (what, text))
    return lines[0]
    check(read_bytes(path) == before, what + ": the file was changed")


@case
def damage_before_the_end_is_refused(scene):
    machine, path = machine_with_log(scene)
    whole = read_bytes(path)
    entries = places_of(whole)
    choice = random.Random(SEED)
    said = set()
    for _ in range(12):
        begin, end = choice.choice(entries[:-2])
        at = choice.randrange(begin, end - 1)
        rubbish = choice.randbytes(choice.randint(1, 64))
        damaged = whole[:at] + rubbish + whole[at + len(rubbish) :]
        if damaged == whole:
            continue
        put(path, damaged)
        line = check_refused(machine, "rubbish of %d bytes at %d" % (len(rubbish), at))
        said.add(re.sub(r"[0-9-]+|/\S+", "_", line))
    print("         what it says: " + "; ".join(sorted(said)))
    # A length that reaches behind the end of the file looks as if the rest had never been written.
    begin, end = entries[len(entries) // 2]
    at = whole.index(b"\r\n$", whole.index(b"XADD", begin) + 20) + 3
    digits = whole.index(b"\r\n", at) - at
    put(path, whole[:at] + b"9" * (digits + 5) + whole[at + digits :])
    line = check_refused(machine, "a length of %d digits at %d" % (digits + 5, at))
    check("damaged at byte %d" % begin in line, line)
    # Nothing of it was done to what is whole.
    put(path, whole)
    machine.start()
    machine.head.daemon.end()


@case
def rubbish_behind_the_end_is_put_aside(scene):
    machine, path = machine_with_log(scene)
    choice = random.Random(SEED + 1)
    for number in range(6):
        whole = read_bytes(path)
        log = Log().read(path)
        begin, end = places_of(whole)[-1]
        # Half an entry that nobody was told of, and then rubbish; or rubbish alone.
        half = whole[begin : choice.randint(begin, end - 1)] if number % 2 else b""
        put(path, whole + half + choice.randbytes(choice.randint(1, 512)))
        machine.start()
        machine.kill()
        check(read_bytes(path).startswith(whole), "what is whole is kept")
        after = Log().read(path)
        check(after.entries >= log.entries and after.last > log.last, "the log goes on behind it")


main()
