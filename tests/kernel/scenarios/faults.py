# SPDX-License-Identifier: GPL-2.0
"""What goes wrong by itself or because somebody sees to it: tables that are full, file systems
without numbers, numbers that come round again, mounts that come and go."""
import contextlib
import os
import resource
import select
import shutil
import signal

from harness.actor import Actor, do
from harness.agent import EVENT_SECONDS, Agent
from harness.check import Deadline, Failed, attempt, expect, expect_that, refused, scenario, skip
from harness.lab import SECRET, read_file
from harness.stages import BEFORE, ENFORCED, RELOADED
from harness.world import (DESK, KEEPER, MNT_DETACH, ROOT, VENDOR, call, drop_caches, mount,
                           umount)

from .exes import programs, reads, service, soon
from .races import meanwhile

STRAYS = 64                     # room for files outside of stores, where it is to be full
PIPES = 16384                   # entries of am_channels: AM_CHANNELS_ROOM in bpf/maps.h
LAST_GENERATION = 2**32 - 1
MOUNTS = 40


# ---- agents of their own ------------------------------------------------------------


def folder(lab, name):
    where = os.path.join(lab.disk, name)
    os.makedirs(where, 0o777)
    lab.write(os.path.join(where, 'a.csv'))
    return where


def small_policy(where, name='small'):
    return '\n'.join(['version: 1', f'name: {name}', 'mode: enforce', 'labels: [cnic]', 'stores:',
                      f'  small: {{ paths: [{where}], labels: [cnic] }}', 'subjects:',
                      '  desk: { user: desk }', '  keeper: { user: keeper }', 'rules:',
                      '  - allow desk to read small', '  - allow keeper to write small', ''])


@contextlib.contextmanager
def small_agent(lab, where, *options, generation=None):
    state = os.path.join(lab.world.dir, os.path.basename(where) + '-state')
    path = state + '.yaml'
    os.makedirs(state, 0o700)
    if generation is not None:
        with open(os.path.join(state, 'generation'), 'w') as f:
            f.write(f'{generation}\n')
    with open(path, 'w') as f:
        f.write(small_policy(where))
    agent = Agent(lab.programs, path, state, state + '-run', lab.world.host_net, *options)
    try:
        agent.wait()
        yield agent
    finally:
        agent.end()


@scenario(BEFORE, prepare=lambda lab: folder(lab, 'stray-room'))
def a_full_table_of_files_outside_keeps_every_label(lab, where):
    """A file outside of stores keeps its labels over an eviction, or is not made."""
    source, out = os.path.join(where, 'a.csv'), lab.outside_path('stray-room')
    os.makedirs(out, 0o777)

    def copies():
        """Until one is refused: how many."""
        data = read_file(source)
        for n in range(STRAYS + 1):
            if attempt(lab.write, os.path.join(out, f'{n}.csv'), data) == 'EACCES':
                yield n
                break
        else:
            yield None
        yield attempt(lab.write, os.path.join(out, 'again.csv'), data)
    with small_agent(lab, where, '--strays', str(STRAYS)) as agent:
        with Actor(DESK, copies) as desk:
            made = desk.step()
            expect_that(f'some copies are made and not all: {made}', made and made < STRAYS)
            refused('a link out of the store', do(KEEPER, os.link, source, f'{out}/link.csv'))
            refused('a move out of the store', do(KEEPER, os.rename, source, f'{out}/moved.csv'))
            drop_caches()
            expect('copies that are open to the vendor',
                   lab.opened(VENDOR, [f'{out}/{n}.csv' for n in range(made)]), [])
            expect_that('what was refused holds nothing',
                        lab.read(VENDOR, f'{out}/{made}.csv') in ('EACCES', b''))
            expect_that('it is counted', agent.status()['counters']['no-stray-room'] >= 3)
            expect_that('a person is told', 'a table of labels was full' in agent.ask('status')[1])
            for n in range(made):
                os.unlink(f'{out}/{n}.csv')
            drop_caches()
            expect('a copy, once others are deleted', desk.step(), None)
        refused('reading that', lab.read(VENDOR, f'{out}/again.csv'))
        drop_caches()
        refused('reading it after an eviction', lab.read(VENDOR, f'{out}/again.csv'))
    shutil.rmtree(out)
    return f'{made} copies fitted'


@scenario(BEFORE, prepare=lambda lab: folder(lab, 'last-generation'))
def the_last_generation_stays_in_force_and_the_next_is_refused(lab, where):
    secret = os.path.join(where, 'a.csv')
    with small_agent(lab, where, generation=LAST_GENERATION - 1) as agent:
        expect('the generation', agent.status()['policy']['generation'], LAST_GENERATION)
        refused('the vendor', lab.read(VENDOR, secret))
        expect('the desk', lab.read(DESK, secret), SECRET)
        agent.reload(small_policy(where, 'next'), 'no number left')
        agent.hear("remove 'generation'")
        policy = agent.status()['policy']
        expect('the policy in force', (policy['name'], policy['generation']),
               ('small', LAST_GENERATION))
        refused('the vendor, later', lab.read(VENDOR, secret))
        expect('the desk, later', lab.read(DESK, secret), SECRET)


# ---- full tables --------------------------------------------------------------------


def more_files(limit):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


@scenario(ENFORCED)
def a_full_table_of_pipes_opens_nothing(lab):
    def fill(_):
        """Labels a pipe after the other until one is refused, then lets go of them."""
        read_file(lab.single)
        pipes, got = [], None
        while got is None and len(pipes) <= PIPES:
            pipes.append(os.pipe())
            got = attempt(os.write, pipes[-1][1], b'x')
            got = None if got == 1 else got
        yield [len(pipes), got]
        for ends in pipes:
            for fd in ends:
                os.close(fd)
        yield attempt(os.write, os.pipe()[1], b'x')

    def splice():
        fd = os.open(lab.single, os.O_RDONLY)
        yield attempt(os.splice, fd, os.pipe()[1], 16, offset_src=0)
    with Actor(DESK, fill, first=more_files(3 * PIPES)) as desk:
        desk.begin()
        n, got = wait_long(desk)
        expect_that(f'it ends at a full table, after {n} pipes', n <= PIPES + 1)
        refused('labelling one pipe more', got)
        with Actor(DESK, splice) as other:
            expect_that('who splices into one more is refused, or ended', stopped(other))
        expect_that('it is counted', lab.agent.status()['counters']['no-channel-room'] >= 2)
        expect_that('a person is told', 'a table of labels was full' in lab.agent.ask('status')[1])
        desk.begin()
        expect('a pipe, once others are gone', wait_long(desk), 1)
    lab.wait_calm()
    return f'{n - 1} pipes fitted'


def stopped(actor):
    """From Linux 6.8 on it is too late to refuse."""
    try:
        return actor.step() == 'EACCES'
    except Failed:
        return actor.status == -signal.SIGKILL


def wait_long(actor):
    """answer(), of a step that takes an emulated machine minutes."""
    select.select([actor.done, actor.pidfd], [], [], EVENT_SECONDS * 15)
    return actor.answer()


# ---- limits -------------------------------------------------------------------------


@scenario(RELOADED)
def a_policy_of_10000_stores_is_refused_and_the_old_one_stays(lab):
    many = lambda n: small_policy('/nonexistent').replace(
        '  small:', ''.join(f'  s{i}: {{ paths: [/srv/s{i}], labels: [cnic] }}\n' for i in range(n)) +
        '  small:')
    for n in (4096, 10000):
        said = lab.agent.reload(many(n), '4096')
        expect_that(f'it names the limit and stays: {said!r}', 'at most 4096' in said)
        expect('the policy in force', lab.agent.status()['policy']['name'], 'lab')
        lab.closed(lab.single)
        lab.open_to(DESK, lab.single)
    paths = ', '.join(f'/srv/p{i}' for i in range(10000))
    said = lab.agent.reload(small_policy(paths), '4096 paths')
    expect('the policy in force', lab.agent.status()['policy']['name'], 'lab')
    lab.closed(lab.single)


# ---- file systems ----------------------------------------------------------------------


class Elsewhere:
    """A file system of some kind, with a store and an outside."""

    def __init__(self, lab, kind):
        self.kind = kind
        self.top = lab.world.path('fs-' + kind)
        os.makedirs(self.top, exist_ok=True)
        self._mount(lab)
        for name in ('store', 'outside'):
            os.makedirs(self.path(name), 0o777, exist_ok=True)
            os.chmod(self.path(name), 0o777)
        lab.write(self.path('store', 'before.csv'))

    def _mount(self, lab):
        if self.kind in ('tmpfs', 'ramfs'):
            mount(self.kind, self.top, self.kind)
        elif self.kind == 'overlay':
            under = lab.outside_path('overlay')
            for name in ('lower', 'upper', 'work'):
                os.makedirs(os.path.join(under, name), 0o777)
            mount('overlay', self.top, 'overlay',
                  data=f'lowerdir={under}/lower,upperdir={under}/upper,workdir={under}/work')
        else:
            image = self.top + '.img'
            with open(image, 'wb') as f:
                f.truncate(16 << 20)
            call('mkfs.' + self.kind, image)
            call('mount', '-t', self.kind, '-o', 'loop', image, self.top)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def remove(self):
        umount(self.top, MNT_DETACH)    # the agent may still hold it


@contextlib.contextmanager
def elsewhere(lab, kinds):
    """Those of the kinds that this kernel has."""
    there = []
    try:
        for kind in kinds:
            with contextlib.suppress(OSError, RuntimeError):
                there.append(Elsewhere(lab, kind))
        yield there
    finally:
        lab.reload()
        for e in there:
            e.remove()


@scenario(RELOADED)
def stores_on_file_systems_of_any_kind_are_closed(lab):
    """Those without an uuid, without generations of inodes, in memory, on top of another."""
    with elsewhere(lab, ('tmpfs', 'ramfs', 'overlay', 'ext2', 'minix')) as there:
        stores = ''.join(f'  {e.kind}: {{ paths: [{e.path("store")}], labels: [cnic] }}\n'
                         for e in there)
        rules = [f'allow desk to read {", ".join(e.kind for e in there)}',
                 f'allow keeper to write {", ".join(e.kind for e in there)}']
        lab.agent.reload(lab.policy(added=rules).replace('subjects:\n', stores + 'subjects:\n'))
        lab.agent.hear('all stores are sealed')
        for e in there:
            closed_on(lab, e)
    expect_that('the usual ones are there', len(there) >= 3)
    return 'on ' + ', '.join(e.kind for e in there)


def closed_on(lab, e):
    new, copy = lab.put('new.csv', store=e.path('store')), e.path('outside', 'copy.csv')
    moved = e.path('outside', 'moved.csv')
    expect('moving out', do(KEEPER, os.rename, lab.put('m.csv', store=e.path('store')), moved), None)
    expect(f'status of cp on {e.kind}', lab.run(DESK, 'cp', new, copy).status, 0)
    for _ in range(2):
        for path in (e.path('store', 'before.csv'), new, moved, copy):
            expect(f'the vendor reads {path}', lab.read(VENDOR, path), 'EACCES')
            expect(f'the desk reads {path}', lab.read(DESK, path), SECRET)
        drop_caches()


@scenario(ENFORCED)
def mounts_that_come_and_go_open_nothing(lab):
    """The disk of the stores seen from elsewhere, binds of a store, and another disk with a copy."""
    view, bind = lab.world.path('view'), lab.world.path('bind')
    image = lab.world.path('coming')
    os.makedirs(view)
    os.makedirs(bind)
    coming = lab.world.disk('coming', 'ext4', '64M')
    os.chmod(coming, 0o777)
    copy = os.path.join(coming, 'copy.csv')
    expect('status of cp', lab.run(DESK, 'cp', lab.single, copy).status, 0)
    inside = os.path.relpath(lab.registry, lab.disk)
    name = next(n for n in do(DESK, os.listdir, lab.registry) if n.endswith('.csv'))
    paths = [os.path.join(view, inside, name), os.path.join(bind, name), copy]

    def read():
        got = [attempt(read_file, p) for p in paths]
        return next((g for g in got if g not in ('ENOENT', 'EACCES', 'EIO')), None)
    device = device_of(lab.disk)
    with meanwhile(lab, root=(ROOT, read), vendor=(VENDOR, read)) as seen:
        for _ in range(MOUNTS):
            mount(device, view, 'ext4')
            mount(lab.registry, bind, flags=4096)
            unmounted(coming)
            call('mount', '-o', 'loop', image + '.img', coming)
            for where in (view, bind):
                unmounted(where)
            lab.agent.tail.take()   # who does not listen for long is hung up on
    expect('what root saw', seen['root'], [None])
    expect('what the vendor saw', seen['vendor'], [None])
    refused('reading the copy at last', lab.read(ROOT, copy))
    lab.closed(lab.single)


def unmounted(where):
    """Somebody may be reading there."""
    deadline = Deadline(EVENT_SECONDS)
    while attempt(umount, where) == 'EBUSY' and not deadline.passed():
        pass
    expect_that(f'{where} is unmounted', not os.path.ismount(where))


def device_of(where):
    with open('/proc/self/mounts') as f:
        return next(line.split()[0] for line in f if line.split()[1] == where)


# ---- numbers that come round again -------------------------------------------------------


def until_reused(make, inode):
    """Calls make(n) until its file has the inode's number: the path, None if it never has."""
    for n in range(256):
        path = make(n)
        if os.stat(path).st_ino == inode:
            return path
    return None


@scenario(ENFORCED)
def an_inode_number_of_a_deleted_stored_file_opens_and_closes_nothing(lab):
    path = lab.put('to-be-deleted.csv')
    inode = os.stat(path).st_ino
    expect('the keeper deletes it', do(KEEPER, os.unlink, path), None)

    def fresh(n):
        lab.write(lab.outside_path(f'reused-{n}'), b'fresh')
        return lab.outside_path(f'reused-{n}')
    again = until_reused(fresh, inode)
    if not again:
        skip('the inode number was not given out again')
    for _ in range(2):
        expect('root reads the new file', lab.read(ROOT, again), b'fresh')
        drop_caches()
    os.unlink(again)
    deadline = Deadline(EVENT_SECONDS)
    back = None
    while not back and not deadline.passed():
        back = lab.put(f'back-{len(os.listdir(lab.outside))}.csv')
        back = back if os.stat(back).st_ino == inode else None
    if back:
        lab.closed(back)
        drop_caches()
        lab.closed(back)


@scenario(RELOADED)
def a_program_deleted_while_it_runs_goes_on_and_its_inode_number_is_nobody(lab):
    with programs(lab, 'deleted') as p:
        shell = p.path('shell')
        shutil.copy('/bin/bash', shell)
        inode = os.stat(shell).st_ino
        p.name('shell', shell)
        p.load()
        with service(shell, lab) as go:
            os.unlink(shell)
            soon('it is missed', lambda: p.state(shell)['state'] == 'missing')
            ran = go()
        drop_caches()

        def impostor(n):
            shutil.copy('/bin/cat', p.path(f'impostor-{n}'))
            return p.path(f'impostor-{n}')
        again = until_reused(impostor, inode)
        if again:
            expect('whether its number is enough to be it', reads(lab, again), False)
        return f'who ran it {"reads on" if ran else "is nobody"}; ' + \
            ('the inode number was given out again' if again else 'its number was not given out again')
