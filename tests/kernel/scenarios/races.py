# SPDX-License-Identifier: GPL-2.0
"""Things that happen at the same time. Nothing may open for a moment, and nobody who is
allowed may be refused for one."""
import contextlib
import os

from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED, RELOADED
from harness.world import DESK, KEEPER, ROOT, VENDOR, drop_caches

ROUNDS = 4


@contextlib.contextmanager
def meanwhile(lab, **loops):
    """Runs each loop over and over, as the user and the call given by name, until the
    block ends; yields what each of them has returned, without repeats."""
    stop = os.path.join(lab.out, 'stop')
    if os.path.exists(stop):
        os.unlink(stop)

    def script(call):
        seen, n = [], 0
        while not os.path.exists(stop):
            got = attempt(call)
            n += 1
            if got not in seen:
                seen.append(got)
        yield seen, n
    actors = {name: Actor(user, script, call) for name, (user, call) in loops.items()}
    seen = {}
    try:
        for a in actors.values():
            a.begin()
        yield seen
        with open(stop, 'w'):
            pass
        for name, a in actors.items():
            seen[name], n = a.answer()
            expect_that(f'{name} came to do something', n > 0)
    finally:
        for a in actors.values():
            a.end()
    lab.wait_calm()     # there were more events than can be shown


@scenario(RELOADED)
def reloads_open_nothing_and_refuse_nobody(lab):
    with meanwhile(lab, desk=(DESK, lambda: read_file(lab.single)),
                   vendor=(VENDOR, lambda: read_file(lab.single)),
                   root=(ROOT, lambda: os.listdir(lab.registry))) as seen:
        for n in range(ROUNDS):
            lab.agent.reload(lab.policy(added=['allow keeper to read vault'] * (n % 2)))
    expect('what the desk saw', seen['desk'], [SECRET])
    expect('what the vendor saw', seen['vendor'], ['EACCES'])
    expect('what root saw', seen['root'], ['EACCES'])
    lab.reload()


@scenario(ENFORCED)
def evictions_and_replacements_open_nothing(lab):
    path = lab.put('in-turmoil.csv')
    out = lab.outside_path('in-turmoil-outside.csv')
    do(KEEPER, os.rename, lab.put('in-turmoil-out.csv'), out)

    def replace():
        lab.write(path + '.new')
        os.rename(path + '.new', path)
    with meanwhile(lab, keeper=(KEEPER, replace), root=(ROOT, lambda: read_file(path)),
                   vendor=(VENDOR, lambda: read_file(out)),
                   desk=(DESK, lambda: read_file(out))) as seen:
        for _ in range(ROUNDS):
            drop_caches()
    expect('what root saw', seen['root'], ['EACCES'])
    expect('what the vendor saw', seen['vendor'], ['EACCES'])
    expect('what the desk saw', seen['desk'], [SECRET])


@scenario(ENFORCED)
def a_file_that_moves_in_and_out_is_open_to_nobody(lab):
    inside, outside = lab.put('to-and-fro.csv'), lab.outside_path('to-and-fro.csv')

    def move():
        os.rename(inside, outside)
        os.rename(outside, inside)

    def read():
        got = [attempt(read_file, p) for p in (inside, outside)]
        return next((g for g in got if g not in ('ENOENT', 'EACCES')), None)
    with meanwhile(lab, keeper=(KEEPER, move), root=(ROOT, read), vendor=(VENDOR, read)) as seen:
        for _ in range(ROUNDS):
            drop_caches()
    expect('what root saw', seen['root'], [None])
    expect('what the vendor saw', seen['vendor'], [None])


@scenario(ENFORCED)
def files_that_are_watched_as_they_move_in_are_closed(lab):
    """Somebody keeps opening them by their old names, which they may."""
    outside = lab.outside_path('watched')
    os.mkdir(outside)
    names = [f'{n}.csv' for n in range(200)]
    for name in names:
        lab.write(os.path.join(outside, name))
    fds = [os.open(os.path.join(outside, name), os.O_PATH) for name in names]

    def watch():
        for fd in fds:
            attempt(lambda: os.close(os.open(f'/proc/self/fd/{fd}', os.O_RDONLY)))

    def move():
        for name in names:
            os.rename(os.path.join(outside, name), os.path.join(lab.registry, 'w' + name))
    with meanwhile(lab, root=(ROOT, watch), vendor=(VENDOR, watch)):
        expect('the keeper moves them', do(KEEPER, move), None)
    open_ones = do(ROOT, lambda: [n for n in names if attempt(
        read_file, os.path.join(lab.registry, 'w' + n)) != 'EACCES'])
    expect('those that are open', open_ones, [])
    for fd in fds:
        os.close(fd)
