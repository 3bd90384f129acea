# SPDX-License-Identifier: GPL-2.0
"""A PostgreSQL server whose data directory is a store: made, used, vacuumed, killed, recovered,
backed up, while others find it closed."""
import os
import pwd
import shutil
import signal
import subprocess

from harness.check import Deadline, fail, skip
from harness.world import MS_BIND, mount

PROGRAMS = '/usr/lib/postgresql/15/bin'
SECONDS = 400
AUDITORS = 61021      # a group that may read everything
ROWS = 2000

SETUP = f'''
create table person (id int primary key, cnic text, name text);
insert into person select n, '99999-' || lpad(n::text, 7, '0') || '-1', 'Fake ' || n
  from generate_series(1, {ROWS}) n;
create index on person (cnic);
'''
QUESTIONS = '''
select count(*), min(cnic), max(cnic), md5(string_agg(cnic, ',' order by id)) from person;
select name from person where cnic = '99999-0000042-1';
update person set name = upper(name) where id <= 100;
delete from person where id > 1900;
vacuum full person;
analyze person;
set temp_buffers = '1MB'; create temp table t as select * from person; select count(*) from t;
set work_mem = '64kB'; select count(*) from (select * from person order by name desc, cnic) s;
checkpoint;
select count(*) from person;
'''


def data(harm):
    return os.path.join(harm.disk, 'pg', 'data')


def _folder(harm):
    return os.path.join(harm.disk, 'pg')


def _user():
    return pwd.getpwnam('postgres')


def prepare(harm):
    """The programs from a file system on which a file is always the same one."""
    if not os.path.exists(f'{PROGRAMS}/postgres'):
        skip('PostgreSQL 15 is not installed')
    own = os.path.join(harm.disk, 'pg-bin')
    if not os.path.exists(own):
        shutil.copytree(PROGRAMS, own)
        mount(own, PROGRAMS, flags=MS_BIND)
        harm.world.mounts.append(PROGRAMS)
        shutil.copy('/bin/tar', os.path.join(harm.disk, 'bin', 'tar'))
    for name in ('', 'run', 'out'):
        os.makedirs(os.path.join(_folder(harm), name), exist_ok=True)
        os.chown(os.path.join(_folder(harm), name), _user().pw_uid, _user().pw_gid)


def _as_postgres(harm, *argv, **more):
    u = _user()
    return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True, user=u.pw_uid, group=u.pw_gid,
                          extra_groups=[], cwd=_folder(harm), timeout=SECONDS, check=False, **more)


def _succeed(r):
    if r.returncode:
        fail(f'{" ".join(r.args)[:80]} ends with {r.returncode}: {(r.stderr or "")[-500:]}')
    return r.stdout


def _silently(harm, *argv):
    """What reads the store labels each pipe that it writes to: its output goes to a file."""
    with open(os.path.join(_folder(harm), 'out', 'said'), 'wb') as said:
        _succeed(_as_postgres(harm, *argv, stdout=said, stderr=said))


def psql(harm, text):
    """By a client that is no subject of the policy."""
    return _succeed(subprocess.run(
        [f'{PROGRAMS}/psql', '-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-h',
         f'{_folder(harm)}/run', '-U', 'postgres', 'postgres'], input=text, text=True,
        capture_output=True, timeout=SECONDS))


def _start(harm):
    u = _user()
    log = open(os.path.join(_folder(harm), 'out', 'log'), 'ab')
    harm.server = subprocess.Popen(
        [f'{PROGRAMS}/postgres', '-D', data(harm), '-k', f'{_folder(harm)}/run', '-c',
         'listen_addresses=', '-c', 'shared_buffers=8MB'], stdin=subprocess.DEVNULL, stdout=log,
        stderr=log, user=u.pw_uid, group=u.pw_gid, extra_groups=[], start_new_session=True)
    log.close()
    deadline = Deadline(SECONDS)
    while subprocess.run([f'{PROGRAMS}/pg_isready', '-q', '-t', '1', '-h', f'{_folder(harm)}/run'],
                         check=False).returncode:
        if deadline.passed() or harm.server.poll() is not None:
            fail(f'the server does not start: {harm.server.poll()}')


def _log_says(harm, words):
    """The server's log carries the labels of what the server has read: only who may reads it."""
    return subprocess.run(['grep', '-q', words, os.path.join(_folder(harm), 'out', 'log')],
                          stdin=subprocess.DEVNULL, extra_groups=[AUDITORS], check=False).returncode == 0


def kill(harm):
    """All of its processes at once, as a power cut would."""
    server = getattr(harm, 'server', None)
    if server and server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


# ---- the work --------------------------------------------------------------------------

def the_database_is_made(harm):
    prepare(harm)
    _silently(harm, f'{PROGRAMS}/initdb', '-N', '-A', 'trust', '-D', data(harm))
    return 'made'


def the_database_is_used(harm):
    _start(harm)
    psql(harm, SETUP)
    return psql(harm, QUESTIONS)


use = the_database_is_used


def the_database_recovers_from_a_crash(harm):
    psql(harm, "insert into person values (5000, 'x', 'last');")
    kill(harm)
    _start(harm)
    if not _log_says(harm, 'automatic recovery in progress'):
        fail('there was nothing to recover')
    return psql(harm, 'select count(*), max(id) from person;')


def the_database_is_dumped(harm):
    text = _succeed(_as_postgres(harm, f'{PROGRAMS}/pg_dump', '-h', f'{_folder(harm)}/run', 'postgres',
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    # What differs from run to run by itself.
    return [line for line in text.splitlines() if not line.startswith(('--', r'\restrict',
                                                                       r'\unrestrict'))]


def the_database_is_backed_up_by_its_server(harm):
    where = os.path.join(_folder(harm), 'out', 'base')
    _silently(harm, f'{PROGRAMS}/pg_basebackup', '-h', f'{_folder(harm)}/run', '-D', where, '-X',
              'stream', '-c', 'fast')
    names = sorted(os.listdir(where))
    shutil.rmtree(where)
    return names


def the_database_is_backed_up_file_by_file(harm):
    psql(harm, 'checkpoint;')
    _succeed(subprocess.run([f'{harm.disk}/bin/tar', 'cf', f'{_folder(harm)}/out/files.tar', '-C',
                             data(harm), 'base', 'global', 'PG_VERSION'], stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False))
    return os.path.getsize(f'{_folder(harm)}/out/files.tar') > 1 << 20


def the_database_is_shut_down(harm):
    harm.server.send_signal(signal.SIGINT)
    return harm.server.wait(SECONDS)


WORK = [the_database_is_made, the_database_is_used, the_database_recovers_from_a_crash,
        the_database_is_dumped, the_database_is_backed_up_by_its_server,
        the_database_is_backed_up_file_by_file, the_database_is_shut_down]


def remove(harm):
    """So that it can be made again; by who may, once there is an agent."""
    kill(harm)
    if not harm.agent:
        shutil.rmtree(_folder(harm), ignore_errors=True)
        # The store's path is there before the agent, whatever work was chosen.
        prepare(harm)
        os.makedirs(data(harm), 0o700)
        os.chown(data(harm), _user().pw_uid, _user().pw_gid)


# ---- and what must not go ----------------------------------------------------------------

def a_foreigner_does_not_read_the_data_and_the_client_carries_on(harm):
    _start(harm)
    # Only now: who listens and does not read what a database has to tell is cut off.
    harm.agent.follow()
    path = psql(harm, "select pg_relation_filepath('person');").strip()
    r = subprocess.run(['cat', os.path.join(data(harm), path)], stdin=subprocess.DEVNULL,
                       capture_output=True, check=False)
    if r.returncode != 1 or r.stdout or b'Permission denied' not in r.stderr:
        fail(f'cat ends with {r.returncode}, {len(r.stdout)} bytes, {r.stderr!r}')
    harm.agent.tail.wait(verdict='deny', comm='cat', store='database')
    if psql(harm, 'select 6 * 7;').strip() != '42':
        fail('the client does not carry on')
    the_database_is_shut_down(harm)


REFUSED = [a_foreigner_does_not_read_the_data_and_the_client_carries_on]
