# SPDX-License-Identifier: GPL-2.0
"""Where techniques are run: disks with stores, programs, the agent, and the runner itself."""
import json
import os
import shutil
import subprocess
import sys
import time

from harness import agent
from harness.agent import BUILD, Agent, Lines
from harness.check import Deadline, fail
from harness.world import World

READER, WRITER, COURIER = 61021, 61022, 61023      # of technique.h
NOBODY = 65534
RUN_SECONDS = 1800
SEAL_SECONDS = 300
START_SECONDS = 900     # several machines at once, and the verifier in each

POLICY = '''version: 1
name: evasion
mode: enforce
labels: [pii]
stores:
  target: {{ paths: [{disk}/store, {btrfs}/store], labels: [pii] }}
subjects:
  readers: {{ group: {reader} }}
  writers: {{ group: {writer} }}
  couriers: {{ group: {courier} }}
  trusted: {{ exe: {bin}/trusted }}
rules:
  - allow readers to read target
  - allow writers to read, write target
  - allow trusted to read target
  - allow couriers to send pii to anywhere
'''


def kernel():
    """The release line that this kernel is of: 6.1, 6.12, 7."""
    major, minor = os.uname().release.split('.')[:2]
    return major if int(major) >= 7 else f'{major}.{minor}'


class Run:
    """One run of one technique, and what the agent told meanwhile."""

    def __init__(self, line):
        (phase, self.family, self.name, self.goal, self.role, fence, first, last, got, wire, code,
         other, self.note) = line.split('\t')
        self.with_agent = phase == '2'
        self.fence, self.got, self.wire = int(fence), got == '1', wire == '1'
        self.code, self.other = int(code), int(other)
        self.pids = range(int(first), int(last))
        self.events = []


class Recorded:
    """An event of the record, as far as a judgement needs it."""

    def __init__(self, row):
        self.verdict, self.kind, self.op, self.comm = (
            row.get(k) for k in ('verdict', 'kind', 'op', 'comm'))
        self.text = ' '.join(f'{k}={v}' for k, v in row.items() if v is not None)

    def __repr__(self):
        return f'<recorded {self.text}>'


class Stand:
    def __init__(self, flavour):
        os.umask(0)
        self.flavour = flavour
        self.world = World()
        self.agent = None
        self.disk = self.world.disk('disk', 'ext4', '256M', '-b', '4096')
        self.btrfs = self.world.disk('btrfs', 'btrfs', '256M') if shutil.which('mkfs.btrfs') else ''
        self.bin = self.world.path('bin')
        self._fill()

    def _fill(self):
        for top in filter(None, (self.disk, self.btrfs)):
            for name in ('store', 'out'):
                os.makedirs(os.path.join(top, name), 0o777)
        with open(os.path.join(self.disk, 'store', 'fence'), 'w', encoding='ascii') as f:
            f.write('fence\n')
        os.makedirs(self.bin)
        for name in ('evasion', 'trusted', 'echo'):
            shutil.copy(os.path.join(BUILD, 'tests', 'evasion'), os.path.join(self.bin, name))
        shutil.copy(os.path.join(BUILD, 'tests', 'foreign.so'), self.bin)
        # Foreign is what others than root can change.
        os.chown(os.path.join(self.bin, 'foreign.so'), NOBODY, NOBODY)
        os.chmod(os.path.join(self.bin, 'foreign.so'), 0o777)
        # A copy: the build may go on while the techniques run.
        for name in ('amanatd', 'amanat'):
            shutil.copy(os.path.join(BUILD, name), self.bin)

    def _device(self):
        with open('/proc/self/mounts', encoding='utf-8') as f:
            return next(line.split()[0] for line in f if line.split()[1] == self.disk)

    def _start_agent(self):
        policy = self.world.path('policy.yaml')
        with open(policy, 'w', encoding='ascii') as f:
            f.write(POLICY.format(disk=self.disk, btrfs=self.btrfs or self.disk, bin=self.bin,
                                  reader=READER, writer=WRITER, courier=COURIER))
        agent.HOOKS = self.flavour
        self.agent = Agent(self.bin, policy, self.world.path('state'), self.world.path('run'),
                           self.world.host_net)
        self.agent.wait(START_SECONDS)

    def run_all(self, names, progress=False):
        """Every run of the chosen techniques, in order."""
        runner = subprocess.Popen(
            [f'{self.bin}/evasion', 'run', self.disk, self._device(), self.btrfs, self.bin, '2', *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        lines, runs, deadline, ended = Lines(runner.stdout), [], Deadline(RUN_SECONDS), False
        while not ended:
            if deadline.passed() or lines.ended:
                fail(f'the runner stopped after {len(runs)} runs')
            for line in lines.take(1):
                if line == 'ready':
                    self._start_agent()
                    runner.stdin.write(b'go\n')
                    runner.stdin.flush()
                elif line == 'end':
                    ended = True
                else:
                    runs.append(Run(line))
                    if progress:
                        print(f'{time.monotonic():.2f} {line}', file=sys.stderr, flush=True)
        runner.stdin.close()
        runner.wait()
        if not runs:
            fail('no technique has that in its name')
        self._hear(runs)
        return runs

    def _hear(self, runs):
        """Gives each run the events up to its fence. They are taken from the record: who follows
        events is cut short in a storm of them."""
        by_fence = {r.fence: r for r in runs if r.with_agent}
        mine = []
        for e in self._recorded():
            if not e.comm.startswith('fence-'):
                mine.append(e)
                continue
            run = by_fence.pop(int(e.comm[6:]), None)
            if run:
                run.events = mine
            mine = []
        if by_fence:
            fail(f'the record has no fence of {[r.name for r in by_fence.values()][:6]}')

    def _recorded(self):
        """What a judgement looks at, in the order of the record."""
        self.agent.wait_recorded(SEAL_SECONDS)
        query = ("SELECT row, pid, comm, verdict, kind, op, act, reason, path FROM events "
                 "WHERE verdict = 'deny' OR kind IN ('spill', 'foreign') ORDER BY row")
        out = subprocess.run([f'{self.bin}/amanat', 'sql', '--ledger',
                              os.path.join(self.world.path('state'), 'ledger'), '--json', query],
                             check=True, capture_output=True, text=True).stdout
        return [Recorded(json.loads(line)) for line in out.splitlines()]

    def remove(self):
        if self.agent:
            self.agent.process.kill()
            self.agent.process.wait()
        self.world.remove()
