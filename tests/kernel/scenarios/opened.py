# SPDX-License-Identifier: GPL-2.0
"""Descriptors and mappings that are older than the policy that closes the file, and
descriptors that come by another way than open()."""
import array
import ctypes
import os
import socket

from harness import calls
from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED, RELOADED
from harness.world import DESK, FOREIGN4, ROOT, VENDOR

RULES_WITHOUT_DESK = ['allow keeper to write registry, biometric, vault, many, others']


def ways_to_read(fd, scratch):
    """Every way to get at the bytes of an open file: a word and what it yielded."""
    pipe = os.pipe()
    yield 'read', attempt(os.read, fd, 5)
    yield 'pread', attempt(os.pread, fd, 5, 0)
    yield 'readv', attempt(os.readv, fd, [bytearray(5)])
    yield 'preadv', attempt(os.preadv, fd, [bytearray(5)], 0)
    yield 'mmap', attempt(calls.map_file, fd, calls.PROT_READ)
    yield 'mmap PROT_NONE', attempt(calls.map_file, fd, calls.PROT_NONE)
    yield 'splice', attempt(os.splice, fd, pipe[1], 5, offset_src=0)
    yield 'io_uring', attempt(calls.uring_read, fd, 5)
    yield 'io_uring by a worker', attempt(calls.uring_read, fd, 5, calls.IOSQE_ASYNC)
    out = os.open(scratch, os.O_CREAT | os.O_RDWR, 0o666)
    yield 'sendfile', attempt(os.sendfile, out, fd, 0, 5)
    yield 'copy_file_range', attempt(os.copy_file_range, fd, out, 5, 0)
    for end in (*pipe, out):
        os.close(end)


def all_refused(actor):
    """`actor` goes ways_to_read() next; each has to be refused."""
    while True:
        got = actor.step()
        if got == 'done':
            return
        way, result = got
        refused(way, result)


def open_early(lab):
    """A process that holds open, read and mapped what the first policy will close."""
    path = os.path.join(lab.registry, 'open-before.csv')
    lab.write(path)

    def script():
        fd = os.open(path, os.O_RDONLY)
        address = calls.map_file(fd, calls.PROT_NONE)
        yield os.pread(fd, 5, 0)
        yield from ways_to_read(fd, os.path.join(lab.outside, 'scratch-before'))
        yield 'done'
        yield attempt(calls.mprotect, address, calls.PROT_READ)
        yield attempt(os.open, f'/proc/self/fd/{fd}', os.O_RDONLY)
    actor = Actor(VENDOR, script)
    expect('reading it before', actor.step(), SECRET[:5])
    return actor


@scenario(ENFORCED, prepare=open_early)
def a_descriptor_opened_before_the_agent_started_is_refused(lab, actor):
    with actor:
        all_refused(actor)
        refused('mprotect of a mapping from before', actor.step())
        refused('reopening it', actor.step())
        lab.event(pid=actor.pid, act='mprotect', blocked=True)
        lab.event(pid=actor.pid, act='read', blocked=True, within='open-before.csv')


def map_early(lab):
    path = os.path.join(lab.registry, 'mapped-before.csv')
    lab.write(path)

    def script():
        address = calls.map_file(os.open(path, os.O_RDONLY), calls.PROT_READ)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            yield attempt(s.sendto, b'hello', (FOREIGN4, 53))
            yield ctypes.string_at(address, 5)
            yield attempt(s.sendto, b'hello', (FOREIGN4, 53))
    actor = Actor(VENDOR, script)
    expect('sending before', actor.step(), 5)
    return actor


@scenario(ENFORCED, prepare=map_early)
def a_mapping_from_before_the_agent_started_labels_who_has_it(lab, actor):
    """Nobody is asked when he reads a page that is mapped."""
    with actor:
        expect('reading', actor.step(), SECRET[:5])
        refused('sending', actor.step())
        lab.event(pid=actor.pid, op='send', blocked=True)


@scenario(RELOADED)
def a_new_policy_closes_a_descriptor_that_is_already_open(lab):
    path = lab.put('open-at-reload.csv')

    def script():
        fd = os.open(path, os.O_RDONLY)
        address = calls.map_file(fd, calls.PROT_NONE)
        yield os.pread(fd, 5, 0)
        yield from ways_to_read(fd, os.path.join(lab.outside, 'scratch-reload'))
        yield 'done'
        yield attempt(calls.mprotect, address, calls.PROT_READ)
        yield attempt(read_file, path)
        yield os.pread(fd, 5, 0)
    with Actor(DESK, script) as a:
        expect('reading it under the old policy', a.step(), SECRET[:5])
        lab.agent.reload(lab.policy(rules=RULES_WITHOUT_DESK))
        all_refused(a)
        refused('mprotect of a mapping from before', a.step())
        refused('opening it anew', a.step())
        e = lab.event(pid=a.pid, act='read', blocked=True)
        expect('generation in the event', e.generation,
               lab.agent.status()['policy']['generation'])
        lab.agent.reload(lab.policy())
        expect('reading it under the old policy again', a.step(), SECRET[:5])


@scenario(ENFORCED)
def a_descriptor_inherited_over_exec_is_refused(lab):
    path = lab.put('inherited.csv')

    def script():
        os.seteuid(DESK.uid)
        fd = os.open(path, os.O_RDONLY)
        os.seteuid(0)
        null = os.open('/dev/null', os.O_WRONLY)
        child = os.fork()
        if not child:
            os.dup2(fd, 0)
            os.dup2(null, 1)
            os.dup2(null, 2)
            VENDOR.become()
            os.execv('/bin/cat', ['cat'])
        yield child
        yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    with Actor(ROOT, script) as a:
        child = a.step()
        expect("the vendor's cat of its standard input", a.step(), 1)
        e = lab.event(pid=child, act='read', blocked=True)
        expect('who, in the event', (e.uid, e.comm), (VENDOR.uid, 'cat'))


@scenario(ENFORCED)
def a_passed_descriptor_is_refused(lab):
    path = lab.put('passed.csv')
    giver, taker = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

    def give():
        fd = os.open(path, os.O_RDONLY)
        giver.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
        yield 'given'

    def take():
        _, ancillary, _, _ = taker.recvmsg(1, socket.CMSG_SPACE(4))
        fd = array.array('i', ancillary[0][2])[0]
        yield attempt(os.read, fd, 5)
        yield attempt(calls.map_file, fd, calls.PROT_READ)
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t:
        expect('giving', g.step(), 'given')
        refused('read', t.step())
        refused('mmap', t.step())
        lab.event(pid=t.pid, act='read', blocked=True, within='passed.csv')
    giver.close()
    taker.close()


@scenario(ENFORCED)
def a_mapping_of_an_allowed_reader_works_and_labels_it(lab):
    path = lab.put('mapped.csv')

    def script():
        fd = os.open(path, os.O_RDONLY)
        yield calls.peek(calls.map_file(fd, calls.PROT_READ), len(SECRET))
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        yield attempt(s.connect, ('203.0.113.9', 443))
    with Actor(DESK, script) as a:
        expect('what it sees', a.step(), SECRET)
        refused('a connection after that', a.step())


@scenario(ENFORCED)
def opening_alone_labels_nobody(lab):
    path = lab.put('only-opened.csv')

    def script():
        os.open(path, os.O_RDONLY)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        yield attempt(s.sendto, b'hello', ('203.0.113.9', 53))
    with Actor(DESK, script) as a:
        expect('sending after an open', a.step(), 5)


@scenario(ENFORCED)
def reading_through_io_uring_labels_the_reader(lab):
    path = lab.put('ring-read.csv')
    for flags in (0, calls.IOSQE_ASYNC):
        def script():
            fd = os.open(path, os.O_RDONLY)
            yield attempt(calls.uring_read, fd, len(SECRET), flags)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            yield attempt(s.sendto, b'hello', ('203.0.113.9', 53))
        with Actor(DESK, script) as a:
            expect(f'what it reads, flags {flags}', a.step(), SECRET)
            refused(f'sending after that, flags {flags}', a.step())


@scenario(ENFORCED)
def an_unmentioned_user_is_refused_through_io_uring(lab):
    path = os.path.join(lab.registry, 'citizens.csv')
    refused('IORING_OP_OPENAT', do(ROOT, calls.uring_open, path))
    expect_that('the desk is not', isinstance(do(DESK, calls.uring_open, path), int))
