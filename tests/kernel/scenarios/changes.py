# SPDX-License-Identifier: GPL-2.0
"""Changes to a store by somebody who may only read it, or nothing at all."""
import ctypes
import os

from harness import calls
from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET
from harness.stages import ENFORCED
from harness.world import DESK, KEEPER, ROOT, VENDOR


def ftruncate(path):
    fd = os.open(path, os.O_WRONLY)
    os.ftruncate(fd, 0)


def open_to_append(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))


CHANGES = {
    'create': lambda p: os.close(os.open(p + '.new', os.O_CREAT | os.O_WRONLY, 0o666)),
    'mkdir': lambda p: os.mkdir(p + '.dir'),
    'mknod': lambda p: os.mknod(p + '.fifo', 0o010666),
    'symlink': lambda p: os.symlink('/etc/passwd', p + '.symlink'),
    'link': lambda p: os.link(p, p + '.link'),
    'unlink': os.unlink,
    'rename': lambda p: os.rename(p, p + '.renamed'),
    'truncate': lambda p: os.truncate(p, 0),
    'ftruncate': ftruncate,
    'open O_TRUNC': lambda p: os.close(os.open(p, os.O_WRONLY | os.O_TRUNC)),
    'append': open_to_append,
    'write': lambda p: os.close(os.open(p, os.O_RDWR)),
}


def none_works_for(lab, user, path):
    def script():
        for name, change in CHANGES.items():
            yield name, attempt(change, path)
    with Actor(user, script) as a:
        for _ in CHANGES:
            name, got = a.step()
            refused(f'{name} by {user.name}', got)
        return a.pid


@scenario(ENFORCED)
def a_reader_may_not_change_a_store(lab):
    path = lab.put('unchangeable.csv')
    before = do(DESK, os.listdir, lab.registry)
    pid = none_works_for(lab, DESK, path)
    for act in ('create', 'unlink', 'rename', 'truncate', 'link'):
        e = lab.event(pid=pid, act=act, blocked=True)
        expect(f'the event of {act}', (e.op, e.store), ('write', 'registry'))
    lab.open_to(DESK, path)
    expect('names in the store', sorted(do(DESK, os.listdir, lab.registry)), sorted(before))


@scenario(ENFORCED)
def root_may_not_change_a_store(lab):
    none_works_for(lab, ROOT, lab.put('unchangeable-for-root.csv'))


@scenario(ENFORCED)
def a_folder_of_a_store_is_not_removed_or_moved(lab):
    folder = os.path.join(lab.registry, 'empty-folder')
    do(KEEPER, os.mkdir, folder, 0o777)
    refused('rmdir', do(VENDOR, os.rmdir, folder))
    refused('rename', do(VENDOR, os.rename, folder, lab.outside_path('empty-folder')))
    refused('rename of the store itself',
            do(ROOT, os.rename, lab.registry, lab.outside_path('registry')))
    expect('rmdir by the keeper', do(KEEPER, os.rmdir, folder), None)


@scenario(ENFORCED)
def nothing_is_moved_in_by_who_may_not_write(lab):
    path = lab.outside_path('not-to-move-in')
    lab.write(path)
    refused('rename', do(VENDOR, os.rename, path, os.path.join(lab.registry, 'moved-in-by-vendor')))
    refused('rename over a file', do(VENDOR, os.rename, path, lab.single))
    refused('link', do(ROOT, os.link, path, os.path.join(lab.registry, 'linked-in-by-root')))
    expect('root still reads it', lab.read(ROOT, path), SECRET)


@scenario(ENFORCED)
def a_move_that_fails_leaves_the_file_as_it_was(lab):
    """The keeper may write the store, but a folder can't replace a file."""
    folder = lab.outside_path('folder-that-stays')
    os.mkdir(folder)
    lab.write(os.path.join(folder, 'a'))
    got = do(KEEPER, os.rename, folder, os.path.join(lab.registry, 'citizens.csv'))
    expect('rename', got, 'ENOTDIR')
    expect('root still reads it', lab.read(ROOT, os.path.join(folder, 'a')), SECRET)
    lab.write(os.path.join(folder, 'b'))
    expect('and what is new in it', lab.read(ROOT, os.path.join(folder, 'b')), SECRET)


@scenario(ENFORCED)
def a_writer_who_may_not_read_does_not_read(lab):
    path = lab.put('write-only.csv')
    refused('reading', lab.read(KEEPER, path))
    refused('open to read and write', do(KEEPER, os.open, path, os.O_RDWR))

    def script():
        fd = os.open(path, os.O_WRONLY)
        yield attempt(os.pwrite, fd, b'8', 0)
        yield attempt(calls.map_file, fd, calls.PROT_WRITE, calls.MAP_SHARED)
    with Actor(KEEPER, script) as a:
        expect('writing', a.step(), 1)
        expect_that('mapping', a.step() == 'EACCES')
    lab.open_to(DESK, path, b'8' + SECRET[1:])


@scenario(ENFORCED)
def a_readers_mapping_does_not_write(lab):
    path = lab.put('mapped-by-reader.csv')

    def script():
        fd = os.open(path, os.O_RDONLY)
        address = calls.map_file(fd, calls.PROT_READ | calls.PROT_WRITE, calls.MAP_PRIVATE)
        ctypes.memmove(address, b'X', 1)
        yield calls.peek(address, 1)
    with Actor(DESK, script) as a:
        expect('a private mapping', a.step(), b'X')
    lab.open_to(DESK, path)
