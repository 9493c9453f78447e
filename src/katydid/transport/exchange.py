"""The interface between users and transports: a request, its settings, its sink, and the record of its exchange.

Times are seconds on the monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, Protocol

import katydid
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass
from katydid.protocol.skim import ChunkRule

TimestampSource = Literal["kernel", "user"]
Headers = tuple[tuple[str, str], ...]
REQUEST_ID = "X-Request-Id"
USER_AGENT = f"katydid/{katydid.__version__}"
"""Web application firewalls answer 403 to requests without a User-Agent, or with an HTTP library's."""


def with_agent(headers: Mapping[str, str]) -> dict[str, str]:
    """Add our User-Agent, unless the user has given another."""
    own = any(name.lower() == "user-agent" for name in headers)
    return dict(headers) if own else {"User-Agent": USER_AGENT, **headers}


@dataclass(slots=True)  # not frozen: that would cost half a microsecond per request
class Request:
    """One HTTP request to the target.

    Attributes:
        headers: names and values of all headers except Host, Content-Length and the id. Many requests share one
            object, so that a client need not format it each time.
        request_id: sent as X-Request-Id; empty for none.
    """

    method: str
    path: str
    headers: Headers
    body: bytes = b""
    request_id: str = ""

    def all_headers(self) -> dict[str, str]:
        """The headers by name, with the id."""
        return dict(self.headers) | ({REQUEST_ID: self.request_id} if self.request_id else {})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds: `total` for the whole request from its start, `idle` between two reads."""

    total: float = 60.0
    idle: float = 30.0


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The certificates to trust, and our own. Files are PEM.

    Attributes:
        ca_file: certificates to trust instead of the system's.
        client_cert: our certificate, for a target that asks for one; the file may include the key.
        client_key: the key of our certificate.
        insecure: accept any certificate of the target.

    Raises:
        ConfigError: there is a key without a certificate.
    """

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.client_key and not self.client_cert:
            raise ConfigError("--client-key without its certificate: give that with --client-cert")


VERIFIED = TlsSettings()
"""Trust the system's certificates; no certificate of our own."""


class Sink(Protocol):
    """Takes the body of a 2xx response as it arrives. Called in the event loop: it must not block or raise."""

    def feed(self, data: bytes, at: float) -> None:
        """Take body bytes that arrived at `at`."""

    def finish(self) -> None:
        """The response is complete."""


class CountingSink(Sink, Protocol):
    """A sink that knows the form of most chunks, which then need only be counted."""

    @property
    def plain(self) -> ChunkRule | None:
        """The rule for chunks that need only be counted, if they come next; None if everything must be parsed."""

    def note(self, reads: list[float], chunks: int, first: int) -> None:
        """Count such chunks: arrivals of their reads, number in all reads, and number in the first read."""


@dataclass(slots=True)
class Exchange:
    """The record of one request. The transport fills it in step by step, so an aborted request has what was known.

    Attributes:
        started: when the first byte was passed to the kernel.
        send_seconds: from then until the kernel had the whole request; None if that did not happen.
        connect_seconds: TCP and TLS setup; None on a reused connection.
        ended: arrival of the last byte; None if the response is not complete.
        body: the beginning of the body of an unexpected response (usually not 2xx); empty otherwise.
        received: bytes of the body as received.
        read_lag: largest delay between an arrival in the kernel and our reading it.
        resent: the request was sent twice: on a new connection, since a kept one was closed as idle, or with a new
            key, since the target rejected the previous one. All times are those of the second attempt.
        key_expired: why a rejected key could not be renewed; empty if no key was rejected.
        error: why there is no complete response; None also for a complete response with an error status.
    """

    started: float | None = None
    send_seconds: float | None = None
    connect_seconds: float | None = None
    ended: float | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received: int = 0
    read_lag: float | None = None
    resent: bool = False
    key_expired: str = ""
    error: ErrorClass | None = None
    detail: str = ""

    def begin_again(self) -> None:
        """Discard the record of the first attempt: the request is sent a second time."""
        fresh = Exchange(resent=True)
        for each in fields(fresh):
            setattr(self, each.name, getattr(fresh, each.name))

    def fail(self, error: ErrorClass, detail: str) -> None:
        """Record an error. Only the first one is kept: later ones are its consequences."""
        if self.error is None:
            self.error = error
            self.detail = detail


class Client(Protocol):
    """A transport. One instance serves all users of a process."""

    timestamp_source: TimestampSource

    @property
    def open_connections(self) -> int:
        """The number of open connections."""

    def send(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """Send a request and wait for the end of its response, feeding a 2xx body to `sink`.

        Raises only what kills the greenlet; every failure is recorded in `exchange`.
        """

    def connect_ahead(self, seconds: float) -> bool:
        """Open a connection for a later request; return False if that fails within this many seconds."""

    def close(self) -> None:
        """Close idle connections; the client can still be used."""
