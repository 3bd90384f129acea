# SPDX-License-Identifier: GPL-2.0
"""Roads to a stored byte through a file's name, or through none."""
import os

from harness.actor import Actor, do
from harness.calls import exchange, handle_of, link_fd, open_by_handle
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import (CLERKS, DESK, KEEPER, MS_BIND, ROOT, VENDOR, drop_caches, mount, umount)

CITIZENS = 'citizens.csv'
COUNT = 'select count(*) from citizen'


@scenario(ENFORCED)
def the_desks_query_works(lab):
    db = os.path.join(lab.registry, 'registry.db')
    r = lab.run(DESK, 'sqlite3', '-readonly', db, COUNT)
    expect('output of sqlite3', (r.status, r.out), (0, b'200\n'))
    e = lab.event(pid=r.pid, op='read', store='registry', verdict='allow')
    expect('the file in the event', e.path, db)
    expect('the user in the event', e.uid, DESK.uid)


@scenario(ENFORCED)
def roots_cat_is_refused(lab):
    r = lab.run(ROOT, 'cat', os.path.join(lab.registry, CITIZENS))
    expect('status and output of cat', (r.status, r.out), (1, b''))
    expect_that('cat says why', b'Permission denied' in r.err)
    e = lab.event(pid=r.pid, blocked=True)
    expect('the event', (e.verdict, e.op, e.store, e.within, e.uid, e.reason),
           ('deny', 'read', 'registry', CITIZENS, 0, 'no-rule'))


@scenario(ENFORCED)
def the_vendors_copy_is_refused(lab):
    r = lab.run(VENDOR, 'cp', os.path.join(lab.registry, CITIZENS), lab.outside_path('copy'))
    expect('status of cp', r.status, 1)
    expect_that('no copy is there', not os.path.exists(lab.outside_path('copy')))
    lab.event(pid=r.pid, blocked=True, uid=VENDOR.uid, store='registry')


@scenario(ENFORCED)
def root_cannot_list_a_store(lab):
    refused('listing', do(ROOT, os.listdir, lab.registry))
    expect_that('the desk can', 'citizens.csv' in do(DESK, os.listdir, lab.registry))


def link_before(lab):
    lab.write(os.path.join(lab.registry, 'linked-before.csv'))
    link = lab.outside_path('link-made-before')
    os.link(os.path.join(lab.registry, 'linked-before.csv'), link)
    return link


@scenario(ENFORCED, prepare=link_before)
def a_hard_link_made_before_the_agent_started_is_closed(lab, link):
    expect('store in the event', lab.closed(link).store, 'registry')
    lab.open_to(DESK, link)
    drop_caches()
    lab.closed(link)


@scenario(ENFORCED)
def a_hard_link_made_later_is_closed(lab):
    path, link = lab.put('to-link.csv'), lab.outside_path('link-made-later')
    expect('the keeper links', do(KEEPER, os.link, path, link), None)
    lab.closed(link)
    drop_caches()
    lab.closed(link)


@scenario(ENFORCED)
def a_hard_link_out_of_the_store_is_refused_to_root(lab):
    path, link = os.path.join(lab.registry, CITIZENS), lab.outside_path('link-by-root')
    r = lab.run(ROOT, 'ln', path, link)
    expect('status of ln', r.status, 1)
    expect('act in the event', lab.event(pid=r.pid, blocked=True).act, 'link')
    expect_that('no link is there', not os.path.exists(link))


@scenario(ENFORCED)
def a_file_moved_out_stays_closed(lab):
    path, out = lab.put('to-move-out.csv'), lab.outside_path('moved-out.csv')
    expect('the keeper moves it', do(KEEPER, os.rename, path, out), None)
    expect('store in the event', lab.closed(out).store, 'registry')
    drop_caches()
    lab.closed(out)
    lab.open_to(DESK, out)


@scenario(ENFORCED)
def a_folder_moved_out_stays_closed_with_all_in_it(lab):
    folder, out = os.path.join(lab.registry, 'folder-out'), lab.outside_path('folder-out')
    do(KEEPER, os.makedirs, os.path.join(folder, 'sub'), 0o777)
    lab.put('folder-out/sub/0001.csv')
    expect('the keeper moves it', do(KEEPER, os.rename, folder, out), None)
    lab.closed(os.path.join(out, 'sub', '0001.csv'))
    drop_caches()
    lab.closed(os.path.join(out, 'sub', '0001.csv'))


@scenario(ENFORCED)
def moving_a_file_out_is_refused_to_the_vendor(lab):
    path, out = lab.put('to-steal.csv'), lab.outside_path('stolen.csv')
    refused('rename', do(VENDOR, os.rename, path, out))
    lab.open_to(DESK, path)


@scenario(ENFORCED)
def a_file_moved_in_is_closed_at_once(lab):
    outside, path = lab.outside_path('to-move-in.csv'), os.path.join(lab.registry, 'moved-in.csv')
    lab.write(outside)
    lab.open_to(VENDOR, outside)
    expect('the keeper moves it', do(KEEPER, os.rename, outside, path), None)
    lab.closed(path, VENDOR)
    drop_caches()
    lab.closed(path, VENDOR)
    lab.open_to(DESK, path)


@scenario(ENFORCED)
def a_folder_moved_in_with_cached_contents_is_closed_at_once(lab):
    outside, folder = lab.outside_path('folder-in'), os.path.join(lab.registry, 'folder-in')
    os.makedirs(os.path.join(outside, 'sub'))
    for n in range(3):
        lab.write(os.path.join(outside, 'sub', f'{n}.csv'))
        lab.open_to(VENDOR, os.path.join(outside, 'sub', f'{n}.csv'))
    kept = os.open(os.path.join(outside, 'sub', '2.csv'), os.O_PATH)
    expect('the keeper moves it', do(KEEPER, os.rename, outside, folder), None)
    lab.closed(os.path.join(folder, 'sub', '0.csv'))
    lab.wait_sealed()
    lab.closed(os.path.join(folder, 'sub', '1.csv'))
    lab.closed(f'/proc/{os.getpid()}/fd/{kept}')
    os.close(kept)
    drop_caches()
    lab.closed(os.path.join(folder, 'sub', '1.csv'))


@scenario(ENFORCED)
def a_bind_mount_of_a_store_is_closed(lab):
    where = lab.world.path('bound')
    os.makedirs(where, exist_ok=True)
    for source in (lab.registry, os.path.join(lab.registry, 'deep', 'a')):
        mount(source, where, flags=MS_BIND)
        name = CITIZENS if source == lab.registry else 'b/c/0001.csv'
        try:
            lab.closed(os.path.join(where, name))
            drop_caches()
            lab.closed(os.path.join(where, name))
        finally:
            umount(where)


@scenario(ENFORCED)
def a_symbolic_link_leads_to_a_closed_file(lab):
    link = lab.outside_path('symlink')
    os.symlink(os.path.join(lab.registry, CITIZENS), link)
    expect('the file in the event', lab.closed(link).within, CITIZENS)


@scenario(ENFORCED)
def a_path_descriptor_opens_but_does_not_reopen(lab):
    path = os.path.join(lab.registry, CITIZENS)

    def script():
        fd = os.open(path, os.O_PATH)
        yield attempt(os.read, fd, 1)
        yield attempt(os.open, f'/proc/self/fd/{fd}', os.O_RDONLY)
        yield attempt(os.open, f'/dev/fd/{fd}', os.O_RDONLY)
    with Actor(ROOT, script) as a:
        expect('reading it as it is', a.step(), 'EBADF')
        refused('reopening by /proc', a.step())
        refused('reopening by /dev/fd', a.step())
        lab.event(pid=a.pid, blocked=True, within=CITIZENS)


@scenario(ENFORCED)
def a_file_handle_opens_no_closed_file(lab):
    path = lab.put('handled.csv')
    handle = handle_of(path)

    def script():
        fd = open_by_handle(mount_fd, handle)
        yield os.read(fd, 100)
    mount_fd = os.open(lab.disk, os.O_RDONLY | os.O_DIRECTORY)
    try:
        refused('with the name cached', do(ROOT, lambda: next(script())))
        drop_caches()
        refused('with nothing cached', do(ROOT, lambda: next(script())))
        lab.closed(path)
    finally:
        os.close(mount_fd)


@scenario(ENFORCED)
def a_folders_handle_opens_nothing_below_it(lab):
    """The kernel connects a folder to its parents, which are then known by no name either."""
    folder = os.path.join(lab.registry, 'deep', 'a', 'b')
    handle = handle_of(folder)
    mount_fd = os.open(lab.disk, os.O_RDONLY | os.O_DIRECTORY)

    def script():
        fd = attempt(open_by_handle, mount_fd, handle, os.O_PATH | os.O_DIRECTORY)
        yield fd
        if isinstance(fd, int):
            yield attempt(os.open, 'c/0001.csv', os.O_RDONLY, dir_fd=fd)
            yield attempt(os.open, '../../../citizens.csv', os.O_RDONLY, dir_fd=fd)
    try:
        drop_caches()
        with Actor(ROOT, script) as a:
            got = a.step()
            # To find the folder's name the kernel reads its parent, for who may.
            if got not in ('ESTALE', 'EACCES'):
                refused('a file below', a.step())
                refused('a file above', a.step())
        lab.closed(os.path.join(folder, 'c', '0001.csv'))
        lab.closed(os.path.join(lab.registry, CITIZENS))
        lab.open_to(DESK, os.path.join(folder, 'c', '0001.csv'))
    finally:
        os.close(mount_fd)


@scenario(ENFORCED)
def a_second_mount_of_the_disk_is_closed(lab):
    where = lab.world.path('second')
    os.makedirs(where, exist_ok=True)
    device = next(l.split()[0] for l in open('/proc/mounts') if l.split()[1] == lab.disk)
    mount(device, where, 'ext4')
    try:
        lab.closed(os.path.join(where, 'registry', CITIZENS))
        drop_caches()
        lab.closed(os.path.join(where, 'registry', 'deep', 'a', 'b', 'c', '0001.csv'))
    finally:
        umount(where)


@scenario(ENFORCED)
def an_overlay_on_a_store_is_closed(lab):
    where = lab.world.path('overlay')
    for name in ('merged', 'upper', 'work'):
        os.makedirs(os.path.join(where, name), exist_ok=True)
    mount('overlay', f'{where}/merged', 'overlay',
          data=f'lowerdir={lab.registry},upperdir={where}/upper,workdir={where}/work')
    try:
        path = os.path.join(where, 'merged', CITIZENS)
        refused('reading through it', do(ROOT, read_file, path))
        refused('opening it to write, which copies it', do(ROOT, os.open, path, os.O_RDWR))
        expect_that('the desk reads through it', do(DESK, read_file, path)[:4] == b'cnic')
    finally:
        umount(f'{where}/merged')


@scenario(ENFORCED)
def a_program_in_a_store_is_not_run(lab):
    path = os.path.join(lab.registry, 'program')

    def make():
        with open('/bin/true', 'rb') as f:
            lab.write(path, f.read())
        os.chmod(path, 0o755)
    expect('the keeper writes it', do(KEEPER, make), None)
    refused('exec', do(ROOT, lambda: os.execv(path, ['true'])))


@scenario(ENFORCED)
def exchanging_two_files_leaves_both_closed(lab):
    path, outside = lab.put('to-exchange.csv'), lab.outside_path('to-exchange.csv')
    lab.write(outside)
    expect('the keeper exchanges them', do(KEEPER, exchange, path, outside), None)
    for _ in range(2):
        lab.closed(path)
        lab.closed(outside)
        drop_caches()


@scenario(ENFORCED)
def a_file_linked_into_a_store_is_closed_by_both_names(lab):
    outside, path = lab.outside_path('to-link-in'), os.path.join(lab.registry, 'linked-in.csv')
    lab.write(outside)
    expect('the keeper links it', do(KEEPER, os.link, outside, path), None)
    for _ in range(2):
        lab.closed(path)
        lab.closed(outside)
        drop_caches()


@scenario(ENFORCED)
def a_new_file_is_closed_at_once(lab):
    lab.closed(lab.put('new.csv'))
    do(KEEPER, os.mkdir, os.path.join(lab.registry, 'new-folder'), 0o777)
    lab.closed(lab.put('new-folder/new.csv'))


@scenario(ENFORCED)
def a_nameless_file_that_gets_a_name_is_closed(lab):
    path = os.path.join(lab.registry, 'once-nameless.csv')

    def make():
        fd = os.open(lab.registry, os.O_TMPFILE | os.O_WRONLY, 0o666)
        os.write(fd, SECRET)
        link_fd(fd, path)
        return os.stat(path).st_size
    expect('its size', do(KEEPER, make), len(SECRET))
    lab.closed(path)
    drop_caches()
    lab.closed(path)


@scenario(ENFORCED)
def an_atomic_replace_keeps_a_file_closed(lab):
    path = lab.put('replaced.csv')
    inode = os.stat(path).st_ino

    def replace():
        lab.write(path + '.new', b'9' + SECRET)
        os.rename(path + '.new', path)
    expect('the keeper replaces it', do(KEEPER, replace), None)
    expect_that('it is another inode', os.stat(path).st_ino != inode)
    lab.closed(path)
    drop_caches()
    lab.closed(path)
    lab.open_to(DESK, path, b'9' + SECRET)


@scenario(ENFORCED)
def a_store_in_a_store_has_rules_of_its_own(lab):
    path = os.path.join(lab.registry, 'biometric', '0001.fpt')
    lab.closed(path)
    clerk = VENDOR.with_groups(CLERKS)
    expect_that('a clerk reads the store around it',
                do(clerk, read_file, os.path.join(lab.registry, CITIZENS))[:4] == b'cnic')
    e = lab.closed(path, clerk)
    expect('store in the event', e.store, 'biometric')
    expect('labels in the event', e.labels, {'cnic', 'biometric'})
    lab.open_to(DESK, path)


@scenario(ENFORCED)
def a_store_that_is_a_file_is_closed(lab):
    expect('store in the event', lab.closed(lab.single).store, 'single')
    lab.open_to(DESK, lab.single)
    refused('as a hard link', do(ROOT, os.link, lab.single, lab.outside_path('single-link')))


@scenario(ENFORCED)
def everything_is_closed_after_the_caches_were_dropped(lab):
    deep = os.path.join(lab.registry, 'deep', 'a', 'b', 'c', '0001.csv')
    paths = [os.path.join(lab.registry, CITIZENS), os.path.join(lab.registry, 'registry.db'),
             deep, os.path.join(lab.registry, 'biometric', '0001.fpt'), lab.single,
             os.path.join(lab.vault, '0001.csv')]
    for path in paths:
        drop_caches()
        lab.closed(path)
    drop_caches()
    lab.open_to(DESK, deep)
