# SPDX-License-Identifier: GPL-2.0
"""`amanat doctor --selftest`, as an admin runs it on a host whose agent goes on working."""
import json
import os
import signal
import subprocess

from harness.agent import BUILD, EVENT_SECONDS
from harness.check import Deadline, expect, expect_that, scenario, skip
from harness.stages import ENFORCED
from harness.world import DESK, MS_BIND, mount, umount

SELFTEST_SECONDS = 1800     # an agent is loaded, and 300 techniques run, on an emulated machine
VERDICTS = {'blocked', 'detected', 'open', 'absent'}


class Scratch:
    """A disk of its own at /var/tmp, in the lab's mount namespace."""

    def __init__(self, lab):
        if not os.path.exists(f'{BUILD}/tests/evasion'):
            skip("the techniques are not built; run 'make evasion-build'")
        self.disk = lab.world.path('selftest')
        if not os.path.ismount(self.disk):
            lab.world.disk('selftest', 'ext4', '300M')

    def __enter__(self):
        mount(self.disk, '/var/tmp', flags=MS_BIND)
        return self

    def __exit__(self, *_):
        umount('/var/tmp')

    def left(self):
        return [name for name in os.listdir(self.disk) if name.startswith('amanat-')]


def selftest(*words):
    return subprocess.Popen([f'{BUILD}/amanat', 'doctor', '--selftest', *words], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


@scenario(ENFORCED)
def the_selftest_has_a_verdict_on_each_technique_beside_a_working_agent(lab):
    with Scratch(lab) as scratch:
        process = selftest('--json')
        said, talk = process.communicate(timeout=SELFTEST_SECONDS)
        left = scratch.left()
    expect(f'exit status, having said {talk!r}', process.returncode, 0)
    trials = json.loads(said)['trials']
    expect_that(f'it tries many: {len(trials)}', len(trials) > 250)
    expect('outcomes that are none',
           [t['technique'] for t in trials if t['outcome'] not in VERDICTS], [])
    expect('open ones without a reason',
           [t['technique'] for t in trials if t['outcome'] == 'open' and not t['why_open']], [])
    expect_that('most are blocked',
                sum(t['outcome'] == 'blocked' for t in trials) > len(trials) * 3 // 4)
    expect('what is left in /var/tmp', left, [])
    lab.closed(lab.single)
    lab.open_to(DESK, lab.single)
    return f'{len(trials)} techniques'


@scenario(ENFORCED)
def an_interrupted_selftest_leaves_nothing_behind(lab):
    with Scratch(lab) as scratch:
        process = selftest()
        deadline = Deadline(EVENT_SECONDS)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=SELFTEST_SECONDS)
        left = scratch.left()
    expect_that('it ends in time', not deadline.passed())
    expect('exit status', process.returncode, 3)
    expect_that(f'it says why: {talk!r}', 'Interrupted' in talk)
    expect('what is left in /var/tmp', left, [])
    lab.closed(lab.single)
