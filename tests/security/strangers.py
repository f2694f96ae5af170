"""Peers that do not speak as they should, by hand: bytes on a TCP connection, no library; and one who
listens in between."""
import os
import select
import socket
import struct
import threading
import time

SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"
DRIP_S = 0.1


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


def heard_before_the_end(port, first, second, limit_s, drip=False):
    """Everything that the peer says until it hangs up, and whether it did. drip: first is said a byte
    at a time."""
    until = time.monotonic() + limit_s
    heard, sent, at = b"", False, 0
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        try:
            if not drip:
                peer.sendall(first)
            while time.monotonic() < until:
                if not select.select([peer], [], [], DRIP_S if drip else 0.5)[0]:
                    if drip:
                        peer.sendall(first[at : at + 1])
                        at = min(at + 1, len(first))
                    continue
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


class Relay:
    """Stands between peers, who take it for the head, and a head at 127.0.0.1: at 127.0.0.2 with the
    same ports. It keeps every byte of both ways, and can say everything that it hears twice."""

    HOST = "127.0.0.2"

    def __init__(self, ports):
        self.said = []  # a connection: port, bytes to the head, bytes from it
        self.twice_on = None
        self.doubled = 0
        self.listeners = []
        for port in ports:
            listener = socket.create_server((self.HOST, port))
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(listener, port), daemon=True).start()

    def accept(self, listener, port):
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return  # closed
            threading.Thread(target=self.carry, args=(peer, port), daemon=True).start()

    def carry(self, peer, port):
        try:
            head = socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            peer.close()
            return
        head.settimeout(None)
        said = [port, bytearray(), bytearray()]
        self.said.append(said)
        try:
            while True:
                for one in select.select([peer, head], [], [])[0]:
                    got = one.recv(65536)
                    if not got:
                        return
                    said[1 if one is peer else 2].extend(got)
                    (head if one is peer else peer).sendall(got)
                    # Encrypted messages alone: a MESSAGE command begins with its name.
                    if one is peer and port == self.twice_on and b"\x07MESSAGE" in got:
                        self.doubled += 1
                        head.sendall(got)
        except OSError:
            pass  # one of the two hung up in the middle
        finally:
            peer.close()
            head.close()

    def close(self):
        for listener in self.listeners:
            listener.close()
