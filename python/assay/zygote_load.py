"""The user's module: found, imported, its trainable taken out of it; and whether a process that has
imported it may be forked."""
import difflib
import glob
import importlib
import os
import sys
import threading
import traceback
from typing import Any, Callable, Optional

from .trainable import Trainable, has_step
from .trainable_run import describe, user_part

TRACEBACK_MOST = 3000
"""Characters of a traceback in a reason: its end, which says what went wrong."""


class LoadError(Exception):
    """Why there is no trainable: what, and the mend, with the traceback where there is one."""


def load(run: str) -> Callable[..., Any]:
    """The class or function of "module:Name". Raises LoadError.

    The code of the experiment is in sys.path already.
    """
    module_name, _, name = run.partition(":")
    target: Any = _import(module_name)
    for part in name.split("."):
        if not hasattr(target, part):
            raise LoadError(_no_such_name(module_name, target, part))
        target = getattr(target, part)
    if isinstance(target, type):
        _check_class(target, run)
    elif not callable(target):
        raise LoadError("%s is %s: name a class or a function" % (run, type(target).__name__))
    found: Callable[..., Any] = target
    return found


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise LoadError(_no_module(name, error.name)) from None
        raise LoadError(_import_failed(name, error) + _mend_missing(error)) from None
    except BaseException as error:
        raise LoadError(_import_failed(name, error)) from None


def _no_module(name: str, missing: str) -> str:
    code = sys.path[0]
    files = sorted(os.path.basename(path) for path in glob.glob(os.path.join(code, "*.py")))
    there = ", ".join(files[:8]) + (", ..." if len(files) > 8 else "")
    return (
        "cannot import %s on %s: there is no module %s in the experiment's code (%s), nor does %s "
        'have one: run: {python: "module:Name"}, and code: FOLDER for the folder that it stands in'
        % (name, _node(), missing, there or "no .py file", sys.executable)
    )


def _node() -> str:
    return os.uname().nodename


def _mend_missing(error: ModuleNotFoundError) -> str:
    return (
        "\ninstall %s for %s on that node, or name another Python by `interpreter` in run, or by "
        "ASSAY_PYTHON in the worker's environment" % (error.name, sys.executable)
    )


def _import_failed(name: str, error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, user_part(error.__traceback__))
    return "cannot import %s on %s: %s\n%s" % (
        name,
        _node(),
        describe(error),
        "".join(lines)[-TRACEBACK_MOST:].rstrip(),
    )


def _no_such_name(module: str, inside: Any, name: str) -> str:
    near = difflib.get_close_matches(name, [n for n in vars(inside) if n[0] != "_"], 1)
    mend = "; did you mean %s?" % near[0] if near else ""
    return "%s has no %r (%s)%s" % (module, name, getattr(inside, "__file__", "no file"), mend)


def _check_class(kind: type, run: str) -> None:
    if not issubclass(kind, Trainable):
        raise LoadError("%s is no assay.Trainable: write class %s(assay.Trainable), with step()"
                        % (run, kind.__name__))  # fmt: skip
    if not has_step(kind):
        raise LoadError("%s has no step(): define it, to return one result each time" % run)


def why_unsafe(module: str) -> Optional[str]:
    """Why a fork of this process would not be safe; None: it is.

    Threads are not there in a fork, and the locks that they held stay locked for ever; CUDA does
    not work in one. Threads that end by themselves at a fork, as those of OpenBLAS, do not count.
    """
    threads = [t.name for t in threading.enumerate() if t is not threading.current_thread()]
    if threads:
        return "importing %s starts threads (%s)" % (module, ", ".join(threads[:3]))
    if _uses_cuda():
        return "importing %s begins to use the GPU" % module
    if _tasks() > 1:
        _fork_once()
    if _tasks() > 1:
        return "importing %s starts threads (%d, none of Python's)" % (module, _tasks() - 1)
    return None


def _tasks() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 2  # not known: be careful


def _fork_once() -> None:
    """So that who has asked to hear of a fork ends its threads."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _uses_cuda() -> bool:
    torch = sys.modules.get("torch")
    try:
        if torch is not None and torch.cuda.is_initialized():
            return True
    except AttributeError:
        pass  # a torch without CUDA, or another module of that name
    for fd in os.listdir("/proc/self/fd"):
        try:
            if os.readlink("/proc/self/fd/" + fd).startswith("/dev/nvidia"):
                return True
        except OSError:
            continue
    return False
