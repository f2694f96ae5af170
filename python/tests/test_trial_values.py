"""Plain values: packed, read back, and what is none."""
import math
import unittest
from collections import OrderedDict
from enum import IntEnum
from pathlib import Path

import trial_rig  # noqa: F401

from assay import values

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]


def packed(value: object) -> bytes:
    out = bytearray()
    values.pack(out, value)
    return bytes(out)


class Values(unittest.TestCase):
    def test_every_form_is_read_back(self) -> None:
        for value in (
            None, True, False, 0, 1, -1, -32, -33, 127, 128, 255, 65536, 1 << 40, -(1 << 63),
            (1 << 64) - 1, 0.0, -1.5, 1e300, math.inf, "", "a", "\u00e9" * 15, "x" * 31, "x" * 32,
            "x" * 255, "x" * 256, "x" * 65535, "x" * 65536, [], [1] * 15, [1] * 16, [1] * 65536, {},
            {"n%d" % n: n for n in range(15)}, {"n%d" % n: n for n in range(16)},
            {"n%d" % n: [n] for n in range(70000)}, {"a": {"b": [{"c": None}]}},
        ):  # fmt: skip
            self.assertEqual(values.unpack(packed(value)), value)
        self.assertTrue(math.isnan(values.unpack(packed(math.nan))))

    def test_bytes_are_those_of_msgpack(self) -> None:
        for value, data in (
            ({"a": 1, "b": [True, None]}, b"\x82\xa1a\x01\xa1b\x92\xc3\xc0"),
            (1.5, b"\xcb\x3f\xf8\0\0\0\0\0\0"), (-33, b"\xd3" + b"\xff" * 7 + b"\xdf"),
            ("x" * 40, b"\xd9\x28" + b"x" * 40), ("x" * 256, b"\xda\x01\x00" + b"x" * 256),
            ([0] * 16, b"\xdc\x00\x10" + b"\0" * 16), ((1 << 64) - 1, b"\xcf" + b"\xff" * 8),
        ):  # fmt: skip
            self.assertEqual(packed(value), data)
        self.assertEqual(
            values.pack_frame("error", "x"), b"\xc1\x09\0\0\0" + b"\x92\xa5error\xa1x"
        )

    def test_short_forms_of_others_are_read(self) -> None:
        for data, value in (
            (b"\xcc\xff", 255), (b"\xcd\x01\0", 256), (b"\xce\0\x01\0\0", 65536), (b"\xd0\x80", -128),
            (b"\xd1\xff\0", -256), (b"\xd2\xff\xff\0\0", -65536), (b"\xca\x3f\xc0\0\0", 1.5),
            (b"\xc4\x01a", b"a"), (b"\xdf\0\0\0\x01\xa1a\x01", {"a": 1}), (b"\xdd\0\0\0\x01\x07", [7]),
            (b"\xdb\0\0\0\x01a", "a"),
        ):  # fmt: skip
            self.assertEqual(values.unpack(data), value)

    def test_what_is_none_is_refused(self) -> None:
        for data in (b"", b"\xc1", b"\xcb\0", b"\xa2a", b"\x91", b"\x81\xa1a", b"\x01\x01", b"\xa1\xff",
                     b"\xc7\0\0", b"\x91" * 100000):  # fmt: skip
            with self.assertRaises(ValueError):
                values.unpack(data)

    def test_kinds_of_kinds(self) -> None:
        class Way(IntEnum):
            UP = 3

        class Text(str):
            pass

        self.assertEqual(values.plain({"t": (1, 2), "e": Way.UP, "s": Text("x")}),
                         {"t": [1, 2], "e": 3, "s": "x"})  # fmt: skip
        self.assertEqual(values.plain({7: 1, 1.5: 2, None: 3, "o": OrderedDict(b=1)}),
                         {"7": 1, "1.5": 2, "null": 3, "o": {"b": 1}})  # fmt: skip
        self.assertEqual(values.plain([Path("a/b"), 1 << 70, -(1 << 70), 10**400]),
                         ["a/b", float(1 << 70), -float(1 << 70), math.inf])  # fmt: skip
        self.assertEqual(values.plain("a\ud800b"), "a?b")

    def test_what_is_no_plain_data_is_named(self) -> None:
        loop: list[object] = []
        loop.append(loop)
        for value, words in (
            ({"m": {"weights": [1, object()]}}, "m.weights.1 is object, which is no plain data"),
            ({"s": {1}}, "s is set,"), ({"b": b"x"}, "b is bytes,"), ({(1, 2): 3}, "a name is tuple"),
            (lambda: 1, "it is function,"), ({"c": int}, "c is type,"), ({"l": loop}, "more than 32 levels"),
        ):  # fmt: skip
            with self.assertRaisesRegex(TypeError, words):
                values.plain(value)

    @unittest.skipIf(numpy is None, "numpy is not here")
    def test_numpy(self) -> None:
        got = values.plain({
            "f": numpy.float32(1.5), "d": numpy.float64(2.5), "i": numpy.int64(7), "u": numpy.uint8(3),
            "b": numpy.bool_(True), "s": numpy.str_("x"), "zero": numpy.array(4.0),
            "list": numpy.arange(6).reshape(2, 3), "nan": numpy.float32("nan"), numpy.int32(5): 1,
        })  # fmt: skip
        self.assertTrue(math.isnan(got.pop("nan")))
        self.assertEqual(got, {"f": 1.5, "d": 2.5, "i": 7, "u": 3, "b": True, "s": "x", "zero": 4.0,
                               "list": [[0, 1, 2], [3, 4, 5]], "5": 1})  # fmt: skip
        self.assertIs(type(got["b"]), bool)
        with self.assertRaisesRegex(TypeError, "c is complex"):
            values.plain({"c": numpy.complex64(1j)})


if __name__ == "__main__":
    unittest.main()
