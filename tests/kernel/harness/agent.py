# SPDX-License-Identifier: GPL-2.0
"""The agent under test, and the events that it tells."""
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile

from .check import Deadline, fail
from .world import check, libc

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
BUILD = os.path.join(TOP, 'build')
F_SETPIPE_SZ = 1031

HOOKS = os.environ.get('AMANAT_HOOKS', 'auto')

START_SECONDS = 900     # the verifier takes its time on an emulated CPU
EVENT_SECONDS = 60      # two machines share the two processors with whatever else there is


class Lines:
    """What a process writes to a pipe, line by line."""

    def __init__(self, stream):
        self.fd = stream.fileno()
        os.set_blocking(self.fd, False)
        fcntl.fcntl(self.fd, F_SETPIPE_SZ, 1 << 20)
        self.rest = b''
        self.ended = False

    def take(self, seconds=0.0):
        """The lines that have come, after waiting at most `seconds` for more."""
        if self.ended or not select.select([self.fd], [], [], seconds)[0]:
            return []
        while not self.ended:
            try:
                data = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                break
            self.ended = not data
            self.rest += data
        *whole, self.rest = self.rest.split(b'\n')
        return [line.decode('utf-8', 'replace') for line in whole]


class Event:
    """One line of `amanat tail --json`, flattened to what the scenarios look at."""

    def __init__(self, line):
        self.json = e = json.loads(line)
        more = e['unmapped']
        evidence = e['evidences'][0] if 'evidences' in e else e
        process = e.get('process', e['actor']['process'])    # the first: one that begins
        self.kind, self.verdict = more['kind'], more.get('verdict')
        self.op, self.act = more.get('op'), more.get('act')
        self.reason, self.why = more.get('reason'), more.get('why') or ''
        self.store, self.within = more.get('store'), more.get('within')
        self.labels, self.blocked = set(more['labels']), more['blocked']
        self.generation = more['generation']
        self.path = evidence.get('file', {}).get('path') or more.get('file_path')
        self.ip = evidence.get('dst_endpoint', {}).get('ip')
        self.port = evidence.get('dst_endpoint', {}).get('port')
        self.pid, self.comm, self.exe = process['pid'], process['name'], process.get('path')
        self.uid = int(process.get('user', e['actor'].get('user'))['uid'])
        self.action = e['action']

    def __repr__(self):
        shown = ('kind', 'verdict', 'blocked', 'op', 'act', 'reason', 'store', 'path', 'ip', 'port',
                 'uid', 'comm', 'pid')
        words = (f'{k}={getattr(self, k)}' for k in shown if getattr(self, k) is not None)
        return f'<{" ".join(words)}>'


class Notice:
    """A line of the same that is about the agent itself: no process accessed anything."""

    def __init__(self, line):
        self.json = e = json.loads(line)
        more = e['unmapped']
        self.kind, self.what, self.why = more['kind'], more.get('what'), more.get('why') or ''
        self.subjects, self.generation = more['subjects'], more['generation']
        self.blocked = more.get('blocked')
        self.pid = e.get('actor', {}).get('process', {}).get('pid')
        self.uid = e.get('actor', {}).get('user', {}).get('uid')

    def __repr__(self):
        return f'<{self.kind} {self.what} {self.subjects} pid={self.pid}: {self.why}>'


NOTICES = ('policy-', 'exe-', 'purpose-')


class Tail:
    """`amanat tail --json`, and every event and notice that it has told."""

    def __init__(self, programs, run, *words):
        self.process = subprocess.Popen([f'{programs}/amanat', '--run', run, 'tail', '--json', *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = Lines(self.process.stdout)
        self.talk = Lines(self.process.stderr)
        self.raw = []           # lines that nobody has looked at
        self.events = []
        self.notices = []

    def drain(self, seconds=0.0):
        """Reads on, and looks at nothing: who does not read for half a minute is cut off."""
        self.raw += self.lines.take(seconds)

    def take(self, seconds=0.0):
        self.drain(seconds)
        raw, self.raw = self.raw, []
        for line in raw:
            if json.loads(line)['unmapped']['kind'].startswith(NOTICES):
                self.notices.append(Notice(line))
            else:
                self.events.append(Event(line))

    def notice(self, **wanted):
        """Waits for a notice with all the given values; each is found once."""
        deadline = Deadline(EVENT_SECONDS)
        while True:
            self.take()
            for n in self.notices:
                if all(getattr(n, k) == v for k, v in wanted.items()):
                    self.notices.remove(n)
                    return n
            if deadline.passed() or self.lines.ended:
                fail(f'no notice with {wanted}; there were {self.notices[-6:]}')
            self.take(deadline.left())

    def find(self, **wanted):
        """The first event that has all the given values; those of earlier scenarios
        are gone, see forget()."""
        for e in self.events:
            if all(getattr(e, k) == v for k, v in wanted.items()):
                return e
        return None

    def wait(self, **wanted):
        deadline = Deadline(EVENT_SECONDS)
        while True:
            self.take()
            event = self.find(**wanted)
            if event:
                return event
            if deadline.passed() or self.lines.ended:
                near = [e for e in self.events if e.pid == wanted.get('pid')] or self.events
                fail(f'no event with {wanted}; there were {near[-6:]}')
            self.take(deadline.left())

    def forget(self):
        self.drain()
        self.raw.clear()
        self.events.clear()
        self.notices.clear()

    def end(self):
        """What it said on standard error."""
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        said = self.talk.take(1)
        self.process.stderr.close()
        return said


class Agent:
    """amanatd, as long as it runs."""

    def __init__(self, programs, policy, state, run, net=None, *options):
        """`programs` is a directory; `net` is the network namespace to run in, if not
        the caller's; `options` are the agent's."""
        self.programs, self.policy, self.state, self.run = programs, policy, state, run
        self.process = subprocess.Popen(
            [f'{programs}/amanatd', '--policy', policy, '--state', state, '--run', run,
             '--hooks', HOOKS, *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            preexec_fn=None if net is None else lambda: check(libc.setns(net, 0)))
        self.lines = Lines(self.process.stderr)
        self.said = []
        self.tail = None
        self.tail_said = []

    @property
    def pid(self):
        return self.process.pid

    def hear(self, *words, seconds=START_SECONDS):
        """Waits for a line on standard error with all the words in it."""
        deadline = Deadline(seconds)
        seen = 0
        while True:
            for line in self.said[seen:]:
                if all(w in line for w in words):
                    return line
            seen = len(self.said)
            if deadline.passed() or self.lines.ended:
                fail(f'the agent never said {words}, but: {self.said[-8:]}')
            if self.tail:
                self.tail.drain()
            self.said += self.lines.take(min(deadline.left(), 1))

    def ask(self, *words):
        """Runs `amanat`; returns its status, output and errors."""
        r = subprocess.run([f'{self.programs}/amanat', '--run', self.run, *words], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True)
        return r.returncode, r.stdout, r.stderr

    def wait(self, seconds=START_SECONDS):
        """Until all is sealed and enforced. One that has ended is not waited for. A file takes the
        answer: of a large policy it is more than a pipe holds."""
        with tempfile.TemporaryFile('w+') as out, subprocess.Popen(
                [f'{self.programs}/amanat', '--run', self.run, 'status', '--wait', str(seconds)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT) as asking:
            while asking.poll() is None and self.process.poll() is None:
                self.said += self.lines.take(0.1)
            if asking.poll() is None:
                asking.kill()
            code = asking.wait()
            if code:
                out.seek(0)
                self.said += self.lines.take()
                fail(f'`amanat status --wait` ends with {code}: {out.read()[-4096:]}; the agent '
                     f'({self.process.poll()}) said {self.said[-20:]}')

    def status(self, seconds=START_SECONDS):
        """Waits for it to answer: stores are closed before it listens."""
        deadline = Deadline(seconds)
        while True:
            code, out, err = self.ask('status', '--json')
            if out:
                return json.loads(out)
            if deadline.passed() or self.process.poll() is not None:
                fail(f'`amanat status` ends with {code}: {err}; the agent said {self.said[-8:]}')
            self.said += self.lines.take(0.05)

    def wait_recorded(self, seconds=EVENT_SECONDS * 4):
        """Until all that the kernel side has told is taken and sealed; the status then. A tail is
        read meanwhile: while one lags behind, events are not shown to it."""
        deadline = Deadline(seconds)
        while True:
            if self.tail:
                self.tail.drain()
            status = self.status()
            told = status['counters']['urgent-sent'] + status['counters']['bulk-sent']
            if status['events']['taken'] >= told and not status['ledger']['rows_waiting']:
                return status
            if deadline.passed():
                fail(f'{told} events were told, {status["events"]["taken"]} taken, and the ledger says '
                     f'{status["ledger"]}')

    def follow(self):
        self.tail = Tail(self.programs, self.run)
        self.wait_clients(2)

    def wait_clients(self, n):
        """Until so many are connected, the one who asks included."""
        deadline = Deadline(EVENT_SECONDS)
        while self.status()['clients']['now'] < n:
            if deadline.passed():
                fail('`amanat tail` does not connect')

    def reload(self, text, *words):
        """Gives it another policy file and waits for what it says to that."""
        self.said += self.lines.take()
        self.said.clear()
        with open(self.policy, 'w') as f:
            f.write(text)
        self.process.send_signal(signal.SIGHUP)
        return self.hear(*(words or ('in force',)))

    def finish(self):
        """Waits until it ends by itself: its exit status and what it said."""
        try:
            code = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            fail(f'the agent runs: {self.lines.take()}')
        said = '\n'.join(self.lines.take())
        self.process.stderr.close()
        return code, said

    def end(self, sig=signal.SIGTERM):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            fail('the agent does not end')
        self.said += self.lines.take()
        if self.tail:
            self.tail_said = self.tail.end()
            self.tail = None
        self.process.stderr.close()
        return code
