"""One process for several trials: what it takes on, what it leaves, and how it ends."""
import os
import select
import unittest
from typing import Any

from trial_rig import LIMIT_S, Peer, Zygote, zygote

SOURCE = """
    import os, random
    class Model(assay.Trainable):
        def setup(self, config):
            self.made = config
            self.told = []
        def step(self):
            print("step of", self.trial_id, flush=False)
            with open("/proc/self/environ") as file:
                mark = [e for e in file.read().split(chr(0)) if e.startswith("ASSAY_TRIAL_ID=")]
            return {"pid": os.getpid(), "id": self.trial_id, "made": self.made, "x": self.config["x"],
                    "old": self.told, "dir": os.getcwd(), "draw": random.random(), "mark": mark[0],
                    "restored": os.environ.get("ASSAY_RESTORE"), "iteration": self.iteration,
                    "fds": len(os.listdir("/proc/self/fd")), "done": True}
        def reset_config(self, new_config):
            print("reset by", assay.current_trial().id)
            self.told = [self.config["x"], new_config["x"]]
            if new_config["x"] == "raise":
                raise ValueError("not this one")
            return new_config["x"] != "no"
        def save_checkpoint(self, folder):
            return {}
        def load_checkpoint(self, saved):
            self.told.append("loaded")
        def cleanup(self):
            print("cleaned up", flush=True)
            with open(self.config["end"], "w") as file:
                file.write("cleaned up")
    class Without(assay.Trainable):
        def step(self):
            return {"done": True}
    class Threads(Model):
        def setup(self, config):
            import threading
            super().setup(config)
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    def function(config):
        print("called with", config["x"])
        while True:
            assay.report(x=config["x"], pid=os.getpid(), id=assay.current_trial().id)
"""


def read_all(fd: int) -> str:
    with os.fdopen(fd, encoding="utf-8") as file:
        return file.read()


def read_some(fd: int) -> str:
    """What waits in a pipe whose other end is open."""
    ready = select.select([fd], [], [], LIMIT_S)[0]
    return os.read(fd, 65536).decode() if ready else ""


class Reuse(unittest.TestCase):
    def begin(self, one: Zygote, x: Any, **more: str) -> tuple[Peer, int, int]:
        config = {"x": x, "end": os.path.join(one.code.dir, "end")}
        begun = one.start(1, config, ASSAY_REUSE="1", **more)
        self.assertEqual(one.hear()[:2], (1, 4), "STARTED")
        return begun

    def hand(self, one: Zygote, idle: Peer, x: Any, **more: str) -> tuple[Peer, int, int]:
        config = {"x": x, "end": os.path.join(one.code.dir, "end")}
        return one.hand(idle, config, ASSAY_REUSE="1", **more)

    def report(self, peer: Peer) -> Any:
        frame = peer.hear()
        while frame == ["saves"]:
            frame = peer.hear()
        self.assertEqual(frame[0], "report", frame)
        return frame[1]

    def gone(self, one: Zygote) -> int:
        """Its status, with the key of the first trial of the process."""
        key, kind, _, status, _ = one.hear()
        self.assertEqual((key, kind), (1, 6), "EXITED")
        return status

    def test_it_takes_on_all_of_the_next_one(self) -> None:
        with zygote(SOURCE, "Model") as one:
            saved = os.path.join(one.code.dir, "saved")
            os.mkdir(saved)
            peer, out, err = self.begin(one, 1, ASSAY_RESTORE=saved, ASSAY_RESTORE_ITERATION="7")
            first = self.report(peer)
            self.assertEqual((first["old"], first["iteration"]), (["loaded"], 7))
            self.assertEqual(peer.hear(), ["idle"])
            self.assertEqual(read_some(out), "step of 0a1b2c3d\n", "flushed before it is idle")
            peer.say("stop")  # what came too late for the trial before
            elsewhere = os.path.join(one.code.dir, "next")
            os.mkdir(elsewhere)
            one.code.dir = elsewhere
            after, out_after, err_after = self.hand(
                one, peer, 2, ASSAY_TRIAL_ID="feedf00d", ASSAY_SEED="8")  # fmt: skip
            self.assertEqual(peer.end.recv(1), b"y")
            second = self.report(after)
            self.assertEqual(after.hear(), ["idle"])
            self.assertEqual(read_some(out_after), "reset by feedf00d\nstep of feedf00d\n")
            self.assertEqual(read_all(out), "", "nothing of the next one's")
            self.assertEqual(peer.hear(), None, "its descriptor is closed")
            self.assertEqual((second["pid"], second["made"]["x"]), (first["pid"], 1))
            self.assertEqual((second["x"], second["old"]), (2, [1, 2]))
            self.assertEqual((second["id"], second["mark"]), ("feedf00d", "ASSAY_TRIAL_ID=feedf00d"))
            self.assertEqual(second["dir"], os.path.realpath(elsewhere))
            self.assertEqual((second["restored"], second["iteration"]), (None, 0))
            self.assertEqual(second["fds"], first["fds"], "no descriptor stays")
            self.assertNotEqual(second["draw"], first["draw"])
            again, out_again, _ = self.hand(one, after, 3, ASSAY_SEED="7")
            self.assertEqual(after.end.recv(1), b"y")
            self.assertEqual(self.report(again)["draw"], first["draw"], "draws are by the seed")
            os.close(out_again)
            for fd in (err, out_after, err_after):
                os.close(fd)

    def test_it_leaves_when_it_is_told(self) -> None:
        with zygote(SOURCE, "Model") as one:
            peer, out, err = self.begin(one, 1)
            self.report(peer)
            self.assertEqual(peer.hear(), ["idle"])
            peer.say("leave")
            self.assertEqual(peer.rest(), [["end"]])
            self.assertEqual(read_all(out), "step of 0a1b2c3d\ncleaned up\n", "it is its own still")
            self.assertEqual(read_all(err), "")
            self.assertEqual(self.gone(one), 0)

    def test_it_leaves_at_the_end_of_its_descriptor(self) -> None:
        with zygote(SOURCE, "Model") as one:
            peer, out, err = self.begin(one, 1)
            self.report(peer)
            self.assertEqual(peer.hear(), ["idle"])
            os.close(out)  # nobody listens to the trial that is over
            peer.end.close()
            self.assertEqual(self.gone(one), 0)
            with open(os.path.join(one.code.dir, "end"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "cleaned up")
            self.assertEqual(read_all(err), "")

    def test_false_declines(self) -> None:
        with zygote(SOURCE, "Model") as one:
            peer, _, _ = self.begin(one, 1)
            self.report(peer)
            self.assertEqual(peer.hear(), ["idle"])
            after, out, err = self.hand(one, peer, "no")
            self.assertEqual(peer.end.recv(1), b"n")
            self.assertEqual(self.gone(one), 0)
            self.assertEqual(read_all(out), "reset by 0a1b2c3d\n", "its cleanup is nobody's")
            self.assertEqual([frame for frame in after.rest() if frame[0] == "report"], [])
            self.assertEqual(read_all(err), "")

    def test_an_error_is_the_next_one_s(self) -> None:
        with zygote(SOURCE, "Model") as one:
            peer, _, _ = self.begin(one, 1)
            self.report(peer)
            self.assertEqual(peer.hear(), ["idle"])
            after, _, err = self.hand(one, peer, "raise")
            self.assertEqual(peer.end.recv(1), b"y")
            kind, text = after.rest()[-1]
            self.assertEqual(kind, "error")
            self.assertIn("ValueError: not this one (mine.py:", text)
            self.assertIn("in reset_config", read_all(err))
            self.assertEqual(self.gone(one), 256)

    def test_who_is_never_idle(self) -> None:
        for name in ("Without", "Threads"):
            with zygote(SOURCE, name) as one:
                config = {"x": 1, "end": os.path.join(one.code.dir, "end")}
                frames = one.run(1, config, ASSAY_REUSE="1").frames
                self.assertEqual(frames[-1], ["end"], name)
                self.assertNotIn(["idle"], frames, name)
        with zygote(SOURCE, "Model") as one:
            config = {"x": 1, "end": os.path.join(one.code.dir, "end")}
            self.assertNotIn(["idle"], one.run(1, config).frames, "nobody asked for it")

    def test_a_function_is_called_again(self) -> None:
        with zygote(SOURCE, "function") as one:
            peer, out, _ = self.begin(one, 1)
            first = self.report(peer)
            peer.say("stop")
            while self.idle_or_report(peer):
                pass
            self.assertEqual(read_some(out), "called with 1\n")
            after, out, _ = self.hand(one, peer, 2, ASSAY_TRIAL_ID="feedf00d")
            self.assertEqual(peer.end.recv(1), b"y")
            second = self.report(after)
            self.assertEqual((second["x"], second["id"]), (2, "feedf00d"))
            self.assertEqual(second["pid"], first["pid"])

    def idle_or_report(self, peer: Peer) -> bool:
        frame = peer.hear()
        self.assertIn(frame[0], ("idle", "report"))
        return bool(frame[0] == "report")


if __name__ == "__main__":
    unittest.main()
