"""The program `assay`: where it is, and how it is asked.

The package speaks to heads through it alone. It is looked for as $ASSAY_PROGRAM says, in the folder
`bin` of this package (a wheel carries the programs), and in PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Optional

from . import redis
from .errors import AssayError, InternalError, of_program


def path() -> str:
    """The program's path. Raises InternalError where there is none."""
    own = os.path.join(os.path.dirname(__file__), "bin", "assay")
    for candidate in (os.environ.get("ASSAY_PROGRAM"), own, shutil.which("assay")):
        # The script of a package without programs would find itself.
        is_self = candidate and os.path.realpath(candidate) == os.path.realpath(sys.argv[0])
        if candidate and not is_self and os.access(candidate, os.X_OK):
            return candidate
    raise InternalError(
        "assay",
        "the program is neither in this package, nor in PATH, nor where $ASSAY_PROGRAM says",
        "pip install . in the project's folder, or ASSAY_PROGRAM=BUILD/bin/assay",
    )


def environment() -> dict[str, str]:
    """What the program is started with: ours, with a redis-server in PATH where one can be had."""
    env = dict(os.environ)
    first = redis.folder()
    if first is not None:
        env["PATH"] = first + os.pathsep + env.get("PATH", os.defpath)
    return env


def flags(address: Optional[str], token_file: Optional[str]) -> list[str]:
    """The flags that say which head is meant."""
    words = []
    if address is not None:
        words += ["--address", address]
    if token_file is not None:
        words += ["--token-file", token_file]
    return words


def start(words: Sequence[str], stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """Start it; what it prints and complains of are pipes of text."""
    return subprocess.Popen(
        [path(), *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        encoding="utf-8",
        errors="replace",
    )


def do(
    words: Sequence[str], what: str, made: Optional[str] = None, fine: Sequence[int] = (0,)
) -> str:
    """Run it to its end; what it printed.

    what: what an error is about; made: a file that was made for it; fine: exit statuses that are
    no failure. Raises AssayError as any other status says.
    """
    child = start(words)
    printed, said = child.communicate()
    if child.returncode not in fine:
        raise of_program(child.returncode, said, what, made)
    return printed


def ask(words: Sequence[str], what: str, made: Optional[str] = None) -> list[Any]:
    """The same with --json: the documents that it printed, one a line."""
    return [json.loads(line) for line in do([*words, "--json"], what, made).splitlines() if line]


def stream(words: Sequence[str], what: str) -> Iterator[Any]:
    """The same, each document as it comes. Closing the iterator ends the program, nothing else."""
    child = start([*words, "--json"])
    assert child.stdout is not None and child.stderr is not None
    try:
        for line in child.stdout:
            yield json.loads(line)
        said = child.stderr.read()
        if child.wait() not in (0, 1):
            raise of_program(child.returncode, said, what)
    finally:
        if child.poll() is None:
            child.terminate()
        child.stdout.close()
        child.stderr.close()
        child.wait()


def main() -> None:
    """What the script `assay` of the wheel is: the program itself."""
    try:
        os.execve(path(), ["assay", *sys.argv[1:]], environment())
    except AssayError as error:
        sys.exit("assay: %s" % error)


def python() -> str:
    """The interpreter that this is."""
    return sys.executable or "python3"
