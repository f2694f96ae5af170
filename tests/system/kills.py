"""Deaths of every process, and what has to hold after them."""
from expect import check, equal, shorten, wait_for
from experiments import check_results, check_room, experiment_row, trials
from processes import argv_of, is_zombie, kill_pid, read_bytes
from result_files import count_rows

CPUS = 4


def kill_head(head, workers, choice):
    head.kill()
    head.start()


def kill_worker(head, workers, choice):
    worker = choice.choice(workers)
    worker.kill()
    worker.start()


def kill_redis(head, workers, choice):
    """Its head starts it again."""
    pid = wait_for(head.redis_pid, 10, "the head's redis-server to be there")
    kill_pid(pid)
    wait_for(lambda: head.redis_pid() not in (None, pid), 15, "the head to start Redis again")


def kill_head_and_redis(head, workers, choice):
    """The machine of the head, but for its disk."""
    pid = wait_for(head.redis_pid, 10, "the head's redis-server to be there")
    head.kill()
    kill_pid(pid)
    head.start()


KILLS = (kill_head, kill_worker, kill_redis, kill_head_and_redis)


def go_through(scene, head, workers, number, folder, kills, choice, rows):
    """Each kill at a point of its own between nothing done and almost all done."""
    points = sorted(choice.sample(range(rows // 40, rows * 8 // 10), len(kills)))
    for kill, point in zip(kills, points):
        wait_for(lambda: count_rows(folder) >= point, 60,
                 lambda: "result %d of %d before %s, there are %d; %s"
                 % (point, rows, kill.__name__, count_rows(folder), shorten(head.daemon.err())))
        kill(head, workers, choice)
        before = count_rows(folder)
        if before < rows:
            wait_for(lambda: count_rows(folder) > before, 30,
                     lambda: "a new result after %s; %s" % (kill.__name__, shorten(head.daemon.err())))


def check_all(scene, head, number, folder, count, reports):
    ended = head.assay("wait", number, "--timeout", "50s", limit_s=60, status=None)
    rows = trials(head, number)
    equal([(row["trial"], row["attempt"], row["reason"], row["status"], row["text"]) for row in rows
           if row["state"] == "ERROR"], [], "trials that failed by themselves")
    equal(ended.status, 0, "wait: " + ended.told())
    equal(len(rows), count, "trials")
    equal({row["state"] for row in rows}, {"TERMINATED"}, "states")
    row = experiment_row(head, number)
    equal(row["terminated"], count, "the experiment's row")
    # What an attempt made that had to be run again counts as a result, too.
    if all(one["attempt"] == 1 for one in rows):
        equal(row["results"], count * reports, "results in the experiment's row")
    streamed = head.assay("results", number, "--json", limit_s=30).out
    check(streamed.count("\n") >= count * reports, "results are streamed to their end")
    check_results(scene, folder, rows, reports)
    check_room(scene, CPUS)
    return rows


def end_all(scene, head, workers):
    """I6 and I9: nothing runs on, and the log decides alike."""
    for worker in workers:
        worker.daemon.end()
    head.daemon.end()
    scene.check_nothing_runs()
    scene.assay("replay", head.data_dir, limit_s=60)


def runs_trial(pid, node):
    return (
        not is_zombie(pid)
        and any(word.endswith(b"paced.py") for word in argv_of(pid))
        and ("TEST_NODE=" + node).encode() in read_bytes("/proc/%d/environ" % pid).split(b"\0")
    )


def kill_executor(head, workers, choice):
    """Of one node, where one runs now; its trials run again."""
    for pid in choice.choice(workers).executors():
        kill_pid(pid)
