# SPDX-License-Identifier: GPL-2.0
"""Scenarios, and how one says that it has failed or can't run."""
import errno
import time


class Failed(Exception):
    """What was expected did not happen."""


class Skipped(Exception):
    """The scenario can't run here; the text says why."""


class Scenario:
    def __init__(self, stage, run, prepare, needs):
        self.stage = stage
        self.run = run
        self.prepare = prepare
        self.needs = needs
        self.name = run.__name__
        self.prepared = None


ALL = []


def scenario(stage, prepare=None, needs=()):
    """Registers a function, whose name is a sentence, for a stage of the run.

    `prepare(lab)` is called before the agent starts for the first time; what it
    returns is the scenario's second argument. `needs` are scenarios above that leave
    behind what this one begins with: who chooses it has them run, too."""
    def register(run):
        ALL.append(Scenario(stage, run, prepare, [n.__name__ for n in needs]))
        return run
    return register


def fail(text):
    raise Failed(text)


def skip(text):
    raise Skipped(text)


def expect(what, got, want):
    if got != want:
        fail(f'{what}: {got!r}, not {want!r}')


def expect_that(what, holds):
    if not holds:
        fail(what)


def refused(what, got):
    """`got` is what attempt() made of a call that the kernel had to refuse."""
    expect(what, got, 'EACCES')


def attempt(call, *args, **kwargs):
    """What a call returns, or the name of its errno."""
    try:
        return call(*args, **kwargs)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))


class Deadline:
    """A moment that waiting may not pass."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.0, self.end - time.monotonic())

    def passed(self):
        return time.monotonic() >= self.end
