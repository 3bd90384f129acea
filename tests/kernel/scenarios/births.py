# SPDX-License-Identifier: GPL-2.0
"""Who began whom: the ancestors of who touches data, though they touch none and have ended; and
what a process begins that carries labels."""
import json
import os
import subprocess
import sys

from harness.check import expect, expect_that, fail, scenario
from harness.lab import SECRET
from harness.stages import ENFORCED, STRESSED
from harness.world import DESK, VENDOR
from scenarios.told import rows, script_in

VALIDATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'ocsf', 'validate')
CHILDREN = 40


def tree(lab, *words):
    """The processes of `replay --tree`, parents first."""
    lab.agent.wait_recorded()
    code, out, err = lab.agent.ask('replay', '--tree', '--json', *words)
    expect(f'exit status of replay --tree {words}: {out}{err}', code, 0)
    return [json.loads(line) for line in out.splitlines()]


def line_of(processes, pid):
    """From this process up to the first that is known."""
    by_birth = {(p['pid'], p.get('start_ms')): p for p in processes}
    found = [p for p in processes if p['pid'] == pid]
    expect(f'how often process {pid} is in {processes}', len(found), 1)
    line = found
    while 'parent' in line[-1]:
        parent = line[-1]['parent']
        if (parent['pid'], parent.get('start_ms')) not in by_birth:
            break
        line.append(by_birth[parent['pid'], parent.get('start_ms')])
    return line


def comms(line):
    return [p['was'][0]['comm'] if p['was'] else None for p in line]


def chain_in(lab, name, act):
    """A script that begins a shell, which begins what touches the data."""
    path = script_in(lab, name, sys.executable)
    with open(path, 'a') as f:
        f.write('import subprocess, sys\n'
                f'subprocess.run(["/bin/sh", "-c", {act!r}, sys.argv[1]])\n')
    return path


def grandchild(lab, pid):
    """Who touches the data at the end of such a chain."""
    got = rows(lab, 'DISTINCT pid', "kind='access' AND ppid IN "
               f"(SELECT pid FROM events WHERE kind='process' AND ppid={pid})")
    expect(f'grandchildren of {pid} that touched data: {got}', len(got), 1)
    return int(got[0][0])


@scenario(ENFORCED)
def parents_that_touched_nothing_and_ended_are_known_by_name(lab):
    path = chain_in(lab, 'session.py', '/bin/cat "$0" >/dev/null; :')
    r = lab.run(DESK, path, lab.single)
    expect('its status', r.status, 0)
    cat = grandchild(lab, r.pid)
    line = line_of(tree(lab, f'pid={cat}'), cat)
    expect('who began whom', comms(line)[:3], ['cat', 'sh', 'session.py'])
    expect('by number', line[2]['pid'], r.pid)
    expect_that(f'each is recorded, with the user: {line}', all(
        p['recorded'] and p['was'][0]['uid'] == DESK.uid for p in line[:3]))
    expect('the shell, which touched nothing', line[1]['touched'], [])
    expect_that(f'and who began them, up to the harness: {comms(line)}',
                os.getpid() in [p['pid'] for p in line])
    code, out, err = lab.agent.ask('replay', '--tree', f'pid={cat}')
    expect_that(f'as text: {code} {out} {err}', code == 0 and f'session.py[{r.pid}]' in out and
                'of which the record has nothing' not in out)


@scenario(ENFORCED)
def the_ancestors_of_a_refused_process_are_known(lab):
    path = chain_in(lab, 'intruder.py', '/bin/cat "$0" 2>/dev/null; :')
    r = lab.run(VENDOR, path, lab.single)
    cat = grandchild(lab, r.pid)
    line = line_of(tree(lab, f'pid={cat}'), cat)
    expect('what it did', [(t['done'], t['refused'] > 0) for t in line[0]['touched']], [(0, True)])
    expect('who began whom', comms(line)[:3], ['cat', 'sh', 'intruder.py'])
    expect('by number', line[2]['pid'], r.pid)


@scenario(ENFORCED)
def what_a_process_with_labels_begins_is_told_though_it_touches_nothing(lab):
    path = script_in(lab, 'holder.py', sys.executable)
    with open(path, 'a') as f:
        f.write('import os, subprocess, sys\n'
                'subprocess.run(["/bin/true"])\n'
                'open(sys.argv[1]).read()\n'
                'child = os.fork()\n'
                'if not child: os.execv("/bin/sh", ["sh", "-c", "/bin/sleep 0; :"])\n'
                'os.waitpid(child, 0)\n')
    r = lab.run(DESK, path, lab.single)
    expect('its status', r.status, 0)
    got = rows(lab, 'act, comm, exe, script, label', f"kind='process' AND ppid={r.pid} AND act<>'ancestor'")
    expect_that(f'the child before it was the shell: {got}',
                ('fork', 'holder.py', os.path.realpath(sys.executable), path) in [g[:4] for g in got])
    expect_that(f'and then, what it ran: {got}',
                ('exec', 'sh', os.path.realpath('/bin/sh'), '') in [g[:4] for g in got])
    expect_that(f'with the labels: {got}', all(g[4] for g in got))
    expect('what it began before it had read', [g for g in got if g[1] == 'true'], [])
    processes = tree(lab, f'pid={r.pid}', '--children')
    sleep = [p for p in processes if p['was'] and p['was'][-1]['comm'] == 'sleep']
    expect(f'the grandchild in {processes}', len(sleep), 1)
    expect('who began it', comms(line_of(processes, sleep[0]['pid']))[:3], ['sleep', 'sh', 'holder.py'])
    expect('what it touched', sleep[0]['touched'], [])


@scenario(ENFORCED)
def processes_without_labels_leave_no_trace(lab):
    r = lab.run(DESK, '/bin/sh', '-c', '/bin/true; /bin/sh -c "/bin/true; :"; :')
    expect('its status', r.status, 0)
    lab.open_to(DESK, lab.single, SECRET)     # so that there is something to wait for
    # The shell itself is begun by the harness, which an event may have told of.
    expect('rows of its children', rows(lab, '*', f'ppid={r.pid}'), [])


@scenario(ENFORCED)
def processes_that_begin_are_no_accesses(lab):
    path = chain_in(lab, 'counted.py', '/bin/cat "$0" >/dev/null; :')
    r = lab.run(DESK, path, lab.single)
    lab.agent.wait_recorded()
    code, out, err = lab.agent.ask('replay', f'ppid={r.pid}', '--csv', '--sum', 'by=kind')
    expect_that(f'not in sums: {code} {out} {err}', 'process' not in out)
    code, out, err = lab.agent.ask('replay', f'pid={r.pid}')
    expect_that(f'not among accesses: {code} {out} {err}', code == 1 and not out)
    code, out, err = lab.agent.ask('replay', f'pid={r.pid}', 'kind=process')
    expect_that(f'but there for who asks: {code} {out} {err}', code == 0 and 'counted.py' in out)
    code, out, err = lab.agent.ask('replay', 'kind=process', '--json')
    valid = subprocess.run([VALIDATE], input=out, capture_output=True, text=True)
    expect_that(f'as OCSF has them: {valid.stdout[:1000]}', valid.returncode == 0)


@scenario(ENFORCED)
def who_follows_events_sees_processes_if_he_asks(lab):
    tail = lab.another_tail('kind=process')
    try:
        path = chain_in(lab, 'followed.py', '/bin/cat "$0" >/dev/null; :')
        lab.run(DESK, path, lab.single)
        got = tail.wait(kind='process', act='ancestor', comm='followed.py')
        expect('its user', got.uid, DESK.uid)
    finally:
        tail.end()
    lab.agent.tail.take()
    expect('among accesses', [e for e in lab.agent.tail.events if e.kind == 'process'], [])


@scenario(STRESSED)
def many_children_at_once_are_all_told(lab):
    path = script_in(lab, 'many.py', sys.executable)
    with open(path, 'a') as f:
        f.write('import os, sys\n'
                'open(sys.argv[1]).read()\n'
                f'for i in range({CHILDREN}):\n'
                '    if not os.fork(): os.execv("/bin/true", ["true"])\n'
                f'for i in range({CHILDREN}): os.wait()\n')
    before = lab.agent.status()['counters']['bulk-lost']
    r = lab.run(DESK, path, lab.single)
    expect('its status', r.status, 0)
    got = rows(lab, 'act, count(DISTINCT pid)', f"kind='process' AND ppid={r.pid} AND act<>'ancestor' "
               'GROUP BY act ORDER BY act')
    if lab.agent.status()['counters']['bulk-lost'] != before:
        fail('the ring was full')
    expect('children told', got, [('exec', str(CHILDREN)), ('fork', str(CHILDREN))])
