# SPDX-License-Identifier: GPL-2.0
"""`amanat policy learn`: what was seen, proposed as a policy, pasted and put in force."""
import json
import os
import socket
import subprocess
import time

from harness.actor import Actor, User
from harness.check import Deadline, attempt, expect, expect_that, scenario
from harness.lab import SECRET, read_file
from harness.net import DGRAM, Listener, sendto
from harness.policy import rule_number
from harness.stages import RELOADED, STOPPED
from harness.world import ACME, FOREIGN4, HOME4, KEEPER, VENDOR

STRANGER = User('stranger', 61777, 61777, [])   # of whom nothing was ever seen


def now():
    """Since when: what earlier scenarios did is no matter of this one."""
    return time.strftime('%Y-%m-%dT%H:%M:%S')


def learn(lab, *words, code=0):
    got, out, err = lab.agent.ask('policy', 'learn', *words)
    expect(f'exit status of learn {words}: {out}{err}', got, code)
    return out


def merge(policy, proposal):
    """Each section of the proposal behind the head of the same section."""
    lines, section = policy.splitlines(), None
    added = {}
    for line in proposal.splitlines():
        if line in ('subjects:', 'zones:', 'rules:'):
            section = line
        elif line[:1] == '#':
            section = None
        elif section and line:
            added.setdefault(section, []).append(line)
    merged = []
    for line in lines:
        merged += [line] + added.pop(line, [])
    expect('sections that the policy does not have', added, {})
    return '\n'.join(merged) + '\n'


def check_policy(lab, text):
    path = lab.world.path('learned.yaml')
    with open(path, 'w') as f:
        f.write(text)
    code, out, err = lab.agent.ask('policy', 'check', path)
    expect(f'the policy is good: {out}{err}', code, 0)


def cat(user, path):
    """The exit status of a real cat."""
    return subprocess.run(['/bin/cat', path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, user=user.uid, group=user.gid,
                          extra_groups=user.groups).returncode


def reader_and_sender(lab):
    """Reads a store, writes to one and sends to three places, as a vendor's program might."""
    yield attempt(read_file, lab.single)
    yield attempt(lab.write, os.path.join(lab.registry, 'learned.csv'), SECRET)
    yield attempt(sendto, FOREIGN4, 53, b'data')
    yield attempt(sendto, FOREIGN4, 514, b'data')
    a, _ = socket.socketpair()
    yield attempt(a.send, b'x')


def act(lab, user):
    with Listener(FOREIGN4, 53, DGRAM), Listener(FOREIGN4, 514, DGRAM), \
         Actor(user, reader_and_sender, lab) as a:
        return [a.step() for _ in range(5)]


ALL_WENT = [SECRET, None, 4, 4, 1]


@scenario(RELOADED)
def what_was_observed_is_allowed_once_it_is_learned_and_nothing_else(lab):
    lab.reload(mode='observe')
    since = now()
    expect('cat reads', cat(VENDOR, lab.single), 0)
    expect('a program acts', act(lab, VENDOR), ALL_WENT)
    lab.event(uid=VENDOR.uid, op='send', verdict='deny', port=514)
    proposal = learn(lab, '--since', since)
    for words in (('exe: "/usr/bin/cat"', 'user: "vendor"'), ('read single: ',),
                  ('write registry: ',), ('send cnic to 203.0.113.9:53/udp',),
                  ('# WARNING: an interpreter',), ('cidr: ["203.0.113.9/32"]',),
                  ('udp/53', 'udp/514'), ('local',)):
        for w in words:
            expect_that(f'{w!r} is proposed: {proposal}', w in proposal)
    expect_that(f'nobody is let everywhere: {proposal}',
                not [l for l in proposal.splitlines() if 'allow' in l and
                     ('anyone' in l or 'anywhere' in l)])
    merged = merge(lab.policy(), proposal)
    check_policy(lab, merged)
    lab.agent.reload(merged)
    expect('cat reads by the policy', cat(VENDOR, lab.single), 0)
    expect('the program acts by the policy', act(lab, VENDOR), ALL_WENT)
    expect_that('a stranger does not read', cat(STRANGER, lab.single) != 0)
    expect('a stranger does not act', act(lab, STRANGER)[:2], ['EACCES', 'EACCES'])
    expect_that('cat reads nothing else', cat(VENDOR, os.path.join(lab.vault, '0001.csv')) != 0)

    def elsewhere():
        yield attempt(read_file, lab.single)
        yield attempt(sendto, FOREIGN4, 54, b'data')
        yield attempt(sendto, HOME4, 53, b'data')
    with Actor(VENDOR, elsewhere) as a:
        expect('other destinations are closed', [a.step() for _ in range(3)],
               [SECRET, 'EACCES', 'EACCES'])
    lab.reload()
    lab.closed(lab.single, VENDOR)


@scenario(RELOADED)
def what_a_rule_denies_and_shells_of_root_are_told_and_not_proposed(lab):
    path = lab.put('denied.csv')
    lab.reload(mode='observe')
    expect('the vendor reads', cat(ACME, path), 0)
    r = subprocess.run(['/bin/sh', '-c', 'read line < "$1"', 'sh', path], stdin=subprocess.DEVNULL)
    expect('a shell reads', r.returncode, 0)
    lab.event(uid=ACME.uid, op='read', act='read', reason='rule-denies')
    lab.event(uid=0, comm='sh', op='read', act='read', verdict='deny')
    proposal = lab.agent.ask('policy', 'learn', '--store', 'registry', '--since', '10m')[1]
    refused = proposal.split('# Not proposed:')[1]
    n = rule_number('deny acme-support to read registry')
    for w in (f'denied by rule {n}: deny acme-support to read registry',
              'a shell of root is everything that root can type', 'user=acme exe=/usr/bin/cat',
              'read registry'):
        expect_that(f'{w!r} is told: {refused}', w in refused)
    for w in ('allow cat-acme', 'allow dash-root', 'allow sh-root', 'allow busybox-root'):
        expect_that(f'{w!r} is not proposed: {proposal}', w not in proposal)
    got = json.loads(lab.agent.ask('policy', 'learn', '--store', 'registry', '--json')[1])
    whys = [n['why'] for n in got['not_proposed']]
    expect_that(f'in JSON: {whys}', any(f'rule {n}' in w for w in whys))
    lab.reload()


@scenario(RELOADED)
def what_is_enforced_is_learned_from_too(lab):
    lab.agent.reload(lab.policy())
    expect_that('the keeper does not read', cat(KEEPER, lab.single) != 0)
    lab.event(uid=KEEPER.uid, op='read', blocked=True)
    got = json.loads(learn(lab, '--store', 'single', '--since', '1h', '--json'))
    rules = [r['text'] for r in got['rules'] if 'keeper' in r['text']]
    expect('the rule', rules, ['allow cat-keeper to read single'])
    evidence = [r for r in got['rules'] if 'keeper' in r['text']][0]['evidence'][0]
    expect_that(f'with its evidence: {evidence}',
                int(evidence['count']) >= 1 and evidence['example'] == lab.single)
    expect('nothing of the future', lab.agent.ask('policy', 'learn', '--since', '2199-01-01')[0], 1)


@scenario(RELOADED)
def learn_refuses_what_it_does_not_understand(lab):
    for words in (('--store', 'nothing'), ('--since', 'soon'), ('--since',), ('x',)):
        code, out, err = lab.agent.ask('policy', 'learn', *words)
        expect(f'exit status of {words}: {err}', (code, out), (2, ''))


def learned(lab):
    """All that is known, proposed or not."""
    got = json.loads(lab.agent.ask('policy', 'learn', '--json')[1])
    return got['rules'] + got['not_proposed']


@scenario(STOPPED)
def what_was_observed_survives_a_restart_and_damage_is_told(lab):
    name = os.path.join(lab.last.state, 'observed')
    known = os.path.exists(name) and int.from_bytes(read_file(name)[12:16], 'little')
    lab.start()
    lab.wait_sealed()
    if known:
        expect_that('what the run before has seen is known', learned(lab))
    expect_that('a stranger does not read', cat(STRANGER, lab.single) != 0)
    deadline = Deadline(20)
    while 'cat-61777' not in str(learned(lab)):
        expect_that('the refusal is counted', not deadline.passed())
    expect('the end', lab.stop(), 0)
    data = bytearray(read_file(name))
    expect('it says what it is', bytes(data[:8]), b'AMOBSERV')
    data[40] ^= 1
    lab.write(name, bytes(data))
    lab.start()
    lab.agent.hear("'observed' in the state directory is damaged")
    lab.wait_sealed()
    expect('it begins anew', learned(lab), [])
    expect('the end', lab.stop(), 0)
    expect('which is saved', read_file(name)[12:16], bytes(4))
