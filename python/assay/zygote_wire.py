"""What the executor and a zygote say to each other: worker/executor/zygote_wire.h, in Python.

One struct a message over a SOCK_SEQPACKET pair. A request has three descriptors with it: output,
error, report.
"""
import array
import os
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, Optional

# struct zygote_request: key, go, and the sizes of what stands behind it.
_REQUEST = struct.Struct("=QqIIII")
REQUEST_MOST = 2 * 65536 + 65536

# struct zygote_reply: key, kind, pid, status, text (with FAILED and UNSAFE alone).
_REPLY = struct.Struct("=QIii")
TEXT_BYTES = 4096

READY, UNSAFE, FAILED, STARTED, REFUSED, EXITED = range(1, 7)

MARK = b"ASSAY_TRIAL_ID"
DESCRIPTORS = 3

TAKEN, DECLINED = b"y", b"n"  # a process that was idle, of the request that it was handed


class Request(NamedTuple):
    """Start a trial."""

    key: int
    go: int  # reports that may be made without waiting
    dir: str
    environment: dict[bytes, bytes]
    config: bytes  # packed
    fds: list[int]  # output, error, report; the receiver's to close


def receive(link: socket.socket) -> Optional[Request]:
    """The next request; None: the executor has closed, there will be no more.

    Raises ValueError where it was cut.
    """
    data, ancillary, _, _ = link.recvmsg(
        REQUEST_MOST, socket.CMSG_SPACE(DESCRIPTORS * 4), socket.MSG_CMSG_CLOEXEC
    )
    if len(data) < _REQUEST.size:
        return None
    return parse(data, descriptors(ancillary))


def descriptors(ancillary: Iterable[tuple[int, int, bytes]]) -> list[int]:
    """Those that came with a message."""
    fds = array.array("i")
    for level, kind, passed in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(passed[: len(passed) // 4 * 4])
    return list(fds)


def parse(data: bytes, fds: list[int]) -> Request:
    """Its bytes, and the descriptors that came with them. Raises ValueError where it was cut."""
    if len(data) < _REQUEST.size:
        raise ValueError("a request that was cut")
    key, go, dir_size, json_size, environment_size, config_size = _REQUEST.unpack_from(data)
    sizes = (dir_size, json_size, environment_size, config_size)
    if len(data) != _REQUEST.size + sum(sizes) or len(fds) != DESCRIPTORS:
        raise ValueError("a request that was cut")
    at = _REQUEST.size
    parts = []
    for size in sizes:
        parts.append(data[at : at + size])
        at += size
    entries = (entry.partition(b"=") for entry in parts[2].split(b"\0") if entry)
    return Request(
        key,
        go,
        os.fsdecode(parts[0].rstrip(b"\0")),
        {name: value for name, _, value in entries},
        parts[3],
        fds,
    )


def reply(link: socket.socket, kind: int, key: int = 0, pid: int = 0, status: int = 0,
          text: Optional[str] = None) -> None:  # fmt: skip
    """Answer. Raises OSError where the executor is gone."""
    data = _REPLY.pack(key, kind, pid, status)
    if text is not None:
        data += _cut(text).ljust(TEXT_BYTES, b"\0")
    link.send(data, socket.MSG_NOSIGNAL)


def _cut(text: str) -> bytes:
    """As much as has room with a terminator, in whole characters."""
    data = text.encode("utf-8", "replace").replace(b"\0", b"?")[: TEXT_BYTES - 1]
    return data.decode("utf-8", "ignore").encode()
