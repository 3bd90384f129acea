# SPDX-License-Identifier: GPL-2.0
"""Purposes: who takes one on, what it opens, and when it ends."""
import array
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

from harness.actor import Actor, do
from harness.check import Deadline, attempt, expect, expect_that, fail, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import RELOADED
from harness.world import ACME, DESK, KEEPER, ROOT, VENDOR
from scenarios.facts import CGROUP_SECONDS, cgroup, enter

MAGIC, REQUEST, DATA, NOTICE, END = 0x314d41, 1, 2, 3, 4
HEAD = struct.Struct('=IHHII')
SECONDS = 10

SUBJECTS = ['teller: { user: vendor }', 'auditor: { user: acme }', 'shop: { unit: shop.service }']
RULES = [
    'allow teller to read screened',
    'allow auditor to read screened',
    'allow keeper to write screened',
    'allow shop to read screened',
    'allow teller to use kyc, marketing',
    'allow shop to use kyc',
]
WITH_LOCAL = RULES + ['allow teller to send cnic to local']


class Screened:
    """A store that is open for kyc only, under a policy of its own."""

    def __init__(self, lab):
        self.lab = lab
        self.folder = os.path.join(lab.disk, 'screened')
        self.path = os.path.join(self.folder, '0001.csv')
        if not os.path.exists(self.path):
            os.makedirs(self.folder, 0o777)
            lab.write(self.path)

    def load(self, rules=RULES, purposes='kyc, marketing', of_store='kyc', **changes):
        text = self.lab.policy(added=rules, **changes)
        text = text.replace('stores:\n', f'purposes: [{purposes}]\nstores:\n  screened: '
                            f'{{ paths: [{self.folder}], labels: [cnic], '
                            f'purposes: [{of_store}] }}\n')
        text = text.replace('zones:\n', ''.join(f'  {s}\n' for s in SUBJECTS) + 'zones:\n')
        self.lab.agent.reload(text)
        self.lab.agent.hear('all stores are sealed')

    def words(self, purpose):
        """What runs the program behind it under the purpose."""
        return [f'{self.lab.programs}/amanat', '--run', self.lab.agent.run, 'run', '--purpose',
                purpose, '--']

    def run(self, user, *argv, purpose='kyc', **options):
        lab = self.lab
        return lab.run(user, f'{lab.programs}/amanat', '--run', lab.agent.run, 'run', '--purpose',
                       purpose, *argv, **options)


@contextlib.contextmanager
def screened(lab, **changes):
    store = Screened(lab)
    store.load(**changes)
    lab.agent.tail.forget()
    try:
        yield store
    finally:
        lab.reload()


# ---- the protocol, for clients that are not `amanat` ------------------------------

def frame(kind, payload=b'', magic=MAGIC, length=None):
    return HEAD.pack(magic, kind, 0, len(payload) if length is None else length, 0) + payload


def connect(run):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(SECONDS)
    s.connect(f'{run}/purpose.sock')
    return s


def answer(s):
    """The code and the sentence; None where the agent hung up."""
    text = ''
    while True:
        packet = s.recv(1 << 16)
        if not packet:
            return None
        _, kind, code, _, _ = HEAD.unpack_from(packet)
        if kind == END:
            return code, text
        if kind == NOTICE:
            text += packet[HEAD.size:].decode()


def ask(run, purpose):
    """Asks for this very process."""
    with connect(run) as s:
        expect('the first frame', s.recv(1 << 16), frame(DATA))
        s.send(frame(REQUEST, b'use\0' + purpose.encode() + b'\0'))
        return answer(s)


def reader(lab, store):
    """Reads the store, and takes on what the harness says, step by step."""
    def script():
        yield attempt(read_file, store.path)
        yield ask(lab.agent.run, 'kyc')
        while True:
            yield attempt(read_file, store.path)
    return Actor(VENDOR, script)


def wait_exe(pid, *ends):
    """Until the process has become another program; in between it is none."""
    deadline = Deadline(SECONDS)
    while not attempt(os.readlink, f'/proc/{pid}/exe').endswith(ends):
        if deadline.passed():
            fail(f'process {pid} still is {attempt(os.readlink, f"/proc/{pid}/exe")}')


# ---- what it opens ---------------------------------------------------------------

@scenario(RELOADED)
def a_store_with_purposes_is_closed_without_one(lab):
    with screened(lab) as store:
        for user in (ROOT, DESK, VENDOR, ACME):
            e = lab.closed(store.path, user)
            expect(f'the reason for {user.name}', e.reason,
                   'purpose' if user in (VENDOR, ACME) else e.reason)
        e = lab.closed(store.path, VENDOR)
        for word in ('screened is open for the purpose kyc only', 'teller use kyc'):
            expect_that(f'{word!r} is in {e.why!r}', word in e.why)


@scenario(RELOADED)
def who_may_use_a_purpose_reads_under_it_and_so_do_the_children(lab):
    with screened(lab) as store:
        r = store.run(VENDOR, '--', 'cat', store.path)
        # What it wrote is as closed as the store.
        expect('its status, and its output to who has no purpose', (r.status, r.out),
               (0, 'EACCES'))
        n = lab.agent.tail.notice(kind='purpose-granted')
        expect('who is told', (n.what, n.pid, n.uid), ('kyc', r.pid, str(VENDOR.uid)))
        expect_that(f'why: {n.why!r}', 'teller may use kyc' in n.why)
        r = store.run(VENDOR, '--', 'sh', '-c', f'sh -c "cat {store.path} & wait \\$!"')
        expect('a grandchild', r.status, 0)
        r = lab.run(VENDOR, 'sh', '-c', f'sh -c "cat {store.path} & wait \\$!"')
        expect('a grandchild of who has none', r.status, 1)
        refused('somebody else of the same user meanwhile', lab.read(VENDOR, store.path))


@scenario(RELOADED)
def threads_run_under_it_too(lab):
    code = ('import sys, threading\n'
            'got = []\n'
            't = threading.Thread(target=lambda: got.append(open(sys.argv[1], "rb").read()))\n'
            't.start(); t.join()\n'
            'sys.exit(0 if got and got[0] else 9)\n')
    with screened(lab) as store:
        r = store.run(VENDOR, '--', sys.executable, '-c', code, store.path)
        expect('its status', r.status, 0)


@scenario(RELOADED)
def exec_by_another_thread_keeps_the_purpose_and_no_longer_than_it_holds(lab):
    code = ('import os, sys, threading\n'
            'sys.stdin.readline()\n'
            't = threading.Thread(target=lambda: os.execv("/bin/sh", ["sh", "-c",\n'
            '    "read go; read x < " + sys.argv[1]]))\n'
            't.start(); t.join()\n')

    def start():
        return subprocess.Popen(
            [f'{lab.programs}/amanat', '--run', lab.agent.run, 'run', '--purpose', 'kyc', '--',
             sys.executable, '-uc', code, store.path], stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL, user=VENDOR.uid, group=VENDOR.gid, extra_groups=[])

    def go(process):
        process.stdin.write(b'now\n')
        process.stdin.flush()

    def finish(process):
        go(process)
        return process.wait(60)
    with screened(lab) as store, start() as one, start() as two:
        for process in (one, two):
            go(process)
            wait_exe(process.pid, '/sh', '/dash', '/bash')
        expect('under it', finish(one), 0)
        store.load(rules=[r for r in RULES if 'teller to use' not in r])
        expect_that('after it ended', finish(two) != 0)


@scenario(RELOADED)
def a_purpose_counts_at_the_next_access_of_a_process_that_was_refused_before(lab):
    with screened(lab) as store, reader(lab, store) as a:
        refused('before', a.step())
        expect('its answer', a.step(), [0, ''])
        expect('after', a.step(), SECRET)


@scenario(RELOADED)
def another_purpose_opens_nothing(lab):
    with screened(lab) as store:
        r = store.run(VENDOR, '--', 'cat', store.path, purpose='marketing')
        expect('its status', r.status, 1)
        e = lab.event(pid=r.pid, blocked=True)
        expect('the reason', e.reason, 'purpose')
        expect_that(f'why: {e.why!r}', 'open for the purpose kyc only' in e.why)


@scenario(RELOADED)
def a_service_takes_it_on_by_its_unit(lab):
    def script(path, run):
        enter(path)
        deadline = Deadline(CGROUP_SECONDS)
        while True:     # the agent has to find the cgroup, which is new
            got = ask(run, 'kyc')
            if got[0] == 0 or deadline.passed():
                break
        yield got
        yield attempt(read_file, os.path.join(lab.disk, 'screened', '0001.csv'))
        enter('/sys/fs/cgroup')
        yield attempt(read_file, os.path.join(lab.disk, 'screened', '0001.csv'))
    with screened(lab), cgroup('system.slice', 'shop.service') as path, \
         Actor(ROOT, script, path, lab.agent.run) as a:
        expect('the answer', a.step(), [0, ''])
        expect('in the unit', a.step(), SECRET)
        refused('under the purpose, but in the unit no more', a.step())


# ---- who does not get it ----------------------------------------------------------

@scenario(RELOADED)
def who_may_not_is_told_why_and_the_command_does_not_run(lab):
    with screened(lab) as store, lab.text_tail() as lines:
        mark = lab.outside_path('ran-anyway')
        r = store.run(ACME, '--', 'touch', mark)
        expect('its status', r.status, 1)
        expect_that('the command ran', not os.path.exists(mark))
        for word in ('error: refused: no rule lets user=acme', 'use kyc', 'lets teller use kyc',
                     'user=vendor'):
            expect_that(f'{word!r} is in {r.err!r}', word in r.err.decode())
        n = lab.agent.tail.notice(kind='purpose-refused', pid=r.pid)
        expect('what is told', (n.what, n.uid, n.blocked), ('kyc', str(ACME.uid), True))
        line = lab.line(lines, 'DENY', 'use', 'kyc')
        expect_that(f'in text: {line!r}', 'user=acme' in line and 'amanat[' in line)


@scenario(RELOADED)
def a_rule_that_denies_it_wins(lab):
    with screened(lab, rules=RULES + ['deny clerks to use kyc']) as store:
        expect('without the group', store.run(VENDOR, '--', 'true').status, 0)
        r = store.run(VENDOR.with_groups(61010), '--', 'true')
        expect('with it', r.status, 1)
        expect_that(f'it is told by name: {r.err!r}', b'clerks may not use kyc' in r.err)


@scenario(RELOADED)
def a_name_that_is_nearly_one_is_answered_with_what_was_meant(lab):
    with screened(lab) as store:
        r = store.run(VENDOR, '--', 'true', purpose='kcy')
        expect('its status', r.status, 1)
        expect_that(f'it is told: {r.err!r}', b"did you mean 'kyc'?" in r.err)


@scenario(RELOADED)
def exit_codes_are_the_commands_or_tell_what_is_missing(lab):
    with screened(lab) as store:
        expect('of the command', store.run(VENDOR, '--', 'sh', '-c', 'exit 7').status, 7)
        expect('no such command', store.run(VENDOR, '--', 'no-such-command').status, 127)
        expect('no program', store.run(VENDOR, '--', '/etc/passwd').status, 126)
        expect('bad usage', store.run(VENDOR).status, 2)
        r = lab.run(VENDOR, f'{lab.programs}/amanat', '--run', '/nonexistent', 'run', '--purpose',
                    'kyc', '--', 'true')
        expect('no agent', r.status, 3)


@scenario(RELOADED)
def a_process_with_threads_is_refused(lab):
    def script():
        stop = threading.Event()
        t = threading.Thread(target=stop.wait)
        t.start()
        yield ask(lab.agent.run, 'kyc')
        stop.set()
        t.join()
    with screened(lab), Actor(VENDOR, script) as a:
        code, text = a.step()
        expect('the code', code, 1)
        expect_that(f'why: {text!r}', 'several threads' in text)


@scenario(RELOADED)
def a_socket_that_was_handed_on_speaks_for_nobody(lab):
    """A process that may connects; another one asks on its socket."""
    def script():
        s = connect(lab.agent.run)
        s.recv(1 << 16)
        child = os.fork()
        if not child:
            s.send(frame(REQUEST, b'use\0kyc\0'))
            os._exit(0)
        os.waitpid(child, 0)
        yield answer(s)
        yield attempt(read_file, os.path.join(lab.disk, 'screened', '0001.csv'))
    with screened(lab), Actor(VENDOR, script) as a:
        code, text = a.step()
        expect('the code', code, 1)
        expect_that(f'why: {text!r}', 'for itself' in text)
        refused('the one who connected', a.step())


@scenario(RELOADED)
def who_asks_before_the_agent_has_it_in_hand_is_hung_up_on(lab):
    """Its number might be another's by the time that it is looked at."""
    def script():
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(SECONDS)
            # Held up, so that the request is there before the agent is.
            os.kill(lab.agent.pid, signal.SIGSTOP)
            try:
                s.connect(f'{lab.agent.run}/purpose.sock')
                s.send(frame(REQUEST, b'use\0kyc\0'))
            finally:
                os.kill(lab.agent.pid, signal.SIGCONT)
            os.seteuid(VENDOR.uid)
            yield attempt(answer, s) in (None, 'ECONNRESET')
        os.seteuid(0)
        yield attempt(ask, lab.agent.run, 'kyc')[0]
    with screened(lab, rules=RULES + ['allow anyone to use kyc']), Actor(ROOT, script) as a:
        expect('its answer', a.step(), True)
        expect('who waits', a.step(), 0)


@scenario(RELOADED)
def what_is_no_request_is_hung_up_on(lab):
    payloads = [b'', b'x', frame(END), frame(REQUEST), frame(REQUEST, b'use\0'),
                frame(REQUEST, b'use\0kyc'), frame(REQUEST, b'use\0kyc\0more\0'),
                frame(REQUEST, b'tail\0kyc\0'), frame(REQUEST, b'use\0kyc\0', magic=1),
                frame(REQUEST, b'use\0kyc\0', length=3), frame(REQUEST, b'use\0' + b'k' * 4000)]

    def script():
        for payload in payloads:
            with connect(lab.agent.run) as s:
                s.recv(1 << 16)
                # A descriptor with it, which must not stay in the agent.
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))]
                attempt(s.sendmsg, [payload], rights if payload else [])
                yield attempt(answer, s) in (None, 'ECONNRESET')
    with screened(lab) as store, Actor(ACME, script) as a:
        open_fds = len(os.listdir(f'/proc/{lab.agent.pid}/fd'))
        for payload in payloads:
            expect(f'after {payload[:40]}', a.step(), True)
        expect('one who asks properly', store.run(VENDOR, '--', 'true').status, 0)
        expect('descriptors of the agent', len(os.listdir(f'/proc/{lab.agent.pid}/fd')), open_fds)


@scenario(RELOADED)
def one_user_cannot_crowd_others_out(lab):
    def script():
        held = []
        for _ in range(100):
            held.append(connect(lab.agent.run))
        yield len(held)
        for s in held:      # those that were let in are cut off, as they do not ask
            while s.recv(1 << 16):
                pass
        yield True
    with screened(lab) as store, Actor(ACME, script) as a:
        expect('connections', a.step(), 100)
        r = store.run(VENDOR, '--', 'true')
        expect('another user meanwhile', (r.status, r.err), (0, b''))
        counts = lab.agent.status()['purposes']
        expect_that(f'the rest was turned away: {counts}', counts['turned_away'] >= 92)
        expect('those who never ask are cut off', a.step(), True)


@scenario(RELOADED)
def refusals_by_the_dozen_are_told_together(lab):
    def script():
        for _ in range(40):
            ask(lab.agent.run, 'kyc')
        yield True
    with screened(lab), Actor(ACME, script) as a:
        expect('asking', a.step(), True)
        deadline = Deadline(20)
        told = []
        while not any('more requests were refused' in n.why for n in told):
            if deadline.passed():
                fail(f'the rest is never told: {told}')
            lab.agent.tail.take(deadline.left())
            told += [n for n in lab.agent.tail.notices if n.kind == 'purpose-refused']
            lab.agent.tail.notices.clear()
        expect_that(f'how often it is told: {len(told)}', len(told) < 15)


# ---- how long ----------------------------------------------------------------------

@scenario(RELOADED)
def a_policy_that_does_not_grant_it_any_more_ends_it_and_one_that_does_again_gives_it_back(lab):
    with screened(lab) as store, reader(lab, store) as a:
        a.step()
        expect('the answer', a.step(), [0, ''])
        expect('under it', a.step(), SECRET)
        store.load()
        expect('under the same policy again', a.step(), SECRET)
        store.load(rules=[r for r in RULES if 'teller to use' not in r])
        refused('under one that does not grant it', a.step())
        n = lab.agent.tail.notice(kind='purpose-ended')
        expect_that(f'it is told: {n}', n.what == 'kyc' and 'vendor' in n.why)
        store.load(rules=RULES + ['deny teller to use kyc'])
        refused('under one that denies it', a.step())
        store.load()
        expect('under the first again', a.step(), SECRET)


@scenario(RELOADED)
def a_policy_without_the_purpose_ends_it(lab):
    with screened(lab) as store, reader(lab, store) as a:
        a.step()
        a.step()
        expect('under it', a.step(), SECRET)
        store.load(rules=[r.replace('kyc, ', '').replace('kyc', 'marketing') for r in RULES],
                   purposes='marketing', of_store='marketing')
        refused('under one that knows no kyc', a.step())


@scenario(RELOADED)
def who_has_read_under_one_purpose_does_not_change_to_another(lab):
    def script():
        path, run = os.path.join(lab.disk, 'screened', '0001.csv'), lab.agent.run
        yield ask(run, 'marketing')
        yield ask(run, 'kyc')
        yield attempt(read_file, path)
        yield ask(run, 'kyc')
        yield ask(run, 'marketing')
        yield attempt(read_file, path)
    with screened(lab, rules=WITH_LOCAL), Actor(VENDOR, script) as a:
        expect('the first purpose', a.step()[0], 0)
        expect('another, with nothing read', a.step()[0], 0)
        expect('reading', a.step(), SECRET)
        expect('the same once more', a.step()[0], 0)
        code, text = a.step()
        expect('another, with what it has read', code, 1)
        expect_that(f'why: {text!r}', 'read under the purpose kyc' in text)
        expect('it has kept its own', a.step(), SECRET)


@scenario(RELOADED)
def who_may_not_send_what_it_carries_to_the_agent_is_told_so(lab):
    with screened(lab) as store:
        amanat = f'{lab.programs}/amanat --run {lab.agent.run}'
        said = lab.outside_path('amanat-said')
        r = store.run(VENDOR, '--', 'sh', '-c', f'read x < {store.path}; '
                      f'exec {amanat} run --purpose marketing -- true 2>{said}')
        expect('its status', r.status, 1)
        # What it said carries labels, too.
        r = store.run(VENDOR, '--', 'grep', '-q', 'read protected data', said)
        expect('whether it is told', r.status, 0)


@scenario(RELOADED)
def observing_refuses_nobody_and_warns(lab):
    with screened(lab, mode='observe') as store:
        r = store.run(ACME, '--', 'sh', '-c', 'exit 5')
        expect('its status', r.status, 5)
        expect_that(f'it is warned: {r.err!r}', b'warning: the policy would refuse it' in r.err)
        n = lab.agent.tail.notice(kind='purpose-refused')
        expect('blocked', n.blocked, False)


@scenario(RELOADED)
def what_is_written_under_a_purpose_is_as_closed_as_the_store(lab):
    with screened(lab) as store:
        copy = lab.outside_path('screened-copy')
        expect('copying', store.run(VENDOR, '--', 'cp', store.path, copy).status, 0)
        refused('without the purpose', lab.read(VENDOR, copy))
        expect('under it', store.run(VENDOR, '--', 'cmp', store.path, copy).status, 0)
        expect('under another', store.run(VENDOR, '--', 'cat', copy, purpose='marketing').status, 1)
        expect('the keeper writes without it', do(KEEPER, lab.write, store.path), 'EACCES')
