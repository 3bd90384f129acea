# SPDX-License-Identifier: GPL-2.0
"""Waits until something happens in a folder."""
import os
import select
import struct

from .check import Deadline, fail
from .world import check, libc

KINDS = {'modify': 0x2, 'moved': 0x80, 'create': 0x100}
SECONDS = 30


class Inotify:
    def __init__(self, folder):
        self.fd = check(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        check(libc.inotify_add_watch(self.fd, folder.encode(), sum(KINDS.values())))

    def wait(self, part, kind):
        """Until that happens to a file with `part` in its name."""
        deadline, seen = Deadline(SECONDS), []
        while select.select([self.fd], [], [], deadline.left())[0]:
            data = os.read(self.fd, 1 << 16)
            while data:
                _, mask, _, size = struct.unpack_from('iIII', data)
                name = data[16:16 + size].rstrip(b'\0').decode()
                seen.append((name, mask))
                if part in name and mask & KINDS[kind]:
                    return
                data = data[16 + size:]
        fail(f'{kind} of {part!r} never happens, but {seen[-9:]}')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
