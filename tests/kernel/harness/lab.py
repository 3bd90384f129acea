# SPDX-License-Identifier: GPL-2.0
"""What scenarios are given: the stores, the outside, the agent, and how to act."""
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time

from . import policy
from .actor import Actor, do
from .agent import BUILD, EVENT_SECONDS, TOP, Agent, Lines, Tail
from .check import Deadline, attempt, expect, fail
from .world import DESK, KEEPER, ROOT, World, call, umount

MANY = 100_000
SECRET = b'99999-1234567-1,Fake Citizen\n'


class Ran:
    """A program that has ended."""

    def __init__(self, pid, status, out, err):
        self.pid, self.status, self.out, self.err = pid, status, out, err


class Lab:
    def __init__(self):
        os.umask(0)
        self.world = World()
        self.disk = self.world.disk('disk', 'ext4', '1G')
        self.registry = self._folder('registry')
        self.vault = self._folder('vault')
        self.outside = self._folder('outside')
        self.single = os.path.join(self.disk, 'single.csv')
        self.bin = self._folder('bin')
        self.viewer = os.path.join(self.bin, 'viewer')
        self.out = self.world.path('out')
        self.programs = self.world.path('programs')
        self.others = {}        # kind of file system -> folder of a store on it
        self.many = None        # folder of the big store, where there is one
        self.last = None        # the agent that was stopped
        self.strays = []        # files outside that have to be closed after a restart
        self.agent = None
        self.bundles = None     # see harness/bundles.py
        self._fill()

    def _folder(self, *parts):
        where = os.path.join(self.disk, *parts)
        os.makedirs(where, 0o777, exist_ok=True)
        return where

    def _fill(self):
        make = os.path.join(TOP, 'tests', 'data', 'registry', 'make')
        subprocess.run([sys.executable, make, '--rows', '200', self.registry], check=True,
                       stdout=subprocess.DEVNULL)
        self._folder('registry', 'biometric')
        self._folder('registry', 'deep', 'a', 'b', 'c')
        for name in ('biometric/0001.fpt', 'deep/a/b/c/0001.csv'):
            self.write(os.path.join(self.registry, name))
        self.write(os.path.join(self.vault, '0001.csv'))
        self.write(self.single)
        for name in ('viewer', 'interpreter', 'pinned', 'mispinned'):
            shutil.copy('/bin/cat', os.path.join(self.bin, name))
        shutil.copy('/usr/bin/python3', os.path.join(self.bin, 'loads'))
        with open('/bin/cat', 'rb') as f:
            self.digest = hashlib.sha256(f.read()).hexdigest()
        with open(os.path.join(self.bin, 'report'), 'w') as f:
            f.write(f'#!{self.bin}/interpreter\n')
        os.chmod(os.path.join(self.bin, 'report'), 0o755)
        # A copy: the build may go on while the tests run.
        os.makedirs(self.programs)
        for name in ('amanatd', 'amanat'):
            shutil.copy(os.path.join(BUILD, name), self.programs)
        os.makedirs(self.out)
        for top, _, names in os.walk(self.registry):
            for name in names:
                os.chmod(os.path.join(top, name), 0o666)

    def add_many(self):
        """A store of so many files that labelling them takes time."""
        # No journal and no checksums: an emulated CPU would be at it for long.
        where = self.world.disk('many-disk', 'ext4', '1G', '-N', str(MANY + 20_000),
                                '-O', '^has_journal,^metadata_csum')
        self.many = os.path.join(where, 'many')
        for d in range(MANY // 500):
            os.makedirs(f'{self.many}/{d // 20}/{d % 20}', 0o777)
            at = os.open(f'{self.many}/{d // 20}/{d % 20}', os.O_DIRECTORY)
            for n in range(500):
                os.mknod(f'{n}.csv', 0o666, dir_fd=at)
            os.close(at)

    def add_others(self):
        """A store on each other file system that can be made here."""
        for kind, size in (('xfs', '320M'), ('btrfs', '256M')):
            if not shutil.which('mkfs.' + kind):
                continue
            where = self.world.disk(kind, kind, size)
            self.others[kind] = os.path.join(where, 'store')
            for name in (self.others[kind], os.path.join(where, 'outside')):
                os.makedirs(name, 0o777)

    # ---- files ------------------------------------------------------------------

    @staticmethod
    def write(path, data=SECRET):
        """By the harness; in a store that works only while no agent runs."""
        with open(path, 'wb') as f:
            f.write(data)

    def put(self, name, data=SECRET, store=None):
        """A new file in a store, put there by the user who may."""
        path = os.path.join(store or self.registry, name)
        expect(f'the keeper writes {path}', do(KEEPER, self.write, path, data), None)
        return path

    def outside_path(self, name):
        return os.path.join(self.outside, name)

    # ---- acts -------------------------------------------------------------------

    def run(self, user, *argv, **options):
        """Runs a program for a user, its output in files: a pipe would carry labels
        to the harness. What it wrote is read by the same user."""
        out, err = (os.path.join(self.out, f'{time.monotonic_ns()}.{n}') for n in ('out', 'err'))
        with open(out, 'wb') as o, open(err, 'wb') as e:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=o, stderr=e,
                                       user=user.uid, group=user.gid, extra_groups=user.groups,
                                       **options)
            status = process.wait(60)
        with Actor(user, _contents, out, err) as reader:
            return Ran(process.pid, status, reader.step(), reader.step())

    def read(self, user, path):
        """The contents of a file for a user, or the name of the errno."""
        return do(user, read_file, path)

    def opened(self, user, paths):
        """Those of the paths of which the user reads anything, by one process: the emulated CPU is
        longer at a process than at all of the files."""
        def script():
            yield [p for p in paths if attempt(read_file, p) != 'EACCES']
        with Actor(user, script) as actor:
            return actor.step()

    def closed(self, path, user=ROOT):
        """Fails unless the file is closed to the user and the refusal is told."""
        with Actor(user, _attempt_read, path) as actor:
            got = actor.step()
            expect(f'{user.name} reads {path}', got, 'EACCES')
            return self.event(pid=actor.pid, blocked=True)

    def open_to(self, user, path, data=SECRET):
        expect(f'{user.name} reads {path}', self.read(user, path), data)

    # ---- the agent --------------------------------------------------------------

    def policy(self, **changes):
        return policy.text(self, **changes)

    def start(self, **changes):
        path = self.world.path('policy.yaml')
        with open(path, 'w') as f:
            f.write(self.policy(**changes))
        self.agent = Agent(self.programs, path, self.world.path('state'), self.world.path('run'),
                           self.world.host_net, '--group', 'auditors')
        return self.agent

    def event(self, **wanted):
        return self.agent.tail.wait(**wanted)

    def try_start(self, text, state=None, run=None):
        """Starts an agent that is expected to end by itself: its status and words."""
        path = self.world.path('try.yaml')
        with open(path, 'w') as f:
            f.write(text)
        agent = Agent(self.programs, path, state or self.world.path('try-state'),
                      run or self.world.path('try-run'), self.world.host_net)
        return agent.finish()

    def another_tail(self, *words):
        tail = Tail(self.programs, self.agent.run, *words)
        self.agent.wait_clients(3)
        return tail

    @contextlib.contextmanager
    def text_tail(self):
        """The lines of `amanat tail` as a person sees them."""
        process = subprocess.Popen([f'{self.programs}/amanat', '--run', self.agent.run, 'tail'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            self.agent.wait_clients(3)
            yield Lines(process.stdout)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    @staticmethod
    def line(lines, *words):
        """The next of the lines with all the words in it."""
        deadline, seen = Deadline(EVENT_SECONDS), []
        while not deadline.passed() and not lines.ended:
            for line in lines.take(deadline.left()):
                seen.append(line)
                if all(w in line for w in words):
                    return line
        return fail(f'no line with {words}, but {seen[-5:]}')

    def wait_calm(self):
        """Until what happens is told again, after more than could be."""
        deadline = Deadline(EVENT_SECONDS)
        while not deadline.passed():
            with Actor(ROOT, _attempt_read, self.single) as actor:
                expect('reading', actor.step(), 'EACCES')
                calm = Deadline(1)
                while not calm.passed():
                    self.agent.tail.take(calm.left())
                    if self.agent.tail.find(pid=actor.pid):
                        return
                    self.agent.tail.events.clear()
        fail('events are told no more')

    def make_strays(self):
        """Files outside every store that carry labels; the last acts before a restart."""
        moved, link, copy, folder = (self.outside_path(f'stray-{n}')
                                     for n in ('moved', 'link', 'copy', 'folder'))
        path = self.put('stray-source.csv')
        do(KEEPER, os.rename, self.put('stray-to-move.csv'), moved)
        do(KEEPER, os.link, path, link)
        do(KEEPER, os.mkdir, os.path.join(self.registry, 'stray-folder'), 0o777)
        self.put('stray-folder/0001.csv')
        do(KEEPER, os.rename, os.path.join(self.registry, 'stray-folder'), folder)
        self.run(DESK, 'cp', path, copy)
        self.strays = [moved, link, copy, os.path.join(folder, '0001.csv')]
        for stray in self.strays:
            self.closed(stray)

    def wait_strays_kept(self):
        """They are written to disk a few seconds after a change."""
        name, deadline = os.path.join(self.agent.state, 'strays'), Deadline(EVENT_SECONDS)
        inodes = [os.stat(os.path.dirname(p) if 'folder' in p else p).st_ino for p in self.strays]
        kept = b''
        while not all(i.to_bytes(8, 'little') in kept for i in inodes):
            if deadline.passed():
                fail('the agent does not write what it knows of files outside')
            self.agent.status()
            kept = read_file(name) if os.path.exists(name) else b''

    def wait_sealed(self):
        self.agent.wait()

    def stop(self, *args):
        """Its exit status."""
        self.last, self.agent = self.agent, None
        return self.last.end(*args)

    def remount(self):
        """The disk of the stores, so that nothing of it is in memory any more."""
        image = self.world.path('disk.img')
        umount(self.disk)
        call('mount', '-o', 'loop', image, self.disk)

    def reload(self, **changes):
        self.agent.reload(self.policy(**changes))
        self.agent.hear('all stores are sealed')

    def remove(self):
        if self.agent:
            self.agent.process.kill()
            self.agent.process.wait()
        self.world.remove()


def read_file(path):
    with open(path, 'rb') as f:
        return f.read()


def _attempt_read(path):
    yield attempt(read_file, path)


def _contents(*paths):
    for path in paths:
        yield attempt(read_file, path)

