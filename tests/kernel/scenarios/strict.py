# SPDX-License-Identifier: GPL-2.0
"""Strict stores: what cannot be recorded is denied."""
import contextlib
import json
import os
import signal
import subprocess

from harness.actor import Actor, do
from harness.check import Deadline, attempt, expect, expect_that, fail, refused, scenario
from harness.lab import SECRET, read_file
from harness.net import DGRAM, Listener, sendto
from harness.stages import BUNDLED, STRESSED
from harness.world import DESK, HOME4, KEEPER, VENDOR, take_room

FILES = 40              # more than a thread has touches in mind
CHUNK = 1000            # accesses between two looks whether the ring is full
CHUNKS = 60             # far more than fit into it
LEFT = 1 << 20          # bytes that the ledger's disk is left: a little more than it likes to have
FULL_SECONDS = 300


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


# ---- the ledger's disk ------------------------------------------------------------------

def use_again(path):
    """Opens a file once, then reads it again and again: how often it could, until it could not."""
    fd = os.open(path, os.O_RDONLY)
    done, got = 1, None
    yield done
    while True:
        for _ in range(CHUNK):
            got = attempt(os.pread, fd, 1, 0)
            if isinstance(got, str):
                break
            done += 1
        yield [done, got]


def make_many(folder, times):
    """Attempts that are refused, and that no compression makes small."""
    for _ in range(times):
        attempt(os.open, os.path.join(folder, os.urandom(100).hex()), os.O_WRONLY | os.O_CREAT)


@contextlib.contextmanager
def ballast(disk, left):
    """Somebody else who fills the disk, but for so many bytes."""
    path = os.path.join(disk, 'ballast')
    take_room(disk, left)
    try:
        yield
    finally:
        if os.path.exists(path):
            os.unlink(path)


def wait_ledger(lab, what, holds, between):
    """Until the state of the ledger is such, while `between` goes on."""
    deadline = Deadline(FULL_SECONDS)
    while True:
        state = lab.agent.status()['ledger']
        if holds(state):
            return state
        if deadline.passed():
            fail(f'{what}: {state}')
        between()


def rows_of(lab, query):
    r = subprocess.run([f'{lab.programs}/amanat', 'sql', '--json', '--ledger', lab.bundles.ledger, query],
                       capture_output=True, text=True)
    expect(f'the exit status of sql ({r.stderr})', r.returncode, 0)
    return json.loads(r.stdout.splitlines()[0])


def accesses_of(lab, pid):
    """How often the process could, by the ledger."""
    row = rows_of(lab, "SELECT sum(CASE kind WHEN 'repeat' THEN count ELSE 1 END) AS n FROM events "
                  f"WHERE verdict = 'allow' AND pid = {pid}")
    return int(row.get('n', 0))


@scenario(BUNDLED)
def a_strict_store_closes_before_the_ledgers_disk_is_full_and_opens_when_there_is_room(lab):
    b = lab.bundles
    b.take(b.make(reader=b.other(), more=', strict: true'), b.other())
    lab.agent.wait_recorded()
    with Actor(b.reader, use_again, b.file) as reader, ballast(b.ledger_disk, LEFT):
        expect('opening', reader.step(), 1)
        before = lab.agent.status()['ledger']['not_recorded']
        state = wait_ledger(lab, 'the disk gets full', lambda s: s['strict_stores_deny'],
                            lambda: (do(VENDOR, make_many, b.ward, 500), reader.step()))
        expect('nothing is lost when it closes', (state['records'], state['not_recorded']), (True, before))
        done, got = reader.step()
        refused('reading on, which was only counted so far', got)
        refused('opening', lab.read(b.reader, b.file))
        expect_that('status says so', 'strict stores deny' in lab.agent.ask('status')[1])
        lab.agent.wait_recorded()
        row = rows_of(lab, 'SELECT count(*) AS n, min(verdict) AS verdict, min(store) AS store, min(why) AS why '
                      f"FROM events WHERE pid = {reader.pid} AND reason = 'unrecorded'")
        expect_that(f'the refusals find room yet: {row}', int(row['n']) and row['verdict'] == 'deny' and
                    row['store'] == 'ward' and 'not be recorded' in row['why'])

        state = wait_ledger(lab, 'the disk is full', lambda s: not s['records'],
                            lambda: do(VENDOR, make_many, b.ward, 1000))
        expect('the reason', state['error'], 'No space left on device')
        expect('still', reader.step()[1], 'EACCES')
        os.unlink(os.path.join(b.ledger_disk, 'ballast'))
        wait_ledger(lab, 'there is room again', lambda s: not s['strict_stores_deny'], lambda: None)
        lab.open_to(b.reader, b.file)
        more, got = reader.step()
        expect_that(f'reading goes on: {got}', more > done)
    lab.agent.wait_recorded()
    expect('what the reader could is in the ledger, to the last one', accesses_of(lab, reader.pid), more)
    gap = rows_of(lab, "SELECT count(*) AS n, sum(count) AS lost FROM events WHERE kind = 'gap' AND "
                  "reason = 'disk-full'")
    expect_that(f'what was refused meanwhile is told as a gap: {gap}', gap['n'] and int(gap['lost']) > 0)
    r = subprocess.run([f'{lab.programs}/amanat', 'verify', b.ledger], capture_output=True, text=True)
    expect_that(f'the ledger verifies: {r}', r.returncode in (0, 10))
    b.take(b.make(reader=b.reader), b.reader)
    return f'{more} accesses by the reader, {gap["lost"]} refusals not recorded'
