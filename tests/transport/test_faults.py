"""What goes wrong on the line: one outcome each, with its class and its blame, by both clients."""

import socket
import ssl
import subprocess
import sys
import textwrap
import time

import pytest

from katydid.model.sample import ErrorClass as E
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import DONE, PROPER, ROLE, STOP, THREE
from talking import CLIENTS, Talker, ask

BODY = PROPER.encode()


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


def reply(*pieces, pause=0.0, request=True, end=None):
    """A script: read a request, send these bytes, and end as said."""

    def script(peer):
        if request:
            peer.request()
        peer.send(*pieces, pause=pause)
        if end == "reset":
            peer.reset()
        elif end == "stay":
            peer.wait_for_close()

    return script


def status(line, body=b"", headers=b""):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (line, len(body), headers, body)


SIZED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + BODY

CASES = {
    "a proper answer": (reply(SSE_HEAD + chunks(BODY) + END), None, None),
    "a proper answer with a length": (reply(SIZED), None, None),
    "a proper answer until the close": (reply(UNTIL_CLOSE), None, None),
    "a proper answer after an interim one": (
        reply(b"HTTP/1.1 100 Continue\r\n\r\n" + SSE_HEAD + chunks(BODY) + END),
        None,
        None,
    ),
    "closed without an answer": (reply(), E.TRUNCATED, "without an answer"),
    "closed in the head": (reply(SSE_HEAD[:30]), None, None),
    "closed in a chunk": (reply(SSE_HEAD + chunks(BODY)[:-40]), E.TRUNCATED, "middle of its answer"),
    "closed between chunks": (reply(SSE_HEAD + chunks(ROLE.encode(), THREE.encode())), E.TRUNCATED, "middle"),
    "closed before the last chunk": (reply(SSE_HEAD + chunks(BODY)), E.TRUNCATED, "middle of its answer"),
    "closed short of its length": (reply(SIZED[:-10]), E.TRUNCATED, "middle of its answer"),
    "reset without an answer": (reply(end="reset"), E.RESET, None),
    "an error event, then cut off": (
        reply(SSE_HEAD + chunks(b'data: {"error":{"message":"boom"}}\n\n')),
        E.SERVER_ERROR_EVENT,
        "boom",
    ),
    "an error without a frame": (
        reply(SSE_HEAD + chunks(b'{"error":{"message":"context size"}}') + END),
        E.SERVER_ERROR_EVENT,
        "context size",
    ),
    "an error in a field of its own, after content": (
        reply(SSE_HEAD + chunks((ROLE + THREE).encode(), b'error: {"message":"context size"}\n\n') + END),
        E.SERVER_ERROR_EVENT,
        "context size",
    ),
    "the words `error:` in a line of content": (
        reply(SSE_HEAD + chunks(BODY.replace(b"Hello", b"error: none")) + END),
        None,
        None,
    ),
    "an error event of plain words": (
        reply(SSE_HEAD + chunks(b"event: error\ndata: Too many requests\n\n") + END),
        E.RATE_LIMITED,
        "Too many requests",
    ),
    "an error in a choice": (
        reply(SSE_HEAD + chunks((ROLE + THREE + STOP).encode().replace(b'"stop"', b'"error"'), DONE.encode()) + END),
        E.SERVER_ERROR_EVENT,
        "finish_reason 'error'",
    ),
    "an end mark without its last line": (reply(SSE_HEAD + chunks(BODY[:-1]) + END), None, None),
    "an end mark without any line's end": (reply(SSE_HEAD + chunks(BODY[:-2]) + END), None, None),
    "a page of HTML": (
        reply(status(b"200 OK", b"<html>\n\n<body>Sign in</body>\n\n", b"Content-Type: text/html\r\n")),
        E.MALFORMED,
        "text/html: not an event stream: <html>",
    ),
    "a page of HTML that is called a stream": (
        reply(status(b"200 OK", b"<html>\n\n<body>Sign in</body>\n\n", b"Content-Type: text/event-stream\r\n")),
        E.MALFORMED,
        "not an event stream: <html>",
    ),
    "429": (reply(status(b"429 Too Many", b'{"error":{"message":"slow down"}}')), E.RATE_LIMITED, "429 slow down"),
    "429 for the day": (reply(status(b"429 Too Many", b"requests per day")), E.DAILY_LIMIT, "per day"),
    "503": (reply(status(b"503 Busy", b"try later", b"Retry-After: 5\r\n")), E.OVERLOADED, "503 try later"),
    "500": (reply(status(b"500 Oops")), E.HTTP_5XX, "500"),
    "500 that closes": (reply(b"HTTP/1.1 500 Oops\r\n\r\nbroken"), E.HTTP_5XX, "500 broken"),
    "401": (reply(status(b"401 No", b'{"error":"bad key"}')), E.HTTP_4XX, "401 bad key"),
    "a redirect": (reply(status(b"302 Found", b"", b"Location: http://elsewhere/\r\n")), E.OTHER, "point --host there"),
    "an answer that is JSON, no stream": (
        reply(status(b"200 OK", b'{"choices":[]}', b"Content-Type: application/json\r\n")),
        E.MALFORMED,
        'not an event stream: {"choices":[]}',
    ),
    "silence": (reply(end="stay"), E.IDLE_TIMEOUT, "nothing arrived for 0.4 s"),
    "silence in the middle": (
        reply(SSE_HEAD + chunks(ROLE.encode(), THREE.encode()), end="stay"),
        E.IDLE_TIMEOUT,
        "nothing arrived",
    ),
    "no HTTP at all": (reply(b"SSH-2.0-OpenSSH\r\n\r\n"), E.MALFORMED, "malformed"),
    "a chunk of no size": (reply(SSE_HEAD + b"zz\r\n\r\n"), None, None),
}
del CASES["closed in the head"], CASES["a chunk of no size"]  # the clients differ; see below


def test_an_answer_that_is_left_open_behind_its_end_is_whole_and_ends_there(client):
    with raw_server(reply(SSE_HEAD + chunks(BODY), end="stay")) as url:
        sample = ask(client, url, idle=0.5).sample
    assert sample.outcome == "ok"
    assert sample.duration_ms < 400
    assert "did not close the response after the end of the answer" in sample.detail


def test_one_that_is_left_open_before_its_end_is_not(client):
    with raw_server(reply(SSE_HEAD + chunks((ROLE + THREE + STOP).encode()), end="stay")) as url:
        assert ask(client, url, idle=0.4).sample.error == E.IDLE_TIMEOUT


@pytest.mark.parametrize("name", CASES)
def test_the_same_fault_has_the_same_class_with_both_clients(client, name):
    script, error, text = CASES[name]
    with raw_server(script) as url:
        sample = ask(client, url, idle=0.4).sample
    assert sample.error == error, sample.detail
    assert (text or "") in (sample.detail or "")
    assert sample.outcome == ("failed" if error else "ok")


def test_a_redirect_is_the_configurations_fault(client):
    with raw_server(CASES["a redirect"][0]) as url:
        assert ask(client, url).sample.blame == "config"


def test_times_and_chunks_of_a_cut_answer_are_kept(client):
    with raw_server(CASES["closed between chunks"][0]) as url:
        sample = ask(client, url).sample
    assert (sample.chunks, sample.status) == (3, 200)
    assert sample.ttft_ms > 0
    assert sample.duration_ms is None


def test_nobody_listening_is_a_connect_failure(client):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        sample = ask(client, url).sample
    assert (sample.error, sample.blame) == (E.CONNECT, "target")
    assert sample.ttft_ms is None


def test_a_name_that_does_not_exist_is_a_dns_failure(client):
    sample = ask(client, "http://does-not-exist.invalid:1").sample
    assert (sample.error, sample.blame) == (E.DNS, "config")


def test_a_byte_at_a_time_is_the_same_answer(client):
    message = SSE_HEAD + chunks(BODY) + END
    with raw_server(reply(*(message[i : i + 1] for i in range(len(message))))) as url:
        assert ask(client, url).sample.error is None


def test_the_whole_request_has_a_deadline_however_much_trickles_in():
    drip = reply(SSE_HEAD, *[b"1\r\n:\r\n"] * 100, pause=0.05, end="stay")
    with raw_server(drip) as url:
        began = time.monotonic()
        sample = ask("fast", url, total=0.6, idle=5.0).sample
        assert time.monotonic() - began < 3
    assert (sample.error, sample.blame) == (E.TIMEOUT, "target")


def test_the_reference_client_has_that_deadline_too_under_gevent():
    """Its timer needs the patched sockets that Locust brings, so it runs in a process of its own."""
    code = """
        import gevent.monkey
        gevent.monkey.patch_all()
        from rawserver import SSE_HEAD, raw_server
        from talking import ask
        def drip(peer):
            peer.request()
            peer.send(SSE_HEAD, *[b"1\\r\\n:\\r\\n"] * 100, pause=0.05)
        with raw_server(drip) as url:
            print(ask("requests", url, total=0.6, idle=5.0).sample.error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd="tests/support",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "timeout", done.stderr


def test_an_endless_head_is_given_up():
    with raw_server(reply(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, end="stay")) as url:
        assert ask("fast", url).sample.error == E.MALFORMED


def test_an_endless_event_is_given_up():
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(b"data: " + b"a" * 2_000_000))
        peer.wait_for_close()

    with raw_server(script) as url:
        sample = ask("fast", url, idle=0.5).sample
    assert sample.error == E.MALFORMED
    assert "more than 1048576 bytes" in sample.detail


def test_a_request_that_is_refused_while_it_is_sent_keeps_the_refusal():
    def script(peer):
        peer.sock.recv(10)
        peer.send(status(b"413 Too Large", b"too large"))
        time.sleep(0.2)

    with raw_server(script) as url:
        talker = Talker("fast", url)
        talker.dialect = _LargeBody(talker.dialect)
        sample = talker.ask().sample
        talker.close()
    assert sample.error in {E.HTTP_4XX, E.RESET}


class _LargeBody:
    def __init__(self, inner):
        self.inner = inner
        self.endpoint = inner.endpoint + "?" + "x" * 30_000

    def __getattr__(self, name):
        return getattr(self.inner, name)


# Connections


def test_a_connection_is_used_again():
    seen = []

    def script(peer):
        while peer.request():
            seen.append(peer.number)
            peer.send(SSE_HEAD + chunks(BODY) + END)

    with raw_server(script) as url:
        talker = Talker("fast", url)
        first, second = talker.ask().sample, talker.ask().sample
        assert talker.client.open_connections == 1
        talker.close()
        assert talker.client.open_connections == 0
    assert seen == [0, 0]
    assert first.connect_ms > 0
    assert second.connect_ms is None


def test_a_connection_that_the_target_closed_meanwhile_costs_no_failure():
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(BODY) + END)

    with raw_server(script) as url:
        talker = Talker("fast", url)
        assert [talker.ask().sample.error for _ in range(5)] == [None] * 5
        talker.close()


def test_a_kept_connection_that_dies_with_the_request_is_tried_once_more():
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(BODY) + END)
        if peer.number == 0:
            peer.request()  # swallowed: the close crosses the request on its way

    with raw_server(script) as url:
        talker = Talker("fast", url)
        assert [talker.ask().sample.error for _ in range(2)] == [None, None]
        talker.close()


def test_a_fresh_connection_that_dies_is_a_failure_and_not_tried_again():
    asked = []

    def script(peer):
        asked.append(peer.request())

    with raw_server(script) as url:
        assert ask("fast", url).sample.error == E.TRUNCATED
    assert len(asked) == 1


def test_bytes_after_the_answer_close_the_connection():
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(BODY) + END + b"HTTP/1.1 200 OK\r\n")
        peer.wait_for_close()

    with raw_server(script) as url:
        talker = Talker("fast", url)
        assert talker.ask().sample.error is None
        assert talker.client.open_connections == 0


# Time


def events():
    return [chunks(event.encode()) for event in (ROLE, *[THREE.split("\n\n")[0] + "\n\n"] * 3, STOP, DONE)]


def test_first_token_and_gaps_are_those_of_the_content(client):
    role, first, second, third, stop, done = events()

    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + role)
        for piece, pause in ((first, 0.2), (second, 0.1), (third, 0.1), (stop + done + END, 0.1)):
            time.sleep(pause)
            peer.send(piece)

    with raw_server(script) as url:
        sample = ask(client, url).sample
    assert sample.error is None
    assert 190 <= sample.ttft_ms < 290
    assert 90 <= sample.gap_mean_ms < 150
    assert sample.duration_ms > sample.ttft_ms + sample.gap_mean_ms * 2
    assert not sample.ttft_bound


def busy(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel receive timestamps are Linux's")
def test_a_busy_generator_does_not_blame_the_server(alone):
    import gevent

    role, first, second, third, stop, done = events()

    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + role)
        time.sleep(0.1)
        peer.send(first)
        time.sleep(0.5)
        peer.send(second + third + stop + done + END)

    with raw_server(script) as url:
        talker = Talker("fast", url)
        gevent.get_hub().loop.update_now()  # a timer counts from the loop's idea of now
        hog = gevent.spawn_later(0.05, busy, 0.4)
        sample = talker.ask().sample
        hog.join()
        talker.close()
    assert sample.read_lag_ms > 100, "the event loop was blocked while the first chunk arrived"
    assert sample.ttft_ms < 250, "and yet the time is the kernel's"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_tls_with_a_trusted_certificate(client, certificate):
    with raw_server(reply(SSE_HEAD + chunks(BODY) + END), tls(certificate)) as url:
        sample = ask(client, url, ca_file=str(certificate[0])).sample
    assert (sample.error, sample.chunks) == (None, 3)


def test_tls_is_verified_by_default(client, certificate):
    with raw_server(reply(SSE_HEAD + chunks(BODY) + END), tls(certificate)) as url:
        sample = ask(client, url).sample
    assert (sample.error, sample.blame) == (E.TLS, "config")


def test_tls_byte_by_byte_and_cut(certificate):
    message = SSE_HEAD + chunks(BODY)
    with raw_server(reply(*(message[i : i + 1] for i in range(len(message)))), tls(certificate)) as url:
        sample = ask("fast", url, ca_file=str(certificate[0])).sample
    assert (sample.error, sample.chunks) == (E.TRUNCATED, 3)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernel receive timestamps are Linux's")
def test_tls_times_are_the_kernels_too(alone, certificate):
    import gevent

    role, first, *rest = events()

    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + role)
        time.sleep(0.1)
        peer.send(first)
        time.sleep(0.5)
        peer.send(b"".join(rest) + END)

    with raw_server(script, tls(certificate)) as url:
        talker = Talker("fast", url, ca_file=str(certificate[0]))
        gevent.get_hub().loop.update_now()  # a timer counts from the loop's idea of now
        hog = gevent.spawn_later(0.05, busy, 0.4)
        sample = talker.ask().sample
        hog.join()
        talker.close()
    assert sample.read_lag_ms > 100
    assert sample.ttft_ms < 250
