# SPDX-License-Identifier: GPL-2.0
"""Somebody who listens, and ways to send."""
import socket

from .check import attempt, fail

INET, INET6 = socket.AF_INET, socket.AF_INET6
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
SECONDS = 10


class Listener:
    """A socket of the harness that others connect or send to."""

    def __init__(self, ip, port, kind=STREAM):
        self.address = (ip, port)
        self.kind = kind
        self.socket = socket.socket(INET6 if ':' in ip else INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.address)
        if kind == STREAM:
            self.socket.listen(8)
        self.socket.settimeout(SECONDS)

    def heard(self):
        """What the next one who connected has sent, or the next datagram."""
        try:
            if self.kind == DGRAM:
                return self.socket.recv(1 << 16)
            connection, _ = self.socket.accept()
            with connection:
                connection.settimeout(SECONDS)
                parts = []
                while True:
                    part = connection.recv(1 << 16)
                    if not part:
                        return b''.join(parts)
                    parts.append(part)
        except TimeoutError:
            fail(f'nothing arrives at {self.address}')

    def silent(self):
        """Fails if anything has arrived."""
        self.socket.setblocking(False)
        got = attempt(self.socket.accept if self.kind == STREAM else lambda: self.socket.recv(99))
        self.socket.settimeout(SECONDS)
        if got != 'EAGAIN':
            if self.kind == STREAM:
                got[0].settimeout(1)
                got = attempt(got[0].recv, 99)
            fail(f'something has arrived at {self.address}: {got}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def connect(ip, port, kind=STREAM, family=None):
    s = socket.socket(family or (INET6 if ':' in ip else INET), kind)
    s.settimeout(SECONDS)
    s.connect((ip, port))
    return s


def send(ip, port, data, kind=STREAM, family=None):
    """By connect() and send()."""
    with connect(ip, port, kind, family) as s:
        s.sendall(data)
    return len(data)


def sendto(ip, port, data, family=None):
    """A datagram without connect()."""
    with socket.socket(family or (INET6 if ':' in ip else INET), DGRAM) as s:
        return s.sendto(data, (ip, port))


def sendmsg(ip, port, data):
    with socket.socket(INET6 if ':' in ip else INET, DGRAM) as s:
        return s.sendmsg([data], [], 0, (ip, port))
