"""Plain values to and from the bytes that the executor speaks: the part of msgpack that is needed.

Only the standard library. Numbers, texts, booleans, None, lists and maps; what numpy, torch and
their like hand out becomes these (`plain`): a scalar a number, an array a list. NaN and the
infinities stay what they are.
"""
import os
import struct
from collections.abc import Mapping
from typing import Any

_DOUBLE = struct.Struct(">Bd").pack
_WHOLE = struct.Struct(">Bq").pack
_BIG = struct.Struct(">BQ").pack
_SHORT = struct.Struct(">BH").pack
_LONG = struct.Struct(">BI").pack

LEVELS_MOST = 32
"""Maps and lists inside one another; more is a structure that holds itself."""


def _pack_head(out: bytearray, size: int, fixed: int, room: int, wide: int) -> None:
    """What a text, list or map begins with: three forms, by its size."""
    if size < room:
        out.append(fixed | size)
    elif size < 65536:
        out += _SHORT(wide, size)
    else:
        out += _LONG(wide + 1, size)


def pack_text(out: bytearray, text: str) -> None:
    """A text; what is no Unicode (a lone surrogate) becomes '?'."""
    data = text.encode("utf-8", "replace")
    if 32 <= len(data) < 256:
        out += bytes((0xD9, len(data)))
    else:
        _pack_head(out, len(data), 0xA0, 32, 0xDA)
    out += data


def _pack_whole(out: bytearray, value: int) -> None:
    if -32 <= value < 128:
        out.append(value & 0xFF)
    elif -(1 << 63) <= value < 1 << 63:
        out += _WHOLE(0xD3, value)
    elif 0 < value < 1 << 64:
        out += _BIG(0xCF, value)
    else:
        try:
            out += _DOUBLE(0xCB, float(value))
        except OverflowError:
            out += _DOUBLE(0xCB, float("inf") if value > 0 else float("-inf"))


def pack(out: bytearray, value: Any, where: str = "", levels: int = 0) -> None:
    """Append a value.

    `where` is its name in what is packed ("loss", "losses.0"), for the error alone.
    Raises TypeError where a part of it is no plain data.
    """
    kind = type(value)
    if kind is float:
        out += _DOUBLE(0xCB, value)
    elif kind is int:
        _pack_whole(out, value)
    elif kind is str:
        pack_text(out, value)
    elif value is None:
        out.append(0xC0)
    elif value is True or value is False:
        out.append(0xC3 if value else 0xC2)
    elif levels > LEVELS_MOST:
        raise TypeError("%s: more than %d levels of maps and lists" % (where, LEVELS_MOST))
    elif kind is dict:
        _pack_head(out, len(value), 0x80, 16, 0xDE)
        for key, item in value.items():
            pack_text(out, key if isinstance(key, str) else _key(key, where))
            pack(out, item, "%s.%s" % (where, key) if where else str(key), levels + 1)
    elif kind is list or kind is tuple:
        _pack_head(out, len(value), 0x90, 16, 0xDC)
        for index, item in enumerate(value):
            pack(out, item, "%s.%d" % (where, index), levels + 1)
    else:
        pack(out, _simpler(value, where), where, levels + 1)


def _key(key: Any, where: str) -> str:
    """A key that is no text, as JSON writes it."""
    simple = key.item() if hasattr(key, "item") else key
    if simple is None or isinstance(simple, bool):
        return {None: "null", True: "true", False: "false"}[simple]
    if isinstance(simple, (int, float)):
        return str(simple)
    raise TypeError("%s: a name is %s; names are texts" % (where or "the map", _kind(key)))


def _kind(value: Any) -> str:
    kind = type(value)
    name = kind.__qualname__
    module = kind.__module__
    return name if module == "builtins" else "%s.%s" % (module, name)


def _simpler(value: Any, where: str) -> Any:
    """One step nearer to plain data: an array's list, a scalar's number, a subclass's base."""
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    # numpy, torch, tensorflow, jax: one that is on a device comes here by itself or says why not.
    for name in ("tolist", "numpy", "item"):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return method()
    raise TypeError(
        "%s is %s, which is no plain data: report numbers, texts, booleans, lists and maps"
        % (where or "it", _kind(value))
    )


def pack_frame(*items: Any) -> bytes:
    """A whole frame: 0xC1, the length of the rest (4 bytes, little endian), one list."""
    body = bytearray()
    pack(body, items)
    return frame_of(body)


def frame_of(body: bytearray) -> bytes:
    """A frame of a list that is packed already."""
    return b"\xc1" + len(body).to_bytes(4, "little") + body


def plain(value: Any) -> Any:
    """The same as Python's own numbers, texts, lists and dicts. Raises TypeError as `pack`."""
    out = bytearray()
    pack(out, value)
    return unpack(bytes(out))


def unpack(data: bytes) -> Any:
    """The value that these bytes are, all of them. Raises ValueError where they are none."""
    try:
        value, at = _unpack(data, 0)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError):
        raise ValueError("bytes that are no value") from None
    if at != len(data):
        raise ValueError("bytes behind a value")
    return value


# By the first byte: the format of a number, or of the length of a text or bytes.
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_SIZES = {
    0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I",
    0xDC: ">H", 0xDD: ">I", 0xDE: ">H", 0xDF: ">I",
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def _number(data: bytes, at: int, form: str) -> tuple[Any, int]:
    return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)


def _unpack(data: bytes, at: int) -> tuple[Any, int]:
    """The value that begins at `at`, and where it ends."""
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    if first >= 0xE0:
        return first - 256, at
    if first in _CONSTANTS:
        return _CONSTANTS[first], at
    if first in _NUMBERS:
        return _number(data, at, _NUMBERS[first])
    if first < 0x90:
        return _unpack_map(data, at, first & 15)
    if first < 0xA0:
        return _unpack_list(data, at, first & 15)
    if first < 0xC0:
        return _unpack_text(data, at, first & 31)
    if first not in _SIZES:
        raise ValueError("bytes that are no value")
    size, at = _number(data, at, _SIZES[first])
    if first >= 0xDE:
        return _unpack_map(data, at, size)
    if first >= 0xDC:
        return _unpack_list(data, at, size)
    if first >= 0xD9:
        return _unpack_text(data, at, size)
    return _cut(data, at, size), at + size


def _cut(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise IndexError
    return data[at : at + size]


def _unpack_text(data: bytes, at: int, size: int) -> tuple[str, int]:
    return str(_cut(data, at, size), "utf-8"), at + size


def _unpack_list(data: bytes, at: int, count: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _unpack(data, at)
        items.append(item)
    return items, at


def _unpack_map(data: bytes, at: int, count: int) -> tuple[dict[str, Any], int]:
    items = {}
    for _ in range(count):
        key, at = _unpack(data, at)
        items[key], at = _unpack(data, at)
    return items, at
