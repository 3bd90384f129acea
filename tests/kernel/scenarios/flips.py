# SPDX-License-Identifier: GPL-2.0
"""A policy that flips under constant access. Nothing is decided by a mixture of two
policies, and nothing by none."""
import contextlib
import json
import os
import re
import socket
import time
from collections import Counter

from harness.actor import Actor
from harness.check import attempt, expect, expect_that, scenario
from harness.lab import read_file
from harness.stages import FLIPPED
from harness.world import DESK, FOREIGN4, HOME4, KEEPER

FLIPS = 200
PAUSE_S = 0.03      # between two rounds of a process: each access is told, and recorded
PARTS = ('north', 'south', 'east', 'west', 'upper', 'lower')
PORTS = {'first': (HOME4, 5001), 'second': (FOREIGN4, 5002), 'both': (HOME4, 5003),
         'none': (FOREIGN4, 5004)}

# In the two policies the same folders have other stores' names, the stores and subjects and
# zones other numbers, and the rights are the other way round. So a decision that takes one
# fact from one policy and the next from the other gives a verdict, a reason or a store that
# neither has, as does one that is taken while there is no policy.
POLICIES = {
    'A': '''
version: 1
name: ward
mode: enforce
labels: [cnic]
stores:
  alpha: { paths: [%(top)s/north], labels: [cnic] }
  beta: { paths: [%(top)s/south], labels: [cnic] }
  common: { paths: [%(top)s/east], labels: [cnic] }
  delta: { paths: [%(top)s/lower], labels: [cnic] }
  gamma: { paths: [%(top)s/upper], labels: [cnic] }
  locked: { paths: [%(top)s/west], labels: [cnic] }
subjects:
  a-desk: { user: desk }
  b-keeper: { user: keeper }
  c-vendor: { user: vendor }
zones:
  m-first: { cidr: [10.20.0.5/32], ports: [udp/5001] }
  n-second: { cidr: [203.0.113.9/32], ports: [udp/5002] }
  o-both: { cidr: [10.20.0.5/32], ports: [udp/5003] }
rules:
  - allow a-desk to read alpha, common
  - deny a-desk to read locked
  - allow b-keeper to read common
  - allow b-keeper to send cnic to m-first, o-both
  - deny b-keeper to send cnic to n-second
  - allow c-vendor to read beta
''',
    'B': '''
version: 1
name: ward
mode: enforce
labels: [cnic]
stores:
  aardvark: { paths: [%(top)s/spare], labels: [cnic] }
  alpha: { paths: [%(top)s/south], labels: [cnic] }
  beta: { paths: [%(top)s/north], labels: [cnic] }
  common: { paths: [%(top)s/east], labels: [cnic] }
  delta: { paths: [%(top)s/upper], labels: [cnic] }
  gamma: { paths: [%(top)s/lower], labels: [cnic] }
  locked: { paths: [%(top)s/west], labels: [cnic] }
subjects:
  a-vendor: { user: vendor }
  b-acme: { user: acme }
  c-keeper: { user: keeper }
  d-desk: { user: desk }
zones:
  a-both: { cidr: [10.20.0.5/32], ports: [udp/5003] }
  b-second: { cidr: [203.0.113.9/32], ports: [udp/5002] }
  c-spare: { cidr: [192.0.2.0/24] }
rules:
  - allow a-vendor to read locked
  - allow b-acme to read beta
  - allow c-keeper to read common
  - allow c-keeper to send cnic to a-both, b-second
  - allow d-desk to read alpha, common
  - deny d-desk to read beta
''',
}

# What each of them says: verdict, reason, store.
SAID = {
    'A': {'north': ('allow', 'rule-allows', 'alpha'), 'south': ('deny', 'no-rule', 'beta'),
          'east': ('allow', 'rule-allows', 'common'), 'west': ('deny', 'rule-denies', 'locked'),
          'upper': ('deny', 'no-rule', 'gamma'), 'lower': ('deny', 'no-rule', 'delta'),
          'first': ('allow', 'rule-allows', None), 'second': ('deny', 'label-denies', None),
          'both': ('allow', 'rule-allows', None), 'none': ('deny', 'label-no-rule', None)},
    'B': {'north': ('deny', 'rule-denies', 'beta'), 'south': ('allow', 'rule-allows', 'alpha'),
          'east': ('allow', 'rule-allows', 'common'), 'west': ('deny', 'no-rule', 'locked'),
          'upper': ('deny', 'no-rule', 'delta'), 'lower': ('deny', 'no-rule', 'gamma'),
          'first': ('deny', 'label-no-rule', None), 'second': ('allow', 'rule-allows', None),
          'both': ('allow', 'rule-allows', None), 'none': ('deny', 'label-no-rule', None)},
}

# `upper` and `lower` change their stores at every flip and are open to nobody: a moment in
# which a file is of no store shows there.
ALWAYS = {'east': {'ok'}, 'west': {'EACCES'}, 'upper': {'EACCES'}, 'lower': {'EACCES'},
          'both': {'ok'}, 'none': {'EACCES'}}


def make_folders(lab):
    top = os.path.join(lab.disk, 'flip')
    for part in PARTS + ('spare',):
        os.makedirs(os.path.join(top, part), 0o777)
        lab.write(os.path.join(top, part, 'file.csv'))
    return top


def reader(top, stop):
    """Opens and reads each file, and reads one through a descriptor that it opened at first."""
    paths = {part: os.path.join(top, part, 'file.csv') for part in PARTS}
    held = os.open(paths['north'], os.O_RDONLY)
    counts = Counter()
    yield 'ready'
    while not os.path.exists(stop):
        for part, path in paths.items():
            got = attempt(read_file, path)
            counts[part, 'ok' if isinstance(got, bytes) else got] += 1
        got = attempt(os.pread, held, 1, 0)
        counts['north', 'ok' if isinstance(got, bytes) else got] += 1
        time.sleep(PAUSE_S)
    yield [[part, got, n] for (part, got), n in counts.items()]


def sender(top, stop):
    """Has read what is labelled, and sends to each of the zones; half of it by sockets that
    it keeps, where the kernel side remembers its answer."""
    read_file(os.path.join(top, 'east', 'file.csv'))
    kept = {name: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for name in PORTS}
    counts, turn = Counter(), 0
    yield 'ready'
    while not os.path.exists(stop):
        turn += 1
        for name, address in PORTS.items():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh:
                got = attempt((kept[name] if turn % 2 else fresh).sendto, b'x', address)
                counts[name, 'ok' if got == 1 else got] += 1
        time.sleep(PAUSE_S)
    yield [[name, got, n] for (name, got), n in counts.items()]


def make_bundles(lab, top):
    """Signed bundles, of A and B in turn: only their serials are written here."""
    b, texts, made = lab.bundles, {}, []
    for which, policy in POLICIES.items():
        source = b.path(f'{which}.yaml')
        with open(source, 'w') as f:
            f.write(policy % {'top': top})
        b.amanat('policy', 'compile', source, '-o', b.path(which), '--serial', '1')
        with open(b.path(which)) as f:
            texts[which] = f.read()
    for n in range(FLIPS + 1):
        which = 'AB'[n % 2]
        b.serial += 1
        text = texts[which].replace('# serial 1\n', f'# serial {b.serial}\n', 1)
        made.append((which, b.sign(text, b.path(f'flip-{n}'))))
    return made


def what_of(event):
    """Which of the accesses the event is about; None for another."""
    if event.op == 'read':
        found = re.search(r'(?:^|/)flip/(\w+)/', event.path or '')
        return found and found[1]
    if event.op == 'send':
        return next((n for n, a in PORTS.items() if a == (event.ip, event.port)), None)
    return None


class Flips:
    def __init__(self, lab):
        self.lab = lab
        self.which = {}         # generation -> policy
        self.pids = set()
        self.events = 0
        self.denied = Counter()
        self.generations = set()

    def check(self, events):
        """Each event has to be what its generation says."""
        for e in events:
            what = what_of(e)
            if e.kind == 'repeat' or what is None or e.generation not in self.which:
                continue
            which = self.which[e.generation]
            expect(f'an access to {what} under {which} (generation {e.generation}): {e}',
                   (e.verdict, e.reason, e.store), SAID[which][what])
            expect_that(f'a refusal blocks: {e}', e.blocked == (e.verdict == 'deny'))
            self.events += 1
            self.denied[what] += e.verdict == 'deny'
            self.generations.add(e.generation)


def push(lab, path):
    code, out, err = lab.agent.ask('policy', 'push', path)
    expect_that(f'pushing {path}: {out!r}{err!r}', code == 0 and 'in force' in out)
    return int(out.split('#')[1].split()[0])


def check_counters(before, after):
    gone = {k: after['counters'][k] - before['counters'][k] for k in before['counters']}
    for name in ('no-policy', 'urgent-lost', 'bulk-lost', 'repeat-lost', 'no-scratch',
                 'unknown-fact', 'no-task-storage', 'no-tag-storage', 'climb-too-deep'):
        expect(f'the counter {name}', gone[name], 0)
    expect('malformed events', after['events']['malformed'], 0)


@scenario(FLIPPED, prepare=make_folders)
def no_access_is_decided_by_a_mixture_of_two_policies_or_by_none(lab, top):
    bundles = make_bundles(lab, top)
    flips = Flips(lab)
    stop = os.path.join(lab.out, 'stop-flips')
    which, path = bundles[0]
    generation = push(lab, path)
    flips.which = {generation + n: w for n, (w, _) in enumerate(bundles)}
    lab.agent.wait()
    before = lab.agent.status()
    lab.agent.tail.forget()
    with contextlib.ExitStack() as stack:
        actors = [stack.enter_context(Actor(user, script, top, stop))
                  for user, script in ((DESK, reader), (KEEPER, sender))]
        flips.pids = {a.pid for a in actors}
        expect('both are ready', [a.step() for a in actors], ['ready'] * 2)
        for a in actors:
            a.begin()
        begin = time.monotonic()
        for n, (which, path) in enumerate(bundles[1:], 1):
            expect('the generation', push(lab, path), generation + n)
            lab.agent.tail.forget()
        took = time.monotonic() - begin
        with open(stop, 'w'):
            pass
        counts = Counter()
        for a in actors:
            for what, got, n in a.answer():
                counts[what, got] += n
    after = lab.agent.status()
    check_outcomes(counts, after['hooks']['skipped'] - before['hooks']['skipped'])
    flips.check(recorded(lab, flips))
    check_told(flips, counts)
    check_counters(before, after)
    expect_that(f'events of nearly all generations: {len(flips.generations)}',
                len(flips.generations) > FLIPS // 2)
    total = sum(counts.values())
    refused = sum(n for (_, got), n in counts.items() if got == 'EACCES')
    return (f'{FLIPS} flips in {took:.0f} s, {total} accesses, {refused} of them refused and told, '
            f'{flips.events} events of {len(flips.generations)} generations')


def check_outcomes(counts, skipped):
    """What goes ahead against both policies was not checked: as many times at most as the kernel
    says that it skipped a hook, which only a preemptible one does, and no LSM's."""
    unchecked = 0
    for what in (*PARTS, *PORTS):
        outcomes = {got for (w, got), n in counts.items() if w == what}
        wanted = ALWAYS.get(what, {'ok', 'EACCES'})
        if wanted == {'EACCES'} and 'ok' in outcomes:
            unchecked += counts[what, 'ok']
            outcomes.remove('ok')
        expect(f'outcomes of {what} ({dict(counts)})', outcomes, wanted)
    expect_that(f'{unchecked} accesses went ahead that no policy allows, and {skipped} runs of hooks '
                f'were skipped ({dict(counts)})', unchecked <= skipped)


class Recorded:
    """A row of the record."""

    def __init__(self, row):
        self.__dict__.update({k: row.get(k) for k in ('kind', 'op', 'verdict', 'reason', 'store', 'path',
                                                      'generation')})
        self.blocked = row['blocked'] == 1
        ip, _, port = (row.get('dest') or '').partition(':')
        self.ip, self.port = ip, int(port.partition('/')[0] or 0)

    def __repr__(self):
        return str(self.__dict__)


def recorded(lab, flips):
    """All that the record has of the two processes."""
    lab.agent.wait_recorded()
    code, out, err = lab.agent.ask(
        'sql', '--ledger', lab.bundles.ledger, '--json',
        'SELECT kind, op, verdict, reason, store, path, dest, generation, blocked FROM events '
        f'WHERE pid IN ({", ".join(str(p) for p in flips.pids)})')
    expect(f'asking the record ({err})', code, 0)
    return [Recorded(json.loads(line)) for line in out.splitlines()]


def check_told(flips, counts):
    """Each refusal that a process has seen has been told, and no other."""
    wanted = Counter({what: n for (what, got), n in counts.items() if got == 'EACCES'})
    expect('refusals told', flips.denied, wanted)
