"""How a class or function of Python's gets to the nodes.

One of an importable module goes by its file: the folder that the module stands in is the code tree.
One of the script itself, of a notebook, or one made inside a function goes as bytes of cloudpickle;
where that is not installed a script is imported again on the node, under its own name, so what runs
it has to stand behind `if __name__ == "__main__":`. The head never looks inside.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

from . import program
from .errors import UsageError
from .shipped import MODULE
from .trainable import Trainable, has_step

Runnable = Union[str, dict[str, Any], Callable[..., Any], type]


@dataclass
class Shipped:
    """run and code: as in experiment files; name: what trials are called by."""

    run: dict[str, Any]
    code: Optional[str]
    name: Optional[str]


AS_RAY = "import assay.ray; assay.ray.install()"
"""What a node does before it imports a script in which `import ray` is ours."""


def ship(trainable: Runnable, folder: str, private: bool, prepare: str = "") -> Shipped:
    """Make it something that a node can run.

    folder: an empty one of ours; private: trials run on this machine; prepare: a line of Python
    that the node runs first. Raises UsageError where it cannot go there.
    """
    if not prepare and "ray" in sys.modules and sys.modules["ray"] is sys.modules.get("assay.ray"):
        prepare = AS_RAY
    if isinstance(trainable, dict):
        return Shipped(trainable, None, None)
    if isinstance(trainable, str):
        if ":" not in trainable:
            raise UsageError("run", "%r names no trainable" % trainable, '"module:Name"')
        name = trainable.rpartition(":")[2]
        return Shipped(_python(trainable, private), os.getcwd(), name.rpartition(".")[2])
    check(trainable)
    name = name_of(trainable)
    root = _root_of(trainable)
    if root is not None and not prepare and not private:
        run = "%s:%s" % (trainable.__module__, trainable.__qualname__)
        return Shipped(_python(run, private), root or "none", name)
    return Shipped(
        _python(MODULE + ":trainable", private), _stage(trainable, folder, private, prepare), name
    )


def _python(run: str, private: bool) -> dict[str, Any]:
    return {"python": run, "interpreter": program.python()} if private else {"python": run}


def name_of(trainable: Callable[..., Any]) -> str:
    """What people call it by."""
    inner = trainable
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    name = getattr(inner, "__name__", type(inner).__name__)
    return "lambda" if name == "<lambda>" else str(name)


def check(trainable: Any) -> None:
    """Raises UsageError where no node could run it."""
    if isinstance(trainable, type):
        name = trainable.__name__
        if not issubclass(trainable, Trainable):
            raise UsageError(
                "run", "%s is no assay.Trainable" % name, "class %s(assay.Trainable)" % name
            )
        if not has_step(trainable):
            raise UsageError(
                name,
                "it has no step()",
                "def step(self): that does one iteration and returns its result, a dict",
            )
        return
    if not callable(trainable):
        raise UsageError(
            "run",
            "%r is neither a class nor a function" % (trainable,),
            "a subclass of assay.Trainable, or a function of the configuration",
        )
    try:
        inspect.signature(trainable).bind({}) if not _takes_two(trainable) else None
    except TypeError as error:
        raise UsageError(
            name_of(trainable),
            "cannot be called with a configuration: %s" % error,
            "def train(config):",
        ) from None


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind({}, None)
        return True
    except TypeError:
        return False


def _root_of(trainable: Any) -> Optional[str]:
    """The folder that its module is imported from; "": one that every node has by itself. None: a
    node could not import it."""
    module = sys.modules.get(getattr(trainable, "__module__", None) or "")
    path = getattr(module, "__file__", None)
    qualname = getattr(trainable, "__qualname__", "<")
    if module is None or path is None or "<" in qualname or module.__name__ == "__main__":
        return None
    if _at(module, qualname) is not trainable:
        return None
    path = os.path.abspath(path)
    installed = {
        os.path.abspath(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib")
    }
    if any(path.startswith(folder + os.sep) for folder in installed):
        return ""
    parts = module.__name__.count(".") + (os.path.basename(path) == "__init__.py")
    return os.path.abspath(os.path.join(path, *[os.pardir] * (parts + 1)))


def _at(inside: Any, qualname: str) -> Any:
    for part in qualname.split("."):
        inside = getattr(inside, part, None)
    return inside


def _stage(trainable: Any, folder: str, private: bool, prepare: str) -> str:
    """A code tree: the module that a node imports, what it unpacks, and the script's own folder."""
    lines = ["# Made by assay: what a node imports to have the trainable.", "import sys"]
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    root = _root_of(trainable)
    home = root or (os.path.dirname(os.path.abspath(script)) if script else os.getcwd())
    if private:
        lines.append("sys.path[1:1] = [%r]" % home)
    elif script is not None or root:
        _copy_tree(home, folder)
    if prepare:
        lines.append(prepare)
    lines += _take(trainable, folder, root, script)
    with open(os.path.join(folder, MODULE + ".py"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return folder


def _take(trainable: Any, folder: str, root: Optional[str], script: Optional[str]) -> list[str]:
    """The lines that take the trainable out of what was shipped."""
    module, qualname = trainable_place(trainable)
    if root is None:
        data = _pickle(trainable)
        if data is None:
            module = _script_module(trainable, script)
        else:
            with open(os.path.join(folder, MODULE + ".pkl"), "wb") as file:
                file.write(data)
            return ["from assay.shipped import unpack", "trainable = unpack(__file__)"]
    return ["import importlib", "trainable = importlib.import_module(%r).%s" % (module, qualname)]


def trainable_place(trainable: Any) -> tuple[str, str]:
    """Its module's name, and its own in there."""
    return str(getattr(trainable, "__module__", "")), str(getattr(trainable, "__qualname__", ""))


def _script_module(trainable: Any, script: Optional[str]) -> str:
    """Without cloudpickle: the module that the script is where it is imported."""
    module, qualname = trainable_place(trainable)
    stem = os.path.splitext(os.path.basename(script or ""))[0]
    if module != "__main__" or not stem.isidentifier() or "<" in qualname or not qualname:
        raise UsageError(
            name_of(trainable),
            "it stands in no file that a node could import, and cloudpickle is not installed",
            "pip install cloudpickle, here and on the nodes, or move it into a module of its own",
        )
    return stem


def _pickle(trainable: Any) -> Optional[bytes]:
    """A line of JSON that says what made it, then its bytes. None: cloudpickle is not here."""
    try:
        cloudpickle = importlib.import_module("cloudpickle")
    except ImportError:
        return None
    head = {"python": list(sys.version_info[:2]), "cloudpickle": cloudpickle.__version__}
    try:
        data: bytes = cloudpickle.dumps(trainable)
    except Exception as error:
        raise UsageError(
            name_of(trainable),
            "it cannot be shipped: %s: %s" % (type(error).__name__, error),
            "make such objects (files, locks, connections) inside of it, not beside it",
        ) from error
    return json.dumps(head).encode() + b"\n" + data


def _copy_tree(home: str, folder: str) -> None:
    """What `assay` itself would ship of a folder, into another one."""
    file = os.path.join(folder, "probe.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump({"name": "code", "run": {"command": "true"}, "code": home}, out)
    code = program.ask(["preview", file], "the script's folder")[0]["code"]
    os.unlink(file)
    for entry in (code or {"files": []})["files"]:
        target = os.path.join(folder, entry["path"])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(home, entry["path"]), target, follow_symlinks=False)
