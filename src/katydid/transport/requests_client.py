"""The client `requests`: requests + sseclient-py, as most people would write a client.

It offers requests' authentication plug-ins and proxies, and it is the reference for the fast client: tests check that
both give the same outcome for the same bytes. Its times are those of reading in user space. A request's start is before
connecting, since requests does not report when the connection was ready.

sseclient-py parses the events of a stream. It does not handle a byte order mark, other line ends, invalid UTF-8 or an
unfinished last block; `_Unended` does that first.
"""

import codecs
import http.client
import io
import re
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import requests
import urllib3
import urllib3.exceptions
from sseclient import SSEClient

from katydid.model.errors import LimitError, ProtocolError
from katydid.model.sample import Blame, ErrorClass
from katydid.protocol.http1 import MAX_BODY, when
from katydid.protocol.sse import MAX_EVENT
from katydid.protocol.target_url import joined, read_target_url
from katydid.protocol.unpacking import Unpacker, codings
from katydid.transport.dialing import tls_context
from katydid.transport.exchange import (
    VERIFIED,
    Exchange,
    Request,
    Sink,
    Timeouts,
    TimestampSource,
    TlsSettings,
    with_agent,
)
from katydid.transport.failure import classify
from katydid.transport.proxies import ProxyError, proxy_for
from katydid.transport.receiver import BODY_LIMIT
from katydid.transport.requests_pool import Adapter, UnansweredError

READ_SIZE = 64 * 1024
MOST_CONNECTIONS = 10_000

_Read = Callable[[], bytes]


class _EndOfStreamError(Exception):
    """Ends sseclient's source without dispatching an unfinished block."""


class RequestsClient:
    """See `exchange.Client`; takes the same arguments as `http.HttpClient`."""

    timestamp_source: TimestampSource = "user"

    def __init__(self, url: str, timeouts: Timeouts, tls: TlsSettings = VERIFIED) -> None:
        self._to = read_target_url(url)
        self._proxy = proxy_for(self._to.host, self._to.port, tls=self._to.tls)
        self._timeouts = timeouts
        self._in_flight = 0
        self._session = requests.Session()
        self._session.headers.clear()
        self._session.auth = _keep_headers
        self._tls = tls
        if self._to.tls:
            tls_context(tls)  # report an invalid file before the load
        if tls.insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # the user asked for it
        adapter = Adapter(pool_maxsize=MOST_CONNECTIONS, max_retries=0)
        adapter.tunnels = self._to.tls
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    @property
    def open_connections(self) -> int:
        """The number of requests in flight; requests does not report idle connections."""
        return self._in_flight

    def send(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """See `exchange.Client.send`."""
        self._in_flight += 1
        exchange.started = time.monotonic()
        timer = gevent.Timeout.start_new(self._timeouts.total)
        try:
            self._converse_once_more(request, sink, exchange)
        except gevent.Timeout as expired:
            if expired is not timer:
                raise
            exchange.fail(ErrorClass.TIMEOUT, f"no complete answer within {self._timeouts.total:g} s")
        except LimitError as error:
            exchange.fail(ErrorClass.MALFORMED, str(error))
        except ProtocolError as error:
            exchange.fail(ErrorClass.MALFORMED, f"the target's HTTP is malformed: {error}")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self._fail(exchange, error)
        finally:
            timer.close()
            self._in_flight -= 1

    def connect_ahead(self, seconds: float) -> bool:
        """See `exchange.Client.connect_ahead`; requests connects only with a request."""
        del seconds
        return False

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _converse_once_more(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """Send the request; resend it once if the server closed the kept connection as idle."""
        try:
            self._converse(request, sink, exchange)
        except requests.RequestException as error:
            if not any(isinstance(cause, UnansweredError) and cause.resendable for cause in _causes(error)):
                raise
        else:
            return
        exchange.resent, exchange.started = True, time.monotonic()
        self._converse(request, sink, exchange)

    def _fail(self, exchange: Exchange, error: BaseException) -> None:
        kind, text = self._classify(error)
        if exchange.started is not None and any(isinstance(cause, UnansweredError) for cause in _causes(error)):
            text += when(time.monotonic() - exchange.started)
        exchange.fail(kind, text)

    def _converse(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        with self._session.request(
            request.method,
            self._to.origin + joined(self._to.path, request.path),
            data=request.body or None,
            headers=with_agent(request.all_headers()),
            stream=True,
            allow_redirects=False,
            timeout=(self._timeouts.total, self._timeouts.idle),
            proxies=self._proxies(),
            cert=self._certificate,  # here, like `verify`: REQUESTS_CA_BUNDLE would override the session's
            verify=False if self._tls.insecure else self._tls.ca_file,
        ) as response:
            exchange.status = response.status_code
            exchange.headers = {name.lower(): value for name, value in response.headers.items()}
            raw: Any = response.raw
            unpacker = Unpacker(codings(exchange.headers.get("content-encoding", "")))

            def read() -> bytes:
                data = b""
                while not data:  # a piece may have nothing but the header of compressed data
                    gevent.sleep(0)  # a read that does not block lets neither timeouts nor other users run
                    wire: bytes = raw.read1(READ_SIZE, decode_content=False)
                    exchange.received = raw.tell()
                    if exchange.received > MAX_BODY:
                        raise LimitError(f"a body of more than {MAX_BODY} bytes")
                    if not wire:
                        break
                    data = unpacker.feed(wire)
                return data

            if not 200 <= response.status_code < 300:
                while data := read():
                    exchange.body = (exchange.body + data)[:BODY_LIMIT]
                exchange.ended = time.monotonic()
            elif "text/event-stream" in exchange.headers.get("content-type", ""):
                exchange.ended = _feed_events(read, sink)
            else:
                exchange.ended = _feed_bytes(read, sink)
            if 200 <= response.status_code < 300:
                sink.finish()

    @property
    def _certificate(self) -> str | tuple[str, str] | None:
        tls = self._tls
        return (tls.client_cert, tls.client_key) if tls.client_cert and tls.client_key else tls.client_cert

    def _proxies(self) -> dict[str, str]:
        """The proxy found by `proxy_for` or None: without this, requests would read the environment differently."""
        url: Any = self._proxy.url if self._proxy else None
        return {"http": url, "https": url, "all": url}

    def _classify(self, error: BaseException) -> tuple[ErrorClass, str]:
        """The error class that the fast client would give, from the root cause of an exception."""
        causes = list(_causes(error))
        if self._proxy is not None:
            for cause in causes:
                if isinstance(cause, OSError) and (refusal := _TUNNEL_REFUSED.match(str(cause))):
                    return classify(ProxyError(self._proxy, f"rejected the tunnel: {refusal[1]}"), connecting=True)
            if any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
                kind, text = self._classify_causes(error, causes)
                return (kind, text) if kind.blame is Blame.GENERATOR else (kind, f"{ProxyError(self._proxy)}: {text}")
        return self._classify_causes(error, causes)

    def _classify_causes(self, error: BaseException, causes: list[BaseException]) -> tuple[ErrorClass, str]:
        connecting = any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes)
        for cause in causes:
            if isinstance(cause, OSError) and (cause.errno is not None or isinstance(cause, ssl.SSLError)):
                return classify(cause, connecting=connecting)
        for cause in causes:
            for kinds, kind, text in _MEANINGS:
                if isinstance(cause, kinds):
                    return kind, text.format(cause=cause, idle=self._timeouts.idle)
        return ErrorClass.OTHER, f"{type(error).__name__}: {error}"


_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: (.*)")
"""The message of http.client's exception."""

_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], ErrorClass, str], ...] = (
    (
        (http.client.RemoteDisconnected,),
        ErrorClass.TRUNCATED,
        "the target closed the connection without an answer",
    ),
    (
        (urllib3.exceptions.InvalidChunkLength, urllib3.exceptions.InvalidHeader),
        ErrorClass.MALFORMED,
        "the target's HTTP is malformed: {cause}",
    ),
    (
        (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead),
        ErrorClass.TRUNCATED,
        "the target closed the connection in the middle of its answer",
    ),
    ((urllib3.exceptions.ConnectTimeoutError,), ErrorClass.CONNECT, "timed out"),
    ((urllib3.exceptions.ReadTimeoutError,), ErrorClass.IDLE_TIMEOUT, "nothing arrived for {idle:g} s"),
    (
        (http.client.HTTPException, urllib3.exceptions.DecodeError),
        ErrorClass.MALFORMED,
        "the target's HTTP is malformed: {cause}",
    ),
)


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that does nothing: without it, requests would take a login from ~/.netrc."""
    return request


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps, by any library's way of wrapping."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        current = queue.pop(0)
        if isinstance(current, BaseException) and current not in seen:
            seen.append(current)
            yield current
            queue += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]


def _feed_bytes(read: _Read, sink: Sink) -> float:
    """Feed a body as it arrives; return the arrival of its last bytes."""
    at = time.monotonic()
    while data := read():
        at = time.monotonic()
        sink.feed(data, at)
    return at


def _feed_events(read: _Read, sink: Sink) -> float:
    """Feed the events that sseclient-py finds, those of one read together; return the arrival of the last bytes.

    Text without an event is fed as received, for the sink to judge: a body that is not an event stream, or an
    unfinished last block.
    """
    at = time.monotonic()
    pending: list[bytes] = []
    unended = _Unended()

    def source() -> Iterator[bytes]:
        nonlocal at
        while data := read():
            if pending:
                sink.feed(b"".join(pending), at)
                pending.clear()
            at = time.monotonic()
            yield data
        raise _EndOfStreamError

    events = 0
    try:
        for event in SSEClient(unended.as_standard(source())).events():
            events += 1
            pending.append(_canonical(event.event, event.data))
    except _EndOfStreamError:
        pending.append((unended.rest if events else unended.beginning).encode())
    finally:  # also if the stream is interrupted
        if pending:
            sink.feed(b"".join(pending), at)
    return at


class _Unended:
    """Prepares a stream for sseclient-py, so that it follows the standard; passes on finished events only.

    Attributes:
        beginning: the beginning of the stream, as text.
        rest: the text after the last finished event.
    """

    def __init__(self) -> None:
        self.beginning = ""
        self.rest = ""

    def as_standard(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the stream in pieces of whole events.

        Raises:
            LimitError: an event exceeds MAX_EVENT bytes.
        """
        decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        parts: list[str] = []
        size = 0
        last = ""
        first = True
        try:
            for chunk in chunks:
                text = decoder.decode(chunk)
                if first and text:
                    text = text.removeprefix("\ufeff")
                    first = False
                if len(self.beginning) < READ_SIZE:
                    self.beginning += text
                parts.append(text)
                size += len(text)
                ended, last = "\n\n" in last + text, text[-1:] or last
                if ended:
                    whole, end, rest = "".join(parts).rpartition("\n\n")
                    parts, size = [rest], len(rest)
                    yield _ERROR_FIELD.sub("event: error\ndata:", whole + end).encode()
                if size > MAX_EVENT:
                    raise LimitError(f"an event of more than {MAX_EVENT} bytes")
        except _EndOfStreamError:
            self.rest = "".join([*parts, decoder.decode(b"", final=True)])  # a bare CR at the very end, too
            raise


_ERROR_FIELD = re.compile("^error:", re.MULTILINE)
"""llama.cpp's own field; sseclient-py would ignore it, as the standard requires."""


def _canonical(name: str, data: str) -> bytes:
    lines = [f"event: {name}", *(f"data: {line}" for line in data.split("\n"))]
    return "\n".join([*lines, "", ""]).encode()
