"""When all is mended: everything ends, and is there as its trials, its clients and the witness say."""
import itertools
import os
import re
import signal

from expect import check, equal, wait_for
from experiments import accounts, check_results, experiment_rows, trials, up
from logfile import Log
from processes import read_text

ENDS_S = 240  # after the last fault everything has ended (I7)


class Life:
    """Of a trial's process: a line of the witness."""

    def __init__(self, line):
        self.trial, attempt, self.node, devices, first, last = line.split()
        self.attempt, self.first, self.last = int(attempt), float(first), float(last)
        self.devices = [] if devices == "-" else [int(one) for one in devices.split(",")]

    def __str__(self):
        return "%s attempt %d on %s from %.2f to %.2f" % (self.trial, self.attempt, self.node, self.first, self.last)

    def overlaps(self, other):
        return self.first < other.last and other.first < self.last


def told(client):
    found = re.search(r"\d+", client.out())
    return int(found.group(0)) if found else None


def check_clients(chaos):
    """I7 and I8: whoever was told of an experiment finds it, and nobody's is there twice."""
    for client in chaos.clients:
        status = client.wait(ENDS_S)
        check(status in (0, 3), "a client ends with %d: %s" % (status, client.err()))
        check(status == 3 or told(client), "a client that ended well was told of nothing")
    rows = experiment_rows(chaos.head)
    numbers = [told(client) for client in chaos.clients if told(client)]
    equal(len(set(numbers)), len(numbers), "experiments that clients were told of, each once")
    check(set(numbers) <= {row["experiment"] for row in rows}, "I8: %s were told, there are %s" % (numbers, rows))
    names = [row["name"] for row in rows]
    equal(len(set(names)), len(names), "I8: experiments of a submission")
    return rows


def check_experiment(chaos, row, reports):
    """I1, I2, I3, I7: all results, each once, of the last attempt."""
    number = row["experiment"]
    done = chaos.head.assay("wait", number, "--timeout", "%ds" % ENDS_S, limit_s=ENDS_S + 20, status=None)
    equal(done.status, 0, "I7: %s" % done.told())
    rows = trials(chaos.head, number, limit_s=120)
    equal({(one["state"], one["failures"]) for one in rows}, {("TERMINATED", 0)},
          "I7, I15: trials of %s: none failed by itself" % row["name"])
    check_results(chaos.scene, row["folder"], rows, reports)
    return rows


def check_attempts(chaos):
    """I3: no attempt is begun twice."""
    seen = {}
    for account in accounts(chaos.scene).values():
        key = (account.trial, account.attempt)
        check(key not in seen, "I3: attempt %d of %s began twice: on %s and on %s"
              % (account.attempt, account.trial, seen.get(key), account.node))
        seen[key] = account.node
    return len(seen)


def check_overlap(chaos, lives):
    """I4: attempts of a trial live at once only where something was done to the earlier one's node."""
    lost = 0
    by_trial = {}
    for life in lives:
        by_trial.setdefault(life.trial, []).append(life)
    for several in by_trial.values():
        for one, other in itertools.combinations(sorted(several, key=lambda life: life.attempt), 2):
            if not one.overlaps(other) or one.attempt == other.attempt:
                continue  # a process that became another, which has the same attempt
            check(one.node != other.node, "I4: on one node at once: %s, and %s" % (one, other))
            check(any(node == one.node and when < other.first for node, when in chaos.cut_off),
                  "I4: nothing was done to %s: %s, and %s" % (one.node, one, other))
            lost += 1
    return lost


def check_room(lives, needs, cpus):
    """I5: at no moment does a node run more than it has, or a device more than is of it."""
    for node in sorted({life.node for life in lives}):
        moves = []
        for life in lives:
            if life.node == node and life.last > life.first:
                moves += [(life.first, 1, life), (life.last, -1, life)]
        used, shares = 0, {}
        for _, sign, life in sorted(moves, key=lambda move: (move[0], move[1])):
            cpu, gpu = needs.get(life.trial, (0, 0))
            used += sign * cpu
            check(used <= cpus, "I5: %g cpus of %d are used on %s: %s" % (used, cpus, node, life))
            check(gpu == 0 or len(life.devices) == 1, "I5: devices %s for %g: %s" % (life.devices, gpu, life))
            for device in life.devices if gpu else ():
                shares[device] = shares.get(device, 0) + sign * gpu
                check(shares[device] <= 1, "I5: device %d of %s is in use %g times: %s"
                      % (device, node, shares[device], life))


def check_log(chaos):
    """I1, I2: the log has no gap, no record twice, and nothing that was acknowledged was asked for again. Not where
    redis-server has written its file anew meanwhile: the beginning has another form then."""
    path = os.path.join(chaos.head.data_dir, "redis", "appendonlydir", "appendonly.aof.1.incr.aof")
    return Log().read(path).entries if os.path.exists(path) else 0


def end_all(chaos):
    """I6, I9."""
    for worker in chaos.workers:
        worker.daemon.end(limit_s=40)
    chaos.head.daemon.end(limit_s=40)
    chaos.scene.check_nothing_runs(limit_s=20)
    chaos.scene.assay("replay", chaos.head.data_dir, limit_s=240)


def check_all(chaos, kinds, cpus, reports):
    wait_for(lambda: up(chaos.head) == {worker.name for worker in chaos.workers}, ENDS_S, "all nodes to be up again")
    rows = check_clients(chaos)
    needs, results, again = {}, 0, 0
    for row in rows:
        kind = kinds[re.match(r"[a-z]+", row["name"]).group(0)]
        for one in check_experiment(chaos, row, reports):
            needs[one["id"]] = kind
            results += one["results"]
            again += one["attempt"] - 1
    attempts = check_attempts(chaos)
    chaos.witness.kill(signal.SIGTERM)
    chaos.witness.wait()
    lives = [Life(line) for line in read_text(chaos.scene.path("witnessed")).splitlines()]
    check(len({life.trial for life in lives}) > len(needs) // 2, "the witness has seen %d of %d trials"
          % (len({life.trial for life in lives}), len(needs)))
    at_once = check_overlap(chaos, lives)
    check_room(lives, needs, cpus)
    end_all(chaos)
    entries = check_log(chaos)
    print("sum: faults: %s" % "; ".join("%s %d" % item for item in chaos.counts.items()))
    print("\n%-32s %8s %9s" % ("fault", "injected", "survived"))
    for name, count in chaos.counts.items():
        print("%-32s %8s %9s" % ((name, count, count) if "wire" not in name or chaos.wires else (name, "not run", "")))
    print("sum: %d experiments, %d trials, %d results; %d attempts begun, %d of them after a loss; %d processes witnessed, "
          "%d beside a later attempt elsewhere; %d entries of the log read\nsum: 0 lost, 0 doubled, 0 oversubscribed, 0 orphans; every experiment ended"
          % (len(rows), len(needs), results, attempts, again, len(lives), at_once, entries))
