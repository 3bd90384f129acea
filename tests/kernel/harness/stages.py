# SPDX-License-Identifier: GPL-2.0
"""The course of a run. Loading the programs takes an emulated CPU long, so the agent
is started twice only and what needs it in some state is grouped by that state."""
import signal

from .bundles import Bundles

BEFORE = 'before'           # no agent has run yet
SEALING = 'sealing'         # the agent has just started and walks a big store
ENFORCED = 'enforced'       # all stores are sealed, under the policy of harness/policy.py
RELOADED = 'reloaded'       # scenarios that load other policies, and leave that one behind
STRESSED = 'stressed'       # clients and rings
KILLED = 'killed'           # the agent was killed
RESTARTED = 'restarted'     # another one was started, after the disk was mounted anew
STOPPED = 'stopped'         # and was told to end
BUNDLED = 'bundled'         # an agent with a state of its own that takes bundles
FLIPPED = 'flipped'         # the same; scenarios that replace its policies
REBOOTED = 'rebooted'       # scenarios that kill that agent and start it again

ORDER = (BEFORE, SEALING, ENFORCED, RELOADED, STRESSED, KILLED, RESTARTED, STOPPED, BUNDLED,
         FLIPPED, REBOOTED)


def _sealing(lab):
    lab.add_many()
    lab.start()


def _sealed(lab):
    """The agent runs, with all that later scenarios need and no big store, and what earlier ones
    did has been told."""
    if not lab.agent:
        lab.start()
    lab.wait_sealed()
    if not lab.agent.tail:
        lab.agent.follow()
    if lab.many:
        lab.many = None
        lab.reload()
    lab.agent.wait_recorded()


def _killed(lab):
    _sealed(lab)
    lab.make_strays()
    lab.wait_strays_kept()
    lab.stop(signal.SIGKILL)


def _restarted(lab):
    if not lab.last:
        _killed(lab)
    lab.remount()
    _sealed(lab)


def _stopped(lab):
    """With a past, even if nothing else was run."""
    _sealed(lab)
    lab.closed(lab.single)
    lab.stop()


def _bundled(lab):
    """On a host that has a policy file and has never seen a bundle."""
    if lab.bundles:
        return
    if lab.agent:
        lab.stop()
    lab.bundles = Bundles(lab)
    lab.bundles.start()


ENTER = {
    BEFORE: lambda lab: None,
    SEALING: _sealing,
    ENFORCED: _sealed,
    RELOADED: _sealed,
    STRESSED: _sealed,
    KILLED: _killed,
    RESTARTED: _restarted,
    STOPPED: _stopped,
    BUNDLED: _bundled,
    FLIPPED: _bundled,
    REBOOTED: _bundled,
}


def enter(lab, stage):
    ENTER[stage](lab)
