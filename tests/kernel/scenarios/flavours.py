# SPDX-License-Identifier: GPL-2.0
"""The two flavours of hook: which one is had, that it is proved, and what it lacks."""
import contextlib
import json
import os
import subprocess

from harness.actor import do
from harness.agent import EVENT_SECONDS, HOOKS, Agent
from harness.check import Deadline, expect, expect_that, refused, scenario, skip
from harness.stages import BEFORE, ENFORCED, STOPPED
from harness.world import DESK, KEEPER, MS_BIND, VENDOR, mount, umount

FTRACE = '/proc/sys/kernel/ftrace_enabled'
FILES, TAGS, LEFT = 300, 64, 10


def has_bpf_lsm():
    with open('/sys/kernel/security/lsm') as f:
        return 'bpf' in f.read().strip().split(',')


def set_ftrace(value):
    with open(FTRACE, 'w') as f:
        f.write(value)


@contextlib.contextmanager
def no_hook_runs(lab):
    """Hooks attach and are not run, and the file that tells is not to be trusted."""
    fake = lab.world.path('ftrace_enabled')
    with open(fake, 'w') as f:
        f.write('1\n')
    try:
        set_ftrace('0')
    except OSError as e:
        skip(f'this kernel does not let ftrace be switched off: {e}')
    mount(fake, FTRACE, flags=MS_BIND)
    try:
        yield
    finally:
        umount(FTRACE)
        set_ftrace('1')


@scenario(BEFORE)
def lsm_hooks_are_refused_where_bpf_is_no_lsm(lab):
    if has_bpf_lsm():
        skip('bpf is among the LSMs of this kernel')
    r = subprocess.run([f'{lab.programs}/amanatd', '--hooks', 'lsm', '--policy', '/dev/null',
                        '--state', lab.world.path('lsm-state'), '--run', lab.world.path('lsm-run')],
                       capture_output=True, text=True)
    expect_that(f'it ends with {r.returncode}: {r.stderr!r}', r.returncode in (1, 3))


def crowd(lab):
    """A store of more files than the table of labels will hold, all of them cached."""
    where = os.path.join(lab.disk, 'crowd')
    os.makedirs(where, 0o777)
    for n in range(FILES):
        lab.write(os.path.join(where, f'{n}.csv'))
        os.chmod(os.path.join(where, f'{n}.csv'), 0o666)
    return where


def crowd_policy(where):
    return '\n'.join(['version: 1', 'name: crowd', 'mode: enforce', 'labels: [cnic]', 'stores:',
                      f'  crowd: {{ paths: [{where}], labels: [cnic] }}', 'subjects:',
                      '  desk: { user: desk }', '  keeper: { user: keeper }', 'rules:',
                      '  - allow desk to read crowd', '  - allow keeper to write crowd', ''])


def delete(paths):
    for path in paths:
        os.unlink(path)


def wait_walked(agent):
    deadline = Deadline(EVENT_SECONDS)
    while agent.status()['stores'][0]['state'] == 'sealing' and not deadline.passed():
        pass
    return agent.status()


@scenario(BEFORE, prepare=crowd)
def a_full_table_of_labels_opens_nothing(lab, where):
    path = lab.world.path('crowd.yaml')
    with open(path, 'w') as f:
        f.write(crowd_policy(where))
    agent = Agent(lab.programs, path, lab.world.path('crowd-state'), lab.world.path('crowd-run'),
                  lab.world.host_net, '--hooks', 'fmod_ret', '--tags', str(TAGS))
    try:
        agent.hear('in force')
        status = wait_walked(agent)
        expect('the state of the store', status['stores'][0]['state'], 'incomplete')
        expect_that('labels were missed', status['counters']['no-tag-storage'] > 0)
        paths = [f'{where}/{n}.csv' for n in range(FILES)]
        expect('files that are open to the vendor', lab.opened(VENDOR, paths), [])
        expect_that('the desk reads the last',
                    lab.read(DESK, f'{where}/{FILES - 1}.csv').startswith(b'99999'))
        expect('the keeper writes a new one', do(KEEPER, lab.write, f'{where}/new.csv'), None)
        refused('reading the new one', lab.read(VENDOR, f'{where}/new.csv'))
        expect('whether labels are owed', agent.status()['hooks']['tags_owed'], True)
        expect_that('a person is told', 'labels could not be kept' in agent.ask('status')[1])
        expect('the keeper deletes', do(KEEPER, delete, paths[LEFT:]), None)
        agent.reload(crowd_policy(where))
        agent.hear('there is room for all labels again')
        status = agent.status()
        expect('the state of the store', status['stores'][0]['state'], 'enforced')
        expect('whether labels are owed', status['hooks']['tags_owed'], False)
        refused('reading one that is left', lab.read(VENDOR, f'{where}/0.csv'))
    finally:
        agent.end()


@scenario(ENFORCED)
def doctor_and_status_tell_the_same_of_every_road(lab):
    r = subprocess.run([f'{lab.programs}/amanat', 'doctor', '--json'], capture_output=True, text=True)
    doctor, status = json.loads(r.stdout), lab.agent.status()
    want = HOOKS if HOOKS != 'auto' else 'lsm' if has_bpf_lsm() else 'fmod_ret'
    expect('the flavour of the hooks', status['hooks']['flavour'], want)
    if want == 'fmod_ret' and status['hooks']['may_be_skipped']:
        expect('whether the doctor finds the host fit', doctor['ready'], False)
    else:
        expect('the roads', doctor['roads'], status['roads'])
    states = {road['road']: road['state'] for road in status['roads']}
    for road in ('open', 'read on an open descriptor', 'mmap', 'write', 'rename', 'send'):
        expect(f'the road {road}', states[road], 'enforced')


def is_preemptible():
    with open('/sys/kernel/debug/sched/preempt') as f:
        how = f.read()
    return '(full)' in how or '(lazy)' in how


def skips_recorded(lab):
    r = subprocess.run([f'{lab.programs}/amanat', 'sql', '--ledger', f'{lab.agent.state}/ledger', '--json',
                        "SELECT sum(count) AS n FROM events WHERE reason = 'hooks-skipped'"],
                       capture_output=True, text=True, check=True)
    return json.loads(r.stdout.splitlines()[0]).get('n') or 0


@scenario(ENFORCED)
def without_preemption_no_hook_is_skipped(lab):
    """Tasks that are in the same hook most of the time, on one CPU."""
    command = ('timeout 4 dd if=/dev/zero of=/dev/null bs=1',
               'timeout 4 dd if=/dev/zero bs=1 | dd of=/dev/null bs=1')
    tasks = [subprocess.Popen(['sh', '-c', command[n % 2]], stderr=subprocess.DEVNULL)
             for n in range(8)]
    for task in tasks:
        task.wait()
    hooks = lab.agent.status()['hooks']
    if not is_preemptible():
        expect('runs of hooks that were skipped', hooks['skipped'], 0)
        return None
    if hooks['skipped'] or hooks['may_be_skipped']:
        expect_that('a person is warned', 'this kernel is preemptible' in lab.agent.ask('status')[1])
    deadline = Deadline(EVENT_SECONDS)
    while skips_recorded(lab) < hooks['skipped']:
        expect_that('they are a gap in the record', not deadline.passed())
    return f'on this kernel, which is preemptible, {hooks["skipped"]} runs were skipped'


@scenario(STOPPED)
def a_kernel_that_runs_no_hook_starts_no_agent(lab):
    """At the end of all: programs that were attached while ftrace was off leave 6.1 in a state
    in which none can be attached any more."""
    with no_hook_runs(lab):
        code, said = lab.try_start(lab.policy())
    expect('exit status', code, 3)
    expect_that(f'it says why: {said!r}', 'self-test failed' in said or 'cannot attach' in said)
    return said.splitlines()[-1]
