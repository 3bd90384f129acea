# SPDX-License-Identifier: GPL-2.0
"""Signed bundles: what is taken, what is refused, and what is in force afterwards."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess

from harness.bundles import ALL_SEALS, code_of, memory, request
from harness.check import Deadline, expect, expect_that, fail, scenario
from harness.inotify import Inotify
from harness.lab import read_file
from harness.stages import BUNDLED, REBOOTED
from harness.world import DESK, KEEPER, VENDOR

SECONDS = 20


def edited(path, to, edit):
    """A copy of a file with its bytes changed."""
    with open(path, 'rb') as f:
        data = edit(bytearray(f.read()))
    with open(to, 'wb') as f:
        f.write(data)
    return to


def flip(at):
    def edit(data):
        data[at if at >= 0 else len(data) + at] ^= 1
        return data
    return edit


# ---- before any bundle was in force ------------------------------------------------

@scenario(BUNDLED)
def without_a_bundle_the_policy_file_counts(lab):
    b = lab.bundles
    status = b.status()
    expect('the source', (status['source'], status['name']), ('file', 'ward'))
    expect_that('text says so', 'the policy file' in lab.agent.ask('status')[1])
    b.check()
    with open(b.policy_file, 'w') as f:
        f.write(b.policy(KEEPER))
    lab.agent.process.send_signal(signal.SIGHUP)
    lab.agent.hear(f'policy ward#{status["generation"] + 1} in force')
    b.reader = KEEPER
    b.check()


@scenario(BUNDLED)
def what_is_no_good_bundle_is_refused_whole(lab):
    b = lab.bundles
    good = b.make(serial=5, reader=DESK)
    size = os.path.getsize(good)
    bad = b.path('bad')
    cases = {'an empty file': (lambda d: b'', 'signature'),
             'junk': (lambda d: os.urandom(5000), 'signature'),
             'only its signature': (lambda d: d[:d.index(b'# amanat')], 'not what was signed'),
             'one byte too few': (lambda d: d[:-1], 'not what was signed'),
             'half of it': (lambda d: d[:size // 2], ''),
             'one byte too many': (lambda d: d + b'\n', 'not what was signed'),
             'a flipped bit in its last byte': (flip(-1), 'not what was signed'),
             'a flipped bit in its serial': (lambda d: d.replace(b'# serial 5', b'# serial 7'),
                                             'not what was signed'),
             'twice itself': (lambda d: d + d, 'not what was signed'),
             'a larger one than there can be': (lambda d: d + b'#' * (5 << 20), 'larger than')}
    for what, (edit, word) in cases.items():
        b.refused(what, edited(good, bad, edit), word)
    step, untrusted = max(1, size // 40), len(read_file(good).split(b'\n')[0])
    for at in range(0, size, step):
        if at < untrusted:      # says nothing and is not signed
            continue
        code, answer = b.push_bytes(edited(good, bad, flip(at)))
        expect(f'a flipped bit at byte {at} ({answer})', code, 1)
    b.refused('a stranger\'s', b.make(serial=5, key='stranger', to=b.path('strange')), 'not trusted')
    b.refused('an expired key\'s', b.make(serial=5, key='late', to=b.path('late-signed')), 'expired')
    b.refused('one for a user who is not here', b.make(serial=5, user='nobody-there',
                                                       to=b.path('user')), 'nobody-there')
    b.refused('one for a folder that is not here', b.make(serial=5, path='/srv/not-there',
                                                          to=b.path('folder')), 'No such file')
    text = b.text(5, DESK) + 'invariants:\n  - never reader may read ward\n'
    b.refused('one that breaks its invariants', b.sign_elsewhere(text, b.path('broken')),
              'does not hold')
    expect_that('history has no bundle', all(r['source'] == 'file' for r in b.history()))
    return f'{len(cases) + size // step + 6} bad bundles'


# ---- what a client can send ---------------------------------------------------------

def descriptors(agent):
    return len(os.listdir(f'/proc/{agent.pid}/fd'))


@scenario(BUNDLED)
def a_descriptor_that_is_no_sealed_memory_is_refused(lab):
    b = lab.bundles
    with open(b.make(serial=6, reader=DESK), 'rb') as f:
        data = f.read()
    before, fds = b.status(), descriptors(lab.agent)
    pipe = os.pipe()
    kinds = {'a pipe': pipe[0], 'a file': os.open(b.path('bundle-6'), os.O_RDONLY),
             'a folder': os.open('/', os.O_RDONLY), 'a path': os.open('/etc/passwd', os.O_PATH),
             'a device': os.open('/dev/zero', os.O_RDONLY), 'a socket': socket.socket().detach()}
    for what, fd in kinds.items():
        expect(what, code_of(request(lab, [b'push', b'x'], [fd])), 1)
    expect('none', code_of(request(lab, [b'push', b'x'], [])), 1)
    for left_out in (1, 2, 4, 8):
        with memory(data, ALL_SEALS & ~left_out) as fd:
            expect(f'memory without seal {left_out}', code_of(request(lab, [b'push', b'x'], [fd])), 1)
    with memory(data) as fd:
        expect('two descriptors', request(lab, [b'push', b'x'], [fd, fd]), [])
        expect('two hundred', request(lab, [b'push', b'x'], [fd] * 200), [])
        expect('one with `status`', code_of(request(lab, [b'status'], [fd])), 0)
        expect('one with nonsense', code_of(request(lab, [b'nonsense'], [fd])), 2)
        expect('a dry run', code_of(request(lab, [b'push', b'x', b'--dry-run'], [fd])), 0)
    for fd in (*kinds.values(), pipe[1]):
        os.close(fd)
    expect('what is in force', b.status(), before)
    deadline = Deadline(SECONDS)
    while descriptors(lab.agent) != fds:
        if deadline.passed():
            fail(f'the agent had {fds} descriptors and has {descriptors(lab.agent)}')
    b.check()


@scenario(BUNDLED)
def a_user_without_the_right_pushes_nothing(lab):
    b = lab.bundles
    path = b.make(serial=7, reader=DESK)
    before = b.status()
    for user in (VENDOR, DESK):
        r = lab.run(user, b.program, '--run', lab.agent.run, 'policy', 'push', path)
        expect(f'the status for {user.name} ({r.err!r})', r.status, 3)
        r = lab.run(user, b.program, '--run', lab.agent.run, 'policy', 'history')
        expect(f'of history for {user.name}', r.status, 3)
    expect('what is in force', b.status(), before)
    b.check()


# ---- bundles that are taken ----------------------------------------------------------

@scenario(BUNDLED)
def a_dry_run_changes_nothing(lab):
    b = lab.bundles
    before = b.status()
    code, answer = b.push(b.make(serial=8, reader=DESK), '--dry-run')
    expect('its status', code, 0)
    expect('its result', (answer['result'], answer['bundle']['serial']), ('would-be-in-force', 8))
    expect('what is in force', b.status(), before)
    b.check()


@scenario(BUNDLED)
def a_pushed_bundle_is_in_force_at_once(lab):
    b = lab.bundles
    generation = b.status()['generation']
    answer = b.take(b.make(serial=10, reader=DESK), DESK)
    expect('the generation', answer['in_force']['generation'], generation + 1)
    status = b.status()
    expect('the source', (status['source'], status['serial'], status['signer'],
                          status['generation']), ('bundle', 10, 'officer', generation + 1))
    text = lab.agent.ask('status')[1]
    expect_that(f'text: {text!r}', "bundle, serial 10, signed with key 'officer'" in text)
    e = lab.closed(b.file, KEEPER)
    expect('the generation of an event', e.generation, generation + 1)
    lab.agent.hear('a bundle governs', b.policy_file, 'is not used')
    code, answer = b.push(b.path('bundle-10'))
    expect('pushing it again', (code, answer['result']), (0, 'already-in-force'))
    expect('the generation', b.status()['generation'], generation + 1)
    code, out, _ = lab.agent.ask('policy', 'push', b.path('bundle-10'))
    expect_that(f'text: {out!r}', code == 0 and f'ward#{generation + 1} was in force already' in out)


@scenario(BUNDLED, needs=(a_dry_run_changes_nothing, a_pushed_bundle_is_in_force_at_once))
def what_comes_too_late_or_for_another_is_refused(lab):
    b = lab.bundles
    b.refused('a lower serial', b.path('bundle-8'), 'has had 10')
    b.refused('the same serial', b.make(serial=10, reader=KEEPER, to=b.path('ten')), 'is used up')
    b.refused('another policy', b.make(serial=50, reader=KEEPER, name='other', to=b.path('other')),
              "is for the policy 'other'")
    b.serial = 10
    b.distrust('officer')
    b.refused('a withdrawn key\'s', b.make(serial=11, reader=KEEPER, to=b.path('w')), 'not trusted')
    b.trust('officer')
    os.chmod(b.keys, 0o777)
    b.refused('one where others may add keys', b.path('w'), 'may write')
    os.chmod(b.keys, 0o755)
    b.serial = 10


@scenario(BUNDLED, needs=(a_pushed_bundle_is_in_force_at_once,))
def the_policy_file_counts_no_more(lab):
    b = lab.bundles
    generation = b.status()['generation']
    with open(b.policy_file, 'w') as f:
        f.write(b.policy(KEEPER))
    lab.agent.said.clear()
    lab.agent.process.send_signal(signal.SIGHUP)
    lab.agent.hear(f'policy ward#{generation + 1} in force')
    lab.agent.hear('a bundle governs: serial 10', 'is not used')
    b.check()


@scenario(BUNDLED)
def of_two_pushes_at_once_one_is_taken(lab):
    b = lab.bundles
    for turn in range(5):
        serial = b.serial + 1
        paths = [b.make(serial=serial, reader=reader, to=b.path(f'race-{reader.name}'))
                 for reader in (DESK, KEEPER)]
        with contextlib.ExitStack() as stack:
            runs = [stack.enter_context(subprocess.Popen(
                [b.program, '--run', lab.agent.run, 'policy', 'push', p], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)) for p in paths]
            answers = [r.communicate() for r in runs]
        codes = [r.returncode for r in runs]
        expect(f'the statuses ({answers})', sorted(codes), [0, 1])
        expect_that(f'why: {answers}', 'is used up' in answers[codes.index(1)][1])
        b.reader = (DESK, KEEPER)[codes.index(0)]
        generation = b.status()['generation']
        expect_that(f'the answers tell it: {answers}',
                    f'ward#{generation} in force' in answers[codes.index(0)][0] and
                    f'ward#' in answers[codes.index(1)][1])
        b.check()


# ---- the folder ------------------------------------------------------------------------

def private(path, flags):
    """An opener: the harness has no umask."""
    return os.open(path, flags, 0o644)


def wait_serial(lab, serial):
    b = lab.bundles
    deadline = Deadline(SECONDS)
    while b.status().get('serial') != serial:
        if deadline.passed():
            lab.agent.said += lab.agent.lines.take()
            fail(f'{b.status()} is in force, not serial {serial}: {lab.agent.said[-5:]}')


@scenario(BUNDLED)
def a_bundle_put_into_the_folder_is_taken(lab):
    b = lab.bundles
    b.drop(b.make(reader=b.other()), 'next')
    wait_serial(lab, b.serial)
    b.reader = b.other()
    b.check()
    expect('the road', b.history()[-1]['road'], 'folder')
    text = b.text(b.serial + 1, b.other())
    b.serial += 1
    signed = b.sign(text, b.path('signed'))
    with open(signed) as f:
        signature = f.read()[:-len(text)]
    # The text and its signature, apart and slowly.
    with open(os.path.join(b.folder, 'pair'), 'w', opener=private) as f:
        f.write(text)
    with open(os.path.join(b.folder, 'pair.minisig'), 'w', opener=private) as f:
        for line in signature.splitlines(True):
            f.write(line)
            f.flush()
    wait_serial(lab, b.serial)
    b.reader = b.other()
    b.check()
    # Several at once: the newest counts; the others are left alone without a word.
    lab.agent.said += lab.agent.lines.take()
    lab.agent.said.clear()
    made = [b.make(reader=r, to=b.path(f'many-{i}')) for i, r in enumerate((DESK, KEEPER, DESK, KEEPER))]
    for p in reversed(made):
        b.drop(p, os.path.basename(p))
    wait_serial(lab, b.serial)
    b.reader = KEEPER
    b.check()
    lab.agent.said += lab.agent.lines.take()
    expect('complaints', [s for s in lab.agent.said if 'error' in s], [])


@scenario(BUNDLED)
def what_does_not_belong_into_the_folder_harms_nothing(lab):
    b = lab.bundles
    before = b.status()
    good = b.make(serial=b.serial + 1, reader=b.other())
    at = lambda name: os.path.join(b.folder, name)
    os.symlink(good, at('link'))
    os.mkfifo(at('fifo'))
    os.mkdir(at('subfolder'))
    with open(at('huge'), 'wb', opener=private) as f:
        f.truncate(1 << 40)
    with open(at('junk'), 'wb', opener=private) as f:
        f.write(os.urandom(4096))
    b.drop(edited(good, b.path('flipped'), flip(-1)), 'flipped')
    b.drop(good, 'writable', mode=0o666)
    b.drop(good, 'vendors', owner=VENDOR)
    for name in ('link', 'fifo', 'subfolder', 'huge', 'junk', 'flipped', 'writable', 'vendors'):
        lab.agent.hear(f"'{at(name)}' is refused", f'keeping policy ward#{before["generation"]}',
                       seconds=SECONDS)
    expect('what is in force', b.status(), before)
    b.check()
    # And a good one among them still counts.
    b.drop(good, 'good')
    wait_serial(lab, b.serial)
    b.reader = b.other()
    b.check()
    shutil.rmtree(b.folder)
    os.makedirs(b.folder)
    os.chmod(b.folder, 0o755)
    # A folder that is made anew is found again.
    b.drop(b.make(reader=b.other()), 'again')
    wait_serial(lab, b.serial)
    b.reader = b.other()
    b.check()
    os.unlink(at('again'))


# ---- back, and what was -----------------------------------------------------------------

@scenario(BUNDLED, needs=(a_pushed_bundle_is_in_force_at_once,))
def a_signed_rollback_goes_back_and_nothing_else_does(lab):
    b = lab.bundles
    first, second = b.other(), b.reader
    b.take(b.make(reader=first), first)
    b.take(b.make(reader=second), second)
    low, high = b.serial - 1, b.serial
    ask, key = lab.agent.ask, b.path('officer.key')
    code, _, err = ask('policy', 'rollback')
    expect_that(f'without a key it says what to do: {err!r}', code == 2 and '-k SECRETKEY' in err)
    code, out, err = ask('policy', 'rollback', '-k', b.path('stranger.key'), '--keys', b.keys)
    expect_that(f'a stranger takes nothing back: {err!r}', code == 1 and 'not trusted' in err)
    b.check()
    code, out, err = ask('policy', 'rollback', '-k', key, '--keys', b.keys, '--dry-run')
    expect_that(f'a dry run: {out!r}{err!r}', code == 0 and 'would be' in out)
    b.check()
    code, out, err = ask('policy', 'rollback', '-k', key, '--keys', b.keys)
    expect_that(f'the rollback: {out!r}{err!r}',
                code == 0 and f'serial {low}, which takes back {high}' in out)
    b.reader = first
    b.check()
    expect('status', [b.status()[k] for k in ('serial', 'takes_back')], [low, high])
    b.refused('what was taken back', b.path(f'bundle-{high}'), f'is used up')
    code, out, err = ask('policy', 'rollback', '-k', key, '--keys', b.keys, '--to', '10')
    expect_that(f'further back: {out!r}{err!r}', code == 0 and f'serial 10, which takes back {high}' in out)
    b.reader = DESK
    b.check()
    code, _, err = ask('policy', 'rollback', '-k', key, '--keys', b.keys, '--to', '9')
    expect_that(f'to what never was: {err!r}', code == 1 and 'serial 9' in err)
    unsigned = b.path('unsigned')
    code, _, err = ask('policy', 'rollback', '-o', unsigned, '--keys', b.keys)
    expect_that(f'before the first: {err!r}', code == 1 and 'no bundle' in err)
    b.take(b.make(reader=KEEPER), KEEPER)
    code, out, err = ask('policy', 'rollback', '-o', unsigned, '--keys', b.keys)
    expect_that(f'to be signed elsewhere: {out!r}{err!r}', code == 0 and 'amanat policy sign' in out)
    b.amanat('policy', 'sign', unsigned, '-k', b.path('deputy.key'))
    last = b.history()[-1]['serial']
    code, answer = b.push(unsigned)
    expect_that(f'{answer}', code == 0 and answer['in_force']['takes_back'] == last and
                answer['in_force']['signer'] == 'deputy')


@scenario(BUNDLED, needs=(a_pushed_bundle_is_in_force_at_once,))
def history_tells_what_was_in_force_and_gives_its_text(lab):
    b = lab.bundles
    history = b.history()
    expect('the last one', (history[-1]['generation'], history[-1]['ended']),
           (b.status()['generation'], 'in-force'))
    for before, after in zip(history, history[1:]):
        expect('generations', after['generation'], before['generation'] + 1)
        expect('where one ends the next begins', (before['until'], before['ended']),
               (after['since'], 'replaced'))
    first = next(r for r in history if r.get('serial') == 10)
    expect('who pushed it', (first['road'], first['uid'], first['signer']), ('push', 0, 'officer'))
    code, text, err = lab.agent.ask('policy', 'history', '--show', str(first['generation']))
    with open(b.path('bundle-10')) as f:
        expect('its text', text, '# amanat' + f.read().split('# amanat', 1)[1])
    code, text, err = lab.agent.ask('policy', 'history', '--show', str(history[0]['generation']))
    expect_that(f'that of a file: {text!r}{err!r}', code == 0 and 'user: desk' in text)
    expect('one that never was', lab.agent.ask('policy', 'history', '--show', '99999')[0], 1)
    text = lab.agent.ask('policy', 'history')[1]
    expect('lines', len(text.splitlines()), len(history))


# ---- what outlives the agent --------------------------------------------------------------

@contextlib.contextmanager
def full(where):
    """A disk without a free byte."""
    path = os.path.join(where, 'filler')
    with open(path, 'wb') as f:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    os.write(f.fileno(), b'x' * size)
    try:
        yield
    finally:
        os.unlink(path)
        os.sync()


@scenario(REBOOTED)
def a_full_disk_refuses_a_bundle_whole(lab):
    b = lab.bundles
    b.take(b.make(reader=DESK), DESK)
    path = b.make(reader=KEEPER)
    with full(b.state):
        answer = b.refused('a bundle on a full disk', path, 'No space left')
        expect('its result', answer['result'], 'refused')
        expect('history', b.history()[-1]['generation'], b.status()['generation'])
    b.take(path, KEEPER)
    expect('history', (b.history()[-1]['generation'], b.history()[-2]['generation']),
           (b.status()['generation'], b.status()['generation'] - 1))


def check_whole(lab, old, new):
    """After a restart either is in force, by what it says and by what it does."""
    b = lab.bundles
    status = b.status()
    found = {s: r for s, r in (old, new)}
    expect_that(f'old or new: {status}', status.get('serial') in found)
    b.reader = found[status['serial']]
    b.check()
    last = b.history()[-1]
    expect('history', (last['generation'], last['serial'], last['ended']),
           (status['generation'], status['serial'], 'in-force'))
    return status['serial']


MOMENTS = (('', 'registry.new', 'create'), ('', 'generation', 'moved'), ('policies', '.new-', 'create'),
           ('policies', '', 'moved'), ('', 'history', 'modify'), ('', 'serial.next', 'create'),
           ('', 'serial', 'moved'))


@scenario(REBOOTED)
def an_agent_killed_in_the_middle_of_a_push_leaves_the_old_or_the_new(lab):
    """At the moment when something of it shows in the state directory."""
    b = lab.bundles
    b.take(b.make(reader=DESK), DESK)
    outcomes = []
    b.empty_folder()
    for folder, name, what in MOMENTS:
        old = (b.status()['serial'], b.reader)
        new = (b.serial + 1, b.other())
        path = b.make(reader=b.other())
        with Inotify(os.path.join(b.state, folder)) as watch, subprocess.Popen(
                [b.program, '--run', lab.agent.run, 'policy', 'push', path],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as push:
            watch.wait(name, what)
            lab.stop(signal.SIGKILL)
            out, err = push.communicate()
        if push.returncode:
            expect_that(f'the client is told: {err!r}', push.returncode == 3 and 'went away' in err)
        b.start()
        serial = check_whole(lab, old, new)
        if push.returncode == 0:
            expect('what was answered', serial, new[0])
        outcomes.append('new' if serial == new[0] else 'old')
    return ', '.join(f'{n or "policies/*"} {w}: {o}' for (_, n, w), o in zip(MOMENTS, outcomes))


@scenario(REBOOTED)
def the_last_bundle_is_loaded_first_without_its_key_or_any_file(lab):
    b = lab.bundles
    b.empty_folder()
    path = b.make(reader=b.other())
    b.take(path, b.other())
    before = b.status()
    b.drop(path, 'the-one-in-force')
    lab.stop()
    os.unlink(b.policy_file)
    b.distrust('officer')
    agent = b.start()
    agent.hear('which is not trusted here any more', seconds=SECONDS)
    agent.said += agent.lines.take()
    expect('what is refused', [s for s in agent.said if 'refused' in s], [])
    expect('status', [b.status().get(k) for k in ('serial', 'digest', 'signer', 'generation')],
           [before['serial'], before['digest'], None, before['generation'] + 1])
    b.check()
    expect('how the one before ended', b.history()[-2]['ended'], 'agent-stopped')
    b.trust('officer')
    agent.process.send_signal(signal.SIGHUP)
    agent.hear("signed with key 'officer'", seconds=SECONDS)
    b.check()


def try_start(lab):
    b = lab.bundles
    r = subprocess.run([f'{lab.programs}/amanatd', '--policy', b.policy_file, '--state', b.state,
                        '--run', b.run, '--keys', b.keys, '--bundles', b.folder],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return r.returncode, r.stderr


@scenario(REBOOTED, needs=(a_full_disk_refuses_a_bundle_whole,))
def damaged_state_is_refused_or_put_aside_and_told(lab):
    b = lab.bundles
    status, history = b.status(), b.history()
    lab.stop()
    at = lambda name: os.path.join(b.state, name)
    for name in ('serial', f'policies/{status["digest"]}'):
        shutil.copy(at(name), b.path('copy'))
        edited(at(name), at(name), flip(-1))
        code, said = try_start(lab)
        expect_that(f'{name}: {code} {said!r}', code == 1 and 'damaged' in said and
                    'state directory' in said)
        os.unlink(at(name))
        if '/' in name:
            code, said = try_start(lab)
            expect_that(f'without {name}: {said!r}', code == 1 and 'missing' in said)
        shutil.copy(b.path('copy'), at(name))
    lines = read_file(at('history')).split(b'\n')
    lines[2] = lines[2].replace(b'begin', b'begun')
    with open(at('history'), 'wb') as f:
        f.write(b'\n'.join(lines) + b'deadbeef begin 99')
    b.start()
    found = b.history()
    wanted = [r['generation'] for r in history]
    expect('history without the damaged line', [r['generation'] for r in found],
           wanted[:1] + wanted[2:] + [wanted[-1] + 1])
    code, _, err = lab.agent.ask('policy', 'history')
    expect_that(f'it is told: {err!r}', '1 line of the history is damaged' in err)
    b.check()


@scenario(REBOOTED, needs=(a_full_disk_refuses_a_bundle_whole,))
def a_host_goes_back_to_its_policy_file_only_when_told_to(lab):
    b = lab.bundles
    with open(b.policy_file, 'w') as f:
        f.write(b.policy(b.other()))
    lab.stop()
    b.empty_folder()
    os.unlink(os.path.join(b.state, 'serial'))
    b.start()
    b.reader = b.other()
    b.check()
    expect('the source', b.status()['source'], 'file')


@scenario(REBOOTED)
def a_fresh_host_starts_from_the_folder_of_bundles(lab):
    b = lab.bundles
    lab.stop()
    b.empty_folder()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(b.policy_file)
    for name in os.listdir(b.state):
        path = os.path.join(b.state, name)
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    code, said = try_start(lab)
    expect_that(f'without anything: {said!r}', code == 1 and b.policy_file in said)
    b.drop(b.make(serial=3, reader=DESK), 'first')
    b.drop(b.make(serial=4, reader=KEEPER), 'second')
    b.start()
    b.reader = KEEPER
    b.check()
    expect('what is in force', [b.status()[k] for k in ('source', 'serial', 'generation')],
           ['bundle', 4, 1])
