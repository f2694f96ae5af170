"""The environment of Python packages that tables and Optuna come from: made once, below build/."""

import os
import subprocess
import sys
from pathlib import Path

from machine import Failure

REQUIREMENTS = Path(__file__).resolve().parent / "requirements.txt"
MAKE_LIMIT_S = 900

# A suggestion is one thread's work on both sides.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def is_ready(folder):
    """Whether all that is wanted was installed there: the list is put there last."""
    installed = folder / REQUIREMENTS.name
    return installed.exists() and installed.read_text() == REQUIREMENTS.read_text()


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def run(*words):
    try:
        done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=MAKE_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Failure(f"{words[2]}: not done within {MAKE_LIMIT_S} s") from None
    if done.returncode != 0:
        raise Failure(f"{words[2]} ended with {done.returncode}: {last_line(done.stdout)}")


def make(folder):
    print(f"bench: installing {REQUIREMENTS.name} below {folder}", file=sys.stderr)
    try:
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS)
    except Failure as failure:
        raise Failure(f"no environment with Optuna and tables: {failure}\n"
                      "  try: a network with a package index, or, with neither of them: "
                      "--tables toy --only ours --only random") from None
    (folder / REQUIREMENTS.name).write_text(REQUIREMENTS.read_text())


def enter(folder):
    """Returns in the environment's own interpreter, in which the program begins anew."""
    if not is_ready(folder):
        make(folder)
    if os.path.realpath(sys.prefix) != os.path.realpath(folder):
        python = str(folder / "bin/python")
        os.execve(python, [python, *sys.argv], {**os.environ, **ONE_THREAD})
