# SPDX-License-Identifier: GPL-2.0
"""How much: what sends were handed, to the byte, and files by their largest size."""
import json
import os
import socket
import subprocess

from harness import calls
from harness.actor import Actor, do
from harness.check import Deadline, attempt, expect, expect_that, scenario
from harness.lab import read_file
from harness.net import DGRAM, INET, Listener, connect
from harness.stages import ENFORCED
from harness.world import DESK, HOME4, KEEPER, call
from scenarios.record import ledger_of
from scenarios.told import INTERVAL_SECONDS, PORT, ended, rows, told

TIMES = 1000
# Of the zone, and nobody else's: so a report has what these scenarios sent and nothing else.
NEAR = [f'10.20.7.{n}' for n in range(1, 9)]


def near_is_here():
    for ip in NEAR:
        call('ip', 'addr', 'replace', f'{ip}/32', 'dev', 'lo')


def has_sendpage():
    """Up to 6.4 what goes from a file to a socket is seen without its size."""
    return tuple(int(n) for n in os.uname().release.split('.')[:2]) < (6, 5)


def handed(lab, pid):
    """By destination: all that its sends were handed, as far as the ledger says."""
    got = rows(lab, 'dest, sum(bytes)', f"pid={pid} AND op='send' AND blocked=0 GROUP BY dest")
    return {dest: int(n) if n else None for dest, n in got}


def unknown(lab, pid):
    """Destinations and acts of sends of which nobody said how much."""
    return set(rows(lab, 'dest, act', f"pid={pid} AND op='send' AND bytes IS NULL"))


def report(lab, store):
    r = subprocess.run([f'{lab.programs}/amanat', 'report', 'exposure', '--store', store, '--json',
                        '--ledger', ledger_of(lab.agent)],
                       capture_output=True, text=True)
    expect(f'the status ({r.stderr})', r.returncode, 0)
    return json.loads(r.stdout)


def udp(ip):
    return f'{ip}:{PORT}/udp'


@scenario(ENFORCED)
def each_destination_has_exactly_what_was_handed_to_its_sends(lab):
    sizes = [n % 13 + 1 for n in range(TIMES)]
    near_is_here()

    def script():
        read_file(lab.single)
        with connect(HOME4, PORT) as tcp, socket.socket(INET, DGRAM) as far, \
             socket.socket(INET, DGRAM) as near:
            os.write(tcp.fileno(), b'w' * 4000)
            os.writev(tcp.fileno(), [b'v' * 10, b'v' * 20])
            tcp.sendmsg([b'a' * 100, b'', b'b' * 23, b'c'])
            far.connect((NEAR[2], PORT))
            for n in sizes:
                far.send(b'x' * n)
            for ip, n, times in ((NEAR[0], 333, 1), (NEAR[1], 1444, 5), (NEAR[0], 1, 2)):
                for _ in range(times):
                    near.sendto(b'x' * n, (ip, PORT))
            near.sendto(b'', (NEAR[0], PORT))
            for n in sizes:
                tcp.send(b'x' * n)
        yield 1
    with Listener(HOME4, PORT) as listener, Listener(NEAR[2], PORT, DGRAM):
        a = Actor(DESK, script)
        a.step()
        arrived = len(listener.heard())
        pid = ended(a)
    want = {f'{HOME4}:{PORT}/tcp': 4000 + 30 + 124 + sum(sizes), udp(NEAR[0]): 333 + 2,
            udp(NEAR[1]): 5 * 1444, udp(NEAR[2]): sum(sizes)}
    expect('what arrived by TCP', arrived, want[f'{HOME4}:{PORT}/tcp'])
    expect('in the ledger', handed(lab, pid), want)
    expect('of unknown size', unknown(lab, pid), set())
    to = {d['to']: d['sent'] for d in report(lab, 'single')['destinations']}
    for ip in NEAR[:3]:
        expect(f'in the report, to {ip}', to[udp(ip)], {'at_most': want[udp(ip)], 'unsized': 0})
    code, out, err = lab.agent.ask('replay', f'pid={pid}', f'dest={NEAR[2]}', '--sum', 'by=dest',
                                   '--json')
    expect(f'the status of replay: {out}{err}', code, 0)
    total = json.loads(out)
    total = total[0] if isinstance(total, list) else total
    expect('in a sum', (int(total['bytes']), int(total['unsized'])), (sum(sizes), 0))
    lines = [e.json for e in lab.agent.tail.events if e.pid == pid and e.ip == NEAR[0]]
    return f'{sum(want.values())} bytes, {len(lines)} lines of a tail'


@scenario(ENFORCED)
def what_is_sent_while_repeats_are_told_adds_up(lab):
    """Two processes that change between destinations, and the sweep comes by."""
    near_is_here()
    lab.agent.tail.forget()

    def sending(ips):
        read_file(lab.single)
        with socket.socket(INET, DGRAM) as s:
            n = 0
            while True:
                for _ in range(TIMES // 10):
                    n += 1
                    # Seven at a time, so that most are repeats.
                    s.sendto(b'x' * (n % 90 + 1), (ips[n // 7 % len(ips)], PORT))
                yield n
    with Actor(DESK, sending, NEAR[3:5]) as a, Actor(DESK, sending, NEAR[3:6]) as b:
        done = [0, 0]

        def go_on():
            a.begin()
            b.begin()
            done[:] = a.answer(), b.answer()
        go_on()
        deadline = Deadline(INTERVAL_SECONDS)
        while len(told(lab, a.pid)) < 3:
            expect_that(f'repeats are told in time: {told(lab, a.pid)}', not deadline.passed())
            lab.agent.tail.take(0.1)
            go_on()
        pids = a.pid, b.pid
    for pid, n, ips in zip(pids, done, (NEAR[3:5], NEAR[3:6])):
        want = dict.fromkeys((udp(ip) for ip in ips), 0)
        for i in range(1, n + 1):
            want[udp(ips[i // 7 % len(ips)])] += i % 90 + 1
        expect('bytes by destination', handed(lab, pid), want)
        expect('of unknown size', unknown(lab, pid), set())
        got = rows(lab, "sum(CASE kind WHEN 'repeat' THEN count ELSE 1 END)",
                   f"pid={pid} AND op='send'")
        expect('sends', got, [(str(n),)])
    return f'{sum(done)} sends'


@scenario(ENFORCED)
def a_file_that_is_sent_by_the_kernel_is_not_taken_for_nothing(lab):
    path = os.path.join(lab.outside, 'to-be-sent')
    with open(path, 'wb') as f:
        f.write(b'x' * 5000)
    os.chmod(path, 0o644)

    def script():
        read_file(lab.single)
        fd = os.open(path, os.O_RDONLY)
        with connect(HOME4, PORT) as s:
            s.sendall(b'y' * 70)
            yield os.sendfile(s.fileno(), fd, 0, 5000)
    with Listener(HOME4, PORT) as listener:
        a = Actor(DESK, script)
        expect('how much sendfile() sent', a.step(), 5000)
        pid = ended(a)
        expect('what arrived', len(listener.heard()), 5070)
    dest = f'{HOME4}:{PORT}/tcp'
    if has_sendpage():
        expect('of unknown size', unknown(lab, pid), {(dest, 'splice')})
        expect('what is known', handed(lab, pid), {dest: 70})
        return 'told as unknown'
    expect('of unknown size', unknown(lab, pid), set())
    expect('what is known', handed(lab, pid), {dest: 5070})
    return 'told exactly'


@scenario(ENFORCED)
def messages_that_nobody_is_asked_about_are_not_taken_for_none(lab):
    """sendmmsg() asks about the first message to an address only."""
    data = b'x' * 50
    near_is_here()

    def script():
        read_file(lab.single)
        with socket.socket(INET, DGRAM) as s:
            yield attempt(calls.sendmmsg, s.fileno(), data,
                          [(NEAR[6], PORT)] * 3 + [(NEAR[7], PORT)])
    a = Actor(DESK, script)
    expect('how many were sent', a.step(), 4)
    pid = ended(a)
    expect('of unknown size', unknown(lab, pid), {(udp(NEAR[6]), 'send')})
    expect('what is known', handed(lab, pid), {udp(NEAR[6]): None, udp(NEAR[7]): 50})
    to = {d['to']: d['sent'] for d in report(lab, 'single')['destinations']}
    expect('in the report', to[udp(NEAR[6])], {'at_most': 50, 'unsized': 1})


@scenario(ENFORCED)
def a_file_that_grows_while_it_is_read_counts_by_its_largest_size(lab):
    path = lab.put('growing.csv')
    before = os.stat(path).st_size

    def reading():
        fd = os.open(path, os.O_RDONLY)
        while True:
            yield len(os.pread(fd, 1 << 16, 0))

    def grow():
        with open(path, 'ab') as f:
            f.write(b'z' * 5000)
        return True
    a = Actor(DESK, reading)
    expect('what is read at first', a.step(), before)
    expect('the keeper writes more', do(KEEPER, grow), True)
    expect('what is read then', a.step(), before + 5000)
    pid = ended(a)
    got = rows(lab, 'kind, size', f"pid={pid} AND op='read'")
    expect_that(f'the size at first and at last: {got}',
                ('access', str(before)) in got and ('repeat', str(before + 5000)) in got)
    files = {f['path']: f['bytes'] for f in report(lab, 'registry')['files']}
    expect('in the report', files[path], before + 5000)
