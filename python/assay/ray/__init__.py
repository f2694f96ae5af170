"""Scripts that were written for Ray Tune, on Assay.

    python -m assay.ray script.py [ARGUMENTS]     the script as it is, `import ray` and all
    import assay.ray as ray                       in a script of one's own
    import assay.ray; assay.ray.install()         from then on `import ray` is this

Tune 0.7's names, and those of Ray 2 that need no more than a rename. What is not there raises an
error that names the way. `docs/TUNE-DIFFERENCES.md` says where results differ, and why.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import logging
import sys
from types import ModuleType
from typing import Any, Optional

from ..errors import UsageError
from . import state

__version__ = "0.7.0"
"""Of Ray: what a script may ask about."""

__all__ = ["init", "install", "is_initialized", "shutdown"]

_WAYS = {
    "get": "a trainable returns its results; ray.get and remote functions are Ray's own",
    "put": "let the trainable read it: a file in the code tree, or a path in its config",
    "remote": "Assay runs trials, not tasks: make it a trainable, or plain Python",
    "wait": "tune.run returns when all trials have ended",
    "kill": "assay stop EXPERIMENT/TRIAL",
    "cluster_resources": "assay nodes --json",
    "available_resources": "assay nodes --json",
    "nodes": "assay nodes --json",
    "rllib": "Assay has no RLlib: a trainable of your own can use any library",
    "data": "let the trainable read its data by itself",
    "serve": "Assay serves no models",
}

_logger = logging.getLogger("assay.ray")

_OF_RAY = (
    "object_store_memory redis_max_memory redis_password include_webui include_dashboard "
    "dashboard_host dashboard_port logging_level logging_format configure_logging log_to_driver "
    "temp_dir _temp_dir plasma_directory huge_pages redis_max_clients runtime_env namespace "
    "resources local_mode num_redis_shards"
).split()


def init(
    redis_address: Optional[str] = None,
    num_cpus: Optional[int] = None,
    num_gpus: Optional[int] = None,
    address: Optional[str] = None,
    ignore_reinit_error: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Say where trials run: on the cluster of address (HOST:PORT of its head, or redis://HOST), or
    here, with num_cpus CPUs (all). Nothing is started before there is an experiment.

    GPUs are found by each worker itself. Raises UsageError for a second call without
    ignore_reinit_error, for a cluster with num_cpus, and for words that Ray's init does not have.
    """
    given = redis_address or address
    if state.initialized and not ignore_reinit_error:
        raise UsageError("ray.init", "it was called before", "ray.init(ignore_reinit_error=True)")
    if given is not None and num_cpus is not None:
        raise UsageError(
            "ray.init", "num_cpus is said by each worker of a cluster", "leave it away"
        )
    unknown = sorted(set(more) - set(_OF_RAY))
    if unknown:
        raise UsageError("ray.init", "it has no %s" % unknown[0], "leave it away")
    if more.get("resources"):
        raise UsageError(
            "ray.init", "custom resources are a worker's", "assay worker --resource NAME=AMOUNT"
        )
    idle = sorted(name for name in more if more[name]) + (["num_gpus"] if num_gpus else [])
    if idle:
        _logger.warning("ray.init: nothing here goes by %s", ", ".join(idle))
    state.initialized = True
    state.address = None if given in ("auto", "local") else given
    state.cpus = num_cpus
    return {"redis_address": given, "address": given}


def shutdown(*args: Any) -> None:
    """What init said is forgotten. What runs on a cluster goes on."""
    del args
    state.initialized, state.address, state.cpus = False, None, None


def is_initialized() -> bool:
    """Whether init was called."""
    return state.initialized


def __getattr__(name: str) -> Any:
    if name in ("tune", "train", "air"):
        return importlib.import_module("%s.%s" % (__name__, name))
    if name in _WAYS:
        raise UsageError("ray." + name, "it is not there", _WAYS[name])
    raise AttributeError("module 'ray' (assay.ray) has no attribute %r" % name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`ray` and what is below it: the same modules as `assay.ray`."""

    def find_spec(
        self, name: str, path: Any, target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        del path, target
        if name != "ray" and not name.startswith("ray."):
            return None
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[ModuleType]:
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        try:
            sys.modules[name] = importlib.import_module("assay." + name)
        except ModuleNotFoundError as error:
            if error.name is None or not ("assay." + name).startswith(error.name):
                raise
            way = _WAYS.get(name.split(".")[1], "docs/TUNE-DIFFERENCES.md says what is there")
            raise ModuleNotFoundError(
                "%s is not in assay.ray: %s" % (name, way), name=name
            ) from None


def install() -> None:
    """From now on `import ray`, and whatever is below it, is assay.ray."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in [n for n in sys.modules if n == "ray" or n.startswith("ray.")]:
        raise UsageError("assay.ray", "%s was imported before" % name, "call install() before it")
    sys.meta_path.insert(0, _Finder())
    sys.modules["ray"] = sys.modules[__name__]
