# SPDX-License-Identifier: GPL-2.0
"""Who is asking, at this moment."""
import os
import shutil
import subprocess
import threading

from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import ACME, CLERKS, DESK, ROOT, VENDOR


@scenario(ENFORCED)
def becoming_the_allowed_user_and_back_counts_each_time(lab):
    path = lab.put('changing-user.csv')

    def script():
        fd = -1
        for uid in (0, DESK.uid, 0, DESK.uid):
            os.seteuid(uid)
            yield attempt(read_file, path)
            if fd >= 0:
                yield attempt(os.pread, fd, 5, 0)
            if uid and fd < 0:
                fd = os.open(path, os.O_RDONLY)
        os.setresuid(DESK.uid, DESK.uid, DESK.uid)
        yield attempt(read_file, path)
    with Actor(ROOT, script) as a:
        refused('as root', a.step())
        expect('as the desk', a.step(), SECRET)
        refused('as root again', a.step())
        refused('as root again, by a descriptor of the desk', a.step())
        expect('as the desk again', a.step(), SECRET)
        expect('as the desk again, by the descriptor', a.step(), SECRET[:5])
        expect('as the desk for good', a.step(), SECRET)


@scenario(ENFORCED)
def one_thread_that_changes_its_user_changes_nothing_for_another(lab):
    path = lab.put('thread-user.csv')

    def script():
        from harness.world import check, libc
        results = []

        def other():
            # By the bare system call: the C library would change all threads.
            check(libc.syscall(117, DESK.uid, DESK.uid, DESK.uid))
            results.append(attempt(read_file, path))
        t = threading.Thread(target=other)
        t.start()
        t.join()
        results.append(attempt(read_file, path))
        yield results
    with Actor(ROOT, script) as a:
        expect('the thread and the other', a.step(), [SECRET, 'EACCES'])


@scenario(ENFORCED)
def a_supplementary_group_counts(lab):
    path = lab.put('groups.csv')
    refused('without the group', lab.read(VENDOR, path))
    expect('with it', lab.read(VENDOR.with_groups(CLERKS), path), SECRET)
    expect('among others', lab.read(VENDOR.with_groups(1, 2, 3, CLERKS, 5), path), SECRET)
    expect('as the effective group', lab.read(VENDOR._replace(gid=CLERKS), path), SECRET)

    def script():
        os.setgroups([CLERKS])
        os.seteuid(VENDOR.uid)
        yield attempt(read_file, path)
        os.seteuid(0)
        os.setgroups([])
        os.seteuid(VENDOR.uid)
        yield attempt(read_file, path)
    with Actor(ROOT, script) as a:
        expect('while in the group', a.step(), SECRET)
        refused('after leaving it', a.step())


@scenario(ENFORCED)
def a_deny_rule_wins_over_an_allow_rule_and_is_told_by_name(lab):
    path = lab.put('denied.csv')
    e = lab.closed(path, ACME.with_groups(CLERKS))
    expect('the reason in the event', e.reason, 'rule-denies')
    expect_that(f'the event names the rule: {e.why!r}', 'acme-support' in e.why and 'rule' in e.why)


def cat(lab, user, program, path):
    r = lab.run(user, program, path)
    return r.status, r.pid


@scenario(ENFORCED)
def a_named_executable_may_read_and_its_copy_may_not(lab):
    path = lab.put('viewed.csv')
    copy, link = os.path.join(lab.bin, 'viewer-copy'), os.path.join(lab.bin, 'viewer-link')
    shutil.copy(lab.viewer, copy)
    os.link(lab.viewer, link)
    expect('the executable', cat(lab, VENDOR, lab.viewer, path)[0], 0)
    expect('a hard link to it', cat(lab, VENDOR, link, path)[0], 0)
    status, pid = cat(lab, VENDOR, copy, path)
    expect('a copy of it', status, 1)
    expect('the executable in the event', lab.event(pid=pid, blocked=True).exe, copy)


@scenario(ENFORCED)
def a_process_that_calls_itself_like_the_executable_may_not_read(lab):
    path = lab.put('viewed-by-name.csv')
    r = lab.run(VENDOR, lab.viewer, path, executable='/bin/cat')
    expect('its status', r.status, 1)


@scenario(ENFORCED)
def exec_changes_who_is_asking(lab):
    path = lab.put('viewed-later.csv')

    def script():
        null = os.open('/dev/null', os.O_WRONLY)
        for program in ('/bin/cat', lab.viewer):
            child = os.fork()
            if not child:
                attempt(read_file, path)    # so that facts about the process are cached
                os.dup2(null, 1)
                os.dup2(null, 2)
                os.execv(program, [program, path])
            yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with Actor(VENDOR, script) as a:
        expect('another program', a.step(), 1)
        expect('the named executable', a.step(), 0)


@scenario(ENFORCED)
def a_script_is_its_interpreter(lab):
    """Stated in the manual: a rule for a script's path would be one for nobody."""
    path, script = lab.put('by-script.csv'), os.path.join(lab.bin, 'script')
    with open(script, 'w') as f:
        f.write(f'#!{lab.viewer}\n')
    os.chmod(script, 0o755)
    r = subprocess.run([script, path], user=VENDOR.uid, group=VENDOR.gid, extra_groups=[],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    expect('its status', r.returncode, 0)


@scenario(ENFORCED)
def nobody_else_may_read(lab):
    path = os.path.join(lab.registry, 'citizens.csv')
    for user in (ROOT, VENDOR, ACME):
        refused(user.name, do(user, read_file, path))
