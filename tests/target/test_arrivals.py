"""The log's time of arrival is the kernel's, however late the target reads."""

import socket
import sys
import time

import pytest

from katydid.target.wire.arrivals import Arrivals, listen

LATE = 0.05


def by_recv(peer):
    return peer.recv(100)


def by_recv_into(peer):
    buffer = bytearray(100)
    return bytes(buffer[: peer.recv_into(buffer)])


@pytest.mark.skipif(sys.platform != "linux", reason="no kernel timestamps elsewhere")
@pytest.mark.parametrize("read", [by_recv, by_recv_into])
def test_a_late_read_is_dated_back_to_the_arrival(read):
    arrivals = Arrivals()
    with (
        listen("127.0.0.1", 0, arrivals) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as peer,
    ):
        for _ in range(20):  # the kernel begins to stamp some time after it was asked to
            sent = time.monotonic_ns(), time.time_ns()
            client.sendall(b"hello")
            time.sleep(LATE)
            assert read(peer) == b"hello"
            found = arrivals.latest()
            if found[0] < time.monotonic_ns() - LATE * 0.9e9:
                break
    for asked, got in zip(sent, found, strict=True):
        assert -1e6 < got - asked < LATE * 0.5e9


def test_without_a_stamp_the_time_is_that_of_the_reading():
    arrivals = Arrivals()
    arrivals.note([])
    assert abs(arrivals.latest()[0] - time.monotonic_ns()) < 1e9


def test_a_stamp_that_the_wall_clock_was_set_away_from_is_none():
    arrivals = Arrivals()
    arrivals.note([(socket.SOL_SOCKET, 37, (int(time.time()) + 3600).to_bytes(8, sys.byteorder) + bytes(8))])
    assert abs(arrivals.latest()[0] - time.monotonic_ns()) < 1e9
