"""Errors of the program, the console's text, and the order in which callbacks hear."""

import subprocess
import unittest

from client_rig import folder_of

import assay
from assay import console, errors, redis
from assay.feed import Lines, Teller
from assay.ray.tune import ExperimentAnalysis


def row(number=0, state="RUNNING", results=0, **result):
    names = ("id name tag attempt failures node hostname pid reason status text best best_at "
             "folder resources started_ms ended_ms config").split()  # fmt: skip
    trial = dict.fromkeys(names)
    trial.update(trial=number, name="t%d" % number, state=state, results=results, failures=0,
                 resources="1 CPUs, 0 GPUs", last_result=result or None)  # fmt: skip
    return trial


class Ear(assay.Callback):
    def __init__(self):
        self.heard = []

    def on_start(self, experiment):
        self.heard.append("start")

    def on_result(self, trial, result):
        self.heard.append((trial.name, result["n"]))

    def on_trial_complete(self, trial):
        self.heard.append(trial.name + " complete")

    def on_trial_error(self, trial):
        self.heard.append(trial.name + " error")


def result(who, n):
    return {"experiment_id": who, "pid": 1, "n": n}


class Parts(unittest.TestCase):
    def test_errors_are_of_their_status_with_the_mend(self):
        error = errors.of_program(3, "assay: head: nothing answers\n  try: assay head\n", "list")
        assert isinstance(error, assay.NoHeadError)
        assert (error.what, error.why, error.mend) == ("head", "nothing answers", "assay head")
        assert str(error) == "head: nothing answers\n  try: assay head"

    def test_places_in_a_file_that_was_made_are_left_out(self):
        stderr = "assay: /tmp/x.json:5:2: num_samplez: no such key\n  try: num_samples\n"
        error = errors.of_program(2, stderr, "run", made="/tmp/x.json")
        self.assertEqual((error.what, error.why), ("num_samplez", "no such key"))
        self.assertEqual(errors.of_program(2, stderr, "run").what, "/tmp/x.json:5:2")

    def test_a_program_that_says_nothing_has_an_error_as_well(self):
        error = errors.of_program(-11, "", "run")
        assert isinstance(error, errors.InternalError) and "-11" in error.why and error.mend

    def test_an_old_redis_is_spared_what_it_does_not_know(self):
        folder = folder_of(self)
        config = folder / "redis.conf"
        config.write_text("port 0\nenable-debug-command no\nlatency-tracking no\nsave x\n")
        script = str(folder / "redis-server")
        redis.write_script(script, "/bin/cat")
        said = subprocess.run([script, str(config)], stdout=subprocess.PIPE, check=True)
        self.assertEqual(said.stdout, b"port 0\nsave x\n")

    def test_lines_come_in_pieces(self):
        lines = Lines()
        assert lines.add(b"ab") == [] and lines.add(b"c\nd\ne") == [b"abc", b"d"]
        assert lines.add(b"\n") == [b"e"]

    def test_results_wait_for_their_trial_and_ends_for_their_results(self):
        ear, shown = Ear(), []
        teller = Teller([ear], shown.append)
        teller.waiting.extend([result("a", 1), result("b", 1)])
        teller.drain()
        assert ear.heard == []
        last = row(1, "ERROR", 1, **result("b", 1))
        teller.document({"event": "result", "trial": last})
        assert ear.heard == []  # the first line's trial is not known yet
        teller.document({"event": "result", "trial": row(0, "TERMINATED", 2, **result("a", 2))})
        assert ear.heard == [("t0", 1), ("t1", 1), "t1 error"]
        teller.waiting.append(result("a", 2))
        teller.drain()
        assert ear.heard[3:] == [("t0", 2), "t0 complete"]
        assert len(shown) == 2

    def test_the_best_is_of_any_time_or_of_the_last_results(self):
        rows = [row(0, "TERMINATED", 2, loss=5), row(1, "TERMINATED", 2, loss=4, other=1)]
        rows[0].update(best=1, best_at=1)
        rows[1].update(best=2, best_at=1)
        found = assay.Analysis({"name": "e", "metric": "loss", "mode": "min"}, rows)
        self.assertEqual(found.best_trial.number, 0)
        self.assertEqual(found.get_best_trial(last=True).number, 1)
        self.assertEqual(found.get_best_trial("loss", "max").number, 0)
        self.assertEqual(found.get_best_trial("other").number, 1)
        ray = ExperimentAnalysis(found)
        self.assertEqual([ray.best_trial.number, ray.get_best_trial(scope="all").number], [1, 0])
        with self.assertRaisesRegex(assay.UsageError, "nothing") as caught:
            found.get_best_trial("nothing")
        self.assertIn("other", caught.exception.mend)

    def test_at_the_end_all_is_told(self):
        ear = Ear()
        teller = Teller([ear], lambda document: None)
        teller.finish([assay.TrialResult(row(0, "TERMINATED")), assay.TrialResult(row(1, "ERROR"))])
        assert ear.heard == ["start", "t0 complete", "t1 error"]

    def test_the_status_block_is_tunes(self):
        trials = [row(n, "PENDING") for n in range(4)]
        status = {
            "experiment": {"why": None, "created": 7, "folder": "/r/x"},
            "scheduler": "Using FIFO scheduling algorithm.\n",
            "resources": {"CPUs": {"used": 1.0, "total": 8.0}, "GPUs": {"used": 0.0, "total": 0.0},
                          "tokens": {"used": 0.5, "total": 2.0}},
            "memory_used": 3.9e9, "memory_total": 16.8e9, "nodes": 1,
            "states": {"RUNNING": 1, "PENDING": 6},
            "trials": trials + [row(4, "RUNNING", 5, pid=7, hostname="h", time_total_s=1.9,
                                    training_iteration=5, episode_reward_mean=0.6123)],
        }  # fmt: skip
        assert console.status_block(status, "h").split("\n") == [
            "== Status ==",
            "Using FIFO scheduling algorithm.",
            "Resources requested: 1/8 CPUs, 0/0 GPUs (0.5/2 tokens)",
            "Memory usage on this node: 3.9/16.8 GB",
            "Result logdir: /r/x",
            "Number of trials: 7 ({'RUNNING': 1, 'PENDING': 6})",
            "PENDING trials:",
            " - t0:\tPENDING",
            " - t1:\tPENDING",
            "  ... 2 not shown",
            " - t2:\tPENDING",
            " - t3:\tPENDING",
            "RUNNING trials:",
            " - t4:\tRUNNING, [1 CPUs, 0 GPUs], [pid=7], 1 s, 5 iter, 0.612 rew",
            "",
            "",
        ]

    def test_the_result_block_is_tunes(self):
        block = console.result_block(
            row(
                b=1e-07,
                a=True,
                none=None,
                config={"x": 1},
                ip="192.168.4.102",
                n={"z": 2, "y": "yes"},
                l=[1, "a"],
                e=[],
                day="2019-04-30_01-02-03",
                top=float("inf"),
                twelve="12",
            )  # fmt: skip
        )
        assert block == (
            "Result for t0:\n  a: true\n  b: 1.0e-07\n  day: 2019-04-30_01-02-03\n  e: []\n"
            "  ip: 192.168.4.102\n  l:\n  - 1\n  - a\n  n:\n    y: 'yes'\n    z: 2\n  top: .inf\n"
            "  twelve: '12'\n  \n"
        )


if __name__ == "__main__":
    unittest.main()
