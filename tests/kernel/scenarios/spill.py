# SPDX-License-Identifier: GPL-2.0
"""Copies: what a process that has read labelled data writes to."""
import os
import resource

from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import DESK, ROOT, VENDOR, check, drop_caches, libc


def copied(lab, name, source=None):
    """A file outside every store with what the desk has read."""
    path = lab.outside_path(name)
    r = lab.run(DESK, 'cp', source or lab.single, path)
    expect('status of cp', r.status, 0)
    return path, r.pid


@scenario(ENFORCED)
def a_copy_is_as_closed_as_its_source(lab):
    path, pid = copied(lab, 'copy.csv')
    e = lab.event(pid=pid, kind='spill')
    expect('the event', (e.path, e.labels, e.blocked), (path, {'cnic'}, False))
    e = lab.closed(path)
    expect('the reason', e.reason, 'label-no-rule')
    lab.closed(path, VENDOR)
    lab.open_to(DESK, path)
    drop_caches()
    lab.closed(path)
    lab.open_to(DESK, path)


@scenario(ENFORCED)
def a_copy_of_a_copy_is_closed(lab):
    path, _ = copied(lab, 'first-copy.csv')
    second, _ = copied(lab, 'second-copy.csv', path)
    lab.closed(second)
    drop_caches()
    lab.closed(second)


@scenario(ENFORCED)
def a_copy_keeps_its_labels_when_it_is_moved_and_linked(lab):
    path, _ = copied(lab, 'copy-to-move.csv')
    moved, link = lab.outside_path('copy-moved.csv'), lab.outside_path('copy-linked.csv')
    os.link(path, link)
    os.rename(path, moved)
    lab.closed(moved)
    lab.closed(link)
    drop_caches()
    lab.closed(moved)
    lab.closed(link)


@scenario(ENFORCED)
def a_copy_on_another_file_system_is_closed(lab):
    """/tmp is a tmpfs here: files without a generation of their own."""
    path = os.path.join(lab.out, 'copy-on-tmpfs.csv')
    expect('status of cp', lab.run(DESK, 'cp', lab.single, path).status, 0)
    lab.closed(path)
    drop_caches()
    lab.closed(path)


@scenario(ENFORCED)
def what_was_there_before_is_closed_with_it(lab):
    path = lab.outside_path('appended.txt')
    lab.write(path, b'minutes of a meeting\n')
    expect('root reads it', lab.read(ROOT, path), b'minutes of a meeting\n')

    def script():
        read_file(lab.single)
        with open(path, 'ab') as f:
            f.write(b'and a citizen')
        yield 'done'
    with Actor(DESK, script) as a:
        a.step()
    lab.closed(path)


@scenario(ENFORCED)
def a_shared_mapping_of_a_file_labels_it(lab):
    from harness import calls
    path = lab.outside_path('mapped-out.txt')
    lab.write(path, bytes(4096))

    def script():
        read_file(lab.single)
        fd = os.open(path, os.O_RDWR)
        address = calls.map_file(fd, calls.PROT_READ | calls.PROT_WRITE, calls.MAP_SHARED)
        import ctypes
        ctypes.memmove(address, SECRET, len(SECRET))
        yield 'done'
    with Actor(DESK, script) as a:
        expect('mapping it', a.step(), 'done')
    lab.closed(path)


@scenario(ENFORCED)
def a_named_pipe_carries_the_labels(lab):
    path = lab.outside_path('fifo')
    os.mkfifo(path, 0o666)

    def script():
        read_file(lab.single)
        fd = os.open(path, os.O_RDWR)
        yield attempt(os.write, fd, SECRET)

    with Actor(DESK, script) as a:
        expect('writing', a.step(), len(SECRET))
        refused('opening it', do(VENDOR, os.open, path, os.O_RDONLY | os.O_NONBLOCK))


@scenario(ENFORCED)
def a_pipe_that_was_open_before_carries_the_labels(lab):
    ends = os.pipe()

    def give():
        read_file(lab.single)
        yield attempt(os.write, ends[1], SECRET)

    def take():
        yield attempt(os.read, ends[0], 100)
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t, Actor(DESK, take) as d:
        expect('writing', g.step(), len(SECRET))
        refused("the vendor's read", t.step())
        expect("the desk's read", d.step(), SECRET)
    for end in ends:
        os.close(end)


@scenario(ENFORCED)
def who_has_read_nothing_leaves_no_labels(lab):
    path = lab.outside_path('unlabelled.txt')
    expect('writing', do(DESK, lab.write, path, b'nothing special'), None)
    expect('root reads it', lab.read(ROOT, path), b'nothing special')


@scenario(ENFORCED)
def the_null_device_takes_anything(lab):
    r = lab.run(DESK, 'bash', '-c', f'cat {lab.single} >/dev/null')
    expect('status of cat', r.status, 0)


@scenario(ENFORCED)
def a_label_with_spill_deny_reaches_no_other_file(lab):
    path, source = lab.outside_path('from-vault.csv'), os.path.join(lab.vault, '0001.csv')
    r = lab.run(DESK, 'cp', source, path)
    expect_that(f'cp fails: {r.status}', r.status != 0)
    e = lab.event(pid=r.pid, kind='spill', blocked=True)
    expect('the reason', (e.reason, e.verdict), ('spill', 'deny'))
    expect('size of the copy', os.stat(path).st_size, 0)
    lab.open_to(DESK, source)


@scenario(ENFORCED)
def a_label_with_spill_deny_reaches_no_pipe(lab):
    def script():
        read_file(os.path.join(lab.vault, '0001.csv'))
        yield attempt(os.write, os.pipe()[1], b'x')
    with Actor(DESK, script) as a:
        refused('writing to a pipe', a.step())


@scenario(ENFORCED)
def a_deleted_copy_leaves_nothing_behind(lab):
    """Its inode number will be given to somebody else's file."""
    path, _ = copied(lab, 'copy-to-delete.csv')
    lab.closed(path)
    inode = os.stat(path).st_ino
    os.unlink(path)
    for n in range(64):
        lab.write(lab.outside_path(f'after-{n}'), b'fresh')
        if os.stat(lab.outside_path(f'after-{n}')).st_ino == inode:
            break
    drop_caches()
    for i in range(n + 1):
        expect('root reads a new file', lab.read(ROOT, lab.outside_path(f'after-{i}')), b'fresh')
    return None if n < 63 else 'the inode number was not given out again'


@scenario(ENFORCED)
def a_copy_without_read_and_write_is_closed(lab):
    """copy_file_range, sendfile and splice from file to file."""
    def by_splice(fd, out):
        a, b = os.pipe()
        n = os.splice(fd, b, 4096, offset_src=0)
        return os.splice(a, out, n)
    ways = {'copy_file_range': lambda fd, out: os.copy_file_range(fd, out, 4096, 0),
            'sendfile': lambda fd, out: os.sendfile(out, fd, 0, 4096), 'splice': by_splice}
    for name, way in ways.items():
        path = lab.outside_path('copy-by-' + name)

        def script():
            fd = os.open(lab.single, os.O_RDONLY)
            yield attempt(way, fd, os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
        with Actor(DESK, script) as a:
            expect(name, a.step(), len(SECRET))
        lab.closed(path)


@scenario(ENFORCED)
def a_splice_into_a_pipe_carries_the_labels(lab):
    for name, call in (('splice', lambda fd, out: os.splice(fd, out, 100, offset_src=0)),
                       ('sendfile', lambda fd, out: os.sendfile(out, fd, 0, 100))):
        ends = os.pipe()

        def give():
            fd = os.open(lab.single, os.O_RDONLY)
            yield attempt(call, fd, ends[1])

        def take():
            yield attempt(os.read, ends[0], 100)
        with Actor(DESK, give) as g, Actor(VENDOR, take) as t:
            expect(f'{name} into the pipe', g.step(), len(SECRET))
            refused(f"the vendor's read after {name}", t.step())
        for end in ends:
            os.close(end)


@scenario(ENFORCED)
def a_nameless_file_in_memory_carries_the_labels(lab):
    fd = os.memfd_create('scratch')

    def give():
        read_file(lab.single)
        yield attempt(os.pwrite, fd, SECRET, 0)

    def take():
        yield attempt(os.pread, fd, 100, 0)
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t, Actor(DESK, take) as d:
        expect('writing', g.step(), len(SECRET))
        refused("the vendor's read", t.step())
        expect("the desk's read", d.step(), SECRET)
    os.close(fd)


@scenario(ENFORCED)
def a_core_dump_of_a_reader_is_closed(lab):
    where = lab.outside_path('cores')
    os.makedirs(where)
    with open('/proc/sys/kernel/core_pattern') as f:
        before = f.read()

    def script():
        os.chdir(where)
        resource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))
        child = os.fork()
        if not child:
            kept = read_file(lab.single)
            check(libc.prctl(4, 1, 0, 0, 0))    # PR_SET_DUMPABLE, which setuid has taken
            os.abort()
            del kept
        yield os.waitpid(child, 0)[1] & 0x80
    try:
        with open('/proc/sys/kernel/core_pattern', 'w') as f:
            f.write('core')
        with Actor(DESK, script) as a:
            expect('a core is dumped', a.step(), 0x80)
    finally:
        with open('/proc/sys/kernel/core_pattern', 'w') as f:
            f.write(before)
    for name in os.listdir(where):
        for user in (ROOT, VENDOR):
            got = do(user, lambda: SECRET.strip() in read_file(os.path.join(where, name)))
            expect_that(f'{user.name} finds nothing in it: {got}', got in (False, 'EACCES'))


@scenario(ENFORCED)
def devices_that_others_can_read_are_refused(lab):
    names = ['/dev/kmsg', '/sys/kernel/tracing/trace_marker']

    def make():
        return [os.open(n, os.O_WRONLY) for n in names]

    def script(fds):
        # The reader's own rights don't matter: it is handed what is open already.
        read_file(lab.single)
        yield attempt(os.write, fds[0], b'from a reader\n')
        yield attempt(os.write, fds[1], b'from a reader\n')
    with Actor(DESK, script, first=make) as a:
        refused("the kernel's log", a.step())
        refused("the kernel's trace", a.step())
