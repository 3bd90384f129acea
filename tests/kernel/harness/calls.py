# SPDX-License-Identifier: GPL-2.0
"""System calls that Python has no function for."""
import ctypes
import mmap
import os
import socket
import struct

from .world import check, libc

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_SYMLINK_FOLLOW = 0x400
PROT_NONE, PROT_READ, PROT_WRITE = 0, 1, 2
MAP_SHARED, MAP_PRIVATE = 1, 2
PAGE = mmap.PAGESIZE

libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int,
                      ctypes.c_long)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
libc.sendto.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                        ctypes.c_void_p, ctypes.c_uint)


def map_file(fd, prot, flags=MAP_PRIVATE):
    """The address of a page of the file."""
    address = libc.mmap(None, PAGE, prot, flags, fd, 0)
    if address == ctypes.c_void_p(-1).value:
        check(-1)
    return address


def mprotect(address, prot):
    check(libc.mprotect(address, PAGE, prot))


def peek(address, size):
    return ctypes.string_at(address, size)


# ---- handles -------------------------------------------------------------------

HANDLE_MAX = 128


def handle_of(path):
    """What open_by_handle() opens: a name-less reference to a file."""
    buffer = ctypes.create_string_buffer(struct.pack('Ii', HANDLE_MAX, 0), 8 + HANDLE_MAX)
    mount_id = ctypes.c_int()
    check(libc.name_to_handle_at(AT_FDCWD, path.encode(), buffer, ctypes.byref(mount_id), 0))
    return buffer.raw


def open_by_handle(mount_fd, handle, flags=os.O_RDONLY):
    return check(libc.open_by_handle_at(mount_fd, ctypes.create_string_buffer(handle), flags))


def link_fd(fd, path):
    """Gives a file without a name one."""
    check(libc.linkat(AT_FDCWD, f'/proc/self/fd/{fd}'.encode(), AT_FDCWD, path.encode(),
                      AT_SYMLINK_FOLLOW))


RENAME_EXCHANGE = 2


def exchange(one, other):
    check(libc.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE))


# ---- sendmmsg ------------------------------------------------------------------

class Iovec(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('len', ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint), ('iov', ctypes.c_void_p),
                ('iovlen', ctypes.c_size_t), ('control', ctypes.c_void_p),
                ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [('hdr', Msghdr), ('len', ctypes.c_uint)]


def sockaddr4(ip, port):
    return struct.pack('=H', socket.AF_INET) + struct.pack('>H4s8x', port, socket.inet_aton(ip))


def sendmmsg(fd, data, addresses):
    """How many of the messages went out."""
    names = [ctypes.create_string_buffer(sockaddr4(*a), 16) for a in addresses]
    text = ctypes.create_string_buffer(data, len(data))
    iov = Iovec(ctypes.addressof(text), len(data))
    messages = (Mmsghdr * len(names))()
    for m, name in zip(messages, names):
        m.hdr.name, m.hdr.namelen = ctypes.addressof(name), 16
        m.hdr.iov, m.hdr.iovlen = ctypes.addressof(iov), 1
    return check(libc.sendmmsg(fd, messages, len(names), 0))


# ---- other processes -------------------------------------------------------------

SYS_PIDFD_GETFD = 438
libc.process_vm_readv.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p,
                                  ctypes.c_ulong, ctypes.c_ulong)


def process_vm_read(pid, address, size):
    text = ctypes.create_string_buffer(size)
    here, there = Iovec(ctypes.addressof(text), size), Iovec(address, size)
    n = libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return text.raw[:check(n)]


def pidfd_getfd(pidfd, fd):
    return check(libc.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0))


# ---- pipes ---------------------------------------------------------------------

libc.tee.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint)
libc.vmsplice.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint)


def tee(source, target, size):
    return check(libc.tee(source, target, size, 0))


_given = []     # a pipe refers to these pages until they are read


def vmsplice_in(fd, data):
    text = ctypes.create_string_buffer(data, len(data))
    _given.append(text)
    iov = Iovec(ctypes.addressof(text), len(data))
    return check(libc.vmsplice(fd, ctypes.byref(iov), 1, 0))


def vmsplice_out(fd, size):
    text = ctypes.create_string_buffer(size)
    iov = Iovec(ctypes.addressof(text), size)
    return text.raw[:check(libc.vmsplice(fd, ctypes.byref(iov), 1, 0))]


# ---- io_uring ------------------------------------------------------------------

SYS_IO_URING_SETUP, SYS_IO_URING_ENTER = 425, 426
IORING_OP_READV, IORING_OP_SENDMSG, IORING_OP_OPENAT = 1, 9, 18
IORING_OP_READ, IORING_OP_SEND, IORING_OP_TEE = 22, 26, 33
IORING_ENTER_GETEVENTS = 1
IOSQE_ASYNC = 1 << 4    # by a worker thread of the kernel
OFF_SQ_RING, OFF_CQ_RING, OFF_SQES = 0, 0x8000000, 0x10000000
SQE_SIZE = 64


class Ring:
    """An io_uring that takes one request at a time."""

    def __init__(self, setup=0):
        params = ctypes.create_string_buffer(120)
        struct.pack_into('I', params, 8, setup)
        self.polled = setup & 2
        self.fd = check(libc.syscall(SYS_IO_URING_SETUP, 4, params))
        entries = struct.unpack_from('2I', params)
        self.sq_off = struct.unpack_from('8I', params, 40)
        self.cq_off = struct.unpack_from('8I', params, 80)
        self.sq = mmap.mmap(self.fd, self.sq_off[6] + entries[0] * 4, offset=OFF_SQ_RING)
        self.cq = mmap.mmap(self.fd, self.cq_off[5] + entries[1] * 16, offset=OFF_CQ_RING)
        self.sqes = mmap.mmap(self.fd, entries[0] * SQE_SIZE, offset=OFF_SQES)

    @staticmethod
    def _word(ring, at):
        return struct.unpack_from('I', ring, at)[0]

    def run(self, opcode, fd, address, size, offset=0, flags=0, splice_from=0):
        """The request's result; raises OSError as the system call would."""
        tail, mask = self.sq_off[1], self.sq_off[2]
        at = self._word(self.sq, tail)
        slot = at & self._word(self.sq, mask)
        struct.pack_into('BBHiQQIiQHHi16x', self.sqes, slot * SQE_SIZE, opcode, flags, 0, fd,
                         offset, address, size, 0, 0, 0, 0, splice_from)
        struct.pack_into('I', self.sq, self.sq_off[6] + slot * 4, slot)
        struct.pack_into('I', self.sq, tail, at + 1)
        # A polled ring's thread may sleep: IORING_ENTER_SQ_WAKEUP.
        check(libc.syscall(SYS_IO_URING_ENTER, self.fd, 1, 1,
                           IORING_ENTER_GETEVENTS | self.polled, None, 0))
        done = self._word(self.cq, self.cq_off[0])
        entry = self.cq_off[5] + (done & self._word(self.cq, self.cq_off[2])) * 16
        result = struct.unpack_from('Qi', self.cq, entry)[1]
        struct.pack_into('I', self.cq, self.cq_off[0], done + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result


def uring_tee(source, target, size):
    return Ring().run(IORING_OP_TEE, target, 0, size, splice_from=source)


def uring_read(fd, size, flags=0):
    buffer = ctypes.create_string_buffer(size)
    n = Ring().run(IORING_OP_READ, fd, ctypes.addressof(buffer), size, flags=flags)
    return buffer.raw[:n]


def uring_open(path):
    name = ctypes.create_string_buffer(path.encode())
    return Ring().run(IORING_OP_OPENAT, AT_FDCWD, ctypes.addressof(name), 0)


def uring_send(fd, data):
    buffer = ctypes.create_string_buffer(data, len(data))
    return Ring().run(IORING_OP_SEND, fd, ctypes.addressof(buffer), len(data))
