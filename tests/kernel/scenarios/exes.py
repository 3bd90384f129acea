# SPDX-License-Identifier: GPL-2.0
"""Executables that are replaced, rewritten, missing and back, as upgrades and attackers do it."""
import contextlib
import hashlib
import os
import shutil
import subprocess

from harness.check import Deadline, attempt, expect, expect_that, fail, scenario
from harness.lab import read_file
from harness.stages import RELOADED
from harness.world import VENDOR

SECONDS = 10        # in which the agent has followed a change; emulated machines are slow


class Programs:
    """A folder with programs of its own, and a policy that names some of them."""

    def __init__(self, lab, name):
        self.lab = lab
        self.dir = os.path.join(lab.disk, 'programs-' + name)
        os.makedirs(self.dir)
        self.subjects = {}

    def path(self, name):
        return os.path.join(self.dir, name)

    def name(self, subject, path, sha256=None, key='exe'):
        pin = f', sha256: {sha256}' if sha256 else ''
        self.subjects[subject] = f'{{ {key}: {path}{pin} }}'

    def load(self):
        rules = [f'allow {s} to read single' for s in self.subjects]
        lines = ''.join(f'  {s}: {what}\n' for s, what in self.subjects.items())
        self.lab.agent.reload(self.lab.policy(added=rules).replace('zones:\n', lines + 'zones:\n'))
        self.lab.agent.hear('all stores are sealed')
        self.lab.agent.tail.forget()

    def state(self, path):
        for e in self.lab.agent.status()['executables']:
            if e['path'] == path:
                return e
        return fail(f'the status knows no {path}')


@contextlib.contextmanager
def programs(lab, name):
    made = Programs(lab, name)
    try:
        yield made
    finally:
        lab.reload()
        shutil.rmtree(made.dir)


def reads(lab, *argv, **options):
    """Whether the program, run by a user who may nothing else, reads the store."""
    return lab.run(VENDOR, *argv, lab.single, **options).status == 0


def soon(what, holds):
    deadline = Deadline(SECONDS)
    while not holds():
        if deadline.passed():
            fail(f'not within {SECONDS} s: {what}')


def another_cat(path, end=b'\0'):
    """A program that does the same and is not the same file, nor of the same digest."""
    shutil.copy('/bin/cat', path)
    with open(path, 'ab') as f:
        f.write(end)
    os.chmod(path, 0o755)


def digest(path):
    return hashlib.sha256(read_file(path)).hexdigest()


def replace(path, end=b'\0'):
    """As install(1) and most package managers do it: never a moment without the file."""
    another_cat(path + '.new', end)
    os.rename(path + '.new', path)


@contextlib.contextmanager
def service(path, lab):
    """A process that runs the file already, and reads the store when told to: go() is
    whether it could."""
    code = f'read go; read line < {lab.single} && exit 0; exit 1'
    process = subprocess.Popen([path, '-c', code], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               user=VENDOR.uid, group=VENDOR.gid, extra_groups=[])

    def go():
        process.stdin.write(b'\n')
        process.stdin.close()
        return process.wait(60) == 0
    try:
        soon('the service has started', lambda: os.readlink(f'/proc/{process.pid}/exe') == path)
        yield go
    finally:
        process.kill()
        process.wait()


@scenario(RELOADED)
def a_replaced_executable_counts_by_itself_and_is_told(lab):
    with programs(lab, 'replaced') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool)
        p.load()
        generation = lab.agent.status()['policy']['generation']
        expect('before', reads(lab, tool), True)
        for _ in range(3):
            replace(tool)
            soon('the new file counts', lambda: reads(lab, tool))
            n = lab.agent.tail.notice(kind='exe-changed', what=tool)
            expect('whose it is', n.subjects, ['tool'])
        expect('the policy', lab.agent.status()['policy']['generation'], generation)
        expect('its state', p.state(tool)['state'], 'right')
        expect('another program', reads(lab, '/bin/cat'), False)


@scenario(RELOADED)
def an_old_file_that_is_kept_under_another_name_is_nobody(lab):
    with programs(lab, 'kept') as p:
        tool, old = p.path('tool'), p.path('tool.old')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool)
        p.load()
        os.link(tool, old)
        expect('the link, while it is the file', reads(lab, old), True)
        replace(tool)
        soon('the new file counts', lambda: reads(lab, tool))
        expect('the old file', reads(lab, old), False)
        n = lab.agent.tail.notice(kind='exe-changed', what=tool)
        expect_that(f'it is told: {n}', 'nobody' in n.why)
        os.rename(old, tool)
        soon('the old file counts where it was', lambda: reads(lab, tool))


@scenario(RELOADED)
def a_service_is_not_cut_off_by_an_upgrade(lab):
    with programs(lab, 'upgrade') as p:
        tool = p.path('tool')
        shutil.copy('/bin/sh', tool)
        p.name('tool', tool)
        p.load()
        with service(tool, lab) as one, service(tool, lab) as two, service(tool, lab) as three:
            replace(tool)
            lab.agent.tail.notice(kind='exe-changed', what=tool)
            soon('the new file counts', lambda: reads(lab, tool))
            expect('who runs the old one', one(), True)
            replace(tool, b'\0\0')
            lab.agent.tail.notice(kind='exe-changed', what=tool)
            expect('after another upgrade', two(), True)
            p.load()
            expect('after another policy', three(), True)
            expect('the files that are kept', p.state(tool)['replaced_kept'], 2)


@scenario(RELOADED)
def a_service_is_not_cut_off_while_dpkg_unpacks(lab):
    with programs(lab, 'dpkg') as p:
        tool = p.path('tool')
        shutil.copy('/bin/sh', tool)
        p.name('tool', tool)
        p.load()
        with service(tool, lab) as during, service(tool, lab) as after:
            another_cat(tool + '.dpkg-new')
            os.link(tool, tool + '.dpkg-tmp')
            os.rename(tool + '.dpkg-new', tool)
            lab.agent.tail.notice(kind='exe-changed', what=tool)
            expect('while its file has the name that dpkg gives it', during(), True)
            os.unlink(tool + '.dpkg-tmp')
            expect('when it is deleted', after(), True)


@scenario(RELOADED)
def an_old_file_that_is_written_to_is_nobody(lab):
    with programs(lab, 'written') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool)
        p.load()
        fd = os.open(tool, os.O_RDONLY)
        link = f'/proc/self/fd/{fd}'
        replace(tool)
        lab.agent.tail.notice(kind='exe-changed', what=tool)
        expect('by a descriptor of it', reads(lab, link, pass_fds=[fd]), True)
        out = os.open(link, os.O_WRONLY | os.O_APPEND)
        os.write(out, b'\0')
        os.close(out)
        n = lab.agent.tail.notice(kind='exe-gone', what=tool)
        expect_that(f'it is told: {n}', 'written' in n.why)
        expect('after it was written', reads(lab, link, pass_fds=[fd]), False)
        expect('the new one', reads(lab, tool), True)
        os.close(fd)


@scenario(RELOADED)
def a_pinned_executable_counts_only_while_it_has_the_digest(lab):
    with programs(lab, 'pinned') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool, digest(tool))
        p.load()
        expect('with the digest', reads(lab, tool), True)
        replace(tool)
        n = lab.agent.tail.notice(kind='exe-gone', what=tool)
        expect('whose it is', n.subjects, ['tool'])
        expect_that(f'why it is gone: {n}', 'digest' in n.why)
        expect('another file', reads(lab, tool), False)
        state = p.state(tool)
        expect('its state', (state['state'], state['subjects']), ('wrong', 'tool'))
        shutil.copy('/bin/cat', tool + '.new')
        os.rename(tool + '.new', tool)
        lab.agent.tail.notice(kind='exe-back', what=tool)
        expect('the right one again', reads(lab, tool), True)
        with open(tool, 'ab') as f:
            f.write(b'\0')
        lab.agent.tail.notice(kind='exe-gone', what=tool)
        expect('after it was written in place', reads(lab, tool), False)
        os.truncate(tool, os.path.getsize('/bin/cat'))
        lab.agent.tail.notice(kind='exe-back', what=tool)
        expect('after that was undone', reads(lab, tool), True)


@scenario(RELOADED)
def times_that_were_set_back_do_not_hide_a_change_of_a_pinned_executable(lab):
    with programs(lab, 'times') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool, digest(tool))
        p.load()
        st = os.stat(tool)
        with open(tool, 'r+b') as f:
            f.seek(-1, os.SEEK_END)
            f.write(b'\1')
        os.utime(tool, ns=(st.st_atime_ns, st.st_mtime_ns))
        lab.agent.tail.notice(kind='exe-gone', what=tool)
        expect('after the change', reads(lab, tool), False)


@scenario(RELOADED)
def a_change_of_mode_does_not_stop_a_pinned_service(lab):
    with programs(lab, 'mode') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        p.name('tool', tool, digest(tool))
        p.load()
        for mode in (0o711, 0o755) * 5:
            os.chmod(tool, mode)
            expect('meanwhile', reads(lab, tool), True)
        soon('it was looked at', lambda: p.state(tool)['state'] == 'right')
        expect('afterwards', reads(lab, tool), True)


@scenario(RELOADED)
def an_executable_that_was_missing_counts_when_it_comes(lab):
    with programs(lab, 'missing') as p:
        tool = os.path.join(p.dir, 'not', 'yet', 'tool')
        p.name('tool', tool)
        p.load()
        state = p.state(tool)
        expect('its state', state['state'], 'missing')
        expect_that(f'its fault: {state}', 'No such file' in state['fault'])
        os.makedirs(os.path.dirname(tool), 0o755)
        shutil.copy('/bin/cat', tool)
        lab.agent.tail.notice(kind='exe-back', what=tool)
        expect('when it is there', reads(lab, tool), True)
        os.unlink(tool)
        lab.agent.tail.notice(kind='exe-gone', what=tool)
        shutil.copy('/bin/cat', tool)
        lab.agent.tail.notice(kind='exe-back', what=tool)
        expect('when it is there again', reads(lab, tool), True)


@scenario(RELOADED)
def an_executable_behind_a_link_is_followed(lab):
    """As update-alternatives and releases in folders of their own do it."""
    with programs(lab, 'link') as p:
        for name in ('1.0', '2.0'):
            os.makedirs(p.path(name))
            another_cat(p.path(name + '/tool'), name.encode())
        os.symlink('1.0', p.path('current'))
        tool = p.path('current/tool')
        p.name('tool', tool)
        p.load()
        expect('1.0', reads(lab, p.path('1.0/tool')), True)
        expect('2.0', reads(lab, p.path('2.0/tool')), False)
        os.symlink('2.0', p.path('next'))
        os.rename(p.path('next'), p.path('current'))
        soon('2.0 counts', lambda: reads(lab, p.path('2.0/tool')))
        expect('1.0, which is still there', reads(lab, p.path('1.0/tool')), False)


@scenario(RELOADED)
def a_script_that_is_replaced_is_followed(lab):
    with programs(lab, 'script') as p:
        report = p.path('report')
        shutil.copy('/bin/cat', p.path('interpreter'))

        def write(path, text):
            with open(path, 'w') as f:
                f.write(f'#!{p.path("interpreter")}\n{text}')
            os.chmod(path, 0o755)
        write(report, '')
        p.name('nightly', report, key='script')
        p.load()
        expect('before', reads(lab, report), True)
        write(report + '.new', 'another\n')
        os.rename(report + '.new', report)
        soon('the new one counts', lambda: reads(lab, report))


@scenario(RELOADED)
def a_big_file_to_be_checked_holds_up_nobody(lab):
    with programs(lab, 'big') as p:
        tool = p.path('tool')
        shutil.copy('/bin/cat', tool)
        with open(tool, 'ab') as f:
            f.truncate(48 << 20)
        p.name('tool', tool, digest(tool))
        p.load()
        expect('with the digest', reads(lab, tool), True)
        with open(tool, 'r+b') as f:
            f.seek(-1, os.SEEK_END)
            f.write(b'\1')
        soon('it is being checked', lambda: p.state(tool)['state'] != 'right')
        during = p.state(tool)['state']
        expect('while it is checked', attempt(reads, lab, tool), False)
        lab.closed(lab.single, VENDOR)
        lab.agent.tail.notice(kind='exe-gone', what=tool)
        return None if during == 'checking' else f'it was {during} already'
