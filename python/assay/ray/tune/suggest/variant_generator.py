"""The variants of a spec: what grids and functions in it make."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from ....variants import Path, generate
from ..sample import grid_search, with_evals

__all__ = ["format_vars", "generate_variants", "grid_search", "resolve_nested_dict"]


def generate_variants(unresolved_spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each variant: its tag ("foo=1,bar=2", "" where nothing was chosen) and the spec with it."""
    for chosen, spec in generate(with_evals(unresolved_spec), random.Random(random.random())):
        yield format_vars(chosen), spec


def format_vars(resolved_vars: Mapping[Path, Any]) -> str:
    """What was chosen, by the last name of each path, in the order of the paths."""
    words = []
    for path, value in sorted(resolved_vars.items(), key=lambda item: tuple(map(str, item[0]))):
        if path[0] in ("run", "env", "resources_per_trial"):
            continue
        last = [key for key in path if isinstance(key, str)][-1]
        name = "_".join(str(key) for key in path if key == last or isinstance(key, int))
        words.append("%s=%s" % (name.replace("/", "_"), _clean(value)))
    return ",".join(words)


def _clean(value: Any) -> str:
    return "{:.5}".format(value) if isinstance(value, float) else str(value).replace("/", "_")


def resolve_nested_dict(nested_dict: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
    """{"a": {"b": 1}} as {("a", "b"): 1}."""
    flat: dict[tuple[str, ...], Any] = {}
    for key, value in nested_dict.items():
        if isinstance(value, Mapping):
            for rest, inner in resolve_nested_dict(value).items():
                path = (key, *rest)
                flat[path] = inner
        else:
            flat[(key,)] = value
    return flat
