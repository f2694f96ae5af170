"""How trainables get to the nodes: by file, as bytes, or not at all."""

import importlib
import os
import subprocess
import sys
import threading
import unittest
from unittest import mock

from client_rig import folder_of, needs

import assay
from assay import ship


def of_a_module(tmp_path, text="def train(config):\n    return {'a': 1}\n", name="shipped_by_file"):
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / (name + ".py")).write_text(text)
    sys.path.insert(0, str(tmp_path))
    try:
        for old in [n for n in sys.modules if n == "pkg" or n.startswith("pkg.")]:
            del sys.modules[old]
        importlib.invalidate_caches()
        return importlib.import_module("pkg." + name)
    finally:
        sys.path.remove(str(tmp_path))


def staged(folder, path=()):
    """What a node has of a code tree."""
    code = "import assay_shipped; print(assay_shipped.trainable({}))"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path, *path])}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True,
                          encoding="utf-8")  # fmt: skip


class Ship(unittest.TestCase):
    def test_a_module_goes_by_its_file(self):
        tmp_path = folder_of(self)
        module = of_a_module(tmp_path)
        sent = ship.ship(module.train, str(tmp_path), private=False)
        assert sent.run == {"python": "pkg.shipped_by_file:train"}
        assert sent.code == str(tmp_path) and sent.name == "train"

    def test_here_it_is_imported_from_where_it_is(self):
        tmp_path = folder_of(self)
        module = of_a_module(tmp_path)
        folder = tmp_path / "code"
        folder.mkdir()
        sent = ship.ship(module.train, str(folder), private=True)
        assert sent.run == {"python": "assay_shipped:trainable", "interpreter": sys.executable}
        assert sent.code == str(folder)
        assert staged(folder).stdout == "{'a': 1}\n"

    def test_what_stands_inside_a_function_goes_as_bytes(self):
        tmp_path = folder_of(self)
        needs(self, "cloudpickle")
        inside = 7
        ship.ship(lambda config: {"b": inside}, str(tmp_path), private=True)
        assert staged(tmp_path).stdout == "{'b': 7}\n"

    def test_another_python_is_told_the_mend(self):
        tmp_path = folder_of(self)
        needs(self, "cloudpickle")
        ship.ship(lambda config: None, str(tmp_path), private=True)
        path = tmp_path / "assay_shipped.pkl"
        head, _, rest = path.read_bytes().partition(b"\n")
        ours = b"[%d, %d]" % sys.version_info[:2]
        path.write_bytes(head.replace(ours, b"[3, 7]") + b"\n" + rest)
        done = staged(tmp_path)
        assert "shipped by Python 3.7 and this node's is" in done.stderr
        assert "ASSAY_PYTHON=python3.7" in done.stderr

    def test_what_cannot_be_pickled_says_so(self):
        tmp_path = folder_of(self)
        needs(self, "cloudpickle")
        lock = threading.Lock()
        with self.assertRaisesRegex(assay.UsageError, "cannot be shipped"):
            ship.ship(lambda config: lock, str(tmp_path), private=True)

    def test_without_cloudpickle_a_script_is_imported_and_a_lambda_refused(self):
        tmp_path = folder_of(self)
        patch = mock.patch.dict(sys.modules, {"cloudpickle": None})
        patch.start()
        self.addCleanup(patch.stop)
        with self.assertRaisesRegex(assay.UsageError, "cloudpickle is not installed") as caught:
            ship.ship(lambda config: None, str(tmp_path), private=True)
        assert "pip install cloudpickle" in caught.exception.mend
        script = tmp_path / "my_script.py"
        script.write_text(
            "import sys\nsys.modules['cloudpickle'] = None\nfrom assay import ship\n"
            "def train(config):\n    return __name__\n"
            "if __name__ == '__main__':\n    ship.ship(train, sys.argv[1], private=True)\n"
        )
        folder = tmp_path / "code"
        folder.mkdir()
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, str(script), str(folder)], check=True, env=env)
        assert staged(folder).stdout == "my_script\n"

    def test_what_no_node_could_run_is_refused_with_the_mend(self):
        tmp_path = folder_of(self)
        for what in [7, "no_colon", object, type("NoStep", (assay.Trainable,), {})]:
            with self.subTest(what=repr(what)):
                with self.assertRaises(assay.UsageError) as caught:
                    ship.ship(what, str(tmp_path), private=True)
                assert caught.exception.mend

    def test_callbacks_need_the_file_that_they_are_told_from(self):
        for files in ([], ["params"]):
            with self.assertRaisesRegex(assay.UsageError, "result.json"):
                assay.run({"command": "true"}, files=files, callbacks=[assay.Callback()])

    def test_a_node_that_imports_a_script_runs_no_experiment(self):
        with mock.patch.dict(os.environ, {"ASSAY_TRIAL_ID": "1f0e22aa"}):
            with self.assertRaisesRegex(assay.UsageError, "run") as caught:
                assay.run({"command": "true"})
        self.assertIn("__main__", caught.exception.mend)


if __name__ == "__main__":
    unittest.main()
