#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In one more machine: disks that lost their power are mounted, so that a kernel recovers them, and
their ledgers verified; an agent goes on with the first."""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'kernel'))
sys.dont_write_bytecode = True

from harness.agent import BUILD, Agent              # noqa: E402
from harness.check import Deadline, fail            # noqa: E402
from harness.world import World, call, umount       # noqa: E402

HOLDS, UNSEALED = 0, 10
ROOM_SECONDS = 300

POLICY = """version: 1
name: after
mode: enforce
labels: [health]
stores:
  patients: {{ paths: [{disk}/patients], labels: [health] }}
subjects:
  anybody: {{ user: root }}
rules:
  - allow anybody to read patients
"""


def verify(ledger):
    r = subprocess.run([f'{BUILD}/amanat', 'verify', ledger, '--json'], capture_output=True, text=True)
    return json.loads(r.stdout)


def others_leave(agent, where):
    """Of a full disk: the agent runs, and says what it had to say once there is room."""
    if not os.path.exists(f'{where}/neighbour'):
        return
    state = agent.status()['ledger']
    print(f'an agent on the full disk: {state["error"] or "records"}', flush=True)
    for name in ('neighbour', 'ballast'):
        os.unlink(f'{where}/{name}')
    deadline = Deadline(ROOM_SECONDS)
    while not agent.status()['ledger']['records']:
        if deadline.passed():
            fail(f'it does not record again: {agent.status()["ledger"]}')


def go_on(world, where):
    """What an agent makes of it."""
    ledger = f'{where}/ledger'
    disk, policy, programs = world.disk('disk', 'ext4', '32M'), world.path('policy.yaml'), world.path('programs')
    os.makedirs(f'{disk}/patients')
    os.makedirs(programs)
    for name in ('amanatd', 'amanat'):
        shutil.copy(os.path.join(BUILD, name), programs)
    with open(policy, 'w') as f:
        f.write(POLICY.format(disk=disk))
    agent = Agent(programs, policy, world.path('state'), world.path('run'), world.host_net,
                  '--ledger', ledger)
    agent.wait()
    others_leave(agent, where)
    agent.end()
    audit = verify(ledger)
    told = [g for g in audit['gaps'] if g['reason'] == 'not-running']
    print(f'an agent goes on with it: {audit["answer"]}, the power cut is told as a gap: {bool(told)}')
    return audit['code'] == HOLDS and bool(told)


def recover(world, image, first):
    copy, where = world.path('image'), world.path('mounted')
    call('cp', '--sparse=always', image, copy)
    os.makedirs(where, exist_ok=True)
    call('mount', '-o', 'loop', copy, where)
    try:
        audit = verify(f'{where}/ledger')
        seal = audit['head'].split()[2]
        print(f'mounted by a kernel: {image}: {audit["answer"]}, to seal {seal}', flush=True)
        return audit['code'] in (HOLDS, UNSEALED) and (not first or go_on(world, where))
    finally:
        umount(where)
        os.unlink(copy)


def main():
    world, ok = World(), True
    for i, image in enumerate(sys.argv[1:]):
        ok &= recover(world, image, i == 0)
    world.remove()
    return 0 if ok else 1


if __name__ == '__main__':
    sys.exit(main())
