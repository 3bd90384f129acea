# SPDX-License-Identifier: GPL-2.0
"""What tests/bench/storm.c storms on: a store of many files that two users may read, and one that is
closed to all; and an agent for them."""
import os
import shutil
import subprocess

from .agent import BUILD, Agent
from .world import DESK, KEEPER

POLICY = """version: 1
name: storm
mode: enforce
labels: [health]
stores:
  patients: {{ paths: [{disk}/patients], labels: [health] }}
  closed: {{ paths: [{disk}/closed], labels: [health] }}
subjects:
  desk: {{ user: desk }}
  keeper: {{ user: keeper }}
rules:
  - allow desk to read patients
  - allow keeper to read patients
"""


class Storm:
    def __init__(self, world, files):
        self.world = world
        self.disk = world.disk('disk', 'ext4', '64M')
        for name, n in (('patients', files), ('closed', 1)):
            os.makedirs(f'{self.disk}/{name}', 0o755)
            for i in range(n):
                with open(f'{self.disk}/{name}/{i}', 'w') as f:
                    f.write('99999-1234567-1,Fake Citizen\n')
        self.programs = world.path('programs')
        os.makedirs(self.programs)
        for name in ('amanatd', 'amanat', 'tests/storm'):
            shutil.copy(os.path.join(BUILD, name), self.programs)

    def start_agent(self, ledger, *options):
        policy = self.world.path('policy.yaml')
        with open(policy, 'w') as f:
            f.write(POLICY.format(disk=self.disk))
        return Agent(self.programs, policy, self.world.path('state'), self.world.path('run'),
                     self.world.host_net, '--ledger', ledger, *options)

    def begin(self, seconds, files, **options):
        """The storm, as a process; of 0 seconds it has no end."""
        return subprocess.Popen([f'{self.programs}/storm', str(seconds), str(files), f'{self.disk}/patients',
                                 f'{self.disk}/closed/0', str(DESK.uid), str(KEEPER.uid)], **options)
