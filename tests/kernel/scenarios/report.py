# SPDX-License-Identifier: GPL-2.0
"""The exposure report, from what the agent recorded of real programs."""
import json
import os
import subprocess

from harness.check import expect, expect_that, refused, scenario
from harness.net import Listener, send
from harness.stages import STRESSED
from harness.world import DESK, FOREIGN4, HOME4, VENDOR
from scenarios.egress import ZONE_PORT, after_reading
from scenarios.record import ledger_of, wait_recorded
from scenarios.spill import copied

DATA = b'0123456789'


def report(lab, *words):
    return subprocess.run([f'{lab.programs}/amanat', 'report', 'exposure', '--store', 'single',
                           '--ledger', ledger_of(lab.agent), *words], capture_output=True, text=True)


@scenario(STRESSED)
def a_report_tells_who_read_how_much_and_where_it_went(lab):
    copy, _ = copied(lab, 'reported')
    refused('reading', lab.read(VENDOR, lab.single))
    with Listener(HOME4, ZONE_PORT):
        after_reading(lab, lambda: send(HOME4, ZONE_PORT, DATA), lambda: send(FOREIGN4, 443, DATA),
                      path=lab.single)
    wait_recorded(lab)
    r = report(lab, '--json')
    expect(f'the status ({r.stderr})', r.returncode, 0)
    told = json.loads(r.stdout)
    size = os.stat(lab.single).st_size
    expect('files', [(f['path'], f['bytes']) for f in told['files']], [(lab.single, size)])
    expect('bytes', told['totals']['bytes'], {'at_most': size, 'exact': False, 'unsized': 0})
    expect_that(f'the reader and the refused: {told["who"]}',
                any(w['uid'] == DESK.uid and w['reads'] for w in told['who']) and
                any(w['uid'] == VENDOR.uid and w['refused'] for w in told['who']))
    expect_that(f'the copy: {told["copies"]}',
                any(c['path'] == copy and c['by']['uid'] == DESK.uid for c in told['copies']))
    to = {d['to']: d for d in told['destinations']}
    expect_that(f'what was sent: {to}', to[f'{HOME4}:{ZONE_PORT}/tcp']['sends'] and
                to[f'{FOREIGN4}:443/tcp']['refused'])
    page = report(lab, '--html', '-')
    expect_that('a page', page.returncode == 0 and page.stdout.endswith('</html>\n'))
