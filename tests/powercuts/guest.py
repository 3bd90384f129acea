#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In the machine whose power is cut: an agent whose ledger is on the disk that is being logged, a
storm, and somebody who writes down outside of the file system what the agent says is sealed."""
import errno
import json
import mmap
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'kernel'))
sys.dont_write_bytecode = True

from harness.agent import BUILD                             # noqa: E402
from harness.storm import Storm                             # noqa: E402
from harness.world import World, call, mount, take_room     # noqa: E402

FILES = 400
TELL_AT = 124 << 20     # behind the file system, which has 120 MiB
TELL_SIZE = 4096
HEAD_EVERY = 10         # claims; the head is taken with the command that people use
SECONDS = 900           # if nobody cuts the power

GIVE = 256 << 10        # what a greedy neighbour gives back now and then ...
GIVE_EVERY = 4          # ... of the claims that say that the disk is full

# What the ledger is told about its room, what others leave of the disk, and whether they go on to take
# all of it.
KINDS = {
    'small-segments': (('--ledger-max', '2M', '--ledger-segment', '128K'), 0, False),
    'usual': ((), 0, False),
    'crowded-disk': (('--ledger-max', '64M', '--ledger-segment', '256K'), 3 << 20, False),
    'full-disk': (('--ledger-max', '64M', '--ledger-segment', '256K', '--ledger-full', 'stop'), 3 << 20, True),
}


def open_disk(world):
    call('modprobe', 'virtio_blk')
    end = time.monotonic() + 60
    while not os.path.exists('/dev/vda') and time.monotonic() < end:
        os.sched_yield()
    where = world.path('logged')
    os.mkdir(where)
    mount('/dev/vda', where, 'ext4')
    return where


class Neighbour:
    """Takes every byte of the disk that is free, and gives a little back once the ledger has had none
    for a while, so that writes find none at any moment, and then go on."""

    def __init__(self, where):
        self.fd = os.open(os.path.join(where, 'neighbour'), os.O_WRONLY | os.O_CREAT, 0o600)
        self.size = self.full = 0

    def take(self):
        for step in (1 << 20, 1 << 16, 1 << 12):
            try:
                while True:
                    os.posix_fallocate(self.fd, self.size, step)
                    self.size += step
            except OSError as e:
                if e.errno != errno.ENOSPC:
                    raise

    def act(self, claim):
        self.full = self.full + 1 if claim['full'] else 0
        if self.full and self.full % GIVE_EVERY == 0 and self.size > GIVE:
            self.size -= GIVE
            os.ftruncate(self.fd, self.size)
        else:
            self.take()


class Teller:
    """Writes what is claimed to be sealed where only the log of the disk will have it."""

    def __init__(self, agent, ledger):
        self.agent, self.ledger = agent, ledger
        self.disk = os.open('/dev/vda', os.O_WRONLY | os.O_DIRECT)
        self.page = mmap.mmap(-1, TELL_SIZE)
        self.count = 0

    def head(self):
        r = subprocess.run([f'{self.agent.programs}/amanat', 'ledger', 'head', self.ledger],
                           capture_output=True, text=True)
        return r.stdout if r.returncode == 0 else None

    def tell(self):
        ledger = self.agent.status()['ledger']
        self.count += 1
        claim = {'n': self.count, 'seals': ledger['seals'], 'rows': ledger['rows_sealed'],
                 'oldest': ledger['oldest_segment'], 'segment': ledger['segment'],
                 'lost': ledger['not_recorded'], 'full': ledger.get('error') == os.strerror(errno.ENOSPC)}
        if self.count % HEAD_EVERY == 0:
            claim['head'] = self.head()
        text = json.dumps(claim).encode()
        self.page.seek(0)
        self.page.write(text.ljust(TELL_SIZE, b'\0'))
        os.pwrite(self.disk, self.page, TELL_AT)
        return claim


def main():
    options, left, greedy = KINDS[sys.argv[1]]
    os.umask(0o022)
    world = World()
    stores, logged = Storm(world, FILES), open_disk(world)
    if left:
        take_room(logged, left)
    if sys.argv[2:] == ['unsynced']:
        os.environ['LD_PRELOAD'] = os.path.join(BUILD, 'tests', 'nosync.so')
    agent = stores.start_agent(f'{logged}/ledger', *options)
    os.environ.pop('LD_PRELOAD', None)
    agent.wait()
    stores.begin(0, FILES)
    teller, end = Teller(agent, f'{logged}/ledger'), time.monotonic() + SECONDS
    neighbour = Neighbour(logged) if greedy else None
    while time.monotonic() < end:
        claim = teller.tell()
        print(json.dumps(claim), flush=True)
        if neighbour:
            neighbour.act(claim)


if __name__ == '__main__':
    main()
