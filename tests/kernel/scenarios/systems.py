# SPDX-License-Identifier: GPL-2.0
"""Stores on other file systems than ext4."""
import os

from harness.actor import do
from harness.check import expect, scenario, skip
from harness.lab import SECRET
from harness.stages import ENFORCED
from harness.world import DESK, KEEPER, ROOT, call, drop_caches


def prepare(lab):
    if lab.others:
        return
    lab.add_others()
    for store in lab.others.values():
        lab.write(os.path.join(store, 'before.csv'))
        os.link(os.path.join(store, 'before.csv'), os.path.join(store, '../outside/link-before'))


def need(lab, kind):
    """The store on such a file system."""
    if kind not in lab.others:
        skip(f'mkfs.{kind} is not installed')
    return lab.others[kind]


def closed_after_eviction(lab, kind):
    store = need(lab, kind)
    outside = os.path.join(os.path.dirname(store), 'outside')
    new = lab.put('new.csv', store=store)
    moved, link = os.path.join(outside, 'moved.csv'), os.path.join(outside, 'link.csv')
    copy = os.path.join(outside, 'copy.csv')
    expect('moving out', do(KEEPER, os.rename, lab.put('to-move.csv', store=store), moved), None)
    expect('linking', do(KEEPER, os.link, new, link), None)
    expect('status of cp', lab.run(DESK, 'cp', new, copy).status, 0)
    paths = [os.path.join(store, 'before.csv'), os.path.join(outside, 'link-before'), new, moved,
             link, copy]
    for _ in range(2):
        for path in paths:
            lab.closed(path)
        drop_caches()
    for path in reversed(paths):
        drop_caches()
        lab.closed(path)
        lab.open_to(DESK, path, SECRET)


@scenario(ENFORCED, prepare=prepare)
def a_store_on_xfs_and_its_strays_stay_closed(lab, _):
    closed_after_eviction(lab, 'xfs')


@scenario(ENFORCED, prepare=prepare)
def a_store_on_btrfs_and_its_strays_stay_closed(lab, _):
    closed_after_eviction(lab, 'btrfs')


@scenario(ENFORCED, prepare=prepare)
def a_clone_on_btrfs_is_closed(lab, _):
    store = need(lab, 'btrfs')
    path = os.path.join(os.path.dirname(store), 'outside', 'clone.csv')
    source = lab.put('to-clone.csv', SECRET * 1000, store=store)
    r = lab.run(DESK, 'cp', '--reflink=always', source, path)
    expect(f'status of cp, {r.err!r}', r.status, 0)
    lab.closed(path)
    drop_caches()
    lab.closed(path)


@scenario(ENFORCED, prepare=prepare)
def a_snapshot_on_btrfs_is_closed(lab, _):
    store = need(lab, 'btrfs')
    top = os.path.dirname(store)
    lab.put('in-snapshot.csv', store=store)
    os.sync()
    call('btrfs', 'subvolume', 'snapshot', top, os.path.join(top, 'snapshot'))
    path = os.path.join(top, 'snapshot', 'store', 'in-snapshot.csv')
    expect('reading from the snapshot', lab.read(ROOT, path), 'EACCES')
    drop_caches()
    expect('reading from the snapshot, later', lab.read(ROOT, path), 'EACCES')
