"""The headers of all requests of a service, and what sends a request again with a new key where the old has expired.

A 401 in mid-run is the answer to a key that has expired. The first user who gets one renews the key; all others who
get one meanwhile wait for that. Each sends its request again, once; where that is of no use either, it has failed.
"""

from collections.abc import Callable
from dataclasses import replace

from katydid.engine.sender.api_key import REFUSED_TOO, ApiKey
from katydid.engine.sender.headers import ExtraHeaders
from katydid.transport.exchange import Client, Exchange, Headers, Request, Sink, Timeouts, TimestampSource, TlsSettings
from katydid.transport.websocket import Part, WebSocketClient

SWITCHING_PROTOCOLS, SUCCESS, REFUSED = 101, 200, 401


class Credentials:
    """What a request says of who sends it.

    Args:
        key: of the process.
        headers_of: the API's headers with a key.
        extra: headers that stand over them.

    Attributes:
        accepted: a request with a key has succeeded; a list of models may be open to everybody.
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
        """As requests are to have them now; the same object until the key is another."""
        if self._sent is not self.key.value:
            self._renewed()
        return self._headers

    def send_again(self, exchange: Exchange, sent: Headers, send: Callable[[Headers], None]) -> None:
        """Renew the key of a request that was refused, and send it once more.

        Args:
            exchange: of the request.
            sent: its headers.
            send: sends it with others.
        """
        if not any(name in self._keyed for name, _ in sent):
            return
        key = self._sent if self._keyed.items() <= dict(sent).items() else None  # else another user has renewed it
        if why := self.key.renew(key):
            exchange.key_expired = why if self.accepted or self.key.renewable else ""
            return
        exchange.begin_again()
        fresh = dict(self.headers)
        send(tuple((name, fresh[name] if name in self._keyed else value) for name, value in sent))
        if exchange.status == REFUSED:
            exchange.key_expired = REFUSED_TOO


class KeyedClient:
    """See `exchange.Client`; sends a request again whose key has expired."""

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
        if (status := exchange.status) == REFUSED:
            self._send_again(request, sink, exchange)
        elif status == SUCCESS and not self._credentials.accepted and request.method == "POST":
            self._credentials.accepted = True

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
    """A WebSocketClient that opens a WebSocket again whose key has expired."""

    def __init__(self, url: str, timeouts: Timeouts, tls: TlsSettings, credentials: Credentials) -> None:
        super().__init__(url, timeouts, tls)
        self._credentials = credentials

    def converse(
        self, path: str, headers: dict[str, str], part: Part, exchange: Exchange, timeouts: Timeouts | None = None
    ) -> None:
        """See `WebSocketClient.converse`; the part of one that was refused has not begun."""
        converse = super().converse
        converse(path, headers, part, exchange, timeouts)
        if exchange.status == REFUSED:
            self._credentials.send_again(
                exchange, tuple(headers.items()), lambda fresh: converse(path, dict(fresh), part, exchange, timeouts)
            )
        elif exchange.status == SWITCHING_PROTOCOLS:
            self._credentials.accepted = True
