# SPDX-License-Identifier: GPL-2.0
"""Who is asking, by what is not in a process's credentials."""
import contextlib
import os
import shutil

from harness.actor import Actor
from harness.check import Deadline, attempt, expect, fail, refused, scenario
from harness.lab import SECRET, read_file
from harness.policy import NIGHT_SHIFT
from harness.stages import ENFORCED
from harness.world import ACME, ROOT, VENDOR

CGROUPS = '/sys/fs/cgroup'
CGROUP_SECONDS = 10     # in which who was in a cgroup is gone from it


def log_in(uid):
    with open('/proc/self/loginuid', 'w') as f:
        f.write(str(uid))


@scenario(ENFORCED)
def who_logged_in_counts_whoever_they_became(lab):
    def script():
        yield attempt(read_file, lab.single)
        log_in(NIGHT_SHIFT)
        yield attempt(read_file, lab.single)
        VENDOR.become()
        yield attempt(read_file, lab.single)
        child = os.fork()
        if not child:
            os._exit(attempt(read_file, lab.single) == SECRET)
        yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def other():
        log_in(NIGHT_SHIFT + 1)
        yield attempt(read_file, lab.single)
    with Actor(ROOT, script) as a:
        refused('before the login', a.step())
        expect('after it', a.step(), SECRET)
        expect('as somebody else', a.step(), SECRET)
        expect('a child', a.step(), 1)
    with Actor(ROOT, other) as a:
        refused('after the login of somebody else', a.step())


@contextlib.contextmanager
def cgroup(*parts):
    """A cgroup for a while, with all that is above it."""
    made = []
    try:
        for n in range(len(parts)):
            path = os.path.join(CGROUPS, *parts[:n + 1])
            if not os.path.isdir(path):
                os.mkdir(path)
                made.append(path)
        yield path
    finally:
        for path in reversed(made):
            deadline = Deadline(CGROUP_SECONDS)
            # Those who were in it are gone from it a moment after they have ended.
            while attempt(os.rmdir, path) == 'EBUSY' and not deadline.passed():
                pass


def enter(path):
    with open(os.path.join(path, 'cgroup.procs'), 'w') as f:
        f.write(str(os.getpid()))


def reader_in(path, lab):
    """Reads in the cgroup, in the root cgroup, and so on."""
    def script():
        while True:
            enter(path)
            yield attempt(read_file, lab.single)
            enter(CGROUPS)
            yield attempt(read_file, lab.single)
    return Actor(ROOT, script)


def counts_at_once(actor, what):
    """A cgroup that was made after the policy came into force, by who enters it first."""
    expect(f'inside {what}', actor.step(), SECRET)
    refused(f'outside of {what}', actor.step())


@scenario(ENFORCED)
def a_cgroup_counts_from_the_moment_of_entry(lab):
    with cgroup('jobs') as path, reader_in(path, lab) as a:
        counts_at_once(a, 'the cgroup')
        for _ in range(3):
            expect('inside', a.step(), SECRET)
            refused('outside', a.step())
    with cgroup('jobs', 'night', '7') as path, reader_in(path, lab) as a:
        counts_at_once(a, 'a cgroup within it')


@scenario(ENFORCED)
def a_cgroup_of_a_similar_name_does_not_count(lab):
    for parts in (('jobs2',), ('elsewhere', 'jobs')):
        with cgroup(*parts) as path, reader_in(path, lab) as a:
            refused(f'in {path}', a.step())


@scenario(ENFORCED)
def a_unit_counts_from_each_start_of_it(lab):
    for start in ('first', 'second', 'third'):
        with cgroup('system.slice', 'counter.service') as path, reader_in(path, lab) as a:
            counts_at_once(a, f'the unit, at its {start} start')


@scenario(ENFORCED)
def a_unit_of_a_users_own_manager_or_of_a_container_is_none(lab):
    """Whoever runs those calls their units what he likes."""
    for above, unit in (('user.slice/user-5.slice/user@5.service/app.slice', 'user@5.service'),
                        ('system.slice/box-7.scope', 'box-7.scope'),
                        ('system.slice/box-8.scope/system.slice', 'box-8.scope'),
                        ('nowhere', '/nowhere/counter.service')):
        with cgroup(*above.split('/'), 'counter.service') as path, reader_in(path, lab) as a:
            refused(f'in {path}', a.step())
            told = lab.event(pid=a.pid).json['unmapped']
            expect(f'the unit that is told of who is in {path}', told.get('unit'), unit)


def status_of(lab, *argv):
    return lab.run(VENDOR, *argv).status


@scenario(ENFORCED)
def a_script_that_is_named_counts_as_itself_alone(lab):
    report, copy = os.path.join(lab.bin, 'report'), os.path.join(lab.bin, 'report-copy')
    interpreter = os.path.join(lab.bin, 'interpreter')
    shutil.copy(report, copy)
    expect('the script', status_of(lab, report, lab.single), 0)
    expect('its interpreter alone', status_of(lab, interpreter, lab.single), 1)
    expect('the interpreter reading it', status_of(lab, interpreter, report, lab.single), 1)
    expect('a copy of it', status_of(lab, copy, lab.single), 1)


@scenario(ENFORCED)
def an_executable_with_another_digest_is_nobody(lab):
    expect('with the right digest', status_of(lab, os.path.join(lab.bin, 'pinned'), lab.single), 0)
    expect('with a wrong one', status_of(lab, os.path.join(lab.bin, 'mispinned'), lab.single), 1)


@scenario(ENFORCED)
def nobody_else_becomes_a_subject_by_having_no_login(lab):
    """An unset login uid is no login, and matches none."""
    def script():
        yield open('/proc/self/loginuid').read()
        yield attempt(read_file, lab.single)
    with Actor(ACME, script) as a:
        expect('the login', a.step(), str(0xffffffff))
        refused('reading', a.step())
