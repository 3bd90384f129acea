# SPDX-License-Identifier: GPL-2.0
"""Pipes where no LSM hook looks: tee, vmsplice, splice between pipes, reads under way."""
import ctypes
import os

from harness import calls
from harness.actor import Actor
from harness.check import Deadline, attempt, expect, expect_that, fail, refused, scenario, skip
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import DESK, VENDOR

N = len(SECRET)


def send_out():
    import socket
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return attempt(s.sendto, b'hello', ('203.0.113.9', 53))


def close(*pipes):
    for pipe in pipes:
        for end in pipe:
            os.close(end)


def by_tee(a, b):
    return calls.tee(a[0], b[1], N)


def by_splice(a, b):
    return os.splice(a[0], b[1], N)


def by_uring_tee(a, b):
    return calls.uring_tee(a[0], b[1], N)


@scenario(ENFORCED)
def what_leaves_a_pipe_for_another_keeps_its_labels(lab):
    for move in (by_tee, by_splice, by_uring_tee):
        a, b = os.pipe(), os.pipe()

        def give():
            read_file(lab.single)
            yield attempt(os.write, a[1], SECRET)

        def hand_on():
            yield attempt(move, a, b)
            yield send_out()

        def take():
            yield attempt(os.read, b[0], 100)
        with Actor(DESK, give) as g, Actor(VENDOR, hand_on) as h, Actor(VENDOR, take) as t, \
                Actor(DESK, take) as d:
            expect('writing', g.step(), N)
            expect(f'{move.__name__} of it', h.step(), N)
            refused(f'sending after {move.__name__}', h.step())
            refused(f"the vendor's read after {move.__name__}", t.step())
            expect(f"the desk's read after {move.__name__}", d.step(), SECRET)
            lab.event(pid=h.pid, act='tee', blocked=False, verdict='deny')
        close(a, b)


@scenario(ENFORCED)
def a_reader_by_vmsplice_pipes_into_a_labelled_pipe(lab):
    ends = os.pipe()

    def give():
        read_file(lab.single)
        yield attempt(calls.vmsplice_in, ends[1], SECRET)

    def take():
        yield attempt(os.read, ends[0], 100)
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t, Actor(DESK, take) as d:
        expect('vmsplice', g.step(), N)
        refused("the vendor's read", t.step())
        expect("the desk's read", d.step(), SECRET)
    close(ends)


@scenario(ENFORCED)
def who_takes_from_a_pipe_by_vmsplice_carries_its_labels(lab):
    ends = os.pipe()

    def give():
        read_file(lab.single)
        yield attempt(os.write, ends[1], SECRET)

    def take():
        yield attempt(calls.vmsplice_out, ends[0], 100)
        yield send_out()
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t:
        expect('writing', g.step(), N)
        t.step()
        refused('sending after that', t.step())
    close(ends)


@scenario(ENFORCED)
def a_read_that_waited_for_the_data_is_labelled_by_it(lab):
    """Asked about when the pipe was nobody's; the data came later."""
    ends = os.pipe()

    def give():
        read_file(lab.single)
        yield attempt(os.write, ends[1], SECRET)

    def take():
        yield 'ready'
        yield attempt(os.read, ends[0], 100)
        yield send_out()
    with Actor(DESK, give) as g, Actor(VENDOR, take) as t:
        t.step()
        t.begin()
        deadline = Deadline(30)
        while read_file(f'/proc/{t.pid}/wchan') != b'pipe_read' and \
                b'pipe_read' not in read_file(f'/proc/{t.pid}/wchan'):
            if deadline.passed():
                fail('the reader does not wait in the pipe')
        expect('writing', g.step(), N)
        t.answer()
        refused('sending after that', t.step())
        lab.event(pid=t.pid, act='read', blocked=False, verdict='deny')
    close(ends)


@scenario(ENFORCED)
def a_spill_deny_label_is_not_spliced_into_a_pipe(lab):
    if tuple(int(n) for n in os.uname().release.split('.')[:2]) >= (6, 8):
        skip('from 6.8 on the file is asked about before the pipe is known: seen there, not stopped')
    path = os.path.join(lab.vault, '0001.csv')
    ways = {'splice': lambda fd, out: os.splice(fd, out, N, offset_src=0),
            'sendfile': lambda fd, out: os.sendfile(out, fd, 0, N)}
    for name, call in ways.items():
        ends = os.pipe()

        def script():
            yield attempt(call, os.open(path, os.O_RDONLY), ends[1])
        with Actor(DESK, script) as a:
            refused(name, a.step())
            expect('the reason', lab.event(pid=a.pid, blocked=True).reason, 'spill')
        close(ends)


@scenario(ENFORCED)
def pipes_of_who_reads_nothing_carry_nothing(lab):
    a, b, out = os.pipe(), os.pipe(), os.pipe()
    labelled = os.pipe()

    def give():
        read_file(lab.single)
        yield attempt(os.write, labelled[1], SECRET)

    def work():
        os.write(a[1], b'plain')
        yield attempt(calls.tee, a[0], b[1], 5)
        yield attempt(os.splice, a[0], out[1], 5)
        yield attempt(os.read, b[0], 5)
        yield attempt(os.read, out[0], 5)
        yield send_out()
    with Actor(DESK, give) as g, Actor(VENDOR, work) as w:
        expect('another pipe is labelled', g.step(), N)
        expect('all of it', [w.step() for _ in range(5)], [5, 5, b'plain', b'plain', 5])
    close(a, b, out, labelled)


@scenario(ENFORCED)
def a_labelled_pipe_that_was_closed_leaves_no_labels_behind(lab):
    """A new pipe may get the old one's memory."""
    for _ in range(20):
        ends = os.pipe()

        def give():
            read_file(lab.single)
            yield attempt(os.write, ends[1], SECRET)
        with Actor(DESK, give) as g:
            expect('writing', g.step(), N)
        close(ends)
    for _ in range(100):
        ends = os.pipe()
        os.write(ends[1], b'plain')
        expect('a new pipe', attempt(os.read, ends[0], 5), b'plain')
        close(ends)
