"""The headers of a service's requests, and clients that resend a request with a new key if its key has expired.

A 401 during a run means that the key has expired. The first user to get one renews the key; others who get one in the
meantime wait for it. Each resends its request once; if that gets a 401 too, the request has failed.
"""

from collections.abc import Callable
from dataclasses import replace

from katydid.engine.sender.api_key import REFUSED_TOO, ApiKey
from katydid.engine.sender.headers import ExtraHeaders
from katydid.transport.exchange import Client, Exchange, Headers, Request, Sink, Timeouts, TimestampSource, TlsSettings
from katydid.transport.websocket import Part, WebSocketClient

SWITCHING_PROTOCOLS, SUCCESS, REFUSED = 101, 200, 401


class Credentials:
    """The authentication and extra headers of a service's requests.

    Args:
        key: the API key.
        headers_of: returns the API's headers for a key.
        extra: headers that override them.

    Attributes:
        accepted: a request of the load has succeeded with these headers. A list of models is no proof of the key: it
            may be public.
    """

    def __init__(self, key: ApiKey, headers_of: Callable[[str | None], dict[str, str]], extra: ExtraHeaders) -> None:
        self.key = key
        self._headers_of, self._extra = headers_of, extra
        self.accepted = False
        self._bare = extra.over(headers_of(None))
        self._renewed()

    def _renewed(self) -> None:
        self._sent = self.key.value
        headers = self._extra.over(self._headers_of(self._sent))
        self._headers: Headers = tuple(headers.items())
        self._keyed = {name: value for name, value in headers.items() if self._bare.get(name) != value}

    @property
    def headers(self) -> Headers:
        """The current headers; the same object until the key changes."""
        if self._sent is not self.key.value:
            self._renewed()
        return self._headers

    def send_again(self, exchange: Exchange, sent: Headers, send: Callable[[Headers], None]) -> None:
        """Renew the key after a 401, and resend the request once.

        Args:
            exchange: the exchange of the request.
            sent: its headers.
            send: sends it again with the given headers.
        """
        if not any(name in self._keyed for name, _ in sent):
            return
        key = self._sent if self._keyed.items() <= dict(sent).items() else None  # None: another user renewed it
        if why := self.key.renew(key):
            exchange.key_expired = why if self.accepted or self.key.renewable else ""
            return
        exchange.begin_again()
        fresh = dict(self.headers)
        send(tuple((name, fresh[name] if name in self._keyed else value) for name, value in sent))
        if exchange.status == REFUSED:
            exchange.key_expired = REFUSED_TOO


class KeyedClient:
    """A client (`exchange.Client`) that resends a request if its key has expired."""

    def __init__(self, client: Client, credentials: Credentials) -> None:
        self._client, self._credentials = client, credentials
        self.timestamp_source: TimestampSource = client.timestamp_source

    @property
    def open_connections(self) -> int:
        """See `exchange.Client.open_connections`."""
        return self._client.open_connections

    def send(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        """See `exchange.Client.send`."""
        self._client.send(request, sink, exchange)
        status = exchange.status
        if status == SUCCESS:
            if not self._credentials.accepted and request.method == "POST":
                self._credentials.accepted = True
        elif status == REFUSED:
            self._send_again(request, sink, exchange)

    def _send_again(self, request: Request, sink: Sink, exchange: Exchange) -> None:
        def send(headers: Headers) -> None:
            self._client.send(replace(request, headers=headers), sink, exchange)

        self._credentials.send_again(exchange, request.headers, send)

    def connect_ahead(self, seconds: float) -> bool:
        """See `exchange.Client.connect_ahead`."""
        return self._client.connect_ahead(seconds)

    def close(self) -> None:
        """See `exchange.Client.close`."""
        self._client.close()


class KeyedWebSocketClient(WebSocketClient):
    """A WebSocketClient that reopens a WebSocket if its key has expired."""

    def __init__(self, url: str, timeouts: Timeouts, tls: TlsSettings, credentials: Credentials) -> None:
        super().__init__(url, timeouts, tls)
        self._credentials = credentials

    def converse(
        self, path: str, headers: dict[str, str], part: Part, exchange: Exchange, timeouts: Timeouts | None = None
    ) -> None:
        """See `WebSocketClient.converse`. `part` does not begin if the handshake is rejected, so it can be reused."""
        converse = super().converse
        converse(path, headers, part, exchange, timeouts)
        if exchange.status == REFUSED:
            self._credentials.send_again(
                exchange, tuple(headers.items()), lambda fresh: converse(path, dict(fresh), part, exchange, timeouts)
            )
        elif exchange.status == SWITCHING_PROTOCOLS:
            self._credentials.accepted = True
