# SPDX-License-Identifier: GPL-2.0
"""Signed bundles: keys, the making of them, and an agent whose state is on a small disk."""
import array
import contextlib
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess

from .agent import Agent
from .check import attempt, expect, expect_that, fail
from .world import DESK, KEEPER, ROOT

NAME = 'ward'
MAGIC = 0x314d41
REQUEST, DATA, NOTICE, END = 1, 2, 3, 4
ALL_SEALS = 1 | 2 | 4 | 8
F_ADD_SEALS = 1033
SECONDS = 20


@contextlib.contextmanager
def memory(data, seals=ALL_SEALS):
    """A descriptor of memory that holds the bytes and can't be changed."""
    fd = os.memfd_create('bundle', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(fd, data)
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
        yield fd
    finally:
        os.close(fd)


def request(lab, words, fds):
    """Sends a request with descriptors: the frames of the answer, or [] if it was cut off."""
    payload = b''.join(w + b'\0' for w in words)
    frames = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(SECONDS)
        s.connect(os.path.join(lab.agent.run, 'control.sock'))
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        s.sendmsg([struct.pack('=IHHII', MAGIC, REQUEST, 0, len(payload), 0), payload], control)
        while True:
            packet = attempt(s.recv, 1 << 16)
            if not packet or isinstance(packet, str):
                return frames
            frames.append((*struct.unpack_from('=IHHII', packet)[1:3], packet[16:]))


def code_of(frames):
    return frames[-1][1] if frames and frames[-1][0] == END else None


class Bundles:
    """What the scenarios of this stage share."""

    def __init__(self, lab):
        self.lab = lab
        self.program = f'{lab.programs}/amanat'
        self.dir = lab.world.path('bundle-work')
        self.keys = lab.world.path('bundle-keys')
        self.folder = lab.world.path('bundle-folder')
        self.policy_file = lab.world.path('bundle-policy.yaml')
        self.state = lab.world.disk('bundle-state', 'ext4', '8M')
        self.ledger_disk = lab.world.disk('bundle-ledger', 'ext4', '256M')
        self.ledger = os.path.join(self.ledger_disk, 'ledger')
        self.run = lab.world.path('bundle-run')
        for name in (self.dir, self.keys, self.folder):
            os.makedirs(name)
            os.chmod(name, 0o755)
        self.ward = os.path.join(lab.disk, 'ward')
        os.makedirs(self.ward, 0o777, exist_ok=True)
        self.file = os.path.join(self.ward, '0001.csv')
        lab.write(self.file)
        for key in ('officer', 'deputy', 'late', 'stranger'):
            self.amanat('policy', 'keygen', '-W', '-o', self.path(key))
        for key in ('officer', 'deputy', 'late'):
            self.trust(key, '\nexpires: 2020-01-01\n' if key == 'late' else '')
        self.serial = 0         # of the last bundle that was made
        self.reader = DESK      # who may read the ward, by what is in force
        with open(self.policy_file, 'w') as f:
            f.write(self.policy(DESK))

    def path(self, name):
        return os.path.join(self.dir, name)

    def amanat(self, *words):
        r = subprocess.run([self.program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True)
        if r.returncode:
            fail(f'{" ".join(words)} ends with {r.returncode}: {r.stderr}')
        return r.stdout

    # ---- keys -------------------------------------------------------------------

    def trust(self, key, more=''):
        path = os.path.join(self.keys, f'{key}.pub')
        shutil.copy(self.path(f'{key}.pub'), path)
        with open(path, 'a') as f:
            f.write(more.lstrip('\n'))
        os.chmod(path, 0o644)

    def distrust(self, key):
        os.unlink(os.path.join(self.keys, f'{key}.pub'))

    # ---- making -----------------------------------------------------------------

    def policy(self, reader, name=NAME, path=None, user=None, mode='enforce', more=''):
        return '\n'.join((
            'version: 1', f'name: {name}', f'mode: {mode}', 'labels: [cnic]', 'stores:',
            f'  ward: {{ paths: [{path or self.ward}], labels: [cnic]{more} }}', 'subjects:',
            f'  reader: {{ user: {user or reader.name} }}',
            '  acme-support: { third-party: ACME Ltd, user: acme }', 'rules:',
            '  - allow reader to read ward', '')) + '\n'

    def text(self, serial, reader=DESK, **policy):
        """The text of a bundle, as `compile` makes it."""
        source, to = self.path('source.yaml'), self.path('text')
        with open(source, 'w') as f:
            f.write(self.policy(reader, **policy))
        self.amanat('policy', 'compile', source, '-o', to, '--serial', str(serial))
        with open(to) as f:
            return f.read()

    def sign(self, text, to, key='officer'):
        source = self.path('to-sign')
        with open(source, 'w') as f:
            f.write(text)
        self.amanat('policy', 'sign', source, '-k', self.path(f'{key}.key'), '-o', to)
        return to

    def sign_elsewhere(self, text, to, key='officer'):
        """The same by minisign, which signs what `amanat` would not."""
        source = self.path('to-sign-elsewhere')
        with open(source, 'w') as f:
            f.write(text)
        subprocess.run(['minisign', '-S', '-s', self.path(f'{key}.key'), '-m', source, '-x', to],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
        with open(to, 'a') as f:
            f.write(text)
        return to

    def make(self, serial=None, reader=DESK, key='officer', to=None, **policy):
        """A signed bundle, by default with the next serial: its path."""
        if serial is None:
            self.serial += 1
            serial = self.serial
        self.serial = max(self.serial, serial)
        to = to or self.path(f'bundle-{serial}')
        return self.sign(self.text(serial, reader, **policy), to, key)

    def other(self):
        """Who may not read now: whom a next bundle lets read instead."""
        return KEEPER if self.reader is DESK else DESK

    # ---- the agent --------------------------------------------------------------

    def start(self):
        agent = Agent(self.lab.programs, self.policy_file, self.state, self.run,
                      self.lab.world.host_net, '--keys', self.keys, '--bundles', self.folder,
                      '--ledger', self.ledger, '--ledger-max', '1G', '--ledger-segment', '512K',
                      '--ledger-full', 'stop')
        self.lab.agent = agent
        agent.wait()
        agent.follow()
        return agent

    def push(self, path, *options):
        """Its exit status, and the answer."""
        code, out, err = self.lab.agent.ask('policy', 'push', path, '--json', *options)
        return code, json.loads(out) if out else err

    def push_bytes(self, path):
        """The same without the client, which looks at some of it itself."""
        with open(path, 'rb') as f, memory(f.read()) as fd:
            frames = request(self.lab, [b'push', b'--json', path.encode()], [fd])
        return code_of(frames), json.loads(b''.join(p for kind, _, p in frames if kind == DATA))

    def take(self, path, reader):
        """Pushes what has to be taken."""
        code, answer = self.push(path)
        expect(f'pushing {path}: {answer}', code, 0)
        expect('the result', answer['result'], 'in-force')
        self.reader = reader
        self.check()
        return answer

    def drop(self, path, name, mode=0o644, owner=ROOT):
        """A copy of the file in the watched folder, there from one moment to the next."""
        hidden = os.path.join(self.folder, f'.{name}')
        shutil.copy(path, hidden)
        os.chmod(hidden, mode)
        os.chown(hidden, owner.uid, owner.gid)
        os.rename(hidden, os.path.join(self.folder, name))

    def empty_folder(self):
        for name in os.listdir(self.folder):
            os.unlink(os.path.join(self.folder, name))

    def refused(self, what, path, word):
        """Pushes what has to be refused whole."""
        before = self.status()
        code, answer = self.push_bytes(path)
        expect(f'the status of pushing {what} ({answer})', code, 1)
        facts = ' '.join(f['fact'] for f in answer['findings'])
        expect_that(f'{what}: the reason is told: {facts!r}', word in facts)
        expect(f'{what}: the answer says what is in force', answer['in_force']['generation'],
               before['generation'])
        expect(f'{what}: what is in force', self.status(), before)
        self.check()
        return answer

    def status(self):
        return self.lab.agent.status()['policy']

    def check(self):
        """The policy in force is what real accesses say it is."""
        self.lab.open_to(self.reader, self.file)
        expect('reading by who may not', self.lab.read(self.other(), self.file), 'EACCES')

    def history(self):
        return json.loads(self.lab.agent.ask('policy', 'history', '--json')[1])['history']
