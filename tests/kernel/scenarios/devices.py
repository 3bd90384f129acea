# SPDX-License-Identifier: GPL-2.0
"""Roads to stored bytes that lead past their files: disks, loops, memory, rings, queues."""
import ctypes
import fcntl
import os
import signal
import socket
import stat
import struct
import subprocess

from harness import calls
from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario, skip
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import DESK, KEEPER, ROOT, VENDOR, check, libc

LOOP_SET_FD, LOOP_CTL_GET_FREE, LOOP_CONFIGURE = 0x4c00, 0x4c82, 0x4c0a


def disk_of(lab):
    return next(l.split()[0] for l in open('/proc/mounts') if l.split()[1] == lab.disk)


def open_before(lab):
    """A disk that was open before its file system held a store."""
    fd = os.open(disk_of(lab), os.O_RDONLY)
    return fd


@scenario(ENFORCED, prepare=open_before)
def a_disk_below_a_store_is_closed(lab, early):
    disk = disk_of(lab)
    node = lab.outside_path('node')
    os.mknod(node, 0o600 | stat.S_IFBLK, os.stat(disk).st_rdev)
    for path in (disk, node):
        for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_NONBLOCK):
            refused(f'{path}, flags {flags}', do(ROOT, os.open, path, flags))
    refused('a descriptor from before', do(ROOT, os.pread, early, 512, 0))
    refused('its mapping', do(ROOT, calls.map_file, early, calls.PROT_READ))
    with Actor(ROOT, lambda: iter([attempt(os.open, disk, os.O_RDONLY)])) as a:
        a.step()
        e = lab.event(pid=a.pid, blocked=True)
        expect('the event', (e.path, e.reason), (disk, 'label-no-rule'))


@scenario(ENFORCED)
def udev_may_look_at_a_disk(lab):
    r = lab.run(ROOT, '/usr/sbin/blkid', '-p', disk_of(lab))
    expect_that(f'blkid finds out what it is: {r.status} {r.err}', b'ext4' in r.out)


def other_disk(lab):
    """A disk of its own, with nothing on it that anybody protects."""
    image = lab.world.path('other.img')
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    return subprocess.run(['losetup', '--find', '--show', image], check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


@scenario(ENFORCED, prepare=other_disk)
def a_disk_without_a_store_is_open(lab, disk):
    def use():
        fd = os.open(disk, os.O_RDWR)
        os.pwrite(fd, b'x' * 512, 0)
        return os.pread(fd, 4, 0)
    expect('writing and reading it', do(ROOT, use), b'xxxx')


@scenario(ENFORCED)
def the_kernels_memory_is_closed(lab):
    for path in ('/dev/mem', '/proc/kcore'):
        refused(path, do(ROOT, os.open, path, os.O_RDONLY))


@scenario(ENFORCED)
def a_loop_device_over_a_stored_file_is_refused(lab):
    image = lab.put('image.img', SECRET * 512)
    control = os.open('/dev/loop-control', os.O_RDWR)
    number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    os.close(control)

    def first():
        return os.open(f'/dev/loop{number}', os.O_RDONLY)

    def script(loop):
        fd = os.open(image, os.O_RDONLY)
        yield attempt(fcntl.ioctl, loop, LOOP_SET_FD, fd)
        yield attempt(fcntl.ioctl, loop, LOOP_CONFIGURE, struct.pack('I300x', fd))
    # Whoever may read citizens may not make a disk of them: who reads that is not asked.
    with Actor(DESK, script, first=first) as a:
        refused('LOOP_SET_FD', a.step())
        refused('LOOP_CONFIGURE', a.step())
        expect('the act', lab.event(pid=a.pid, blocked=True).act, 'loop')
    r = lab.run(ROOT, 'losetup', '--find', image)
    expect_that('losetup by root', r.status != 0)


@scenario(ENFORCED)
def a_loop_device_over_another_file_is_made(lab):
    path = lab.outside_path('plain.img')
    lab.write(path, bytes(1 << 20))
    r = lab.run(ROOT, 'losetup', '--find', '--show', path)
    expect('losetup', (r.status, r.err), (0, b''))
    subprocess.run(['losetup', '-d', r.out.decode().strip()], check=True)


# ---- rings ---------------------------------------------------------------------------

IORING_SETUP_SQPOLL = 2


@scenario(ENFORCED)
def a_reader_gets_no_polled_ring(lab):
    def script():
        yield attempt(lambda: calls.Ring(IORING_SETUP_SQPOLL) and 'made')
        yield attempt(read_file, lab.single)
        yield attempt(lambda: calls.Ring(IORING_SETUP_SQPOLL) and 'made')

    with Actor(DESK, script) as a:
        expect('a ring before', a.step(), 'made')
        expect('reading', a.step(), SECRET)
        refused('another ring', a.step())


@scenario(ENFORCED)
def what_a_polled_ring_reads_is_read_by_nobody(lab):
    """Whoever has the ring's memory fills it; the kernel's thread acts as its owner."""
    def script():
        ring = calls.Ring(IORING_SETUP_SQPOLL)
        fd = os.open(lab.single, os.O_RDONLY)
        buffer = ctypes.create_string_buffer(64)
        yield attempt(ring.run, calls.IORING_OP_READ, fd, ctypes.addressof(buffer), 64)
        plain = os.open('/proc/self/comm', os.O_RDONLY)
        yield attempt(ring.run, calls.IORING_OP_READ, plain, ctypes.addressof(buffer), 64) > 0
    with Actor(DESK, script) as a:
        refused('its read of a store', a.step())
        expect('its read of another file', a.step(), True)
        expect('the reason', lab.event(pid=a.pid, blocked=True).reason, 'unknown-fact')


# ---- queues --------------------------------------------------------------------------

IPC_CREAT = 0o1000
libc.mq_open.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)
libc.mq_send.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint)
libc.mq_receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def send_out():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return attempt(s.sendto, b'hello', ('203.0.113.9', 53))


@scenario(ENFORCED)
def a_message_queue_carries_the_labels(lab):
    queue = check(libc.msgget(0, IPC_CREAT | 0o666))

    def give():
        read_file(lab.single)
        yield attempt(lambda: check(libc.msgsnd(queue, struct.pack('l64s', 1, SECRET), 64, 0)))

    def take():
        room = ctypes.create_string_buffer(72)
        yield attempt(lambda: check(libc.msgrcv(queue, room, 64, 0, 0o4000)))
        yield send_out()
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t, Actor(DESK, take) as d:
        expect('sending', g.step(), 0)
        expect("the vendor's receive finds no message", t.step(), 'ENOMSG')
        expect('the vendor sends', t.step(), 5)
        expect("the desk's receive", d.step(), 64)
        refused('the desk sends', d.step())
    libc.msgctl(queue, 0, None)


@scenario(ENFORCED)
def a_posix_message_queue_carries_the_labels(lab):
    """No LSM hook sees it: who receives is labelled, not refused."""
    name = b'/amanat-test'
    queue = libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o666, None)
    if queue < 0:
        skip('no POSIX message queues here')

    def give():
        read_file(lab.single)
        yield attempt(lambda: check(libc.mq_send(queue, SECRET, len(SECRET), 0)))

    def take():
        room = ctypes.create_string_buffer(8192)
        yield attempt(lambda: check(libc.mq_receive(queue, room, 8192, None)))
        yield send_out()
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t:
        expect('sending', g.step(), 0)
        expect('receiving', t.step(), len(SECRET))
        refused('sending after that', t.step())
        lab.event(pid=t.pid, act='queue', verdict='deny', blocked=False)
    libc.mq_unlink(name)


@scenario(ENFORCED)
def a_value_that_comes_with_a_signal_brings_the_labels(lab):
    """One without a value brings nothing."""
    def give(pid):
        read_file(lab.single)
        yield attempt(lambda: check(libc.sigqueue(pid, signal.SIGCHLD, None)))

    def kill(pid):
        read_file(lab.single)
        yield attempt(os.kill, pid, signal.SIGCHLD)

    def take():
        yield send_out()
        yield send_out()
    for way, want in ((kill, 5), (give, 'EACCES')):
        with Actor(DESK, take) as t:
            expect('sending before', t.step(), 5)
            with Actor(DESK, way, t.pid) as g:
                expect('the signal', g.step() or 0, 0)
            expect(f'sending after {way.__name__}', t.step(), want)


@scenario(ENFORCED)
def a_reader_gets_no_packet_socket(lab):
    for family in (socket.AF_PACKET, 44):
        def script():
            os.seteuid(DESK.uid)
            read_file(lab.single)
            os.seteuid(0)
            yield attempt(lambda: socket.socket(family, socket.SOCK_RAW, 0) and 'made')
        with Actor(ROOT, script) as a:
            refused(f'family {family}', a.step())


# ---- attributes ------------------------------------------------------------------------

@scenario(ENFORCED)
def attributes_of_a_store_are_changed_by_who_may_write(lab):
    path = lab.put('attributes.csv')
    acts = {
        'chmod': lambda: os.chmod(path, 0o640),
        'chown': lambda: os.chown(path, 0, 0),
        'utime': lambda: os.utime(path, (1, 1)),
        'setxattr': lambda: os.setxattr(path, 'user.note', b'x'),
        'removexattr': lambda: os.removexattr(path, 'user.note'),
        'acl': lambda: os.setxattr(path, 'system.posix_acl_access',
                                   struct.pack('<IHHIHHIHHI', 2, 1, 6, 0xffffffff, 4, 6,
                                               0xffffffff, 32, 6, 0xffffffff)),
    }
    expect('the keeper writes an attribute', do(KEEPER, os.setxattr, path, 'user.note', b'x'),
           None)
    expect('and the mode', do(KEEPER, os.chmod, path, 0o666), None)
    for name, act in acts.items():
        refused(f'{name} by root', do(ROOT, act))
    expect('the desk reads the attribute', do(DESK, os.getxattr, path, 'user.note'), b'x')
    refused('root reads it', do(ROOT, os.getxattr, path, 'user.note'))
    expect('ls -l of it', do(ROOT, lambda: os.stat(path).st_size), len(SECRET))


@scenario(ENFORCED)
def an_attribute_written_by_a_reader_carries_the_labels(lab):
    path = lab.outside_path('attribute.txt')
    lab.write(path, b'plain')
    folder = lab.outside_path('attribute-folder')
    os.mkdir(folder, 0o777)

    def script():
        read_file(lab.single)
        yield attempt(os.setxattr, path, 'user.note', SECRET)
        yield attempt(os.setxattr, folder, 'user.note', SECRET)
    with Actor(DESK, script) as a:
        expect('on a file', a.step(), None)
        refused('on a folder', a.step())
    refused('root reads it', do(ROOT, os.getxattr, path, 'user.note'))


@scenario(ENFORCED)
def a_core_over_an_old_file_is_closed(lab):
    where = lab.outside_path('old-cores')
    os.makedirs(where)
    lab.write(os.path.join(where, 'core'), b'old')
    pattern = read_file('/proc/sys/kernel/core_pattern')

    def script():
        import resource
        os.chdir(where)
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
        child = os.fork()
        if not child:
            kept = read_file(lab.single)
            check(libc.prctl(4, 1, 0, 0, 0))
            os.abort()
            del kept
        yield os.waitpid(child, 0)[1] & 0x80
    os.chown(os.path.join(where, 'core'), DESK.uid, DESK.gid)
    try:
        lab.write('/proc/sys/kernel/core_pattern', b'core')
        with Actor(DESK, script) as a:
            expect('a core is dumped', a.step(), 0x80)
    finally:
        lab.write('/proc/sys/kernel/core_pattern', pattern)
    for name in os.listdir(where):
        refused('root reads it', do(ROOT, read_file, os.path.join(where, name)))
