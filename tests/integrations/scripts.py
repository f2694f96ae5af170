"""Scripts that use the package, in the environment that has the library."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

from cluster import ROOT, tool  # noqa: E402
from expect import Failure, SLOWER, shorten  # noqa: E402

PACKAGE = os.path.join(ROOT, "python")
LIMIT_S = 300


def env_of(scene, home=None, more=None):
    """ASSAY_PYTHON: trials need the library, too."""
    return scene.env(home or scene.home("me"), {
        "PYTHONPATH": PACKAGE, "ASSAY_PROGRAM": tool("assay"), "ASSAY_PYTHON": sys.executable, "KERAS_BACKEND": "jax",
        "TUNE_RESULT_DIR": scene.path("tune"), "PATH": "%s:%s" % (os.path.dirname(tool("assay")), os.environ["PATH"]),
        **(more or {})})


def python(scene, *words, home=None, status=0):
    """Run Python with these words, in the scene's folder, to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=env_of(scene, home), cwd=scene.folder, timeout=LIMIT_S * SLOWER, encoding="utf-8", start_new_session=True)
    if done.returncode != status:
        raise Failure("%s ended with %d: %s\n%s" % (
            " ".join(words), done.returncode, shorten(done.stdout), shorten(done.stderr, 3000)))
    return done.stdout
