"""What a transport is asked to do, and what it says about it: the seam between users and sockets.

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
"""Firewalls of web applications answer 403 to requests without one, or with a library's."""


def with_agent(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with our User-Agent, unless the person who runs the test has given another."""
    own = any(name.lower() == "user-agent" for name in headers)
    return dict(headers) if own else {"User-Agent": USER_AGENT, **headers}


@dataclass(slots=True)  # not frozen: that costs half a microsecond a request
class Request:
    """One HTTP request to the target.

    Attributes:
        headers: names and values, complete but for Host, Content-Length and the id; the same object in many
            requests, so that a client need not write them anew each time.
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
    """Seconds: for the whole request from its start, and between two reads."""

    total: float = 60.0
    idle: float = 30.0


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Whom we believe, and who we are, over TLS. Files are PEM.

    Attributes:
        ca_file: certificates to trust instead of the system's.
        client_cert: ours, for a target that asks for one; its key may be in the same file.
        client_key: the key of ours.
        insecure: whether any certificate of the target is accepted.

    Raises:
        ConfigError: a key without its certificate.
    """

    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        if self.client_key and not self.client_cert:
            raise ConfigError("--client-key without its certificate: give that with --client-cert")


VERIFIED = TlsSettings()
"""The system's certificates, and none of ours."""


class Sink(Protocol):
    """Takes the body of a 2xx answer as it arrives. Called in the event loop: it must not block or raise."""

    def feed(self, data: bytes, at: float) -> None:
        """Take body bytes that arrived at `at`."""

    def finish(self) -> None:
        """The message is complete."""


class CountingSink(Sink, Protocol):
    """One that knows what most of a body looks like, and need not be handed that."""

    @property
    def plain(self) -> ChunkRule | None:
        """Which chunks need only be counted, if they come next; None where all must be read."""

    def note(self, reads: list[float], chunks: int, first: int) -> None:
        """Count such chunks: the arrivals of the reads that brought them, how many they all and the first brought."""


@dataclass(slots=True)
class Exchange:
    """What happened to one request.

    The transport fills it in as it goes, so that a request that is cut off has told what it knew.

    Attributes:
        started: the first byte was handed to the kernel.
        send_seconds: from there until the kernel had all of the request; None where it did not come to that.
        connect_seconds: TCP and TLS set-up; None on a reused connection.
        ended: arrival of the last byte; None where the answer is not complete.
        body: of an answer that was not 2xx or not what was asked for, bounded; empty otherwise.
        received: bytes of the body as received.
        read_lag: largest delay between an arrival in the kernel and our reading it.
        resent: it was sent again: on a new connection, since a kept one had closed while it was idle, or with a new
            key, since the target refused the one before; the times are those of the second sending.
        key_expired: why there was no other key than the one that was refused; empty where none was.
        error: why there is no complete answer; None also for complete answers with a bad status.
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
        """Forget the first sending: the request is sent a second time."""
        fresh = Exchange(resent=True)
        for each in fields(fresh):
            setattr(self, each.name, getattr(fresh, each.name))

    def fail(self, error: ErrorClass, detail: str) -> None:
        """Keep the first reason only: what follows it is its consequence."""
        if self.error is None:
            self.error = error
            self.detail = detail


class Client(Protocol):
    """A transport. One instance serves all users of a process."""

    timestamp_source: TimestampSource

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""

    def send(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """Send a request and wait for the end of its answer, feeding a 2xx body to `sink`.

        Raises nothing but what kills the greenlet; every failure is told in `exchange`.
        """

    def connect_ahead(self, seconds: float) -> bool:
        """Open a connection for a request to come; False where that did not come about in so many seconds."""

    def close(self) -> None:
        """Close idle connections; more may follow."""
