# SPDX-License-Identifier: GPL-2.0
"""What events hold: who acted, with all that subjects ask for; each destination; and every
access, the first of its kind by itself and further ones as counts."""
import csv
import io
import json
import os
import socket
import subprocess
import sys

from harness.actor import Actor, User
from harness.check import Deadline, attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.net import DGRAM, INET
from harness.stages import ENFORCED, RELOADED
from harness.world import CLERKS, DESK, ROOT, VENDOR
from scenarios.explain import explain, explained, has, uid_of
from scenarios.learn import learn, now
from scenarios.purpose import screened
from scenarios.record import ledger_of

INTERVAL_SECONDS = 120      # it is 10 s; an emulated machine may be slow
TIMES = 1000
PORT = 5432
ZONE = ('10.20.0.5', '10.20.0.6', '10.20.0.7')


def rows(lab, what, where):
    """Of the ledger, once all is in it."""
    lab.agent.wait_recorded()
    code, out, err = lab.agent.ask('sql', '--csv', f'SELECT {what} FROM events WHERE {where}')
    expect(f'exit status of sql: {out}{err}', code, 0)
    return [tuple(r) for r in list(csv.reader(io.StringIO(out)))[1:]]


def ended(actor):
    """Its process id, once it is gone: then all of its repeats are told."""
    actor.end()
    return actor.pid


def script_in(lab, name, interpreter='/bin/cat'):
    path = os.path.join(lab.outside, name)
    with open(path, 'w') as f:
        f.write(f'#!{interpreter}\n')
    os.chmod(path, 0o755)
    return path


# ---- who ---------------------------------------------------------------------------

@scenario(ENFORCED)
def an_event_holds_the_script_and_every_group(lab):
    path = script_in(lab, 'nightly sync')
    user = VENDOR.with_groups(61990, CLERKS + 500, 27)
    r = lab.run(user, path, lab.single)
    expect_that(f'the script does not read: {r.status}', r.status != 0)
    e = lab.event(pid=r.pid, blocked=True)
    expect('its script', e.json['unmapped'].get('script'), path)
    expect('its interpreter', e.exe, os.path.realpath('/bin/cat'))
    groups = {g['uid'] for g in e.json['actor']['user']['groups']}
    expect('its groups', groups, {str(g) for g in (VENDOR.gid, 61990, CLERKS + 500, 27)})
    more = explained(lab, uid_of(e))
    expect('the script as explained', more['process']['script'], path)
    expect('the groups', set(more['process']['gids']), {VENDOR.gid, 61990, CLERKS + 500, 27})
    expect('nothing is left open', more.get('note'), None)
    for term in (f'script={path}', 'group=61990', 'group=27'):
        words = (term.replace(' ', '?'), f'pid={r.pid}', '--csv')
        code, out, err = lab.agent.ask('replay', *words)
        expect_that(f'replay {words}: {code} {out} {err}', code == 0 and path in out)
    got = rows(lab, 'script, "group"', f'pid={r.pid} AND verdict=\'deny\'')
    expect_that(f'in the ledger: {got}', got and got[0][0] == path and '61990' in got[0][1])


@scenario(ENFORCED)
def a_script_is_told_of_its_children_and_of_no_program_that_it_starts(lab):
    path = script_in(lab, 'forks.py', sys.executable)
    with open(path, 'a') as f:
        f.write('import os, subprocess, sys\n'
                'def try_it():\n'
                '    try: open(sys.argv[1]).read()\n'
                '    except PermissionError: pass\n'
                'child = os.fork()\n'
                'if not child: try_it(); os._exit(0)\n'
                'os.waitpid(child, 0)\n'
                'subprocess.run(["/bin/cat", sys.argv[1]], stderr=subprocess.DEVNULL)\n')
    r = lab.run(VENDOR, path, lab.single)
    expect('its status', r.status, 0)
    lab.event(comm='cat', uid=VENDOR.uid, blocked=True)
    got = rows(lab, 'DISTINCT comm, script', f'ppid={r.pid} AND verdict=\'deny\'')
    expect('the child and the program', set(got), {('forks.py', path), ('cat', '')})


@scenario(ENFORCED)
def more_groups_than_are_looked_at_are_told_as_such(lab):
    e = lab.closed(lab.single, VENDOR.with_groups(*range(62000, 62080)))
    expect('the reason', e.reason, 'unknown-fact')
    expect('that there are more', e.json['unmapped'].get('groups_cut'), True)
    expect('and that a fact is unknown', e.json['unmapped'].get('unknown_fact'), True)
    expect('those that are told', len(e.json['actor']['user']['groups']), 65)


@scenario(RELOADED)
def a_refusal_for_want_of_a_purpose_is_explained_with_every_fact(lab):
    with screened(lab) as store:
        none = lab.closed(store.path, VENDOR)
        text = explain(lab, uid_of(none))
        has(text, 'run by vendor (uid 61003)', ' under no purpose', 'reason   purpose',
            'needs    purpose=kyc')
        expect_that(f'every fact is there: {text}', 'note ' not in text)
        r = store.run(VENDOR, '--', 'cat', store.path, purpose='marketing')
        expect_that(f'another purpose opens nothing: {r.status}', r.status != 0)
        other = lab.event(pid=r.pid, blocked=True)
        expect('the purpose of the event', other.json['unmapped'].get('purpose'), 'marketing')
        more = explained(lab, uid_of(other))
        expect('as explained', (more['process']['purpose'], more.get('note')), ('marketing', None))
        r = store.run(VENDOR, '--', 'cat', store.path)
        expect('under the right one', r.status, 0)
        got = rows(lab, 'DISTINCT purpose, verdict', f"pid={r.pid} AND store='screened'")
        expect_that(f'in the ledger: {got}', got == [('kyc', 'allow')])
        code, out, err = lab.agent.ask('replay', 'purpose=kyc', 'store=screened', '--csv')
        expect_that(f'by the filter: {code} {err}', code == 0 and str(r.pid) in out)


# ---- the past, again -------------------------------------------------------------------

def storm(store, path, script, times):
    """Each time by another mix of facts."""
    def as_user(user, *argv, purpose=None, group=None):
        argv = list(argv)
        if purpose:
            argv = store.words(purpose) + argv
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, user=user.uid, group=user.gid,
                       extra_groups=[group] if group else [])
    for _ in range(times):
        for user in (VENDOR, DESK):
            as_user(user, '/bin/cat', store.path, path)
            as_user(user, '/bin/cat', store.path, path, group=CLERKS)
            as_user(user, script, store.path, path)
        as_user(VENDOR, '/bin/cat', store.path, purpose='kyc')
        as_user(VENDOR, script, store.path, path, purpose='marketing', group=CLERKS)


def replayed(lab, *words):
    """What is said of the ledger that is being written."""
    r = subprocess.run([f'{lab.programs}/amanat', 'replay', '--json', '--ledger',
                        ledger_of(lab.agent), '--history', lab.agent.state, *words],
                       capture_output=True, text=True)
    return r.returncode, json.loads(r.stdout) if r.stdout else r.stderr


@scenario(RELOADED)
def a_storm_of_purposes_groups_and_scripts_decided_again_is_what_was_recorded(lab):
    path = lab.put('clerks.csv')
    script = os.path.join(lab.bin, 'report')
    with screened(lab) as store:
        generation = lab.agent.status()['policy']['generation']
        storm(store, path, script, 8)
        lab.agent.wait_recorded()
        only = f'generation={generation}'
        code, proof = replayed(lab, '--as-was', only)
        expect(f'all are equal: {proof}', (code, proof['different'], proof['not_recomputed']),
               (0, 0, []))
        expect_that(f'there were many: {proof}', proof['equal'] == proof['recomputed'] > 100)
        # Another policy, that turns on each of these facts.
        other = lab.world.path('other.yaml')
        with open(lab.agent.policy) as f, open(other, 'w') as to:
            to.write(f.read().replace('allow clerks to read registry', 'allow report to read registry')
                     .replace('allow teller to read screened', 'allow clerks to read screened'))
        _, answer = replayed(lab, '--policy', other, only)
        expect(f'all can be told: {answer}', answer['cannot_be_told'], [])
        expect_that(f'and some are otherwise: {answer}', answer['lost'] > 0)
    return f'{proof["equal"]} equal; {answer["lost"]} lost, {answer["gained"]} gained, ' \
           f'{answer["same"]} the same'


# ---- learning ---------------------------------------------------------------------------

@scenario(RELOADED)
def scripts_and_groups_are_learned_where_they_are_the_smaller_subject(lab):
    lab.agent.reload(lab.policy())
    script, since = script_in(lab, 'export.sh'), now()
    for n in range(3):
        lab.run(User(f'nurse{n}', 61700 + n, 61700 + n, [61800]), '/bin/cat', lab.single)
    expect_that('the script does not read', lab.run(VENDOR, script, lab.single).status != 0)
    lab.event(uid=VENDOR.uid, op='read', blocked=True)
    lab.agent.wait_recorded()
    proposal = learn(lab, '--store', 'single', '--since', since)
    for words in (f'script: "{script}"', 'allow export.sh-vendor to read single', 'group: 61800',
                  '# 3 users of this group were seen', 'allow cat-61800 to read single'):
        expect_that(f'{words!r} is proposed: {proposal}', words in proposal)
    expect_that(f'no nurse by herself: {proposal}', 'user: 61700' not in proposal)


# ---- where to ---------------------------------------------------------------------------

@scenario(ENFORCED)
def one_socket_and_three_destinations_are_three_events_each_with_its_count(lab):
    times = {ZONE[0]: 5, ZONE[1]: 3, ZONE[2]: 1}

    def script():
        read_file(os.path.join(lab.registry, 'citizens.csv'))
        with socket.socket(INET, DGRAM) as s:
            for n in range(max(times.values())):
                for ip, all_of_them in times.items():
                    if n < all_of_them:
                        attempt(s.sendto, b'data', (ip, PORT))
            yield attempt(s.sendto, b'data', ('203.0.113.9', PORT))
    a = Actor(DESK, script)
    refused('a fourth destination', a.step())
    pid = ended(a)
    got = rows(lab, 'kind, dest, count', f"pid={pid} AND op='send' AND verdict='allow'")
    sends = sorted(dest for kind, dest, _ in got if kind == 'send')
    expect('each destination', sends, [f'{ip}:{PORT}/udp' for ip in sorted(times)])
    repeats = {}
    for kind, dest, count in got:
        if kind == 'repeat':
            repeats[dest] = repeats.get(dest, 0) + int(count)
    expect('further ones', repeats, {f'{ip}:{PORT}/udp': n - 1 for ip, n in times.items() if n > 1})
    denied = rows(lab, 'kind, dest', f"pid={pid} AND op='send' AND verdict='deny'")
    expect('the one that was refused', denied, [('send', f'203.0.113.9:{PORT}/udp')])
    code, out, err = lab.agent.ask('replay', f'pid={pid}', f'dest={ZONE[0]}', '--csv')
    expect_that(f'the filter finds both: {code} {err} {out}',
                code == 0 and 'send' in out and 'repeat' in out and ZONE[1] not in out)


@scenario(ENFORCED)
def what_is_sent_with_more_labels_is_told_anew(lab):
    lab.agent.tail.forget()

    def script():
        read_file(lab.single)
        with socket.socket(INET, DGRAM) as s:
            attempt(s.sendto, b'data', (ZONE[0], PORT))
            attempt(s.sendto, b'data', (ZONE[0], PORT))
            read_file(os.path.join(lab.registry, 'biometric', '0001.fpt'))
            yield attempt(s.sendto, b'data', (ZONE[0], PORT))
    a = Actor(DESK, script)
    refused('biometric goes nowhere', a.step())
    pid = ended(a)
    got = rows(lab, 'kind, verdict, label, count', f"pid={pid} AND op='send'")
    expect_that(f'one allowed, one repeat, one refused with both labels: {got}',
                [g[:2] for g in got].count(('send', 'allow')) == 1 and
                [g[3] for g in got if g[0] == 'repeat'] == ['1'] and
                [set(g[2].split(',')) for g in got if g[1] == 'deny'] == [{'cnic', 'biometric'}])


# ---- how often ----------------------------------------------------------------------------

def counted(lab, pid, path):
    """Accesses to the file, by what the ledger calls them."""
    got = rows(lab, 'kind, op, count', f'pid={pid} AND (path=\'{path}\' OR kind=\'repeat\')')
    firsts = [op for kind, op, _ in got if kind == 'access']
    return firsts, sum(int(count) for kind, op, count in got if kind == 'repeat' and op == 'read')


@scenario(ENFORCED)
def every_read_is_counted_until_the_process_ends(lab):
    def script():
        fd = os.open(lab.single, os.O_RDONLY)
        for _ in range(TIMES):
            os.pread(fd, 1, 0)
        yield attempt(os.pread, fd, 5, 0)
        os.close(fd)
    a = Actor(DESK, script)
    expect('the last one', a.step(), SECRET[:5])
    pid = ended(a)
    firsts, further = counted(lab, pid, lab.single)
    expect('the first, and further ones', (firsts, further), (['read'], TIMES + 1))


def reading(lab):
    """Reads a tenth of TIMES at each step."""
    fd = os.open(lab.single, os.O_RDONLY)
    while True:
        for _ in range(TIMES // 10):
            os.pread(fd, 1, 0)
        yield 1


def told(lab, pid):
    """Repeats of the process that the kernel side has told."""
    return [e for e in lab.agent.tail.events if e.kind == 'repeat' and e.pid == pid]


@scenario(ENFORCED)
def repeats_are_told_by_and_by_and_are_exact_of_who_sleeps_and_of_who_goes_on(lab):
    """Both at once: an interval takes its time, whoever waits for it."""
    lab.agent.tail.forget()
    steps, deadline = 0, Deadline(INTERVAL_SECONDS)
    with Actor(DESK, reading, lab) as sleeper, Actor(DESK, reading, lab) as reader:
        sleeper.step()
        while not told(lab, sleeper.pid) or len(told(lab, reader.pid)) < 3:
            expect_that(f'repeats are told in time: {told(lab, sleeper.pid) + told(lab, reader.pid)}',
                        not deadline.passed())
            lab.agent.tail.take(0.1)
            reader.step()
            steps += 1
        expect('all of who sleeps, and it lives', counted(lab, sleeper.pid, lab.single),
               (['read'], TIMES // 10))
        lived = rows(lab, 'count(*), sum(count)', f"pid={reader.pid} AND kind='repeat'")
        expect_that(f'the record has them while it goes on, and never more than there were: {lived}',
                    int(lived[0][0]) > 1 and 0 < int(lived[0][1]) <= steps * (TIMES // 10))
        sleeper.step()
    expect('and those that came later', counted(lab, sleeper.pid, lab.single), (['read'], TIMES // 5))
    expect('all of who went on', counted(lab, reader.pid, lab.single), (['read'], steps * (TIMES // 10)))
    return f'{steps * (TIMES // 10)} reads'


@scenario(ENFORCED)
def repeats_are_of_who_it_was_and_of_the_program_that_it_was(lab):
    """Both change before the counts are told."""
    def script():
        fd = os.open(lab.single, os.O_RDONLY)
        for _ in range(TIMES // 10):
            os.pread(fd, 1, 0)
        yield 1
        os.setresuid(0, 0, 0)
        VENDOR.become()
        yield os.execv('/bin/sleep', ['sleep', '1000'])
    with Actor(ROOT, as_desk, script) as a:
        a.step()
        a.begin()
        deadline = Deadline(INTERVAL_SECONDS)
        while not attempt(os.readlink, f'/proc/{a.pid}/exe').endswith('/sleep'):
            expect_that('it becomes another program', not deadline.passed())
        got = rows(lab, 'uid, comm, count', f"pid={a.pid} AND kind='repeat'")
    expect_that(f'who it was: {got}', {g[0] for g in got} == {str(DESK.uid)} and
                'sleep' not in {g[1] for g in got} and
                sum(int(g[2]) for g in got) == TIMES // 10)


def as_desk(script):
    """Root, in the desk's place, so that it can become somebody else."""
    os.setresuid(DESK.uid, DESK.uid, 0)
    yield from script()


@scenario(ENFORCED)
def repeats_that_make_room_for_other_files_are_told(lab):
    paths = [lab.put(f'touched-{n}.csv') for n in range(20)]

    def script():
        for _ in range(3):
            for path in paths:
                read_file(path)
        yield 1
    a = Actor(DESK, script)
    expect('done', a.step(), 1)
    pid = ended(a)
    got = rows(lab, 'kind, count', f"pid={pid} AND op='read' AND store='registry'")
    firsts = sum(kind == 'access' for kind, _ in got)
    further = sum(int(count) for kind, count in got if kind == 'repeat')
    # open, one read with the data, one with the end of the file
    expect_that(f'each of them is told or counted: {firsts} and {further}',
                firsts >= 20 and firsts + further >= 3 * 20 * 3)
