"""Trials from beginning to end: classes, functions, how each way to end is said; alone and forked."""
import os
import signal
import sys
import unittest

from trial_rig import Code, zygote

from assay import zygote_load

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

UNSAFE, FAILED, READY = 2, 3, 1

CLASS = """
    class Model(assay.Trainable):
        def setup(self, config):
            self.n = 0
            print("setup", config)

        def step(self):
            self.n += 1
            if self.n == self.config.get("fails_at"):
                raise ValueError("as asked")
            return {"n": self.n, "iteration": self.iteration, "done": self.n == self.config.get("last")}

        def save_checkpoint(self, folder):
            return {"n": self.n}

        def load_checkpoint(self, saved):
            self.n = saved["n"]

        def cleanup(self):
            print("cleanup at", self.n)
"""


class Classes(unittest.TestCase):
    def test_steps_until_it_is_done(self) -> None:
        with Code(CLASS) as code:
            ended = code.alone("Model", {"last": 3})
        self.assertEqual(ended.frames, [
            ["saves"],
            ["report", {"n": 1, "iteration": 0, "done": False}],
            ["report", {"n": 2, "iteration": 1, "done": False}],
            ["report", {"n": 3, "iteration": 2, "done": True}], ["end"]])  # fmt: skip
        self.assertEqual((ended.out, ended.err, ended.status),
                         ("setup {'last': 3}\ncleanup at 3\n", "", 0))  # fmt: skip

    def test_stop_and_pause(self) -> None:
        with Code(CLASS) as code:
            ended = code.alone("Model", go=1, words=(("stop",),))
            self.assertEqual(ended.reports, [])
            self.assertEqual((ended.out, ended.last, ended.status),
                             ("setup {}\ncleanup at 0\n", ["end"], 0))  # fmt: skip
            ended = code.alone("Model", go=1, words=(("pause",),))
            self.assertEqual([frame[0] for frame in ended.frames], ["saves", "checkpoint", "end"])

    def test_it_saves_every_so_often_and_at_the_end(self) -> None:
        with Code(CLASS) as code:
            ended = code.alone("Model", {"last": 5}, ASSAY_CHECKPOINT_FREQ="2",
                               ASSAY_CHECKPOINT_AT_END="1")  # fmt: skip
            kinds = [frame[0] for frame in ended.frames]
            self.assertEqual(kinds, ["saves", "report", "report", "checkpoint", "report", "report",
                                     "checkpoint", "report", "checkpoint", "end"])  # fmt: skip
            again = code.alone("Model", {"last": 6}, ASSAY_RESTORE=ended.frames[-2][1],
                               ASSAY_RESTORE_ITERATION="5")  # fmt: skip
        self.assertEqual(again.reports, [{"n": 6, "iteration": 5, "done": True}])

    def test_what_save_checkpoint_may_return(self) -> None:
        source = """
            import os
            class Model(assay.Trainable):
                def _train(self): return {"done": True}
                def _save(self, folder):
                    os.mkdir(folder + "/in")
                    for end in ("a", "b"):
                        open(folder + "/in/model." + end, "w").close()
                    return {"none": None, "folder": folder, "file": folder + "/in/model.a",
                            "prefix": folder + "/in/model", "absent": folder + "/no",
                            "outside": "/tmp", "number": 7}[self.config["way"]]
                def _restore(self, saved): print(os.path.relpath(saved, os.environ["ASSAY_RESTORE"]))
        """
        with Code(source) as code:
            for way, got in (("none", "."), ("folder", "."), ("file", "in/model.a"),
                             ("prefix", "in/model")):  # fmt: skip
                ended = code.alone("Model", {"way": way}, ASSAY_CHECKPOINT_AT_END="1")
                self.assertEqual(ended.frames[-2][0], "checkpoint", ended.err)
                again = code.alone("Model", {"way": way}, ASSAY_RESTORE=ended.frames[-2][1])
                self.assertEqual(again.out, got + "\n", way)
            for way, words in (("absent", "is not there"), ("outside", "not below its folder"),
                               ("number", "returned int")):  # fmt: skip
                ended = code.alone("Model", {"way": way}, ASSAY_CHECKPOINT_AT_END="1")
                self.assertEqual(ended.last[0], "error", way)
                self.assertIn(words, ended.last[1])

    def test_a_failure_is_told_once_cleaned_up(self) -> None:
        with Code(CLASS) as code:
            ended = code.alone("Model", {"fails_at": 2})
        self.assertEqual(ended.reports, [{"n": 1, "iteration": 0, "done": False}])
        self.assertRegex(ended.last[1], r"^ValueError: as asked \(mine.py:\d+, in step\)$")
        self.assertEqual((ended.out, ended.status), ("setup {'fails_at': 2}\ncleanup at 2\n", 256))
        self.assertTrue(ended.err.startswith("Traceback"), ended.err)
        self.assertNotIn("trainable_run.py", ended.err)

    def test_a_step_that_returns_nothing(self) -> None:
        with Code("class M(assay.Trainable):\n        def step(self): pass") as code:
            ended = code.alone("M")
        self.assertEqual(ended.last, ["error", "TypeError: step() of M returned NoneType, not a dict "
                                               "of results"])  # fmt: skip

    def test_a_checkpoint_that_nobody_loads(self) -> None:
        with Code("class M(assay.Trainable):\n        def step(self): return {}") as code:
            ended = code.alone("M", ASSAY_RESTORE=code.dir)
        self.assertIn("no load_checkpoint()", ended.last[1])


FUNCTIONS = """
    import ctypes, os, sys, threading

    def plain(config):
        try:
            for n in range(config.get("most", 3)):
                assay.report(n=n)
        finally:
            print("left")

    def tune(config, reporter):
        reporter(n=1, timesteps_total=2)

    def default(config, more=None):
        assay.report(more=more)

    def pair(config):
        yield {"n": 1}
        try:
            while True:
                yield {"n": 2}
        finally:
            print("closed")

    def returns(config): return {"n": 1}
    def number(config): return 0.5
    def leaves(config): sys.exit(config["with"])
    def interrupted(config): raise KeyboardInterrupt
    def segfault(config):
        assay.report(n=1)
        ctypes.string_at(0)
    class Late(threading.Thread):
        waited_for = threading.Event()
        def run(self):
            self.waited_for.wait(20)
            print("joined")
        def join(self, timeout=None):
            self.waited_for.set()
            super().join(timeout)
    def thread(config):
        Late().start()
    def leaves_words(config):
        import atexit
        atexit.register(print, "at exit")
        sys.stdout.write("no end of line")
    class Callable:
        def __call__(self, config): assay.report(n=1)
        def method(self, config): assay.report(n=2)
    instance = Callable()

    import functools
    @functools.wraps(tune)
    def wrapped(*args): args[1](n=3)

    class Tee:
        def write(self, text): return sys.__stdout__.write("tee " + text if text.strip() else text)
        def flush(self): sys.__stdout__.flush()
    def printing(config):
        sys.stdout = Tee()
        print("x")
"""

DRAWS = """
    import random
    try:
        import numpy
    except ImportError:
        numpy = None

    def draws(config):
        assay.report(random=[random.random() for _ in range(3)],
                     numpy=list(numpy.random.rand(3)) if numpy is not None else [])
"""


class Functions(unittest.TestCase):
    def test_their_forms(self) -> None:
        with zygote(FUNCTIONS, "plain") as one:
            self.assertEqual(one.first, (READY, ""))
            ended = one.run(5)
            self.assertEqual(ended.frames, [["report", {"n": n}] for n in range(3)] + [["end"]])
            self.assertEqual((ended.out, ended.err, ended.status), ("left\n", "", 0))
        with Code(FUNCTIONS) as code:
            self.assertEqual(code.alone("tune").reports, [{"n": 1, "timesteps_total": 2}])
            self.assertEqual(code.alone("default").reports, [{"more": None}])
            self.assertEqual(code.alone("returns").reports, [{"n": 1}])
            self.assertEqual(code.alone("instance").reports, [{"n": 1}])
            self.assertEqual(code.alone("instance.method").reports, [{"n": 2}])
            self.assertEqual(code.alone("wrapped").reports, [{"n": 3}])
            ended = code.alone("pair", go=2, words=(("stop",),))
            self.assertEqual((ended.out, ended.last, ended.status), ("", ["end"], 0))
            ended = code.alone("number")
            self.assertIn("number returned float: return a dict", ended.last[1])

    def test_stopped_in_a_report(self) -> None:
        with Code(FUNCTIONS) as code:
            ended = code.alone("plain", {"most": 10}, go=1, words=(("stop",),))
            self.assertEqual((ended.out, ended.err, ended.last, ended.status),
                             ("left\n", "", ["end"], 0))  # fmt: skip

    def test_a_generator_is_closed(self) -> None:
        with zygote(FUNCTIONS, "pair") as one:
            peer, out, err = one.start(1, {})
            one.hear()
            self.assertEqual([peer.hear()[1]["n"] for _ in range(3)], [1, 2, 2])
            peer.say("stop")
            self.assertEqual(peer.rest()[-1], ["end"])
            peer.end.close()
            with os.fdopen(out) as file:
                self.assertEqual(file.read(), "closed\n")
            os.close(err)
            self.assertEqual(one.hear()[3], 0)

    def test_ends(self) -> None:
        with Code(FUNCTIONS) as code:
            for status, ends, frame in ((0, 0, ["end"]), (3, 3, None), (None, 0, ["end"]),
                                        (256, 1, None), ("why", 1, ["error", "sys.exit: why"])):  # fmt: skip
                ended = code.alone("leaves", {"with": status})
                self.assertEqual(ended.status, ends << 8, status)
                self.assertEqual(ended.frames[-1:], [frame] if frame else [], status)
            ended = code.alone("interrupted")
            self.assertEqual(ended.status, signal.SIGINT)
            self.assertIn("KeyboardInterrupt (mine.py", ended.last[1])
            ended = code.alone("segfault")
            self.assertEqual((ended.status, ended.reports), (signal.SIGSEGV, [{"n": 1}]))
            self.assertIn("in segfault", ended.err)
            self.assertEqual(code.alone("printing").out, "tee x\n")
            self.assertEqual(code.alone("thread").out, "joined\n")
            self.assertEqual(code.alone("leaves_words").out, "no end of lineat exit\n")


class Zygotes(unittest.TestCase):
    def test_draws(self) -> None:
        with zygote(DRAWS, "draws") as one:
            drawn = [one.run(n, ASSAY_SEED=seed).reports[0]
                     for n, seed in enumerate(("1", "2", "1", str((1 << 64) - 1)), 1)]  # fmt: skip
            alone = one.code.alone("draws", ASSAY_SEED="2").reports[0]
        self.assertEqual(drawn[0], drawn[2])
        self.assertEqual(drawn[1], alone)
        numbers = [n for one in (drawn[0], drawn[1], drawn[3]) for part in one.values() for n in part]
        self.assertEqual(len(set(numbers)), len(numbers))
        self.assertEqual(len(drawn[0]["numpy"]), 3 if numpy is not None else 0)

    def test_a_child_is_a_process_of_its_own(self) -> None:
        source = """
            import atexit, os, signal, sys
            atexit.register(print, "the zygote's own")
            kept = open(__file__)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            def who(config):
                with open("/proc/self/environ") as file:
                    mark = [e for e in file.read().split(chr(0)) if e.startswith("ASSAY_TRIAL_ID=")]
                assay.report(
                    leads=os.getsid(0) == os.getpgid(0) == os.getpid(), dir=os.getcwd(), mark=mark,
                    id=os.environ["ASSAY_TRIAL_ID"], other=os.environ["OTHER"], stdin=sys.stdin.read(),
                    code=sys.path[0], first=kept.readline(),
                    ignored=signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN,
                    fds=sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:5])
        """
        with zygote(source, "who") as one:
            ended = one.run(1, OTHER="x")
            self.assertEqual(ended.frames[-1], ["end"], ended.err)
            got = ended.reports[0]
            self.assertEqual(got.pop("fds")[:4], [0, 1, 2, 3])
            self.assertEqual(got, {
                "leads": True, "dir": os.path.realpath(one.code.dir), "mark": ["ASSAY_TRIAL_ID=0a1b2c3d"],
                "id": "0a1b2c3d", "other": "x", "stdin": "", "code": one.code.code,
                "first": "import assay\n", "ignored": True})  # fmt: skip
            self.assertEqual(ended.out, "")
            self.assertEqual(one.close(), 0)

    def test_children_die_with_it(self) -> None:
        source = """
            import threading
            def waits(config):
                assay.report(n=1)
                threading.Event().wait()
        """
        with zygote(source, "waits") as one:
            peer, out, err = one.start(1, {})
            one.hear()
            peer.hear()
            one.process.kill()
            self.assertEqual(peer.rest(), [], "what it held is closed")
            peer.end.close()
            os.close(out)
            os.close(err)

    def test_what_cannot_be_loaded(self) -> None:
        source = FUNCTIONS + "\n    class Odd: pass\n    value = 3\n"
        for name, words in (("plan", "did you mean plain?"), ("Callable", "is no assay.Trainable"),
                            ("value", "int: name a class or a function")):  # fmt: skip
            with zygote(source, name) as one:
                self.assertEqual(one.first[0], FAILED)
                self.assertIn(words, one.first[1])
                self.assertEqual(one.process.wait(30), 0)
        with zygote("def f():\n        raise OSError('x' * 9000)\n    f()", "f") as one:
            self.assertEqual(one.first[0], FAILED)
            self.assertLess(len(one.first[1]), 4096)
            self.assertIn("Error", one.first[1])

    def test_threads_of_python_are_not_forked(self) -> None:
        source = """
            import threading
            threading.Thread(target=threading.Event().wait, name="loader", daemon=True).start()
            def f(config): pass
        """
        with zygote(source, "f") as one:
            self.assertEqual(one.first, (UNSAFE, "importing mine starts threads (loader)"))

    def test_threads_of_others_are_not_forked(self) -> None:
        source = """
            import ctypes, time, os
            thread = ctypes.c_ulong()
            libc = ctypes.CDLL(None)
            libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
            def f(config): pass
        """
        with zygote(source, "f") as one:
            self.assertEqual(one.first, (UNSAFE, "importing mine starts threads (1, none of Python's)"))

    @unittest.skipIf(numpy is None, "numpy is not here")
    def test_threads_that_end_at_a_fork_are_no_reason(self) -> None:
        # OMP_NUM_THREADS is 2: OpenBLAS has a thread as soon as numpy is imported.
        source = """
            import os, numpy
            threads = len(os.listdir("/proc/self/task"))
            def f(config):
                ones = numpy.ones((99, 99))
                assay.report(x=float((ones @ ones)[0, 0]), threads=threads)
        """
        with zygote(source, "f") as one:
            self.assertEqual(one.first, (READY, ""))
            self.assertEqual(one.run(1).reports, [{"x": 99.0, "threads": 2}])

    def test_cuda_is_seen(self) -> None:
        class Torch:
            class cuda:
                @staticmethod
                def is_initialized() -> bool:
                    return True

        self.assertIsNone(zygote_load.why_unsafe("mine"))
        self.addCleanup(sys.modules.pop, "torch", None)
        sys.modules["torch"] = Torch  # type: ignore[assignment]
        self.assertEqual(zygote_load.why_unsafe("mine"), "importing mine begins to use the GPU")
        Torch.cuda.is_initialized = staticmethod(lambda: False)  # type: ignore[method-assign]
        self.assertIsNone(zygote_load.why_unsafe("mine"))


if __name__ == "__main__":
    unittest.main()
