"""Peers that do not speak as they should, by hand: bytes on a TCP connection, no library."""
import os
import select
import socket
import struct
import time

SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"


def greeting(mechanism, major=3, as_server=0):
    """ZMTP 3: signature, version, mechanism, as-server, filler."""
    return (SIGNATURE + bytes([major, 0]) + mechanism.ljust(20, b"\0") + bytes([as_server])
            + b"\0" * 31)


def command(name, body=b""):
    """A short command frame."""
    text = bytes([len(name)]) + name + body
    return bytes([0x04, len(text)]) + text


def prop(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def frame(body, more=0):
    if len(body) < 256:
        return bytes([more, len(body)]) + body
    return bytes([more | 2]) + struct.pack(">Q", len(body)) + body


READY = command(b"READY", prop(b"Socket-Type", b"DEALER") + prop(b"Identity", b""))

# [1, 5, 1]: a msgpack list, as a message begins.
LIST = b"\x93\x01\x05\x01"

# name, what is sent at once, what is sent after the peer's greeting has come
ZOO = (
    ("random bytes", os.urandom(512), b""),
    ("HTTP", b"GET / HTTP/1.1\r\nHost: head\r\n\r\n", b""),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64), b""),
    ("a command of Redis", b"*1\r\n$4\r\nPING\r\n", b""),
    ("ZMTP 3, NULL", greeting(b"NULL"), READY + frame(LIST)),
    ("ZMTP 3, PLAIN", greeting(b"PLAIN"), command(b"HELLO", b"\x05admin\x05admin") + frame(LIST)),
    ("ZMTP 3, no such mechanism", greeting(b"TRUST-ME"), READY + frame(LIST)),
    ("ZMTP 3, CURVE and then nonsense", greeting(b"CURVE"), command(b"HELLO", os.urandom(194))),
    ("ZMTP 3, CURVE and then READY", greeting(b"CURVE"), READY + frame(LIST)),
    ("ZMTP 3, as a server too", greeting(b"CURVE", as_server=1), b""),
    ("ZMTP 2", SIGNATURE + b"\x01\x05\x00\x00", frame(LIST)),
    ("ZMTP 1", b"\x01\x00" + b"\x05\x00" + LIST, frame(LIST)),
    ("a frame of 2^63 bytes", greeting(b"CURVE"), b"\x02" + struct.pack(">Q", 1 << 63)),
)


def heard_before_the_end(port, first, second, limit_s):
    """Everything that the peer says until it hangs up, and whether it did."""
    until = time.monotonic() + limit_s
    heard, sent = b"", False
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        try:
            peer.sendall(first)
            while time.monotonic() < until:
                if not select.select([peer], [], [], max(0, until - time.monotonic()))[0]:
                    break
                got = peer.recv(65536)
                if not got:
                    return heard, True
                heard += got
                if not sent and second:
                    sent = True
                    peer.sendall(second)
        except (ConnectionResetError, BrokenPipeError):
            return heard, True
    return heard, False


def listening_ports(pid):
    """TCP ports that a process listens at."""
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6"):
        with open("/proc/%d/net/%s" % (pid, table)) as lines:
            next(lines)
            for line in lines:
                words = line.split()
                if words[3] == "0A" and words[9] in inodes:
                    ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return sorted(ports)
