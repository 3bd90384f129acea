# SPDX-License-Identifier: GPL-2.0
"""What a disk was told, in order: the log that QEMU's blklogwrites makes.

Sectors of 512 bytes. The first is about the log; then for each write, discard or flush one sector
says what it is (sector, sectors, flags, bytes of data, 8 bytes each, little endian), and its data
follows. A flush is logged when it has been done; whoever waited for it acts after that."""
import random
import struct

SECTOR = 512
MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


class Entry:
    def __init__(self, sector, sectors, flags, at):
        self.sector, self.sectors, self.flags, self.at = sector, sectors, flags, at


class WriteLog:
    def __init__(self, path):
        self.file = open(path, 'rb')
        self.entries = []
        self._read()

    def _read(self):
        magic, version, _, size = struct.unpack('<QQQI', self.file.read(28))
        if (magic, version, size) != (MAGIC, 1, SECTOR):
            raise ValueError(f'{self.file.name} is no log of writes')
        at, end = SECTOR, self.file.seek(0, 2)
        while at + SECTOR <= end:
            self.file.seek(at)
            sector, sectors, flags, _ = struct.unpack('<QQQQ', self.file.read(32))
            data = 0 if flags & DISCARD else sectors * SECTOR
            # What follows was being written when QEMU was killed.
            if not flags and not sectors or at + SECTOR + data > end:
                break
            self.entries.append(Entry(sector, sectors, flags, at + SECTOR))
            at += SECTOR + data

    def data(self, entry, sectors=None):
        self.file.seek(entry.at)
        return self.file.read((entry.sectors if sectors is None else sectors) * SECTOR)

    def apply(self, entry, disk, sectors=None):
        """Does to `disk` what the entry did, of a torn write the first sectors only."""
        if not entry.sectors:
            return
        disk.seek(entry.sector * SECTOR)
        if not entry.flags & DISCARD:
            disk.write(self.data(entry, sectors))
        # A discarded sector may keep what it had.

    def last_flush(self, n):
        """How many of the first n entries a flush has made certain."""
        while n and not self.entries[n - 1].flags & (FLUSH | FUA):
            n -= 1
        return n


HOWS = ('kill', 'cache-lost', 'some-lost', 'torn')


def cut(log, n, how, rng, disk, certain):
    """Makes of `disk`, which has what the first `certain` entries wrote, what may be left of it
    when the power goes after n: all that was written, no more than what was flushed, or any part
    of what was not, in `torn` one of them half."""
    loose = [e for e in log.entries[certain:n] if e.sectors and not e.flags & DISCARD]
    if how == 'cache-lost':
        loose = []
    elif how != 'kill':
        loose = [e for e in loose if rng.random() < 0.5]
    torn = rng.choice(loose) if how == 'torn' and loose else None
    for e in loose:
        log.apply(e, disk, rng.randrange(e.sectors) if e is torn else None)


def choose(log, first, count, seed):
    """So many moments from the entry `first` on, in order, and how each ends."""
    rng = random.Random(seed)
    points = sorted(rng.randrange(first, len(log.entries) + 1) for _ in range(count))
    return [(n, HOWS[i % len(HOWS)]) for i, n in enumerate(points)], rng
