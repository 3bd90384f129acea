# SPDX-License-Identifier: GPL-2.0
"""What became of a technique: blocked, detected, open, or not there on this kernel."""
import errno
import fnmatch
import os

BLOCKED, DETECTED, OPEN, ABSENT = 'blocked', 'detected', 'open', 'absent'
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'known-open')


class Technique:
    """The runs of one: without and with the agent, by a stranger and by who may."""

    def __init__(self, run):
        self.family, self.name, self.goal = run.family, run.name, run.goal
        self.key = f'{run.family}/{run.name}'
        self.runs = {}

    def run(self, with_agent, role='attack'):
        return self.runs.get((with_agent, role))


def pair(runs):
    found = {}
    for run in runs:
        technique = found.setdefault((run.family, run.name), Technique(run))
        technique.runs[run.with_agent, run.role] = run
    return list(found.values())


def words(run):
    """What the attacker saw."""
    codes = [errno.errorcode.get(-c, str(c)) for c in (run.code, run.other) if c < 0]
    return ' '.join(filter(None, [codes[0] if codes else '', run.note]))


def told(run):
    """Events that name what happened: refusals, labels that went onto something, code brought in."""
    return [e for e in run.events if e.verdict == 'deny' or e.kind in ('spill', 'foreign')]


def judge(technique):
    """The outcome and why."""
    bare, run = technique.run(False), technique.run(True)
    if not bare.got:
        return ABSENT, f'does not work without an agent either: {words(bare) or "no effect"}'
    events = told(run)
    if not run.got:
        if events:
            return BLOCKED, words(run)
        return OPEN, f'stopped, but nothing told of it: {words(run)}'
    # Refusals on the way to success are no detection; a refusal to send on is. What has left the
    # host has left it, whatever was told.
    if technique.goal in ('get', 'pass') and not run.wire:
        if any(e.op == 'send' and e.verdict == 'deny' for e in events):
            return DETECTED, 'labelled: not sent on'
        if any(e.kind == 'spill' for e in events):
            return DETECTED, 'told as a spill, and not sent on'
    return OPEN, 'went through' + (' and off the host' if run.wire else '')


class Known:
    """The checked-in list: technique, kernels as KERNEL/FLAVOUR with wildcards, reason."""

    def __init__(self, path=LIST):
        self.rows, self.used = [], set()
        with open(path, encoding='utf-8') as f:
            for line in f:
                if line.strip() and not line.startswith('#'):
                    key, where, reason = line.split(None, 2)
                    self.rows.append((key, where.split(','), reason.strip()))

    def here(self, here):
        """The rows of this kernel and flavour."""
        return [r for r in self.rows if any(fnmatch.fnmatchcase(here, w) for w in r[1])]

    def reason(self, key, here):
        for row in self.here(here):
            if fnmatch.fnmatchcase(key, row[0]):
                self.used.add(row[0])
                return row[2]
        return None

    def unused(self, here):
        return [row[0] for row in self.here(here)
                if row[0] not in self.used and not row[0].startswith('may:')]


class Totals:
    def __init__(self, kernel, flavour, whole):
        self.kernel, self.flavour, self.whole = kernel, flavour, whole
        self.here = f'{kernel}/{flavour}'
        self.known = Known()
        self.counts = dict.fromkeys((BLOCKED, DETECTED, OPEN, ABSENT), 0)
        self.passed = self.failed = self.skipped = 0

    def _say(self, good, word, key, text):
        if good:
            self.passed += 1
        else:
            self.failed += 1
        print(f'{word if good else "FAIL"} {key}' + (f': {text}' if text else ''), flush=True)

    def add(self, technique, args):
        result, why = judge(technique)
        self.counts[result] += 1
        key, reason = technique.key, self.known.reason(technique.key, self.here)
        if result == ABSENT:
            self._absent(key, why)
        elif result == OPEN:
            reason = reason or self.known.reason(f'may:{key}', self.here)
            self._say(reason, 'open', key, reason and f'{reason} ({why})' or why)
        else:
            listed = f'{result}, but listed in known-open' if reason else ''
            self._say(not reason, result, key, listed or why)
        if args.verbose:
            for e in told(technique.run(True))[:3]:
                print(f'     {e}')
        if args.rows:
            print('\t'.join(('row', self.kernel, self.flavour, technique.family, technique.name,
                             technique.goal, result, reason if result == OPEN and reason else why)))
        self._control(technique, result)

    def _absent(self, key, why):
        """A technique that does not work shows nothing: it must be known why."""
        reason = self.known.reason(f'absent:{key}', self.here)
        if not reason:
            self._say(False, '', key, why)
            return
        self.skipped += 1
        print(f'skip {key}: {reason} ({why})', flush=True)

    def _control(self, technique, result):
        """Who may must succeed, by the very same program."""
        bare, run = technique.run(False, 'control'), technique.run(True, 'control')
        if not run or not bare.got or result == ABSENT:
            return
        key = f'control:{technique.key}'
        reason = self.known.reason(key, self.here)
        events = [e for e in told(run) if e.verdict == 'deny']
        if run.got:
            self._say(not reason, 'ok', key, reason and 'succeeds, but listed in known-open')
        else:
            self._say(reason, 'known', key, reason or f'who may is refused: {words(run)} {events[:2]}')

    def end(self):
        """A list that names what is not there any more is wrong."""
        for key in self.known.unused(self.here) if self.whole else []:
            self._say(False, '', key, 'is in known-open, but no technique is called so')

    def outcomes(self):
        return ', '.join(f'{k} {self.counts[k]}' for k in (BLOCKED, DETECTED, OPEN)) + \
            (f'; absent {self.counts[ABSENT]}' if self.counts[ABSENT] else '')

    def line(self):
        skipped = f', {self.skipped} skipped' if self.skipped else ''
        return f'{self.passed} passed, {self.failed} failed{skipped}'
