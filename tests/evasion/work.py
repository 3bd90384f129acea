# SPDX-License-Identifier: GPL-2.0
"""Work that has nothing to do with any store."""
import hashlib
import os
import shutil
import subprocess

from harness.agent import BUILD
from harness.check import fail

CONTROL = '''Package: harm
Version: {version}
Architecture: all
Maintainer: Nobody <nobody@example.org>
Description: files, links and a script
'''
SCRIPT = '''#!/bin/sh
set -e
sort /usr/share/harm/0* | sha256sum >/var/lib/harm-digest
chmod 600 /var/lib/harm-digest
'''


def _run(*argv, **more):
    r = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)
    if r.returncode:
        fail(f'{" ".join(argv)[:80]} ends with {r.returncode}: {r.stdout[-300:]}{r.stderr[-500:]}')
    return r.stdout


def _package(harm):
    """A package of some hundred files, made here: there is no network."""
    top = harm.world.path('package')
    if not os.path.exists(top):
        os.makedirs(f'{top}/DEBIAN')
        os.makedirs(f'{top}/usr/share/harm')
        with open(f'{top}/DEBIAN/control', 'w', encoding='ascii') as f:
            f.write(CONTROL.format(version='1'))
        with open(f'{top}/DEBIAN/postinst', 'w', encoding='ascii') as f:
            f.write(SCRIPT)
        os.chmod(f'{top}/DEBIAN/postinst', 0o755)
        for n in range(300):
            with open(f'{top}/usr/share/harm/{n:03}', 'w', encoding='ascii') as f:
                f.write(f'{n}\n' * 50)
        os.symlink('000', f'{top}/usr/share/harm/link')
        os.link(f'{top}/usr/share/harm/001', f'{top}/usr/share/harm/hard')
        _run('dpkg-deb', '-b', top, harm.world.path('harm.deb'))
    return harm.world.path('harm.deb')


def a_package_is_installed_and_removed(harm):
    # What the mirrors have is of no use here, and reading it takes an emulated CPU half a minute.
    lists = harm.world.path('lists')
    os.makedirs(f'{lists}/partial', exist_ok=True)
    options = ('-q', '-y', '-o', 'APT::Sandbox::User=root', '-o', 'DPkg::Use-Pty=0', '-o', f'Dir::State::lists={lists}',
               '-o', 'Dir::Cache::pkgcache=', '-o', 'Dir::Cache::srcpkgcache=')
    env = dict(os.environ, DEBIAN_FRONTEND='noninteractive', LC_ALL='C')
    _run('apt-get', *options, 'install', _package(harm), env=env)
    with open('/var/lib/harm-digest', encoding='ascii') as f:
        digest = f.read()
    result = [digest, _run('dpkg', '-L', 'harm'), _run('dpkg', '-V', 'harm')]
    _run('apt-get', *options, 'purge', 'harm', env=env)
    return result + [os.path.exists('/usr/share/harm')]


def _git(where, *words):
    return _run('git', '-c', 'user.name=n', '-c', 'user.email=n@example.org', '-c',
                'safe.directory=*', '-C', where, *words,
                env=dict(os.environ, GIT_AUTHOR_DATE='1700000000 +0000', HOME='/nonexistent',
                         GIT_COMMITTER_DATE='1700000000 +0000', GIT_CONFIG_NOSYSTEM='1'))


def a_repository_is_cloned(harm):
    origin, clone = os.path.join(harm.disk, 'origin'), os.path.join(harm.disk, 'clone')
    if not os.path.exists(origin):
        os.makedirs(origin)
        _git(origin, 'init', '-q', '-b', 'main')
        for n in range(3):
            for m in range(20):
                with open(f'{origin}/{m}', 'a', encoding='ascii') as f:
                    f.write(f'{n} {m}\n' * 20)
            _git(origin, 'add', '.')
            _git(origin, 'commit', '-q', '-m', f'{n}')
    shutil.rmtree(clone, ignore_errors=True)
    _git(harm.disk, 'clone', '-q', f'file://{origin}', clone)
    _git(clone, 'gc', '-q')
    return [_git(clone, 'rev-parse', 'HEAD'), _git(clone, 'fsck', '--full'),
            _git(clone, 'status', '--porcelain')]


def a_container_runs_on_an_overlay(harm):
    top = os.path.join(harm.disk, 'container')
    shutil.rmtree(top, ignore_errors=True)
    for name in ('lower/bin', 'lower/etc', 'lower/proc', 'lower/tmp', 'upper', 'work', 'root'):
        os.makedirs(f'{top}/{name}')
    shutil.copy('/bin/busybox', f'{top}/lower/bin/busybox')
    for name in ('sh', 'cat', 'ls', 'cp', 'mv', 'rm', 'sha256sum', 'ln', 'seq', 'sort'):
        os.symlink('busybox', f'{top}/lower/bin/{name}')
    with open(f'{top}/lower/etc/name', 'w', encoding='ascii') as f:
        f.write('lower\n')
    inside = ('cat /etc/name; echo upper >>/etc/name; cat /etc/name; cp /bin/busybox /tmp/b; '
              '/tmp/b sha256sum /bin/busybox; mv /etc/name /etc/moved; rm /bin/seq; ls /etc /bin; '
              '(ls /bin | sort -r | cat) >/tmp/list; cat /tmp/list; ls /proc/1/fd')
    return _run('unshare', '--mount', '--pid', '--fork', '--uts', 'sh', '-e', '-c',
                f'mount -t overlay -o lowerdir={top}/lower,upperdir={top}/upper,workdir={top}/work '
                f'overlay {top}/root; mount -t proc proc {top}/root/proc; '
                f"exec chroot {top}/root /bin/sh -c '{inside}'")


def a_file_is_copied_by_io_uring(harm):
    source, target = os.path.join(harm.disk, 'source'), os.path.join(harm.disk, 'target')
    data = b''.join(hashlib.sha256(b'%d' % n).digest() for n in range(100_000))
    with open(source, 'wb') as f:
        f.write(data)
    _run(os.path.join(BUILD, 'tests', 'evasion'), 'as', 'uring-copy', source, target)
    with open(target, 'rb') as f:
        if f.read() != data:
            fail('the copy is not the same')
    os.remove(target)
    return len(data)


WORK = [a_package_is_installed_and_removed, a_repository_is_cloned, a_container_runs_on_an_overlay,
        a_file_is_copied_by_io_uring]
