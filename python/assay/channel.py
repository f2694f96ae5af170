"""The trial's end of its report descriptor: frames, as docs/TRAINABLE.md has them.

Reports are written at once, up to 8 in 2 ms; where a trial reports faster they are collected for
the rest of the 2 ms, or until 32 KiB are there. So a trial that dies has said what it reported,
and one that reports as fast as it can pays no system call for each.
"""
import os
import select
import socket
import time
from collections.abc import Iterator
from typing import Any, Optional

from . import values, zygote_wire

FRAME_HEAD = 5
FRAME_MOST = 4 << 20  # of the executor's: the configuration
FLUSH_BYTES = 32768
WINDOW_S = 0.002
WINDOW_WRITES = 8
READ_BYTES = 65536


class Channel:
    """Frames over one descriptor, a stream socket that blocks.

    `stopped`: nothing more is taken, the trial is to end. `save_asked`, `pause_asked`: it is to
    save, and then to end. `go`: it may make reports up to this one without waiting; -1: not known.
    `config`: once `hello` was answered. Not for several threads at once.
    """

    def __init__(self, fd: int, go: int = -1) -> None:
        self.fd = fd
        self.go = go
        self.reports = 0
        self.stopped = False
        self.save_asked = False
        self.pause_asked = False
        self.config: Optional[dict[str, Any]] = None
        self._out = bytearray()
        self._in = bytearray()
        self._window = 0.0  # where the 2 ms began
        self._writes = 0  # in them
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def hello(self) -> None:
        """Ask for the configuration, and for how far the trial may go."""
        self.send("hello")
        while not self.stopped and (self.config is None or self.go < 0):
            self._receive()

    def send(self, kind: str, *items: Any) -> None:
        """A frame, now, behind what was collected."""
        self._out += values.pack_frame(kind, *items)
        self.flush()

    def report(self, body: bytearray, more: bytes = b"") -> None:
        """A packed `["report", map]`, with frames that belong to it behind it.

        Waits where no further report may be made before the head has judged this one; a pause
        that was asked for ends the wait.
        """
        self._out += values.frame_of(body)
        self._out += more
        self.reports += 1
        if self.go <= self.reports:
            self.flush()
            while not self.stopped and not self.pause_asked and self.go <= self.reports:
                self._receive()
            return
        now = time.monotonic()
        if now - self._window >= WINDOW_S:
            self._window = now
            self._writes = 0
        elif self._writes >= WINDOW_WRITES and len(self._out) < FLUSH_BYTES:
            return
        self._writes += 1
        self.flush()
        if self._writes == 1:
            self.look()

    def look(self) -> None:
        """Take in what the executor has said; does not wait."""
        while not self.stopped and self._poll.poll(0):
            self._receive()

    def flush(self) -> None:
        """Write what was collected. An executor that is gone ends this process, too."""
        data = memoryview(bytes(self._out))
        self._out.clear()
        while data:
            try:
                data = data[os.write(self.fd, data) :]
            except OSError:
                self.stopped = True
                return

    def _receive(self) -> None:
        try:
            data = os.read(self.fd, READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self.stopped = True
            return
        self._in += data
        for frame in self._frames():
            self._take(frame)
            if self.stopped:
                return

    def _frames(self) -> Iterator[Any]:
        """Those that have come whole."""
        while len(self._in) >= FRAME_HEAD:
            size = int.from_bytes(self._in[1:FRAME_HEAD], "little")
            if self._in[0] != 0xC1 or size > FRAME_MOST:
                self.stopped = True  # no executor of ours
                return
            if len(self._in) < FRAME_HEAD + size:
                return
            body = bytes(self._in[FRAME_HEAD : FRAME_HEAD + size])
            del self._in[: FRAME_HEAD + size]
            yield values.unpack(body)

    def handed(self) -> tuple[str, bytes, list[int]]:
        """Behind `idle`: wait for "next", with a request and its descriptors, or "leave". "gone"
        where the executor has closed. What was said to the trial before is passed over."""
        fds: list[int] = []
        with socket.socket(fileno=os.dup(self.fd)) as link:
            while True:
                for frame in self._frames():
                    if frame[0] == "next":
                        return "next", frame[1], fds
                    if frame[0] == "leave":
                        return "leave", b"", []
                try:
                    data, ancillary, _, _ = link.recvmsg(
                        READ_BYTES,
                        socket.CMSG_SPACE(zygote_wire.DESCRIPTORS * 4),
                        socket.MSG_CMSG_CLOEXEC,
                    )
                except OSError:
                    data = b""
                if not data:
                    return "gone", b"", []
                self._in += data
                fds += zygote_wire.descriptors(ancillary)

    def _take(self, frame: Any) -> None:
        kind = frame[0]
        if kind == "go":
            self.go = frame[1]
        elif kind == "stop":
            self.stopped = True
        elif kind == "save":
            self.save_asked = True
        elif kind == "pause":
            self.save_asked = self.pause_asked = True
        elif kind == "config":
            self.config = frame[1]
