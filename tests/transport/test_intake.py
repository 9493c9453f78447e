"""A socket's reads are stamped, and plain content events in them noted without waking anybody; in C as in Python."""

import socket
import time

import pytest

from katydid.transport import clock, intake

RULE = b'data: {"content":"\x03"}\n\n'
TWINS = ["python", *(["c"] if intake.compiled else [])]


def plain(text="word"):
    body = b'data: {"content":"%s"}\n\n' % text.encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


class Listener:
    def __init__(self):
        self.heard = []

    def on_read(self, wire, at):
        self.heard.append(wire)
        self.at = at

    def on_error(self, error):
        self.heard.append(type(error))


@pytest.fixture(params=TWINS)
def line(request):
    ours, peer = _tcp_pair()
    ours.setblocking(False)
    clock.enable(ours)
    reader = intake.Intake(ours) if request.param == "python" else intake.compiled(ours.fileno())
    with ours, peer:
        yield reader, Listener(), peer


def _tcp_pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, peer


def read(reader, listener):
    for _ in range(1000):
        if reader.read(listener):
            return
        time.sleep(0.001)
    raise AssertionError("nothing came")


def test_whatever_comes_goes_to_the_listener_with_its_arrival(line):
    reader, listener, peer = line
    before = time.monotonic()
    peer.sendall(b"hello")
    read(reader, listener)
    assert listener.heard == [b"hello"]
    assert before - 0.001 <= listener.at == reader.last_at <= time.monotonic()


def test_nothing_to_read_is_told_to_nobody(line):
    reader, listener, _ = line
    assert not reader.read(listener)
    reader.on_readable(listener)
    assert listener.heard == []


def test_plain_events_are_noted_by_their_arrivals(line):
    reader, listener, peer = line
    reader.arm(RULE)
    assert reader.armed
    for data in (plain(), plain() * 2):
        peer.sendall(data)
        read(reader, listener)
    reads, *others = reader.disarm()
    assert len(reads) == 2
    assert reads[0] < reads[1] == reader.last_at
    assert others == [3, 1, 3 * (len(plain()) - 6)]
    assert listener.heard == []
    assert not reader.armed
    assert reader.disarm() == ([], 0, 0, 0)


def test_what_is_odd_goes_to_the_listener_from_its_first_byte(line):
    reader, listener, peer = line
    reader.arm(RULE)
    peer.sendall(plain() * 2 + b"odd" + plain())
    read(reader, listener)
    assert listener.heard == [b"odd" + plain()]
    assert reader.disarm()[1:3] == (2, 2)


def test_unarmed_it_notes_nothing(line):
    reader, listener, peer = line
    reader.arm(RULE)
    reader.disarm()
    peer.sendall(plain())
    read(reader, listener)
    assert listener.heard == [plain()]


def test_a_stream_without_an_end_comes_up_now_and_then(line):
    reader, listener, peer = line
    reader.arm(RULE)
    block = plain() * 1000
    for _ in range(10):
        peer.sendall(block)
        left = len(block)
        while left and not listener.heard:
            read(reader, listener)
            left = 0 if reader.read(listener) else left - len(block)
    assert listener.heard
    assert reader.disarm()[1] >= intake.MOST_EVENTS


def test_the_end_is_an_empty_read(line):
    reader, listener, peer = line
    reader.arm(RULE)
    peer.close()
    for _ in range(100):
        reader.on_readable(listener)
        if listener.heard:
            break
        time.sleep(0.001)
    assert listener.heard == [b""]


def test_a_broken_connection_is_an_error(line):
    reader, listener, peer = line
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    for _ in range(100):
        assert not reader.read(listener)
        if listener.heard:
            break
        time.sleep(0.001)
    assert listener.heard == [ConnectionResetError]


@pytest.mark.skipif(not clock.available(), reason="this kernel stamps nothing")
def test_it_says_how_far_it_was_behind(line):
    reader, listener, peer = line
    for _ in range(20):  # the kernel begins to stamp some time after it was asked to
        peer.sendall(b"late")
        time.sleep(0.05)
        read(reader, listener)
        if reader.lag_ns:
            break
    assert reader.lag_ns >= 45_000_000
    assert listener.at <= time.monotonic() - 0.045
    reader.lag_ns = 0
    assert reader.lag_ns == 0


@pytest.mark.skipif(not clock.available(), reason="this kernel stamps nothing")
def test_bytes_that_are_older_than_the_loops_last_look_were_stamped_by_another_clock(line, turn):
    reader, listener, peer = line
    for _ in range(20):  # the kernel begins to stamp some time after it was asked to
        peer.sendall(b"in time")
        read(reader, listener)
        if reader.lag_ns:
            break
    reader.lag_ns = 0
    stamped, unstamped = intake.stamps()
    peer.sendall(b"of before a step of the wall clock, as far as a reader can tell")
    time.sleep(0.2)
    turn()
    time.sleep(0.001)
    turn()
    before = time.monotonic()
    read(reader, listener)
    assert before <= listener.at <= time.monotonic()
    assert reader.lag_ns == 0
    assert intake.stamps() == (stamped, unstamped + 1)


@pytest.mark.skipif(not clock.available(), reason="this kernel stamps nothing")
def test_a_loop_that_was_busy_for_long_still_knows_when_bytes_came(line, turn):
    reader, listener, peer = line
    turn()
    time.sleep(0.001)
    turn()
    for _ in range(20):
        peer.sendall(b"while the loop was busy")
        time.sleep(0.2)
        turn()
        read(reader, listener)
        if reader.lag_ns:
            break
    assert reader.lag_ns >= 195_000_000
    assert listener.at <= time.monotonic() - 0.195


def test_what_a_listener_raises_comes_out(line):
    reader, _, peer = line
    peer.sendall(b"hello")
    with pytest.raises(AttributeError):
        read(reader, object())


@pytest.fixture
def turn(line):
    """A turn of the event loop, whose window has just begun."""
    reader, _, _ = line
    turn = intake.COALESCER.tick if isinstance(reader, intake.Intake) else intake.on_turn
    _end_window(turn)
    return turn


def _end_window(turn):
    time.sleep(intake.WINDOW_S * 1.2)
    return turn()


def _many(line, piece, number=2000):
    reader, listener, peer = line
    for _ in range(number):
        peer.sendall(piece)
        read(reader, listener)


def _until_it_rests(line, turn):
    for _ in range(50):  # a machine that is busy with other things may be too slow for once
        if _a_window(line, turn, pairs=0):
            return
    raise AssertionError("it never does")


def test_while_many_chunks_come_alone_the_loop_rests_at_each_turn(line, turn):
    _until_it_rests(line, turn)
    before = time.monotonic()
    assert turn()
    assert time.monotonic() - before >= intake.COALESCE_S * 0.9
    assert not _end_window(turn), "and none since"


@pytest.mark.parametrize("few", ["few", "two at a time", "unarmed"])
def test_else_it_does_not(line, turn, few):
    if few != "unarmed":
        line[0].arm(RULE)
    _many(line, plain() * (2 if few == "two at a time" else 1), 20 if few == "few" else 2000)
    assert not _end_window(turn)


@pytest.mark.parametrize("kind", TWINS)
def test_without_the_kernels_stamps_it_does_not_either(kind):
    ours, peer = _tcp_pair()
    ours.setblocking(False)
    reader = intake.Intake(ours) if kind == "python" else intake.compiled(ours.fileno())
    turn = intake.COALESCER.tick if kind == "python" else intake.on_turn
    with ours, peer:
        reader.arm(RULE)
        _end_window(turn)
        _many((reader, Listener(), peer), plain())
        assert not _end_window(turn)


def _a_window(line, turn, *, pairs):
    """Whether the loop rests after a window in which many chunks came alone, and so many by two."""
    reader, _, _ = line
    reader.arm(RULE)
    _many(line, plain() * 2, pairs)
    _many(line, plain())
    reader.disarm()
    return _end_window(turn)


def test_streams_that_are_faster_than_the_rest_end_it_for_a_while(line, turn):
    _until_it_rests(line, turn)
    assert not _a_window(line, turn, pairs=200), "a tenth by two, and none while it did not rest"
    assert not _a_window(line, turn, pairs=0), "although all come alone again"


def test_a_target_that_sends_chunks_by_two_does_not(line, turn):
    while _end_window(turn):  # what was before
        pass
    for _ in range(50):
        if _a_window(line, turn, pairs=200):
            break
    assert any(_a_window(line, turn, pairs=200) for _ in range(5)), "they come by two anyway"
