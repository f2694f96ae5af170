"""Everybody whom a head does not let in, or not further: a row for each. test_zoo.py sends them.

What `audit.log` says is a pattern that a new line matches; %s in it is the plane. NOBODY is for what
never gets as far as the head.
"""
import os
import re
import struct

from cluster import ROOT
from processes import read_text
from strangers import READY, SIGNATURE, command, frame, greeting

PLANES = ("join", "client", "worker")
NOBODY = None

# Of one whose connection ends at once nobody may have seen yet where it came from.
FROM = r"from (127\.0\.0\.1|somebody) on %s"
NEVER_SPOKE = "refused a connection " + FROM + " never spoke"
BREAKS = "refused a stranger " + FROM + ": breaks the protocol"
NOT_CURVE = "refused a stranger " + FROM + ": does not speak CURVE"
WRONG_HEAD = "refused a stranger " + FROM + ": wrong head key"
SILENT = "refused a stranger " + FROM + ": ended or kept silent in the handshake"

# [1, 54, 1]: a msgpack list, as a message begins.
LIST = b"\x93\x01\x36\x01"

# Bytes, to each port: name, what is sent at once, what is sent after the peer's greeting has come,
# whether the first is sent a byte at a time, audit.log. What it sees: the head hangs up, and has said
# a greeting and at most why.
STRANGERS = (
    ("nothing at all", b"", b"", False, NEVER_SPOKE),
    ("random bytes", os.urandom(512), b"", False, NEVER_SPOKE),
    ("HTTP", b"GET / HTTP/1.1\r\nHost: head\r\n\r\n", b"", False, NEVER_SPOKE),
    ("HTTP, a byte at a time", b"GET / HTTP/1.1\r\nHost: head\r\nX-Long: " + b"x" * 400, b"", True,
     NEVER_SPOKE),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64), b"", False,
     NEVER_SPOKE),
    ("a command of Redis", b"*1\r\n$4\r\nPING\r\n", b"", False, NEVER_SPOKE),
    ("a message with no encryption around it", frame(LIST), b"", False, NEVER_SPOKE),
    ("ZMTP 3, NULL", greeting(b"NULL"), READY + frame(LIST), False, NOT_CURVE),
    ("ZMTP 3, PLAIN", greeting(b"PLAIN"), command(b"HELLO", b"\x05admin\x05admin") + frame(LIST),
     False, NOT_CURVE),
    ("ZMTP 3, no such mechanism", greeting(b"TRUST-ME"), READY + frame(LIST), False, NOT_CURVE),
    ("ZMTP 3, as a server too", greeting(b"CURVE", as_server=1), b"", False, SILENT),
    ("half a handshake", greeting(b"CURVE"), b"", False, SILENT),
    ("half a greeting", greeting(b"CURVE")[:20], b"", False, SILENT),
    ("a greeting, a byte at a time", greeting(b"CURVE"), b"", True, SILENT),
    ("CURVE and then nonsense", greeting(b"CURVE"), command(b"HELLO", os.urandom(194)), False, BREAKS),
    ("CURVE and then READY", greeting(b"CURVE"), READY + frame(LIST), False, BREAKS),
    ("CURVE and then a message", greeting(b"CURVE"), frame(LIST), False, BREAKS),
    ("ZMTP 2.0", SIGNATURE + b"\x01\x05\x00\x00", frame(LIST), False, NEVER_SPOKE),
    ("ZMTP 1.0", b"\x01\x00" + b"\x05\x00" + LIST, frame(LIST), False, NEVER_SPOKE),
    ("a frame of 1 GiB", greeting(b"CURVE"), b"\x02" + struct.pack(">Q", 1 << 30), False, NEVER_SPOKE),
    ("a frame of 2^63 bytes", greeting(b"CURVE"), b"\x02" + struct.pack(">Q", 1 << 63), False,
     NEVER_SPOKE),
)

# Real handshakes: name, whose key, plane, whose head key is expected ("own" or "other"), what the
# peer sees, audit.log. "revoked" keys had that role once.
KEYS = tuple(
    [("a key that nobody knows", "fresh", plane, "own", "refused",
      r"refused unknown key: key [0-9a-f]{16} from 127\.0\.0\.1 on %s ") for plane in PLANES[1:]]
    + [("the key of another head is expected", "admin", plane, "other", "stranger", WRONG_HEAD)
       for plane in PLANES]
    + [("a key of role " + role, role, "worker", "own", "refused",
        r"refused role is not a worker's: key [0-9a-f]{16} from 127\.0\.0\.1 on %s ")
       for role in ("read", "submit", "admin")]
    + [("a key of role worker", "worker", "client", "own", "refused",
        r"refused role is not a client's: key [0-9a-f]{16} from 127\.0\.0\.1 on %s ")]
    + [("a revoked key, once of role " + role, "revoked " + role, plane, "own", "refused",
        r"refused unknown key: key [0-9a-f]{16} from 127\.0\.0\.1 on %s ")
       for role, plane in (("worker", "worker"), ("read", "client"), ("submit", "client"),
                           ("admin", "client"))]
)

# JOIN with a token that is no good any more, or never was. What the peer sees is the same for all.
JOIN_SEES = "error 5"
JOIN_AUDIT = r"refused msg_join of principal 0 with token %s, key [0-9a-f]{16} from 127\.0\.0\.1, named "
TOKENS = ("used up", "expired", "revoked", "of another head", "with another secret")

# Files of keys that others might read: name, what is done to the file or its folder, mode, mend.
FILES = (
    ("readable for the group", "file", 0o640, "chmod 600"),
    ("readable for all", "file", 0o604, "chmod 600"),
    ("writable for the group", "file", 0o620, "chmod 600"),
    ("in a folder that others may open", "folder", 0o755, "chmod 700"),
    ("of another user", "owner", None, "ls -l"),
    ("that is a symbolic link", "link", None, ""),
    ("of another content", "content", None, ""),
)

# What one with a key may say on its plane, but not so: name, planes, how zoo_peer is told, what it
# sees, audit.log.
BAD = r"refused bad message from principal \d+, 127\.0\.0\.1 on %s: "
MIB = 1 << 20
FORMS = (
    ("no msgpack", PLANES, "raw c1c1c1 {probe}", "error 8", BAD + "message "),
    ("an empty frame", PLANES, "raw 00 {probe}", "error 8", BAD + "message "),
    ("a list that claims what is not there", PLANES, "raw dd7fffffff010a01 {probe}", "error 8",
     BAD + "message "),
    ("lists inside one another without end", PLANES, "raw 9401{own}01" + "91" * 400 + "01 {probe}",
     "silence", BAD + "message over a limit"),
    ("another protocol", PLANES, "raw 930{version}{own}00 {probe}", "error 7", BAD + "protocol "),
    ("a message that lacks its fields", ("join", "client"), "raw 9301{own}00 {probe}", "error 8", BAD),
    ("a message in parts", PLANES, "parts 3 10", "gone",
     r"refused a message in parts from principal \d+, 127\.0\.0\.1 on %s"),
    ("a frame over the plane's limit", ("join",), "big 2000", "gone", NEVER_SPOKE),
    ("a frame over the plane's limit", PLANES[1:], "big %d" % (5 * MIB), "gone", NEVER_SPOKE),
    ("a message of parts without end", PLANES[1:], "parts %d %d" % (1024, 65536), "gone",
     r"refused connection \d+ on %s sent \d+ bytes of a message without end"),
)

ROLES = ("nobody", "worker", "submit", "read", "admin")
OPEN_TO = {"nobody": ("join",), "worker": ("join", "worker"), "submit": ("join", "client"),
           "read": ("join", "client"), "admin": ("join", "client")}
DENIED = "error 5"
MISPLACED = "error 8"
MAY_NOT = r"refused %s may not %s: principal \d+ key [0-9a-f]{16} from 127\.0\.0\.1 on %s$"
# Of each plane, what is always answered there.
PROBES = {"join": 10, "client": 54, "worker": 40}
NO_TYPES = ((0, "?"), (3, "?"), (255, "?"), (2**32 - 1, "?"))


def documented():
    """What docs/PROTOCOL.md says of each message: number, name, roles that may send it to a head."""
    text = read_text(os.path.join(ROOT, "docs", "PROTOCOL.md")).split("tables: begin", 1)[1]
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| ([^|]*) \|", text, re.M)
    for number, name, senders in rows:
        words = [word.strip() for word in senders.split(",")]
        yield (int(number), "msg_" + name.lower(),
               set(ROLES) if "anybody" in words else set(words) & set(ROLES))


def plane_of(name, role):
    """Where a message that a role may send is heard."""
    if name in ("msg_hello", "msg_join"):
        return "join"
    return "worker" if role == "worker" else "client"


def matrix(role):
    """Of a role: plane, message and what becomes of it ("denied", "misplaced" or "taken"), a row
    each."""
    for plane in OPEN_TO[role]:
        for number, name, roles in documented():
            if role not in roles:
                yield plane, number, name, "denied"
            elif plane != plane_of(name, role):
                yield plane, number, name, "misplaced"
            else:
                yield plane, number, name, "taken"
        for number, name in NO_TYPES:
            yield plane, number, name, "denied"
