"""An experiment as the head takes it: the content of an experiment file."""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Mapping
from typing import Any, Optional

from . import schedulers
from .errors import UsageError
from .space import Domain
from .variants import generate, has_functions, is_marker

TRIALS_MOST = 100000
"""Trials that functions of a config may make: each is written down."""

POINTS_MOST = 1000
"""Up to so many their tags say what was chosen, as elsewhere."""


def plain(value: Any, where: str) -> Any:
    """A value as JSON has it: domains are markers, numpy's arrays are lists.

    Raises UsageError with its place where a part of it is no plain data.
    """
    if isinstance(value, Domain):
        return {value.kind: [plain(arg, where) for arg in value.args]}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise UsageError(
            where, "%r is no finite number" % value, 'write it as a text: "%r"' % value
        )
    if isinstance(value, Mapping):
        return {_key(key, where): plain(v, "%s.%s" % (where, key)) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, "%s.%d" % (where, i)) for i, inner in enumerate(value)]
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return plain(value.tolist(), where)
    raise UsageError(
        where,
        "%s is no plain data: a configuration is numbers, texts, booleans, None, lists and dicts"
        % type(value).__name__,
        "make it in the trainable, from a name or a number that stands in the config",
    )


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    raise UsageError(where, "the name %r is no text" % (key,), "write it as %r" % str(key))


def check_config(config: Any) -> None:
    """Raises UsageError where it is no map, or holds a bare function."""
    if not isinstance(config, Mapping):
        raise UsageError(
            "config", "is %s, not a dict" % type(config).__name__, 'config={"lr": 0.1}'
        )


def with_variants(
    spec: dict[str, Any], seed: Optional[int], functions: bool = False
) -> dict[str, Any]:
    """Where functions take part: the same experiment with every trial's values written down.

    seed: of the draws that are made here, Python's and numpy's own generators included; None: as
    they are. functions: also where there are none.
    """
    config = spec.get("config", {})
    if not functions and not has_functions(config):
        return spec
    if spec.get("search", "random") not in ("random", "grid"):
        raise UsageError(
            "config",
            "sample_from draws here, and search %r where the head is" % (spec["search"],),
            "write domains such as assay.uniform(0, 1) in the place of functions",
        )
    points = []
    with _Seeded(seed):
        rng = random.Random(seed)
        for _ in range(int(spec.get("num_samples", 1))):
            for chosen, whole in generate({"config": dict(config)}, rng):
                points.append((chosen, whole["config"]))
    if len(points) > TRIALS_MOST:
        raise UsageError(
            "config",
            "its functions make %d trials; %d are possible" % (len(points), TRIALS_MOST),
            "write domains such as assay.uniform(0, 1) in the place of functions",
        )
    return _written_down(spec, points)


def _written_down(spec: dict[str, Any], points: list[Any]) -> dict[str, Any]:
    """The points as points_to_evaluate of choices, so that tags say what was chosen; too many, and
    where what is chosen stands in a list, as they are."""
    paths = {path for chosen, _ in points for path in chosen}
    done = dict(spec)
    done.pop("search", None)
    if len(points) > POINTS_MOST or any(isinstance(k, int) for path in paths for k in path):
        done["search"] = {"type": "list", "points": [plain(c, "config") for _, c in points]}
        return {**done, "config": points[0][1], "num_samples": 1}
    space = _open(spec["config"])
    written = []
    for chosen, _ in points:
        point: dict[str, Any] = {}
        for path, value in chosen.items():
            value = plain(value, ".".join(map(str, path)))
            _at(point, path[1:-1])[path[-1]] = value
            choices = _at(space, path[1:-1]).setdefault(path[-1], {"choice": []})["choice"]
            if not any(type(one) is type(value) and one == value for one in choices):
                choices.append(value)
        written.append(point)
    done["config"] = space
    return {**done, "points_to_evaluate": written, "num_samples": len(written)}


def _open(value: Any) -> Any:
    """The configuration less what is chosen."""
    return {
        key: _open(inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if not is_marker(inner)
    }


def _at(inside: dict[str, Any], path: Any) -> dict[str, Any]:
    for key in path:
        inside = inside.setdefault(key, {})
    return inside


class _Seeded:
    """Python's and numpy's own generators begin at a seed inside, and are as before behind it."""

    def __init__(self, seed: Optional[int]) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        if self.seed is None:
            return
        self.before = random.getstate()
        random.seed(self.seed)
        self.numpy = sys.modules.get("numpy")
        if self.numpy is not None:
            self.numpy_before = self.numpy.random.get_state()
            self.numpy.random.seed(self.seed % 2**32)

    def __exit__(self, *what: object) -> None:
        if self.seed is None:
            return
        random.setstate(self.before)
        if self.numpy is not None:
            self.numpy.random.set_state(self.numpy_before)


def build(run: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """The file's content. keys: those of experiment files, as Python's values; None: not said.

    `seed` is search's. Raises UsageError.
    """
    spec = {key: value for key, value in keys.items() if value is not None}
    seed = spec.pop("seed", None)
    check_config(spec.get("config", {}))
    if "scheduler" in spec:
        spec["scheduler"] = schedulers.section(spec["scheduler"])
    spec = with_variants(spec, seed)
    if seed is not None:
        search = spec.get("search", "random")
        spec["search"] = {
            **(search if isinstance(search, dict) else {"type": search}),
            "seed": seed,
        }
    whole = {"run": run, **spec}
    return {key: plain(value, key) for key, value in whole.items()}


def text(spec: dict[str, Any]) -> str:
    """As a file holds it."""
    return json.dumps(spec, indent=1) + "\n"
