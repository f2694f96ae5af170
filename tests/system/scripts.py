"""Scripts that use the Python package, run to their end."""
import os
import subprocess
import sys

from cluster import tool
from expect import Failure, shorten

PACKAGE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "python"))


def env_of(scene, home="me", more=None):
    return scene.env(scene.home(home), {
        "PYTHONPATH": PACKAGE, "ASSAY_PROGRAM": tool("assay"),
        "TUNE_RESULT_DIR": scene.path("tune"), **(more or {})})


def script(scene, text, *words, name="script", ray=False, status=0, env=None):
    """Run a script to its end; what it printed on both."""
    path = scene.write("scripts/%s.py" % name, text)
    begin = [sys.executable, *(["-m", "assay.ray"] if ray else [])]
    done = subprocess.run(
        [*begin, path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=env_of(scene, more=env), cwd=scene.folder, timeout=60,
        encoding="utf-8", start_new_session=True)
    if done.returncode != status:
        raise Failure("%s ended with %d: %s\n%s" % (
            name, done.returncode, shorten(done.stdout), shorten(done.stderr, 3000)))
    return done.stdout, done.stderr
