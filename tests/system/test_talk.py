"""The socket between a worker and an executor breaks while both live: no order and no verdict is lost."""
import socket

from cluster import case, main
from expect import check, equal, wait_for
from experiments import (
    check_ran_once, check_results, check_room, cluster_of, paced, submit, trials,
)
from processes import argv_of
from result_files import count_rows

CPUS = 3


def sockets(worker):
    found = []
    for pid in worker.executors():
        words = argv_of(pid)
        if b"--socket" in words:
            found.append(words[words.index(b"--socket") + 1].decode())
    return found


def cut_off(path):
    """An executor has one worker at a time: who comes next takes the place of the one before, and
    whatever is under way on the old connection is lost."""
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(path)
        except OSError:
            return False  # it goes just now
        wait_for(lambda: other.recv(1), 5, "the executor to take the connection")
    return True


def go_through(worker, folder, rows_wanted, restart_at=()):
    cuts = 0
    rows = 0
    while rows < rows_wanted:
        cuts += sum(cut_off(path) for path in sockets(worker))
        if cuts in restart_at:
            worker.kill()
            worker.start()
        before = rows
        wait_for(lambda: count_rows(folder) > before, 30, "results to come after %d cuts" % cuts)
        rows = count_rows(folder)
        if cuts > 60:
            break
    return cuts


def check_all(scene, head, number, folder, count, reports):
    head.assay("wait", number, "--timeout", "50s", limit_s=60)
    rows = trials(head, number)
    equal([row["state"] for row in rows], ["TERMINATED"] * count, "states")
    check_ran_once(scene, rows)
    check_results(scene, folder, rows, reports)
    check_room(scene, CPUS)


@case
def an_executors_socket_breaks(scene):
    """Trials are short, so that orders are always under way."""
    head, workers = cluster_of(scene, CPUS, names=("n1",))
    folder = scene.path("results", "short")
    got = submit(head, paced(scene, "short", 80, 3, 0.01))
    wait_for(workers[0].executors, 20, "an executor")
    cuts = go_through(workers[0], folder, 80 * 3)
    check(cuts >= 3, "the socket broke %d times" % cuts)
    check_all(scene, head, got, folder, 80, 3)


@case
def it_breaks_and_the_worker_dies_as_well(scene):
    head, workers = cluster_of(scene, CPUS, names=("n1",))
    folder = scene.path("results", "long")
    got = submit(head, paced(scene, "long", 9, 60, 0.02))
    wait_for(workers[0].executors, 20, "an executor")
    go_through(workers[0], folder, 9 * 60, restart_at=(4, 9))
    check_all(scene, head, got, folder, 9, 60)


if __name__ == "__main__":
    main()
