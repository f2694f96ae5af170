"""The executor's side, small: what tests of trials put at the other end of the descriptors.

Only the standard library.
"""
import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
from typing import Any, Iterator, Optional

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PYTHON)

from assay import values  # noqa: E402

BOOT = os.path.join(PYTHON, "assay", "zygote_boot.py")
WITHOUT_LIMIT = (1 << 63) - 1
LIMIT_S = 30
ENVIRONMENT = {
    "ASSAY_TRIAL_ID": "0a1b2c3d", "ASSAY_TRIAL_NAME": "one", "ASSAY_ATTEMPT": "2",
    "ASSAY_EXPERIMENT": "first", "ASSAY_SEED": "7",
}  # fmt: skip


class Peer:
    """One end of a report descriptor."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.end.settimeout(LIMIT_S)
        self.bytes = b""

    def say(self, *frame: Any) -> None:
        self.end.sendall(values.pack_frame(*frame))

    def hear(self) -> Any:
        """The next frame; None at its end."""
        while True:
            size = int.from_bytes(self.bytes[1:5], "little")
            if len(self.bytes) >= 5 + size and len(self.bytes) >= 5:
                body, self.bytes = self.bytes[5 : 5 + size], self.bytes[5 + size :]
                return values.unpack(body)
            try:
                got = self.end.recv(65536)
            except ConnectionResetError:
                got = b""
            if not got:
                return None
            self.bytes += got

    def rest(self) -> list[Any]:
        """All that follows, to its end."""
        return list(iter(self.hear, None))


class Ended:
    """How a trial went: what it said in frames, its streams, its status as `wait` gives it."""

    def __init__(self, frames: list[Any], out: str, err: str, status: int) -> None:
        self.frames, self.out, self.err, self.status = frames, out, err, status

    @property
    def reports(self) -> list[Any]:
        return [frame[1] for frame in self.frames if frame[0] == "report"]

    @property
    def last(self) -> Any:
        return self.frames[-1]


class Code:
    """A folder with a module `mine` in it, and one to work in."""

    def __init__(self, source: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.code = os.path.join(self.folder.name, "code")
        self.dir = os.path.join(self.folder.name, "trial")
        os.mkdir(self.code)
        os.mkdir(self.dir)
        with open(os.path.join(self.code, "mine.py"), "w", encoding="utf-8") as file:
            file.write("import assay\n" + textwrap.dedent(source))

    def __enter__(self) -> "Code":
        return self

    def __exit__(self, *what: object) -> None:
        self.folder.cleanup()

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        return {**ENVIRONMENT, "ASSAY_TRIAL_DIR": self.dir,
                "ASSAY_CHECKPOINT_DIR": os.path.join(self.dir, "saves"), **more}  # fmt: skip

    def alone(self, name: str, config: Optional[dict[str, Any]] = None, go: int = WITHOUT_LIMIT,
              words: tuple[tuple[Any, ...], ...] = (), **environment: str) -> Ended:  # fmt: skip
        """A trial in an interpreter of its own. words: what it is told at the beginning."""
        ours, theirs = socket.socketpair()
        process = subprocess.Popen(
            [sys.executable, BOOT, "--trial", self.code, "mine:" + name],
            cwd=self.dir,
            env={**os.environ, **self.environment(environment), "ASSAY_REPORT_FD": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3) and None,
        )
        theirs.close()
        peer = Peer(ours)
        hello = peer.hear()
        assert hello == ["hello"], (hello, process.communicate())
        peer.say("config", config or {}, "{}")
        peer.say("go", go)
        for one in words:
            peer.say(*one)
        frames = peer.rest()
        out, err = process.communicate(timeout=LIMIT_S)
        ours.close()
        status = process.returncode
        return Ended(frames, out.decode(), err.decode(), -status if status < 0 else status << 8)


def _ends() -> tuple[Peer, int, int, list[int]]:
    """Ours: of a report descriptor, of its output and of what it says is wrong; and theirs."""
    ours, theirs = socket.socketpair()
    out, out_theirs = os.pipe()
    err, err_theirs = os.pipe()
    return Peer(ours), out, err, [out_theirs, err_theirs, theirs.detach()]


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


class Zygote:
    """A zygote and the link to it. first: its first word, as (kind, text)."""

    def __init__(self, code: Code, name: str) -> None:
        self.code = code
        self.peers: list[Peer] = []
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.link.settimeout(LIMIT_S)
        self.process = subprocess.Popen(
            [sys.executable, BOOT, "--zygote", str(os.getpid()), code.code, "mine:" + name],
            env={**os.environ, "ASSAY_TRIAL_ID": "--------", "OMP_NUM_THREADS": "2"},
            stdout=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3) and None,
        )
        theirs.close()
        _, kind, _, _, text = self.hear()
        self.first = (kind, text)

    def hear(self) -> tuple[int, int, int, int, str]:
        """Key, kind, process, status, text."""
        data = self.link.recv(8192)
        assert data, "it ended"
        key, kind, pid, status = struct.unpack_from("=QIii", data)
        return key, kind, pid, status, data[20:].rstrip(b"\0").decode()

    def start(self, key: int, config: dict[str, Any], **environment: str) -> tuple[Peer, int, int]:
        """A trial: its report descriptor, and what it prints on, two pipes."""
        peer, out, err, theirs = _ends()
        socket.send_fds(self.link, [self._request(key, config, environment)], theirs)
        _close(theirs)
        self.peers.append(peer)
        return peer, out, err

    def hand(self, idle: Peer, config: dict[str, Any], **environment: str) -> tuple[Peer, int, int]:
        """A trial, for a process that has said on its descriptor that it is idle."""
        peer, out, err, theirs = _ends()
        request = self._request(0, config, environment)
        body = b"\x92\xa4next\xc6" + struct.pack(">I", len(request)) + request
        socket.send_fds(idle.end, [values.frame_of(bytearray(body))], theirs)
        _close(theirs)
        self.peers.append(peer)
        return peer, out, err

    def _request(self, key: int, config: dict[str, Any], environment: dict[str, str]) -> bytes:
        packed = bytearray()
        values.pack(packed, config)
        folder = os.fsencode(self.code.dir) + b"\0"
        entries = b"".join(
            b"%s=%s\0" % (name.encode(), value.encode())
            for name, value in self.code.environment(environment).items()
        )
        head = struct.pack(
            "=QqIIII", key, WITHOUT_LIMIT, len(folder), 3, len(entries) + 1, len(packed)
        )
        return head + folder + b"{}\0" + entries + b"\0" + packed

    def run(self, key: int, config: Optional[dict[str, Any]] = None, **environment: str) -> Ended:
        """A trial to its end."""
        peer, out, err = self.start(key, config or {}, **environment)
        assert self.hear()[:2] == (key, 4), "STARTED"
        frames = peer.rest()
        texts = []
        for fd in (out, err):
            with os.fdopen(fd, encoding="utf-8") as file:
                texts.append(file.read())
        peer.end.close()
        got, kind, _, status, _ = self.hear()
        assert (got, kind) == (key, 6), "EXITED"
        return Ended(frames, texts[0], texts[1], status)

    def close(self) -> int:
        """It ends when the executor closes; its status."""
        self.link.close()
        return self.process.wait(LIMIT_S)


@contextlib.contextmanager
def zygote(source: str, name: str) -> Iterator[Zygote]:
    with Code(source) as code:
        one = Zygote(code, name)
        try:
            yield one
        finally:
            one.link.close()
            for peer in one.peers:
                peer.end.close()
            one.process.wait(LIMIT_S)
