# SPDX-License-Identifier: GPL-2.0
"""Strict stores: what cannot be recorded is denied."""
import contextlib
import os
import signal

from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, fail, refused, scenario
from harness.lab import SECRET, read_file
from harness.net import DGRAM, Listener, sendto
from harness.stages import STRESSED
from harness.world import DESK, HOME4, KEEPER, VENDOR

FILES = 40              # more than a thread has touches in mind
CHUNK = 1000            # accesses between two looks whether the ring is full
CHUNKS = 60             # far more than fit into it


def strict_policy(lab):
    """`single` strict, `vault` strict and observed only, `registry` as it always is."""
    text = lab.policy()
    for path, more in ((lab.single, 'strict: true'), (lab.vault, 'strict: true, mode: observe')):
        assert text.count(f'paths: [{path}],') == 1, text
        text = text.replace(f'paths: [{path}],', f'paths: [{path}], {more},')
    return text


@contextlib.contextmanager
def nobody_reading(lab):
    """An agent that gets no time, so that what is recorded stays in the rings."""
    os.kill(lab.agent.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(lab.agent.pid, signal.SIGCONT)


def first_touches(folder):
    """So many files by turns that each use is the first of its kind again."""
    files = [os.path.join(folder, f'{n:04}.csv') for n in range(FILES)]
    while True:
        for i in range(CHUNK):
            os.close(os.open(files[i % FILES], os.O_RDONLY))
        yield 'over'


def fill(lab, filler):
    """Until the strict store refuses; returns how many accesses that took."""
    with Actor(DESK, first_touches, filler) as a:
        for chunk in range(CHUNKS):
            expect('the storm on a store that is not strict', a.step(), 'over')
            if lab.read(DESK, lab.single) == 'EACCES':
                return (chunk + 1) * CHUNK
    return fail('the strict store is open, whatever is lost')


def twice(path):
    yield attempt(read_file, path)
    yield attempt(read_file, path)


def read_and_send(path):
    yield attempt(read_file, path)
    yield attempt(sendto, HOME4, 5432, b'data')


def read_and_copy(path, copy):
    yield attempt(read_file, path)
    with open(copy, 'wb') as f:
        yield attempt(os.write, f.fileno(), b'data')


def make_folder(path, names):
    os.mkdir(path, 0o777)
    for name in names:
        with open(os.path.join(path, name), 'wb') as f:
            f.write(SECRET)
    os.chmod(path, 0o777)


@scenario(STRESSED)
def what_cannot_be_recorded_is_denied_where_a_store_is_strict(lab):
    filler = os.path.join(lab.registry, 'strict-filler')
    expect('making files', do(KEEPER, make_folder, filler, [f'{n:04}.csv' for n in range(FILES)]),
           None)
    lab.agent.reload(strict_policy(lab))
    lab.agent.hear('all stores are sealed')
    lab.open_to(DESK, lab.single)
    open_file = os.path.join(filler, '0000.csv')
    vault = os.path.join(lab.vault, '0001.csv')
    before = lab.agent.status()['counters']

    with nobody_reading(lab), Listener(HOME4, 5432, DGRAM) as listener:
        took = fill(lab, filler)
        with Actor(DESK, twice, lab.single) as strict:
            refused('a read of the strict store', strict.step())
            refused('another one by the same process', strict.step())
        expect('a read of a store that is not', lab.read(DESK, open_file), SECRET)
        with Actor(DESK, twice, vault) as observed:
            expect('a read of a strict store that is observed only', observed.step(), SECRET)
        with Actor(DESK, read_and_send, open_file) as sender:
            expect('a read before a send', sender.step(), SECRET)
            refused('a send of a label that the strict store has', sender.step())
        listener.silent()
        with Actor(DESK, read_and_copy, open_file, lab.outside_path('strict-copy')) as copier:
            expect('a read before a copy', copier.step(), SECRET)
            expect('a copy, which is told among the findings', copier.step(), 4)
        with Actor(VENDOR, twice, lab.single) as vendor:
            refused('a read by whom no rule lets', vendor.step())

    e = lab.event(pid=strict.pid, reason='unrecorded', op='read')
    expect('the refusal', (e.verdict, e.blocked, e.store), ('deny', True, 'single'))
    expect_that(f'it is explained: {e.why!r}', 'not be recorded' in e.why and 'single' in e.why)
    e = lab.event(pid=observed.pid, reason='unrecorded')
    expect('the observed one', (e.verdict, e.blocked, e.store), ('deny', False, 'vault'))
    e = lab.event(pid=sender.pid, reason='unrecorded', op='send')
    expect('the send', (e.verdict, e.blocked, e.ip), ('deny', True, HOME4))
    e = lab.event(pid=vendor.pid, op='read')
    expect('a refusal stays what it was', e.reason, 'no-rule')
    lab.wait_calm()
    lab.open_to(DESK, lab.single)
    after = lab.agent.status()['counters']
    unrecorded = after['unrecorded'] - before['unrecorded']
    expect_that(f'they are counted: {unrecorded}', unrecorded >= 4)
    expect_that('what the other store lost is counted', after['bulk-lost'] > before['bulk-lost'])
    lab.reload()
    return f'the ring was full after {took} accesses, {unrecorded} not recorded'
