# SPDX-License-Identifier: GPL-2.0
"""A policy as large as the language lets it be: 64 labels, 4,096 stores, 256 subjects, 256
zones, 10,000 rules. By an agent of its own, for a host remembers the names of its policies."""
import os
import subprocess
import time

from harness.actor import Actor, User
from harness.agent import TOP, Agent
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.net import Listener, connect
from harness.stages import BEFORE
from harness.world import DESK, HOME4, ROOT, VENDOR

OWN_SUBJECTS = 2
READER = User('reader', 20000, 20000, [])       # s0 of tests/data/scale/make
STORE_OF_S0 = 16 * (256 - OWN_SUBJECTS)         # the rules about stores take the subjects in turn
SECONDS = 60


def policy(lab, root):
    """With a rule of ours before and one behind thousands of others."""
    make = os.path.join(TOP, 'tests', 'data', 'scale', 'make')
    r = subprocess.run([make, '--root', root, '--make', '--store', f'single:{lab.single}',
                        '--subject', 'desk: { user: desk }',
                        '--subject', 'acme: { user: acme, third-party: ACME Ltd }',
                        '--rule', 'allow desk to read single',
                        '--rule', 'deny acme to read single',
                        '--rule', f'allow desk to send l0 to z{HOME4.split(".")[1]}'],
                       check=True, capture_output=True, text=True)
    return r.stdout


def read_and_send(path):
    yield attempt(read_file, path)
    with connect(HOME4, 1000 + int(HOME4.split('.')[1])) as s:
        yield attempt(s.send, b'data')
    yield attempt(connect, HOME4, 5432)


@scenario(BEFORE)
def a_policy_of_10000_rules_goes_into_force_and_decides(lab):
    root = os.path.join(lab.disk, 'scale')
    path = lab.world.path('scale.yaml')
    with open(path, 'w') as f:
        f.write(policy(lab, root))
    inside = os.path.join(root, str(STORE_OF_S0), 'x.csv')
    lab.write(inside)
    agent = Agent(lab.programs, path, lab.world.path('scale-state'), lab.world.path('scale-run'),
                  lab.world.host_net)
    try:
        agent.wait()
        status = agent.status()
        expect('stores', len(status['stores']), 4096)
        expect('those that are not enforced',
               [s for s in status['stores'] if s['state'] != 'enforced'][:3], [])
        expect('a read that an early rule allows', lab.read(DESK, lab.single), SECRET)
        refused('one that it denies', lab.read(VENDOR, lab.single))
        refused('one that no rule allows', lab.read(ROOT, lab.single))
        expect('a read that a rule far behind allows', lab.read(READER, inside), SECRET)
        for user in (DESK, ROOT, READER._replace(uid=20001)):
            refused(f'of the same file by {user.uid}', lab.read(user, inside))
        port = 1000 + int(HOME4.split('.')[1])
        with Listener(HOME4, port) as listener, Actor(DESK, read_and_send, lab.single) as a:
            expect('a read', a.step(), SECRET)
            expect('a send to a zone of 252', a.step(), 4)
            refused('one to a port that is not of it', a.step())
            a.end()
            expect('what arrives', listener.heard(), b'data')
        begin = time.monotonic()
        with open(path) as f:
            agent.reload(f.read().replace('allow desk to read single', 'deny desk to read single'))
        took = time.monotonic() - begin
        refused('under the policy that follows', lab.read(DESK, lab.single))
        expect('a read that both allow', lab.read(READER, inside), SECRET)
        expect_that(f'it took {took:.1f} s', took < SECONDS)
    finally:
        agent.end()
    return f'a policy of that size follows another one in {took:.1f} s'
