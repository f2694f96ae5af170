"""Checkpoints of a class: what save_checkpoint returned, in a folder, and back.

Beside its files a folder has `.assay_checkpoint`, JSON: {"path": name below the folder, "dict":
whether that is a pickled dict}. A folder without it is one that something else wrote: the folder
itself is handed to load_checkpoint.
"""
import json
import os
import pickle
from typing import Any

from .trainable import Trainable

NOTE = ".assay_checkpoint"
PICKLED = "checkpoint"


def save(trainable: Trainable, folder: str) -> None:
    """Have it save into folder, which is there and empty.

    Raises what it raises, and ValueError or TypeError where it returns none of what it may.
    """
    saved = trainable.save_checkpoint(folder)
    path = ""
    if isinstance(saved, dict):
        path = PICKLED
        with open(os.path.join(folder, path), "wb") as file:
            pickle.dump(saved, file, protocol=4)
    elif isinstance(saved, (str, os.PathLike)):
        path = _inside(os.fspath(saved), folder, type(trainable).__name__)
    elif saved is not None:
        raise TypeError(
            "save_checkpoint() of %s returned %s: a dict, a path below its folder, or None"
            % (type(trainable).__name__, type(saved).__name__)
        )
    with open(os.path.join(folder, NOTE), "w", encoding="utf-8") as note:
        json.dump({"path": path, "dict": isinstance(saved, dict)}, note)


def _inside(path: str, folder: str, name: str) -> str:
    """path as it is called below folder."""
    inner = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
    if inner == ".":
        return ""
    if inner.startswith(".."):
        raise ValueError(
            "save_checkpoint() of %s returned %s, which is not below its folder %s"
            % (name, path, folder)
        )
    # A prefix of files' names, as some libraries have it, is none itself.
    parent = os.path.join(folder, os.path.dirname(inner))
    first = os.path.basename(inner)
    if not os.path.isdir(parent) or not any(n.startswith(first) for n in os.listdir(parent)):
        raise ValueError("save_checkpoint() of %s returned %s, which is not there" % (name, path))
    return inner


def load(trainable: Trainable, folder: str) -> None:
    """Have it go on from a folder that `save`, or something else, has filled. Raises what it
    raises."""
    try:
        with open(os.path.join(folder, NOTE), encoding="utf-8") as file:
            note: Any = json.load(file)
    except FileNotFoundError:
        note = {"path": "", "dict": False}
    path = os.path.join(folder, note["path"]) if note["path"] else folder
    if note["dict"]:
        with open(path, "rb") as pickled:
            trainable.load_checkpoint(pickle.load(pickled))
    else:
        trainable.load_checkpoint(path)
