# SPDX-License-Identifier: GPL-2.0
"""A world of its own for the tests: mount and network namespaces, users, addresses
and disks that the rest of the host doesn't see and that vanish with the process."""
import ctypes
import os
import shutil
import subprocess
import tempfile

from .actor import User

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

libc = ctypes.CDLL(None, use_errno=True)

ROOT = User('root', 0, 0, [])
# Numbers that no installed system gives out by itself.
DESK = User('desk', 61001, 61001, [])
KEEPER = User('keeper', 61002, 61002, [])
VENDOR = User('vendor', 61003, 61003, [])
ACME = User('acme', 61004, 61004, [])
CLERKS = 61010      # a group
AUDITORS = 61020    # that of the agent's socket
USERS = (DESK, KEEPER, VENDOR, ACME)

# The zone of the policies below is 10.20.0.0/16 and fd00:20::/64; the others are
# addresses for documentation, which nobody has.
HOME4, HOME6 = '10.20.0.5', 'fd00:20::5'
FOREIGN4, FOREIGN6 = '203.0.113.9', '2001:db8::9'


def check(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def mount(source, target, kind=None, flags=0, data=None):
    check(libc.mount(*(s.encode() if s else None for s in (source, target, kind)),
                     ctypes.c_ulong(flags), data.encode() if data else None))


def umount(target, flags=0):
    check(libc.umount2(target.encode(), flags))


def call(*argv):
    """Runs a program that has to succeed."""
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if r.returncode:
        raise RuntimeError(f'{" ".join(argv)} ends with {r.returncode}: {r.stderr}')


def drop_caches():
    os.sync()
    with open('/proc/sys/vm/drop_caches', 'w') as f:
        f.write('3')


def take_room(where, left):
    """Another tenant of the file system, a file `ballast`, that leaves so many bytes; root's
    reserve is taken, too."""
    st = os.statvfs(where)
    with open(os.path.join(where, 'ballast'), 'wb') as f:
        size = st.f_bfree * st.f_frsize
        while True:     # what the file system keeps for itself it does not tell
            try:
                os.posix_fallocate(f.fileno(), 0, size)
                break
            except OSError:
                f.truncate(0)
                size -= 1 << 20
        f.truncate(size - left)


class World:
    def __init__(self, where='/tmp'):
        # Where the agent belongs: elsewhere some of what it checks can't be seen.
        self.host_net = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        check(libc.unshare(CLONE_NEWNS | CLONE_NEWNET))
        mount('none', '/', flags=MS_REC | MS_PRIVATE)
        self.dir = tempfile.mkdtemp(prefix='amanat-world.', dir=where)
        os.chmod(self.dir, 0o755)
        self.mounts = []
        self._add_users()
        self._add_addresses()

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def _add_users(self):
        """On top of the host's accounts, in files that only this world sees."""
        lines = {'passwd': [f'{u.name}:x:{u.uid}:{u.gid}::/nonexistent:/bin/sh' for u in USERS],
                 'group': [f'{u.name}:x:{u.gid}:' for u in USERS] + [f'clerks:x:{CLERKS}:', f'auditors:x:{AUDITORS}:']}
        for name, added in lines.items():
            with open(f'/etc/{name}') as f:
                text = f.read()
            with open(self.path(name), 'w') as f:
                f.write(text + '\n'.join(added) + '\n')
            mount(self.path(name), f'/etc/{name}', flags=MS_BIND)
            self.mounts.append(f'/etc/{name}')

    def _add_addresses(self):
        lines = ['link set lo up']
        lines += [f'addr add {a}/32 dev lo' for a in (HOME4, FOREIGN4)]
        lines += [f'addr add {a}/128 dev lo nodad' for a in (HOME6, FOREIGN6)]
        subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines).encode(), check=True)

    def disk(self, name, kind='ext4', size='1G', *options):
        """A new file system in a file, mounted; returns where."""
        image, where = self.path(name + '.img'), self.path(name)
        with open(image, 'wb') as f:
            f.truncate(int(size[:-1]) << {'M': 20, 'G': 30}[size[-1]])
        call('mkfs.' + kind, '-q', *options, image)
        os.makedirs(where, exist_ok=True)
        call('mount', '-t', kind, '-o', 'loop', image, where)
        self.mounts.append(where)
        return where

    def bind_read_only(self, where):
        mount(where, where, flags=MS_BIND)
        mount('none', where, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)
        self.mounts.append(where)

    def remove(self):
        for where in reversed(self.mounts):
            umount(where, MNT_DETACH)
        shutil.rmtree(self.dir, ignore_errors=True)
