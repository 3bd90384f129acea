# SPDX-License-Identifier: GPL-2.0
"""Roads to a stored byte through a file's name."""
import os

from harness.check import expect, expect_that, refused, scenario
from harness.stages import ENFORCED
from harness.world import DESK, ROOT, VENDOR

COUNT = 'select count(*) from citizen'


@scenario(ENFORCED)
def the_desks_query_works(lab):
    db = os.path.join(lab.registry, 'registry.db')
    r = lab.run(DESK, 'sqlite3', '-readonly', db, COUNT)
    expect('output of sqlite3', (r.status, r.out), (0, b'200\n'))
    e = lab.event(pid=r.pid, op='read', act='read', store='registry', verdict='allow')
    expect('the file in the event', e.path, db)
    expect('the user in the event', e.uid, DESK.uid)


@scenario(ENFORCED)
def roots_cat_is_refused(lab):
    r = lab.run(ROOT, 'cat', os.path.join(lab.registry, 'citizens.csv'))
    expect('status and output of cat', (r.status, r.out), (1, b''))
    expect_that('cat says why', b'Permission denied' in r.err)
    e = lab.event(pid=r.pid, blocked=True)
    expect('the event', (e.verdict, e.op, e.store, e.within, e.uid, e.reason),
           ('deny', 'read', 'registry', 'citizens.csv', 0, 'no-rule'))


@scenario(ENFORCED)
def the_vendors_copy_is_refused(lab):
    r = lab.run(VENDOR, 'cp', os.path.join(lab.registry, 'citizens.csv'), lab.outside_path('copy'))
    expect('status of cp', r.status, 1)
    expect_that('no copy is there', not os.path.exists(lab.outside_path('copy')))
    lab.event(pid=r.pid, blocked=True, uid=VENDOR.uid, store='registry')
