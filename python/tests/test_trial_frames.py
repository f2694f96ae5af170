"""A trial's conversation over its descriptor: when it waits, when it writes, how it is stopped."""
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

from trial_rig import ENVIRONMENT, PYTHON, WITHOUT_LIMIT, Peer

import assay
from assay import trial as trial_module
from assay.channel import Channel
from assay.trial import Trial


class Frames(unittest.TestCase):
    def setUp(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.peer = Peer(ours)
        self.addCleanup(ours.close)
        self.addCleanup(self.theirs.close)
        self.addCleanup(trial_module.set_current, None)

    def trial(self, go: int = WITHOUT_LIMIT, **more: str) -> Trial:
        patch = mock.patch.dict(os.environ, {**ENVIRONMENT, **more})
        patch.start()
        self.addCleanup(patch.stop)
        one = Trial(Channel(self.theirs.fileno(), go), {"x": 1})
        trial_module.set_current(one)
        return one

    def test_who_it_is(self) -> None:
        one = self.trial(ASSAY_RESTORE_ITERATION="4")
        self.assertEqual((one.id, one.name, one.experiment, one.attempt, one.seed, one.config),
                         ("0a1b2c3d", "one", "first", 2, 7, {"x": 1}))  # fmt: skip
        self.assertIs(assay.current_trial(), one)
        assay.report(a=1)
        self.assertEqual(one.iteration, 5)

    def test_hello_is_answered(self) -> None:
        channel = Channel(self.theirs.fileno())
        self.peer.say("config", {"lr": 0.1, "net": {"layers": [3, 4]}}, "{}")
        self.peer.say("go", 5)
        channel.hello()
        self.assertEqual(self.peer.hear(), ["hello"])
        self.assertEqual((channel.config, channel.go), ({"lr": 0.1, "net": {"layers": [3, 4]}}, 5))

    def test_it_waits_where_it_is_to_be_judged(self) -> None:
        self.trial(go=2)
        assay.report(n=1)
        done = threading.Event()

        def second() -> None:
            assay.report({"n": 2}, text="x")
            done.set()

        thread = threading.Thread(target=second)
        thread.start()
        self.assertEqual(self.peer.hear(), ["report", {"n": 1}])
        self.assertEqual(self.peer.hear(), ["report", {"n": 2, "text": "x"}])
        self.assertFalse(done.wait(0.05))
        self.peer.say("go", 3)
        self.assertTrue(done.wait(10))
        thread.join()

    def test_stop_ends_it_there(self) -> None:
        self.trial(go=1)
        self.peer.say("stop")
        with self.assertRaises(assay.TrialStopped) as caught:
            assay.report(n=1)
        self.assertEqual(caught.exception.code, 0)
        with self.assertRaises(SystemExit):
            assay.report(n=2)
        self.theirs.close()
        self.assertEqual(self.peer.rest(), [["report", {"n": 1}]])

    def test_an_executor_that_is_gone_ends_it(self) -> None:
        self.trial(go=1)
        self.peer.end.close()
        with self.assertRaises(assay.TrialStopped):
            assay.report(n=1)

    def test_the_first_ones_are_written_at_once_and_many_together(self) -> None:
        self.trial()
        writes = []

        def write(fd: int, data: bytes) -> int:
            writes.append(fd)
            return len(data)

        with mock.patch("os.write", write):
            assay.report(n=0)
            self.assertEqual(len(writes), 1)
            assay.report(n=1)
            self.assertEqual(len(writes), 2)
            begun = time.monotonic()
            for n in range(20000):
                assay.report(n=n)
            windows = (time.monotonic() - begun) / 0.002 + 2
        self.assertLess(len(writes), windows * 8 + 20000 * 30 / 32768 + 2)

    def test_what_is_no_report(self) -> None:
        self.trial()
        with self.assertRaisesRegex(TypeError, "not list"):
            assay.report([1])  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, "model is object"):
            assay.report(model=object())
        self.theirs.close()
        self.assertEqual(self.peer.rest(), [])

    def test_a_process_that_it_forked_does_not_report(self) -> None:
        self.trial()
        pid = os.fork()
        if pid == 0:
            try:
                assay.report(n=1)
            except RuntimeError as error:
                os._exit(7 if "own process" in str(error) else 1)
            os._exit(0)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)

    def test_a_checkpoint_goes_with_its_report(self) -> None:
        self.trial(go=1)
        self.peer.say("go", 2)
        assay.report(n=1, checkpoint="/some/folder")
        self.assertEqual(self.peer.hear(), ["report", {"n": 1}])
        self.assertEqual(self.peer.hear(), ["checkpoint", "/some/folder"])
        self.peer.say("pause")
        with self.assertRaises(assay.TrialStopped):
            assay.report(n=2, checkpoint="here")
        self.assertEqual(self.peer.hear(), ["report", {"n": 2}])
        self.assertEqual(self.peer.hear(), ["checkpoint", os.path.abspath("here")])

    def test_it_is_asked_to_save(self) -> None:
        with tempfile.TemporaryDirectory() as base:
            one = self.trial(ASSAY_CHECKPOINT_DIR=base, ASSAY_CHECKPOINT_FREQ="2")
            self.assertFalse(assay.should_checkpoint())
            self.assertEqual(self.peer.hear(), ["saves"])
            assay.report(n=1)
            self.assertFalse(assay.should_checkpoint())
            assay.report(n=2)
            self.assertTrue(assay.should_checkpoint(), "checkpoint_freq")
            with assay.checkpoint() as folder:
                self.assertEqual(os.listdir(folder), [])
            self.assertFalse(assay.should_checkpoint())
            assay.report(n=3)
            self.peer.say("save")
            self.assertTrue(assay.should_checkpoint(), "save")
            with self.assertRaises(KeyError), assay.checkpoint():
                raise KeyError
            self.assertTrue(assay.should_checkpoint(), "nothing was saved")
            self.peer.say("pause")
            self.assertTrue(assay.should_checkpoint())
            with self.assertRaises(assay.TrialStopped), assay.checkpoint() as last:
                (last / "x").write_text("x")
            self.assertFalse(one.is_due_at_end())
            self.theirs.close()
            self.assertEqual(self.peer.rest(), [
                ["report", {"n": 1}], ["report", {"n": 2}], ["checkpoint", str(folder)],
                ["report", {"n": 3}], ["checkpoint", str(last)]])  # fmt: skip
            self.assertEqual(folder.parent, Path(base))
            self.assertNotEqual(folder, last)

    def test_what_it_goes_on_from(self) -> None:
        self.trial()
        self.assertIsNone(assay.get_checkpoint())
        self.trial(ASSAY_RESTORE="/a/b")
        self.assertEqual(assay.get_checkpoint(), Path("/a/b"))

    def test_a_report_costs_little(self) -> None:
        self.trial()
        drain = threading.Thread(target=self.peer.rest, daemon=True)
        drain.start()
        best = 1.0
        for _ in range(10):
            begun = time.perf_counter()
            for n in range(2000):
                assay.report(loss=0.25, accuracy=0.5, step=n)
            best = min(best, (time.perf_counter() - begun) / 2000)
        self.assertLess(best, 60e-6, "a coarse bound: the machine has others to serve")
        self.theirs.shutdown(socket.SHUT_RDWR)
        drain.join()


class Scripts(unittest.TestCase):
    """A program that nobody started as a trainable."""

    SCRIPT = (
        "import assay\n"
        "assay.report(loss=0.5, nan=float('nan'))\n"
        "with assay.checkpoint() as folder: (folder / 'x').write_text('x')\n"
        "print(assay.current_trial().config)\n"
        "while True: assay.report({'loss': 0.25})\n"
    )

    def run_script(self, script: str, **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
        environment.update(more, PYTHONPATH=PYTHON)
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run([sys.executable, "-c", script], env=environment, text=True,
                                  cwd=folder, capture_output=True, timeout=30)  # fmt: skip

    def test_by_hand_it_prints(self) -> None:
        done = self.run_script(self.SCRIPT.replace("while True: ", ""))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, 'assay: {"loss": 0.5, "nan": NaN}\n{}\n'
                                      'assay: {"loss": 0.25}\n')  # fmt: skip

    def test_over_the_socket_it_says_who_it_is(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "gate")
            gate = socket.socket(socket.AF_UNIX)
            gate.bind(path)
            gate.listen()
            gate.settimeout(30)
            heard = []

            def serve() -> None:
                end, _ = gate.accept()
                line = b""
                while not line.endswith(b"\n"):
                    line += end.recv(1)
                peer = Peer(end)
                heard.extend([line, peer.hear()])
                peer.say("config", {"lr": 1}, "{}")
                peer.say("go", 2)
                heard.extend([peer.hear(), peer.hear()[0], peer.hear()])
                peer.say("stop")
                heard.extend(peer.rest())
                end.close()

            server = threading.Thread(target=serve)
            server.start()
            done = self.run_script(self.SCRIPT, ASSAY_REPORT_SOCKET=path, ASSAY_TRIAL_ID="0a1b2c3d",
                                   ASSAY_REPORT_FD="97", ASSAY_ATTEMPT="3")  # fmt: skip
            server.join()
            gate.close()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "{'lr': 1}\n")
        self.assertEqual(heard, [b'{"trial_id": "0a1b2c3d", "attempt": 3}\n', ["hello"],
                                 ["report", {"loss": 0.5, "nan": heard[2][1]["nan"]}], "checkpoint",
                                 ["report", {"loss": 0.25}]])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
