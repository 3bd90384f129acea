# SPDX-License-Identifier: GPL-2.0
"""`amanat explain`: an event by its id, the last refusal, and who a process is."""
import json
import os
import re
import shutil
import subprocess

from harness.actor import Actor
from harness.check import Deadline, attempt, expect, expect_that, fail, scenario
from harness.lab import read_file
from harness.net import sendto
from harness.policy import RULES, rule_number
from harness.stages import ENFORCED, RELOADED, RESTARTED
from harness.world import ACME, DESK, FOREIGN4, VENDOR

ID = re.compile(r'\d+-[ub]\d+-\d+')
SECONDS = 20


def explain(lab, *words, code=0):
    got, out, err = lab.agent.ask('explain', *words)
    expect(f'exit status of explain {words}: {out}{err}', got, code)
    return out if not code else err


def explained(lab, *words):
    return json.loads(explain(lab, *words, '--json'))


def uid_of(event):
    return event.json['metadata']['uid']


def has(text, *words):
    for w in words:
        expect_that(f'{w!r} is in: {text}', w in text)


@scenario(ENFORCED)
def a_refusal_is_explained_by_the_id_in_its_line(lab):
    with lab.text_tail() as lines:
        event = lab.closed(lab.single, VENDOR)
        line = lab.line(lines, 'DENY', 'single', 'vendor')
    uid = uid_of(event)
    expect_that(f'an id: {uid}', ID.fullmatch(uid))
    expect_that(f'the line ends with it: {line!r}', line.rstrip().endswith(f'[{uid}]'))
    expect('the finding has it too', event.json['finding_info']['uid'], uid)
    text = explain(lab, uid)
    has(text, uid, 'run by vendor (uid 61003)', 'tried to read', 'the kernel refused it',
        'which is in force', 'no-rule: no rule lets user=vendor', 'nearest', 'policy.yaml:',
        'needs    user=desk', 'labels   of single: cnic')
    more = explained(lab, uid)
    expect('the reason', more['decision']['reason'], 'no-rule')
    expect('what is near', more['decision']['nearest']['text'], 'allow single-reader to read single')
    expect('what it needs', more['decision']['needs'], 'user=desk')
    expect('blocked', more['blocked'], True)
    expect('the process', (more['process']['pid'], more['process']['user']), (event.pid, 'vendor'))
    expect('nothing is left open', more.get('note'), None)


@scenario(ENFORCED)
def a_denying_rule_is_named_with_its_place_and_the_fact(lab):
    path = lab.put('explained.csv')
    event = lab.closed(path, ACME)
    text = explain(lab, uid_of(event))
    n = rule_number('deny acme-support to read registry')
    has(text, f'reason   rule-denies: rule {n}: acme-support is denied', f'rule     {n}, ',
        'deny acme-support to read registry', 'fact     user=acme is acme-support')


@scenario(ENFORCED)
def a_refused_send_is_explained_label_by_label(lab):
    def script():
        read_file(lab.single)
        yield attempt(sendto, FOREIGN4, 53, b'data')
    with Actor(DESK, script) as a:
        expect('sending', a.step(), 'EACCES')
        event = lab.event(pid=a.pid, op='send', blocked=True)
    text = explain(lab, uid_of(event))
    has(text, 'cnic to 203.0.113.9:53/udp', 'label-no-rule', 'label    cnic: denied',
        'allow desk to send cnic to app-tier', 'a destination in app-tier')


@scenario(ENFORCED)
def an_allowed_access_is_explained_too(lab):
    def script():
        yield attempt(read_file, lab.single)
    with Actor(DESK, script) as a:
        a.step()
        event = lab.event(pid=a.pid, op='read', verdict='allow')
    text = explain(lab, uid_of(event))
    has(text, ' read ', 'it was allowed', 'rule-allows: rule ', 'fact     user=desk is ')


@scenario(ENFORCED)
def the_last_refusal_can_be_asked_for(lab):
    first = lab.closed(lab.single, VENDOR)
    second = lab.closed(lab.single, ACME)
    expect('of all', explained(lab, 'last')['id'], uid_of(second))
    expect('of a process', explained(lab, 'last', '--pid', str(first.pid))['id'], uid_of(first))
    expect('of a user', explained(lab, 'last', '--user', '61003')['id'], uid_of(first))
    has(explain(lab, 'last', '--user', '64999', code=1), 'nothing that fits was refused')


@scenario(ENFORCED)
def what_is_not_known_is_told_in_one_sentence(lab):
    event = lab.closed(lab.single, VENDOR)
    run, ring, seq = uid_of(event).split('-')
    has(explain(lab, f'{run}-{ring}-999999999', code=1), 'the event is not known', 'since 20')
    has(explain(lab, f'{int(run) + 7}-{ring}-{seq}', code=1), 'of another run of the agent')
    for word in ('12', '1-x0-1', '01-u0-1', '1-u0-0', '1-u0-1 '):
        has(explain(lab, word, code=2), 'that is no event')
    expect('without words', lab.agent.ask('explain')[0], 2)
    code, out, _ = lab.agent.ask('explain', '--help')
    expect('help', code, 0)
    has(out, 'amanat policy explain FILE --as')


@scenario(RELOADED)
def a_later_policy_is_asked_as_well(lab):
    event = lab.closed(lab.single, VENDOR)
    lab.agent.reload(lab.policy(added=['allow anyone to read single']))
    text = explain(lab, uid_of(event))
    has(text, 'which is not in force any more', 'no-rule: no rule lets user=vendor',
        f'would allow it: rule {len(RULES) + 1}: anyone is allowed')
    today = explained(lab, uid_of(event))['today']
    expect('today', (today['same'], today['verdict']), (False, 'allow'))
    lab.agent.reload(lab.policy())
    text = explain(lab, uid_of(event))
    has(text, 'decides the same: no rule lets user=vendor')


@scenario(RELOADED)
def of_many_policies_only_the_needed_ones_are_kept(lab):
    event = lab.closed(lab.single, VENDOR)
    for _ in range(10):
        lab.agent.reload(lab.policy())
    has(explain(lab, uid_of(event)), 'no-rule', 'generation')
    status = lab.agent.status()
    lab.closed(lab.single, VENDOR)
    expect('the policy is still in force', lab.agent.status()['policy'], status['policy'])


def wait_explained(lab, pid, wanted):
    """Allowed accesses wake nobody: their event may be a moment behind."""
    deadline = Deadline(SECONDS)
    while not deadline.passed():
        got = explained(lab, '--pid', str(pid))
        if wanted(got):
            return got
    return fail(f'process {pid} is never explained so: {got}')


@scenario(ENFORCED)
def a_process_is_told_with_what_it_may_and_carries(lab):
    def script():
        yield attempt(read_file, lab.single)
    with Actor(DESK, script) as a:
        before = explained(lab, '--pid', str(a.pid))
        expect('it carries nothing', before['carries'], [])
        a.step()
        got = wait_explained(lab, a.pid, lambda g: g['carries'] and 'origin' in g['carries'][0])
        text = explain(lab, '--pid', str(a.pid))
    expect('its subjects', got['subjects'], ['desk', 'single-reader'])
    expect('its facts', (got['uid'], got['user']), (61001, 'desk'))
    cnic = got['carries'][0]
    expect('what it carries', (cnic['label'], cnic['origin']['store']), ('cnic', 'single'))
    expect('read by itself', (cnic['origin']['pid'], cnic['origin']['inherited']), (a.pid, False))
    expect('where it may go', cnic['may_send_to'], ['terminal', 'app-tier'])
    expect_that('as the kernel has it', got['as_the_kernel_found'])
    stores = {s['store']: s for s in got['stores']}
    expect('reading', stores['single']['read']['verdict'], 'allow')
    expect('writing', stores['single']['write']['verdict'], 'deny')
    has(text, 'run by desk (uid 61001)', 'under no purpose', 'subjects desk, single-reader',
        'registry (rule 1)', 'carries  cnic: read single', 'may be sent to terminal, app-tier')
    has(explain(lab, cnic['origin']['event']), 'it was allowed')


@scenario(ENFORCED)
def a_child_is_told_whom_it_has_its_labels_from(lab):
    def script():
        read_file(lab.single)
        r, w = os.pipe()
        child = os.fork()
        if not child:
            os.close(w)
            os.read(r, 1)
            os._exit(0)
        os.close(r)
        yield child
        os.close(w)
        os.waitpid(child, 0)
        yield None
    with Actor(DESK, script) as a:
        child = a.step()
        got = wait_explained(lab, child, lambda g: g['carries'] and 'origin' in g['carries'][0])
        text = explain(lab, '--pid', str(child))
        a.step()
    origin = got['carries'][0]['origin']
    expect('from its parent', (origin['pid'], origin['inherited'], origin['store']),
           (a.pid, True, 'single'))
    has(text, f'carries  cnic: inherited from process {a.pid} (', 'which read single')


@scenario(ENFORCED)
def what_is_no_process_is_told_in_one_sentence(lab):
    with Actor(VENDOR, lambda: iter([1])) as a:
        a.step()
    has(explain(lab, '--pid', str(a.pid), code=1), f'there is no process {a.pid} on this host')
    has(explain(lab, '--pid', '2', code=1), 'is a thread of the kernel')
    expect('no number', lab.agent.ask('explain', '--pid', 'x')[0], 2)
    has(explain(lab, '--pid', str(os.getpid())), 'run by root (uid 0)', 'carries  no label')


@scenario(ENFORCED)
def a_replaced_executable_is_not_who_its_path_says(lab):
    path = os.path.join(lab.bin, 'moving')
    shutil.copy('/bin/sleep', path)
    process = subprocess.Popen([path, '60'])
    try:
        shutil.copy('/bin/sleep', path + '.new')
        os.rename(path + '.new', path)
        got = explained(lab, '--pid', str(process.pid))
        expect('its path', (got['exe'], got['exe_replaced']), (path, True))
        has(explain(lab, '--pid', str(process.pid)), '(not the file that has this path now)')
    finally:
        process.kill()
        process.wait()


@scenario(RESTARTED)
def another_run_of_the_agent_has_other_ids(lab):
    event = lab.closed(lab.single, VENDOR)
    run = int(uid_of(event).split('-')[0])
    expect_that(f'it is not the first one: {run}', run > 1)
    has(explain(lab, '1-u0-1', code=1), f'of another run of the agent (1; this is run {run})')


@scenario(ENFORCED)
def who_asks_much_at_once_is_answered_or_told_so_and_holds_nobody_up(lab):
    """Answers are made by children of the agent, of which there are few."""
    uid = uid_of(lab.closed(lab.single, VENDOR))
    asks = [subprocess.Popen([f'{lab.programs}/amanat', '--run', lab.agent.run, 'explain', uid],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(12)]
    lab.closed(lab.single, VENDOR)
    said = [(a.communicate(timeout=60), a.returncode) for a in asks]
    expect_that(f'some are answered: {said}', any(code == 0 and b'no-rule' in out
                                                  for (out, _), code in said))
    for (out, err), code in said:
        expect_that(f'each is answered or told why not: {out}{err}',
                    (code == 0 and uid.encode() in out) or
                    (code == 2 and b'answering others' in err))
    has(explain(lab, uid), 'no-rule')
    with open(f'/proc/{lab.agent.pid}/task/{lab.agent.pid}/children') as f:
        expect_that('no more children than there may be', len(f.read().split()) <= 4)


@scenario(ENFORCED)
def a_script_is_told_as_what_the_kernel_found_it_to_be(lab):
    script = os.path.join(lab.bin, 'report')
    process = subprocess.Popen([script, lab.single, '-'], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    try:
        got = wait_explained(lab, process.pid,
                             lambda g: g['carries'] and 'origin' in g['carries'][0])
        expect('its subjects', got['subjects'], ['report'])
        has(explain(lab, '--pid', str(process.pid)), f'running the script {script}',
            'subjects report', 'carries  cnic: read single')
    finally:
        process.stdin.close()
        process.wait()
