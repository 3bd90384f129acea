# SPDX-License-Identifier: GPL-2.0
"""Processes that act for a user, step by step, under the harness's control.

A process that has read labelled data labels every pipe and file that it writes to,
and the harness, being no subject of the policy, could not read the answer there. So
answers come through shared anonymous memory and an eventfd, which carry no labels."""
import json
import mmap
import os
import select
import signal
import traceback
from collections import namedtuple

from .check import Failed, attempt, fail

SECONDS = 30    # for one step; emulated machines are slow


class User(namedtuple('User', 'name uid gid groups')):
    """Whom a process acts for."""

    def with_groups(self, *gids):
        return self._replace(groups=list(gids))

    def become(self):
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)


def _plain(value):
    if isinstance(value, bytes):
        return {'bytes': value.decode('latin1')}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _rich(value):
    if isinstance(value, dict):
        return value['bytes'].encode('latin1')
    if isinstance(value, list):
        return [_rich(v) for v in value]
    return value


class Actor:
    """Runs a generator in a child process: each step() resumes it up to its next
    yield and returns what it yielded there.

    `first`, if given, is called as root before the process becomes the user, and
    what it returns is handed to the generator: a socket that only root may make."""

    def __init__(self, user, script, *args, first=None):
        self.user = user
        self.memory = mmap.mmap(-1, 1 << 16)
        self.go = os.eventfd(0, os.EFD_CLOEXEC)
        self.done = os.eventfd(0, os.EFD_CLOEXEC)
        self.pid = os.fork()
        if not self.pid:
            self._child(user, script, args, first)
        self.pidfd = os.pidfd_open(self.pid)
        self.status = None

    # ---- the child ----------------------------------------------------------

    def _child(self, user, script, args, first):
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            if first:
                args = (*args, first())
            user.become()
            os.eventfd_read(self.go)
            for value in script(*args):
                self._answer({'value': _plain(value)})
                os.eventfd_read(self.go)
        except BaseException:
            self._answer({'error': traceback.format_exc()})
        finally:
            os._exit(0)

    def _answer(self, answer):
        data = json.dumps(answer).encode()
        self.memory.seek(0)
        self.memory.write(len(data).to_bytes(4, 'little') + data)
        os.eventfd_write(self.done, 1)

    # ---- the harness --------------------------------------------------------

    def begin(self):
        """Sets a step going; answer() waits for what it yields."""
        os.eventfd_write(self.go, 1)

    def step(self):
        self.begin()
        return self.answer()

    def answer(self):
        ready, _, _ = select.select([self.done, self.pidfd], [], [], SECONDS)
        if not ready:
            fail(f'process {self.pid} hangs')
        if self.done not in ready:
            self._reap()
            fail(f'process {self.pid} ended before its answer, status {self.status}')
        os.eventfd_read(self.done)
        self.memory.seek(0)
        size = int.from_bytes(self.memory.read(4), 'little')
        answer = json.loads(self.memory.read(size))
        if 'error' in answer:
            raise Failed(f'a step went wrong:\n{answer["error"]}')
        return _rich(answer['value'])

    def _reap(self):
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def end(self):
        if self.memory.closed:
            return
        if self.status is None:
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            self._reap()
        for fd in (self.go, self.done, self.pidfd):
            os.close(fd)
        self.memory.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def do(user, call, *args, **kwargs):
    """What one call returns to a process of `user`, or the name of its errno."""
    def once():
        yield attempt(call, *args, **kwargs)
    with Actor(user, once) as actor:
        return actor.step()
