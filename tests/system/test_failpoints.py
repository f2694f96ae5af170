"""F11: the head dies at each place where what it says and what Redis has may differ."""
import os
import random
import re

from cluster import Skip, case, check, count_rows, equal, main, read_bytes, tool, wait_for
from experiments import check_ran_once, check_results, cluster_of, experiment_rows, paced, trials

ROUNDS = int(os.environ.get("ASSAY_ROUNDS", "1"))
SEED = int(os.environ.get("ASSAY_SEED", "1"))

FAILPOINTS = ("head-before-commit", "journal-append", "journal-sent", "journal-committed",
              "head-before-apply", "head-after-apply")


def die_and_go_on(scene, head, point, number):
    """One experiment, handed in to a head that dies at the point's number-th time."""
    name = "%s-%d-%d" % (point, number, head.starts)
    for path in os.listdir(scene.path("truth")):
        os.unlink(scene.path("truth", path))
    head.daemon.end()
    head.start(env={"ASSAY_FAILPOINT": "%s:%d" % (point, number)}, may_die=True)
    file = paced(scene, name, 4, 10, 0.01)
    client = scene.start("client-" + name, "submit", file, "--wait", home=head.home)
    wait_for(lambda: not head.daemon.runs() or not client.runs(), 30,
             lambda: "the head to die at %s; %s" % (name, head.daemon.err()))
    died = not head.daemon.runs()
    if died:
        equal(head.daemon.wait(), 128 + 9, "the head ends at " + name)
        head.start()
    status = client.wait(60)
    known = [row for row in experiment_rows(head) if row["name"] == name]
    check(len(known) <= 1, "one submission, %d experiments" % len(known))
    told = re.search(r"\d+", client.out())
    check(known or not told, "who saw an id finds it: %s" % client.out())
    if status == 3 and not told:
        equal(known, [], "nothing was handed in to a head that died before it was met")
        return died
    equal(status, 0, "the client of a head that came back: %s" % client.err())
    folder = known[0]["folder"]
    rows = trials(head, known[0]["experiment"])
    equal({row["state"] for row in rows}, {"TERMINATED"}, "trials of " + name)
    check_ran_once(scene, rows)
    check_results(scene, folder, rows, 10)
    equal(count_rows(folder), 40, "rows of " + name)
    return died


@case
def the_head_dies_at_each_failpoint(scene):
    if b"ASSAY_FAILPOINT" not in read_bytes(tool("assay-head")):
        raise Skip("this build has no failpoints (-DASSAY_FAILPOINTS=ON)")
    choice = random.Random(SEED)
    head, workers = cluster_of(scene, 2, names=("n1",))
    paced(scene, "none", 1, 1)
    deaths = 0
    for _ in range(ROUNDS):
        for point in FAILPOINTS:
            deaths += die_and_go_on(scene, head, point, choice.randint(1, 12))
    check(deaths >= len(FAILPOINTS) * ROUNDS // 2, "%d deaths" % deaths)
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    scene.assay("replay", head.data_dir)


main()
