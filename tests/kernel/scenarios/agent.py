# SPDX-License-Identifier: GPL-2.0
"""The agent itself: how it starts and ends, and whom it answers."""
import os
import signal
import socket
import subprocess
import time

from harness.actor import Actor, do
from harness.agent import HOOKS
from harness.check import Deadline, attempt, expect, expect_that, fail, refused, scenario
from harness.lab import MANY, SECRET
from harness.stages import BEFORE, KILLED, RESTARTED, SEALING, STOPPED, STRESSED
from harness.world import DESK, ROOT, VENDOR

STORM = 5000
SEALING_SECONDS = 60


def loaded_programs():
    """Names of our programs and maps that the kernel holds."""
    names = set()
    for kind in ('prog', 'map'):
        out = subprocess.run(['bpftool', kind, 'list'], capture_output=True, text=True).stdout
        words = out.split()
        names |= {after for word, after in zip(words, words[1:])
                  if word == 'name' and after.startswith('am_')}
    return names


def none_are_loaded():
    """The kernel frees them when no program can be running any more: in a moment."""
    deadline = Deadline(20)
    while loaded_programs() and not deadline.passed():
        pass
    expect('programs and maps of ours', loaded_programs(), set())


# ---- before it starts ----------------------------------------------------------

@scenario(BEFORE)
def the_doctor_finds_the_host_fit(lab):
    r = subprocess.run([f'{lab.programs}/amanat', 'doctor'], capture_output=True, text=True)
    # Where the agent is told to have hooks that a preemptible kernel may skip, that is the one fault.
    told = HOOKS == 'fmod_ret' and 'may skip hooks' in r.stdout and r.stdout.count('FAIL') == 1
    expect_that(f'it says: {r.stdout}{r.stderr}', r.returncode == (3 if told else 0))


@scenario(BEFORE)
def a_state_directory_that_cannot_be_made_starts_no_agent(lab):
    code, said = lab.try_start(lab.policy(), state=os.path.join(lab.single, 'state'))
    expect('exit status', code, 1)
    expect_that(f'it is told: {said!r}', 'state' in said and 'Not a directory' in said)


@scenario(BEFORE)
def a_state_directory_that_is_read_only_starts_no_agent(lab):
    where = lab.world.path('read-only')
    os.makedirs(where)
    lab.world.bind_read_only(where)
    code, said = lab.try_start(lab.policy(), state=where)
    expect('exit status', code, 1)
    expect_that(f'it is told: {said!r}', 'Read-only file system' in said and where in said)


@scenario(BEFORE)
def nobody_but_root_starts_an_agent(lab):
    r = subprocess.run([f'{lab.programs}/amanatd', '--policy', '/dev/null',
                        '--state', lab.outside_path('vendors-state'),
                        '--run', lab.outside_path('vendors-run')],
                       user=VENDOR.uid, group=VENDOR.gid, extra_groups=[], capture_output=True,
                       text=True)
    expect_that(f'it ends with {r.returncode}: {r.stderr!r}', r.returncode in (1, 3))
    expect_that(f'it says why: {r.stderr!r}', 'error: ' in r.stderr)


# ---- while it seals ------------------------------------------------------------

@scenario(SEALING)
def a_store_of_100000_files_is_closed_before_its_files_are_labelled(lab):
    """Each try reads a file that nobody has touched before, far from where a walk begins."""
    begin, tries = time.monotonic(), 0
    while True:
        tries += 1
        path = f'{lab.many}/{MANY // 10000 - 1}/{tries % 20}/{tries // 20 % 500}.csv'
        got = do(VENDOR, _open, path)
        if got == 'EACCES':
            break
        expect_that(f'the agent runs: {got}', lab.agent.process.poll() is None)
        if time.monotonic() - begin > 400:
            fail('it never closes')
    closed = time.monotonic() - begin
    states = {s['name']: s for s in lab.agent.status()['stores']}
    expect('the state of the store when its first file was refused', states['many']['state'],
           'sealing')
    lab.wait_sealed()
    sealed = time.monotonic() - begin
    status = lab.agent.status()
    files = {s['name']: s['files'] for s in status['stores']}['many']
    expect_that(f'all were labelled: {files}', files >= MANY)
    expect_that('some were labelled on sight', status['counters']['climb-tagged'] > 0)
    expect('of another file, then', do(VENDOR, _open, f'{lab.many}/0/0/0.csv'), 'EACCES')
    expect_that(f'walking took {sealed - closed:.1f} s', sealed - closed < SEALING_SECONDS)
    return f'closed {closed:.1f} s after the start, sealed {sealed:.1f} s after it'


def deep_and_known(lab):
    """A file so deep that a climb of bounded length does not see the store, and cached."""
    path = os.path.join(lab.registry, *(['d'] * 30))
    os.makedirs(path, 0o777)
    path = os.path.join(path, 'known.csv')
    lab.write(path)
    return path, os.open(path, os.O_PATH)


@scenario(SEALING, prepare=deep_and_known)
def a_very_deep_file_is_closed(lab, prepared):
    """Whether it was labelled on sight or by the walk is not told apart here."""
    path, fd = prepared
    try:
        lab.wait_sealed()
        refused('reading', lab.read(VENDOR, path))
        refused('reading by a descriptor from before',
                lab.read(VENDOR, f'/proc/{os.getpid()}/fd/{fd}'))
    finally:
        os.close(fd)


def _open(path):
    os.close(os.open(path, os.O_RDONLY))


# ---- whom it answers -----------------------------------------------------------

@scenario(STRESSED)
def a_second_agent_says_that_there_is_one(lab):
    code, said = lab.try_start(lab.policy(), state=lab.agent.state)
    expect('exit status', code, 1)
    expect_that(f'it is told: {said!r}', 'another amanatd is running' in said)
    code, said = lab.try_start(lab.policy(), run=lab.agent.run)
    expect('exit status with a state of its own', code, 1)
    expect_that(f'it is told: {said!r}', 'another amanatd is running' in said)
    lab.closed(lab.single)


@scenario(STRESSED)
def nobody_but_root_talks_to_the_agent(lab):
    path = os.path.join(lab.agent.run, 'control.sock')

    def talk():
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(path)
            return 'connected'
    for user in (VENDOR, DESK.with_groups(1, 2, 3)):
        refused(f'connecting as {user.name}', do(user, talk))
    r = lab.run(VENDOR, f'{lab.programs}/amanat', '--run', lab.agent.run, 'status')
    expect_that(f'`amanat status` ends with {r.status}: {r.err!r}', r.status == 3 and r.err)
    r = lab.run(VENDOR, f'{lab.programs}/amanat', '--run', lab.agent.run, 'tail')
    expect_that(f'`amanat tail` ends with {r.status}', r.status == 3)


@scenario(STRESSED)
def nonsense_on_the_socket_hurts_nobody(lab):
    path = os.path.join(lab.agent.run, 'control.sock')
    clients = []
    for junk in (b'', b'x', b'\xff' * 64, bytes(4096), b'status', b'\0' * 65000):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(path)
        attempt(s.send, junk)
        clients.append(s)
    for _ in range(40):     # more than it takes
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.setblocking(False)
        attempt(s.connect, path)
        clients.append(s)
    lab.closed(lab.single)
    for s in clients:
        s.close()
    expect('status of amanat', lab.agent.ask('status')[0], 0)


def storm(path):
    for _ in range(STORM):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except PermissionError:
            pass


@scenario(STRESSED)
def a_storm_hangs_nothing_and_its_losses_are_counted(lab):
    """One follower that never reads, and an agent that gets no time at all."""
    before = lab.agent.status()
    asleep = lab.another_tail()
    os.kill(asleep.process.pid, signal.SIGSTOP)

    def script():
        storm(lab.single)
        yield 'over'
    with Actor(VENDOR, script) as a:
        os.kill(lab.agent.pid, signal.SIGSTOP)
        begin = time.monotonic()
        expect('the storm with a stopped agent', a.step(), 'over')
        took = time.monotonic() - begin
        os.kill(lab.agent.pid, signal.SIGCONT)
    after = lab.agent.status()
    expect('refusals', after['counters']['denied'] - before['counters']['denied'], STORM)
    lost = after['counters']['urgent-lost'] - before['counters']['urgent-lost']
    sent = after['counters']['urgent-sent'] - before['counters']['urgent-sent']
    expect_that(f'losses are counted: {lost}', lost > 0)
    expect('what was sent and what was lost', sent + lost, STORM)
    with Actor(VENDOR, script) as a:
        expect('the storm with a running agent', a.step(), 'over')
    lab.wait_calm()
    talk = lab.agent.tail.talk.take()
    expect_that(f'the other follower is told: {talk}', any('lost in the kernel' in t for t in talk))
    skipped = lab.agent.status()['clients']['not_shown']
    expect_that(f'what the sleeper has missed is counted: {skipped}', skipped > 0)
    os.kill(asleep.process.pid, signal.SIGCONT)
    asleep.end()
    return f'{STORM} refusals in {took:.1f} s, {lost} not recorded, {skipped} not shown'


# ---- how it ends ---------------------------------------------------------------

@scenario(KILLED)
def a_killed_agent_takes_its_refusals_along(lab):
    none_are_loaded()
    lab.open_to(VENDOR, lab.single)
    r = subprocess.run([f'{lab.programs}/amanat', '--run', lab.last.run, 'status'],
                       capture_output=True, text=True)
    expect_that(f'status says so: {r.stderr!r}', r.returncode == 3 and 'error: ' in r.stderr)
    expect_that(f'so does tail: {lab.last.tail_said}',
                any('error: ' in said for said in lab.last.tail_said))


@scenario(RESTARTED)
def an_agent_starts_where_one_was_killed(lab):
    generation = lab.agent.status()['policy']['generation']
    if lab.last:
        expect_that('generations go on', generation > 1)
    lab.closed(lab.single)
    lab.open_to(DESK, lab.single)


@scenario(RESTARTED)
def strays_stay_closed_after_the_disk_was_mounted_anew(lab):
    for path in lab.strays:
        lab.closed(path)
    for path in lab.strays:
        lab.open_to(DESK, path)


@scenario(STOPPED)
def an_agent_that_is_told_to_end_leaves_nothing_behind(lab):
    expect('its exit status', lab.last.process.returncode, 0)
    none_are_loaded()
    expect('pins', os.listdir('/sys/fs/bpf'), [])
    expect('its run directory', os.listdir(lab.last.run), [])
    for user in (ROOT, VENDOR):
        lab.open_to(user, lab.single, SECRET)
    for path in lab.strays:
        lab.open_to(ROOT, path)
