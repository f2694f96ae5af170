"""Trials made here, where functions take part: as Ray Tune's variant generator does, each function
called once its dependencies are there."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, Union

from .errors import UsageError
from .space import Domain, SampleFrom

Path = tuple[Union[str, int], ...]

PASSES = 20
"""How deep functions may depend on one another."""


class _Unresolved(Exception):
    """A function asked for a value that is not there yet."""


class Spec(dict):  # type: ignore[type-arg]
    """A map whose values are attributes as well: `spec.config.lr`."""

    def __getattr__(self, name: str) -> Any:
        try:
            value = self[name]
        except KeyError:
            raise AttributeError("the spec has no %r" % name) from None
        if is_marker(value):
            raise _Unresolved(name)
        return Spec(value) if type(value) is dict else value


def is_marker(value: Any) -> bool:
    """Whether a value stands for others."""
    return isinstance(value, (Domain, SampleFrom)) or _is_grid(value)


def _is_grid(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["grid_search"]


def markers(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """All that stand in it, in the order in which they are written."""
    if is_marker(value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from markers(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from markers(inner, (*path, i))


def has_functions(value: Any) -> bool:
    """Whether a function has to be asked, here."""
    return any(isinstance(marker, SampleFrom) for _, marker in markers(value))


def generate(spec: dict[str, Any], rng: random.Random) -> Iterator[tuple[dict[Path, Any], Any]]:
    """Every variant of a spec: what was chosen, by path, and the spec with it.

    Grids in the order of their paths, the first one fastest; domains and functions drawn anew for
    each point. Raises UsageError where functions depend on one another, or raise.
    """
    found = list(markers(spec))
    grids = sorted((item for item in found if _is_grid(item[1])), key=lambda item: _order(item[0]))
    drawn = [item for item in found if not _is_grid(item[1])]
    if not found:
        yield {}, spec
        return
    for chosen in _points(grids):
        point = _copy(spec)
        for path, value in chosen.items():
            _assign(point, path, _copy(value))
        resolved = {**chosen, **_draw(point, drawn, rng)}
        for inner, whole in generate(point, rng):
            final = {path: _at(whole, path) for path in resolved}
            yield {**final, **inner}, whole


def _points(grids: list[tuple[Path, Any]]) -> Iterator[dict[Path, Any]]:
    if not grids:
        yield {}
        return
    for values in _points(grids[1:]):
        path, grid = grids[0]
        if not isinstance(grid["grid_search"], list) or not grid["grid_search"]:
            raise UsageError(
                "config." + ".".join(map(str, path[1:])),
                "grid_search needs a list with values in it",
                "grid_search([1, 2])",
            )
        for value in grid["grid_search"]:
            yield {path: value, **values}


def _draw(
    point: dict[str, Any], drawn: list[tuple[Path, Any]], rng: random.Random
) -> dict[Path, Any]:
    left = drawn
    values: dict[Path, Any] = {}
    for _ in range(PASSES):
        waiting = []
        for path, marker in left:
            try:
                value = _value(marker, point, rng)
            except _Unresolved:
                waiting.append((path, marker))
                continue
            except Exception as error:
                raise UsageError(
                    ".".join(map(str, path)),
                    "its function raised %s: %s" % (type(error).__name__, error),
                    "it is called as fn(spec), and spec.config.NAME are the other values",
                ) from error
            _assign(point, path, value)
            values[path] = value
        if not waiting:
            return values
        left = waiting
    raise UsageError(
        ".".join(map(str, left[0][0])),
        "it depends on itself, or on values that are never there",
        "let one of these functions depend on none of the others: "
        + ", ".join(".".join(map(str, path)) for path, _ in left),
    )


def _value(marker: Any, point: dict[str, Any], rng: random.Random) -> Any:
    if isinstance(marker, Domain):
        return marker.sample(rng)
    return marker.fn(Spec(point))


def _copy(value: Any) -> Any:
    """Maps and lists anew; what stands in them as it is: functions are not copied."""
    if type(value) is dict:
        return {key: _copy(inner) for key, inner in value.items()}
    if type(value) is list:
        return [_copy(inner) for inner in value]
    return value if callable(value) or isinstance(value, Domain) else copy.copy(value)


def _assign(into: Any, path: Path, value: Any) -> None:
    for key in path[:-1]:
        into = into[key]
    into[path[-1]] = value


def _at(inside: Any, path: Path) -> Any:
    for key in path:
        inside = inside[key]
    return inside


def _order(path: Path) -> tuple[tuple[bool, str, int], ...]:
    return tuple((isinstance(k, str), str(k), k if isinstance(k, int) else 0) for k in path)
