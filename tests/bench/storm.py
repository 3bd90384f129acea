#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A storm on stores, and whether all of it is in the record. Runs in the lab:

    scripts/vm -k 6.1 -t 900 -- tests/bench/storm.py [SECONDS]

Two processes use the files of a store as fast as they can (storm.c), first few files, so that
most accesses are repeats, then so many that most are events, then so many while the agent gets no
time, so that the kernel's rings are full. What they count themselves is held against the ledger:
accesses and refusals, in events, repeats and gaps. Ends with 1 if one is missing or too many."""
import contextlib
import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'kernel'))
sys.dont_write_bytecode = True

from harness.check import Deadline              # noqa: E402
from harness.storm import Storm                 # noqa: E402
from harness.world import World, drop_caches    # noqa: E402

# What it is, files, whether the agent gets time.
STORMS = (('8 files', 8, True), ('2000 files', 2000, True), ('2000 files, nobody reading', 2000, False))
LOSSES = ('urgent-lost', 'bulk-lost', 'repeat-lost', 'no-scratch')
SECONDS = 10
SETTLE_SECONDS = 600    # until the ledger has all of it, on an emulated CPU


class Bench:
    def __init__(self):
        os.umask(0o022)
        self.world = World()
        self.stores = Storm(self.world, max(n for _, n, _ in STORMS))
        self.programs = self.stores.programs
        self.ledger = self.world.path('ledger')
        self.agent = self.stores.start_agent(self.ledger)
        self.agent.wait()

    def sql(self, query):
        r = subprocess.run([f'{self.programs}/amanat', 'sql', '--json', '--ledger', self.ledger, query],
                           capture_output=True, text=True, check=True)
        return [json.loads(line) for line in r.stdout.splitlines()]

    @contextlib.contextmanager
    def stopped(self):
        os.kill(self.agent.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.agent.pid, signal.SIGCONT)

    def storm(self, seconds, files, heard):
        """What the storm did; all of it is recorded then, as far as it will be."""
        with contextlib.nullcontext() if heard else self.stopped():
            storm = self.stores.begin(seconds, files, stdout=subprocess.PIPE, text=True)
            did, _ = storm.communicate()
        assert not storm.returncode, f'the storm ends with {storm.returncode}'
        self.settle()
        status = self.agent.wait_recorded(SETTLE_SECONDS)
        return json.loads(did), status

    def settle(self):
        """Until what the kernel could not tell is a gap in the ledger."""
        deadline = Deadline(SETTLE_SECONDS)
        while not deadline.passed():
            status = self.agent.wait_recorded(SETTLE_SECONDS)
            lost = sum(v for k, v in status['counters'].items() if k in LOSSES)
            if self.gaps() >= lost:
                return

    def recorded(self, pids):
        """Of these processes: accesses in events, in repeats, refusals, and rows of it all."""
        where = f'pid IN ({", ".join(map(str, pids))})'
        row = self.sql("SELECT sum(kind = 'access' AND verdict = 'allow') AS first, "
                       "sum(CASE WHEN kind = 'repeat' THEN count ELSE 0 END) AS repeats, "
                       "sum(verdict = 'deny') AS refused, count(*) AS rows "
                       f'FROM events WHERE {where}')[0]
        return {k: int(row.get(k, 0)) for k in ('first', 'repeats', 'refused', 'rows')}

    def gaps(self):
        return int(self.sql("SELECT sum(count) AS n FROM events WHERE kind = 'gap'")[0].get('n', 0))

    def memory(self):
        """The most that the agent ever had in memory, and what it has now, in KiB."""
        with open(f'/proc/{self.agent.pid}/status') as f:
            lines = dict(line.split(':', 1) for line in f)
        return [int(lines[k].split()[0]) for k in ('VmHWM', 'VmRSS')]


def compare(bench, name, seconds, files, heard, before):
    done, status = bench.storm(seconds, files, heard)
    was = bench.recorded(done['pids'])
    gaps = bench.gaps() - before['gaps']
    counters = {k: v - before['counters'][k] for k, v in status['counters'].items()}
    accesses = done['opens'] + done['reads']
    missing = (accesses + done['refused']) - (was['first'] + was['repeats'] + was['refused']) - gaps
    used = status['ledger']['bytes'] - before['bytes']
    print(f'{name}, {seconds} s: {accesses + done["refused"]} accesses, '
          f'{(accesses + done["refused"]) // seconds}/s')
    print(f'  generated  {accesses} allowed ({done["opens"]} opens, {done["reads"]} reads), '
          f'{done["refused"]} refused, {done["wrong"]} otherwise than they should')
    print(f'  recorded   {was["first"] + was["repeats"]} allowed ({was["first"]} events, {was["repeats"]} in '
          f'repeats), {was["refused"]} refused, {gaps} told as gaps')
    print(f'  missing    {missing}')
    print(f'  ledger     {was["rows"]} rows, {used} bytes: {used / max(was["rows"], 1):.1f} per row, '
          f'{used / max(accesses, 1):.2f} per access')
    print('  lost       ' + (', '.join(f'{k} {counters[k]}' for k in LOSSES if counters[k]) or 'nothing'))
    hwm, rss = bench.memory()
    print(f'  agent      {hwm} KiB at most, {rss} now', flush=True)
    return not missing and not done['wrong']


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    bench = Bench()
    drop_caches()
    print(f'the agent before the storm: {bench.memory()[0]} KiB', flush=True)
    ok = True
    for name, files, heard in STORMS:
        status = bench.agent.wait_recorded()
        before = {'counters': status['counters'], 'bytes': status['ledger']['bytes'], 'gaps': bench.gaps()}
        ok &= compare(bench, name, seconds, files, heard, before)
    bench.agent.end()
    r = subprocess.run([f'{bench.programs}/amanat', 'verify', bench.ledger], capture_output=True, text=True)
    print(r.stdout.strip().splitlines()[0] if r.stdout else r.stderr)
    bench.world.remove()
    return 0 if ok and not r.returncode else 1


if __name__ == '__main__':
    sys.exit(main())
