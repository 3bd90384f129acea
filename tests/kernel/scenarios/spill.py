# SPDX-License-Identifier: GPL-2.0
"""Copies: what a process that has read labelled data writes to."""
import os

from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import DESK, ROOT, VENDOR, drop_caches


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
