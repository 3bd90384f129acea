# SPDX-License-Identifier: GPL-2.0
"""Policies that replace each other, and policies that are refused."""
import os
import socket

from harness.actor import Actor
from harness.check import attempt, expect, expect_that, refused, scenario
from harness.lab import SECRET, read_file
from harness.net import DGRAM, Listener, connect, sendto
from harness.policy import RULES
from harness.stages import BEFORE, ENFORCED, RELOADED
from harness.world import DESK, FOREIGN4, HOME4, ROOT, VENDOR


def broken(lab):
    """Policies that no agent may take, and a word of what it says of each."""
    good = lab.policy()
    link = lab.outside_path('link-to-registry')
    if not os.path.lexists(link):
        os.symlink(lab.registry, link)
    return {
        'an empty file': ('', 'holds no policy'),
        'no YAML': ('stores: [', ''),
        'a missing path': (good.replace(lab.vault, lab.vault + '-missing'), 'No such file'),
        'a path that is a symbolic link': (good.replace(lab.vault, link), 'symbolic link'),
        'an unknown user': (good.replace('user: acme', 'user: nobody-there'), 'nobody-there'),
        'an unknown label': (good + '  - allow desk to send cnik to app-tier\n', 'cnik'),
        'an unknown key': (good + 'moed: enforce\n', 'moed'),
    }


@scenario(BEFORE)
def a_broken_policy_starts_no_agent(lab):
    for what, (text, word) in broken(lab).items():
        code, said = lab.try_start(text)
        expect(f'exit status with {what}', code, 1)
        expect_that(f'{what} is told: {said!r}', 'error: ' in said and word in said)


@scenario(RELOADED)
def a_broken_policy_leaves_the_old_one_in_force(lab):
    before = lab.agent.status()['policy']
    for what, (text, word) in broken(lab).items():
        line = lab.agent.reload(text, 'keeping policy')
        expect_that(f'{what}: it tells which one: {line!r}', f'lab#{before["generation"]}' in line)
        expect_that(f'{what} is told: {lab.agent.said}', any(word in l for l in lab.agent.said))
    os.unlink(lab.agent.policy)
    lab.agent.process.send_signal(1)
    lab.agent.hear('keeping policy')
    expect('the policy in force', lab.agent.status()['policy'], before)
    lab.closed(lab.single)
    lab.open_to(DESK, lab.single)
    lab.reload()
    lab.closed(lab.single)


@scenario(RELOADED)
def observing_blocks_nothing_and_tells_all(lab):
    path = lab.put('observed.csv')
    lab.reload(mode='observe')

    def script():
        yield attempt(read_file, path)
        yield attempt(sendto, FOREIGN4, 53, b'data')
        with open(lab.outside_path('observed-copy'), 'wb') as f:
            f.write(SECRET)
        yield attempt(os.unlink, path)
    with lab.text_tail() as lines, Listener(FOREIGN4, 53, DGRAM) as listener, \
         Actor(VENDOR, script) as a:
        expect('reading', a.step(), SECRET)
        expect('sending', a.step(), 4)
        expect('what arrives', listener.heard(), b'data')
        expect('deleting', a.step(), None)
        e = lab.event(pid=a.pid, op='read', verdict='deny')
        expect('the read in the event', (e.blocked, e.action, e.reason),
               (False, 'Observed', 'no-rule'))
        e = lab.event(pid=a.pid, op='send', verdict='deny')
        expect('the send in the event', (e.blocked, e.action, e.ip), (False, 'Observed', FOREIGN4))
        lab.event(pid=a.pid, op='write', act='unlink', verdict='deny', blocked=False)
        line = lab.line(lines, 'WOULD-DENY', 'observed.csv')
        expect_that(f'in text: {line!r}', 'read' in line and 'vendor' in line)
    expect('who reads the copy', lab.read(VENDOR, lab.outside_path('observed-copy')), SECRET)
    lab.reload()
    lab.closed(lab.outside_path('observed-copy'))


@scenario(RELOADED)
def a_rule_that_is_added_counts_at_once(lab):
    refused('before', lab.read(VENDOR, lab.single))
    lab.agent.reload(lab.policy(added=['allow anyone to read single']))
    lab.open_to(VENDOR, lab.single)
    lab.agent.reload(lab.policy())
    refused('after', lab.read(VENDOR, lab.single))


@scenario(RELOADED)
def a_rule_to_send_that_is_taken_away_counts_on_an_open_connection(lab):
    def script():
        read_file(lab.single)
        with connect(HOME4, 5432) as s:
            yield attempt(s.send, b'under the old policy')
            yield attempt(s.send, b'under the new one')
    with Listener(HOME4, 5432) as listener, Actor(DESK, script) as a:
        expect('under the old policy', a.step(), 20)
        lab.agent.reload(lab.policy(rules=[r for r in RULES if 'send' not in r]))
        refused('under the new one', a.step())
        a.end()
        expect('what arrives', listener.heard(), b'under the old policy')
    lab.reload()


@scenario(RELOADED)
def the_zones_of_every_policy_can_be_opened_and_closed(lab):
    def script():
        read_file(lab.single)
        a, _ = socket.socketpair()
        yield attempt(a.send, b'x')
        yield attempt(sendto, '127.0.0.1', 53, b'x')
        yield attempt(sendto, '::1', 53, b'x')
        yield attempt(os.write, os.openpty()[1], b'x')
        yield attempt(sendto, FOREIGN4, 53, b'x')
    lab.agent.reload(lab.policy(added=['allow desk to send cnic to local, loopback',
                                       'deny desk to send cnic to terminal']))
    with Actor(DESK, script) as a:
        expect('a local socket', a.step(), 1)
        expect('the loopback address', a.step(), 1)
        expect('the loopback address of IPv6', a.step(), 1)
        refused('a terminal', a.step())
        refused('a foreign address', a.step())
        e = lab.event(pid=a.pid, op='send', reason='label-denies')
        expect_that(f'the event names the rule: {e.why!r}', f'rule {len(RULES) + 2}' in e.why)
    lab.agent.reload(lab.policy(rules=['allow desk to read single',
                                       'allow desk to send cnic to anywhere']))
    with Actor(DESK, script) as a:
        expect('all with `anywhere`', [a.step() for _ in range(5)], [1] * 5)
    lab.reload()


@scenario(RELOADED)
def a_store_that_is_taken_out_opens_and_closes_again_when_it_returns(lab):
    path = os.path.join(lab.vault, '0001.csv')
    lab.closed(path)
    lab.reload(without=['vault'])
    lab.open_to(VENDOR, path)
    lab.closed(lab.single)
    lab.reload()
    lab.closed(path)
    lab.open_to(DESK, path)


@scenario(ENFORCED)
def more_groups_than_are_looked_at_is_an_unknown_fact(lab):
    user = DESK.with_groups(*range(70000, 70070))
    e = lab.closed(lab.single, user)
    expect('the reason', e.reason, 'unknown-fact')
    lab.open_to(DESK.with_groups(*range(70000, 70060)), lab.single)


@scenario(ENFORCED)
def a_refusal_fits_one_line_that_names_all(lab):
    with lab.text_tail() as lines:
        r = lab.run(ROOT, 'cat', lab.single)
        line = lab.line(lines, f'cat[{r.pid}]')
        for word in ('DENY', 'read', 'single', 'user=root', 'policy lab#'):
            expect_that(f'{word!r} is in {line!r}', word in line)
