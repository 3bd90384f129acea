# SPDX-License-Identifier: GPL-2.0
"""The ledger that the agent writes: what is in it when it matters, and that it verifies."""
import json
import os
import subprocess

from harness.actor import do
from harness.check import expect, expect_that, refused, scenario
from harness.stages import KILLED, RESTARTED, STOPPED, STRESSED
from harness.world import AUDITORS, DESK, VENDOR

FLOOD = 3000
HOLDS, UNSEALED, ALTERED = 0, 10, 11


def ledger_of(agent):
    return os.path.join(agent.state, 'ledger')


def verify(lab, agent, *words):
    """What `amanat verify` answers, and its exit status."""
    r = subprocess.run([f'{lab.programs}/amanat', 'verify', ledger_of(agent), '--json', *words],
                       capture_output=True, text=True)
    return r.returncode, json.loads(r.stdout) if r.stdout else r.stderr


def wait_recorded(lab):
    """The state of the ledger once all is in it."""
    return lab.agent.wait_recorded()['ledger']


@scenario(STRESSED)
def a_refusal_is_sealed_in_the_ledger(lab):
    before = wait_recorded(lab)
    refused('reading', lab.read(VENDOR, lab.single))
    after = wait_recorded(lab)
    expect_that(f'more rows are sealed: {before}, {after}',
                after['rows_sealed'] > before['rows_sealed'] and after['seals'] > before['seals'])
    code, audit = verify(lab, lab.agent)
    expect_that(f'it verifies: {code} {audit}', code in (HOLDS, UNSEALED))


def _open_often(path, times):
    for _ in range(times):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except PermissionError:
            pass


@scenario(STRESSED)
def a_flood_of_refusals_is_recorded_to_the_last_one(lab):
    before = lab.agent.status()
    do(VENDOR, _open_often, lab.single, FLOOD)
    do(DESK, _open_often, lab.single, FLOOD)
    after = wait_recorded(lab)
    status = lab.agent.status()
    lost = sum(status['counters'][k] - before['counters'][k] for k in ('urgent-lost', 'bulk-lost'))
    denied = status['counters']['denied'] - before['counters']['denied']
    rows = after['rows_sealed'] - before['ledger']['rows_sealed']
    expect('not recorded', after['not_recorded'] - before['ledger']['not_recorded'], lost)
    expect_that(f'{denied} were refused, {lost} lost, {rows} rows sealed',
                denied >= FLOOD and rows >= denied - lost)
    return f'{rows} rows, {after["seals"] - before["ledger"]["seals"]} seals'


@scenario(STRESSED)
def tail_with_a_filter_shows_what_passes_and_nothing_else(lab):
    tail = lab.another_tail('verdict=deny', 'user=vendor,61003', 'op=read')
    try:
        lab.read(DESK, lab.single)
        refused('reading', lab.read(VENDOR, lab.single))
        event = tail.wait(verdict='deny', uid=VENDOR.uid, op='read')
        lab.event(uid=DESK.uid, op='read')
        tail.take()
        others = [e for e in tail.events if e.verdict != 'deny' or e.uid != VENDOR.uid or e.op != 'read']
        expect('events that do not pass', others, [])
    finally:
        tail.end()
    code, out, err = lab.agent.ask('tail', 'verdict=maybe')
    expect_that(f'a filter that is none is refused, with its place: {code} {out} {err}',
                code == 2 and '^' in err)
    return repr(event)


@scenario(STRESSED)
def a_member_of_the_group_reads_the_record_and_is_in_it_himself(lab):
    refused('reading', lab.read(VENDOR, lab.single))
    wait_recorded(lab)
    member = DESK.with_groups(AUDITORS)
    words = ('replay', 'verdict=deny', 'user=61003,vendor', '--csv', '--sum', 'by=user,path')
    r = lab.run(member, f'{lab.programs}/amanat', '--run', lab.agent.run, *words)
    expect_that(f'he reads it: {r}', r.status == 0 and lab.single.encode() in r.out)
    r = lab.run(DESK, f'{lab.programs}/amanat', '--run', lab.agent.run, *words)
    expect_that(f'who is no member does not: {r}', r.status == 3 and not r.out)
    wait_recorded(lab)
    code, out, err = lab.agent.ask('replay', 'kind=mark', 'reason=read', f'user=desk,{DESK.uid}', '--csv')
    expect_that(f'his reading is recorded, with his words: {code} {out} {err}',
                code == 0 and 'replay verdict=deny user=61003,vendor --csv' in out)
    code, out, err = lab.agent.ask('sql', '--csv', "SELECT count(*) FROM events WHERE reason='read'")
    expect_that(f'and so is the question itself: {code} {out} {err}', code == 0 and out.split()[1] != '0')


@scenario(KILLED)
def the_ledger_of_a_killed_agent_holds(lab):
    code, audit = verify(lab, lab.last)
    expect_that(f'it verifies: {code} {audit}', code in (HOLDS, UNSEALED))
    key = subprocess.run([f'{lab.programs}/amanat', 'ledger', 'key', ledger_of(lab.last)],
                         capture_output=True, text=True)
    expect('exit status of `ledger key`', key.returncode, 0)
    path = os.path.join(lab.last.state, 'kept.pub')
    with open(path, 'w') as f:
        f.write(key.stdout)
    code, audit = verify(lab, lab.last, '--key', path)
    expect_that(f'it verifies with its key: {code} {audit}', code in (HOLDS, UNSEALED))
    os.unlink(path)


@scenario(RESTARTED)
def an_agent_goes_on_with_the_ledger_and_tells_the_gap(lab):
    wait_recorded(lab)
    code, audit = verify(lab, lab.agent)
    expect_that(f'it verifies: {code} {audit}', code in (HOLDS, UNSEALED))
    expect_that(f'the gap is told: {audit["gaps"]}',
                any(g['reason'] == 'not-running' for g in audit['gaps']))


def _replay(lab, *words):
    r = subprocess.run([f'{lab.programs}/amanat', 'replay', '--json', '--ledger', ledger_of(lab.last),
                        '--history', lab.last.state, *words], capture_output=True, text=True)
    return r.returncode, json.loads(r.stdout) if r.stdout else r.stderr


def _show(lab, event):
    return subprocess.run([f'{lab.programs}/amanat', 'show', event, '--ledger', ledger_of(lab.last)],
                          capture_output=True, text=True).stdout


@scenario(STOPPED)
def the_past_decided_again_is_what_was_recorded(lab):
    code, proof = _replay(lab, '--as-was')
    rows = [_show(lab, d['id']) for d in proof['differences'][:4]]
    expect(f'events that were decided otherwise: {proof}, {rows}', proof['different'], 0)
    expect_that(f'there were some: {proof}', code == 0 and proof['equal'] == proof['recomputed'] > 0)
    kept = [n for n in proof['not_recomputed'] if 'not kept' in n['why']]
    expect('events of policies that are not kept', kept, [])
    return f'{proof["equal"]} of {proof["recomputed"]} are equal; {proof["not_recomputed"]}'


@scenario(STOPPED)
def under_the_same_policy_nothing_would_have_been_otherwise(lab):
    r = subprocess.run([f'{lab.programs}/amanat', 'replay', '--csv', '--sum', 'generation', '--ledger',
                        ledger_of(lab.last), 'verdict=allow,deny'], capture_output=True, text=True)
    last = max(int(line.split(',')[0]) for line in r.stdout.splitlines()[1:] if line[0].isdigit())
    code, answer = _replay(lab, '--policy', lab.last.policy, f'generation={last}')
    expect(f'changes: {answer}', (code, answer['changes']), (0, []))
    expect_that(f'some accesses were looked at: {answer}', answer['same'] > 0)
    return f'{answer["same"]} are the same; {answer["cannot_be_told"]}'


@scenario(STOPPED)
def the_ledger_of_a_stopped_agent_is_sealed_to_its_end(lab):
    code, audit = verify(lab, lab.last)
    expect(f'the answer: {audit}', code, HOLDS)
    expect('rows that are not sealed', audit['unsealed_rows'], '0')
    path = os.path.join(ledger_of(lab.last), sorted(
        n for n in os.listdir(ledger_of(lab.last)) if n.endswith('.aml'))[-1])
    with open(path, 'r+b') as f:
        f.seek(700)
        byte = f.read(1)[0]
        f.seek(700)
        f.write(bytes([byte ^ 1]))
    code, audit = verify(lab, lab.last)
    expect(f'the answer after one bit was altered: {audit}', code, ALTERED)
    with open(path, 'r+b') as f:
        f.seek(700)
        f.write(bytes([byte]))
    expect('and after it was put back', verify(lab, lab.last)[0], HOLDS)
