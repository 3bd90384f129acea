# SPDX-License-Identifier: GPL-2.0
"""The policy that most scenarios run under, and variations of it."""

NIGHT_SHIFT = 61020     # logs in; is no account

RULES = [
    'allow desk to read registry, biometric, vault, many, others',
    'allow keeper to write registry, biometric, vault, many, others',
    'allow single-reader to read single',
    'allow clerks to read registry',
    'allow viewer to read registry',
    'allow loads to read registry',
    'allow desk to send cnic to app-tier',
    'deny acme-support to read registry',
    'allow night-shift to read single',
    'allow counter to read single',
    'allow jobs to read single',
    'allow report to read single',
    'allow pinned to read single',
    'allow mispinned to read single',
]


def rule_number(rule):
    """As messages count them."""
    return 1 + RULES.index(rule)


def text(lab, rules=None, mode='enforce', without=(), added=()):
    """`without` are stores left out, with what only they need; `added` are rules."""
    stores = {
        'registry': f'{{ paths: [{lab.registry}], labels: [cnic] }}',
        'biometric': f'{{ paths: [{lab.registry}/biometric], labels: [biometric] }}',
        'single': f'{{ paths: [{lab.single}], labels: [cnic] }}',
        'vault': f'{{ paths: [{lab.vault}], labels: [secret], spill: deny }}',
        'many': lab.many and f'{{ paths: [{lab.many}], labels: [cnic] }}',
        'others': f'{{ paths: [{", ".join(lab.others.values())}], labels: [cnic] }}',
    }
    left_out = {'others'} if not lab.others else set()
    left_out |= set() if lab.many else {'many'}
    left_out |= set(without)
    lines = ['version: 1', 'name: lab', f'mode: {mode}', 'labels: [cnic, biometric, secret]',
             'stores:']
    lines += [f'  {k}: {v}' for k, v in stores.items() if k not in left_out]
    lines += ['subjects:',
              '  desk: { user: desk }',
              '  keeper: { user: keeper }',
              '  single-reader: { user: desk }',
              '  clerks: { group: clerks }',
              f'  viewer: {{ exe: {lab.viewer} }}',
              f'  loads: {{ exe: {lab.bin}/loads }}',
              f'  night-shift: {{ login: {NIGHT_SHIFT} }}',
              '  counter: { unit: counter.service }',
              '  jobs: { cgroup: /jobs }',
              f'  report: {{ exe: {lab.bin}/interpreter, script: {lab.bin}/report }}',
              f'  pinned: {{ exe: {lab.bin}/pinned, sha256: {lab.digest} }}',
              f'  mispinned: {{ exe: {lab.bin}/mispinned, sha256: {"0" * 64} }}',
              '  acme-support: { third-party: ACME Ltd, user: acme }',
              'zones:',
              '  app-tier: { cidr: [10.20.0.0/16, "fd00:20::/64"], ports: [tcp/5432, udp/5432] }',
              'rules:']
    for rule in (RULES if rules is None else rules) + list(added):
        words = [w.strip(',') for w in rule.split()]
        for store in left_out & set(words):
            rule = rule.replace(f', {store}', '').replace(f'{store}, ', '')
        lines.append(f'  - {rule}')
    return '\n'.join(lines) + '\n'
