"""A node's processes: they are found, ended and shown for what they are, also where a container does not
know all calls."""
import os
import socket
import sys

from cluster import EXAMPLES, Head, PROGRAMS, Worker, case, main
from expect import Skip, check, equal, wait_for
from experiments import check_results, cluster_of, paced, submit, trials, up
from processes import argv_of, is_zombie, kill_pid, read_text
from result_files import count_rows

SO_PEERPIDFD = 77


def needs_peerpidfd():
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        try:
            os.close(one.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        except OSError:
            raise Skip("a system before Linux 6.5: there is no pidfd at all without pidfd_open")


@case
def a_container_that_knows_no_pidfd(scene):
    """Code is unpacked, an executor's death is noticed, and it is ended with its worker."""
    needs_peerpidfd()
    head = Head(scene)
    worker = Worker(scene, "n1", head, cpus=2, token=scene.token(head, "worker"),
                    before=[sys.executable, os.path.join(PROGRAMS, "no_pidfd.py")])
    wait_for(lambda: up(head) == {"n1"}, 30, lambda: "n1 to join: " + worker.daemon.err())
    folder = scene.path("results", "old")
    number = submit(head, paced(scene, "old", 4, 100, 0.02))
    wait_for(lambda: count_rows(folder) > 10, 30, lambda: "results: " + worker.daemon.err())
    executor = wait_for(worker.executors, 5, "an executor")[0]
    kill_pid(executor)
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    rows = trials(head, number)
    check(any(row["attempt"] > 1 for row in rows), "an executor's death is noticed: %s" % rows)
    check_results(scene, folder, rows, 100)
    submit(head, paced(scene, "left", 2, 100000, 0.02))
    wait_for(lambda: count_rows(scene.path("results", "left")) > 2, 30, "more results")
    worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()


@case
def native_trials_have_their_programs_name(scene):
    """As ps shows it, and not `exe`, as what is started by /proc/self/exe is called."""
    head, workers = cluster_of(scene, 1, names=("n1",))
    number = submit(head, os.path.join(EXAMPLES, "async_hyperband.yaml"), "--set",
                    "local_dir=" + scene.path("results"))
    found = wait_for(lambda: [pid for pid in scene.pids()
                              if b"--zygote" in argv_of(pid) and not is_zombie(pid)],
                     20, "the process that starts trials")
    name = read_text("/proc/%d/comm" % found[0]).strip()
    head.assay("wait", number, "--timeout", "60s", limit_s=70)
    equal(name, "assay-executor", "its name")


main()
