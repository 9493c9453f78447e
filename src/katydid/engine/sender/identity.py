"""Who a run's requests come from: API key, `--header`, the login in the URL; and which targets get these secrets.

Anyone who can reach the web UI can enter a target in its form, and keys must not go there. So only the target that
the web UI was started with gets them; with `--web-login`, any target does.

A 401 during a run means that the key has expired. The first user to get one renews the key; others who get one in the
meantime wait for it. Each resends its request once; if that gets a 401 too, the request has failed.
"""

import base64
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace

from katydid.engine.options import RunOptions
from katydid.engine.run_info import SECRETS_WIRE_NAME
from katydid.engine.sender.api_key import REFUSED_TOO, SOURCES, ApiKey, find_key, first_set
from katydid.engine.sender.headers import ExtraHeaders, without_secrets
from katydid.engine.sender.sdk_environment import VENDORS, vendors_host
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import TargetUrl, read_target_url
from katydid.transport.exchange import Client, Exchange, Headers, Request, Sink, Timeouts, TimestampSource, TlsSettings
from katydid.transport.websocket import Part, WebSocketClient

NO_TARGET = "none"
"""In place of an origin: no target gets secrets."""
SWITCHING_PROTOCOLS, SUCCESS, REFUSED = 101, 200, 401


class Identity:
    """The sender's identity in a service's requests.

    Args:
        options: the run's options.
        url: URL of the target.
        headers_of: returns the API's headers for a key.
        vendor: the API whose SDK's variables may hold the key; empty for none.

    Attributes:
        key: the API key for this target.
        credentials: the headers of every request.
        trusted: this target gets the secrets.
        note: a note for the user about the secrets; empty if there is nothing to say.

    Raises:
        ConfigError: a key or a header is invalid.
    """

    def __init__(
        self, options: RunOptions, url: TargetUrl, headers_of: Callable[[str | None], dict[str, str]], vendor: str = ""
    ) -> None:
        self.trusted = options.secrets_for in {None, url.origin}
        self.key, self.note = find_key(vendor, url.url) if self.trusted else _no_key(vendor, url.origin)
        self._extra = ExtraHeaders(options.header if self.trusted else without_secrets(options.header))
        login = f"{url.user}:{url.password}" if url.user or url.password else ""
        self._basic = base64.b64encode(login.encode()).decode("ascii")
        self._password = url.password
        if self._basic and _has_authorization(self._extra.over(headers_of(self.key.value))):
            unsent = "the login in the URL of --host is not sent: the API key or --header is, in its place"
            self.note = "; ".join(filter(None, (self.note, unsent)))
        self.credentials = Credentials(self.key, lambda key: self._with_login(headers_of(key)), self._extra)

    def without_key(self, headers: dict[str, str]) -> dict[str, str]:
        """Add the login and `--header` to headers, but not the API key."""
        return self._extra.over(self._with_login(headers))

    def _with_login(self, headers: dict[str, str]) -> dict[str, str]:
        if not self._basic or _has_authorization(headers):
            return headers
        return headers | {"Authorization": f"Basic {self._basic}"}

    @property
    def secrets(self) -> list[str]:
        """Texts that must never be shown."""
        known = (*self.key.known, self._password, self._basic, *self._extra.secrets)
        return [secret for secret in known if secret]


def keep_secrets(parsed: Namespace, host: str | None, api: str) -> None:
    """In runs that the web UI starts, send secrets only to the target that the web UI was started with.

    That is `host` or, if it was not given, the target of the SDK of `api`. Locust sends its options to the workers.
    """
    try:
        origin = read_target_url(host or vendors_host(api)[0]).origin
    except ConfigError:  # no valid target, so nobody gets the secrets
        origin = NO_TARGET
    setattr(parsed, SECRETS_WIRE_NAME, origin)


def _has_authorization(headers: dict[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _no_key(vendor: str, origin: str) -> tuple[ApiKey, str]:
    held, _ = first_set(*SOURCES, VENDORS[vendor].key if vendor in VENDORS else "")
    note = f"{held} is not sent to {origin}: start the web UI with --host {origin}, or with --web-login" if held else ""
    return ApiKey(None), note


class Credentials:
    """The headers of a service's requests: those that `headers_of` returns for a key, and extra ones over them.

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
        """Renew the key after a 401 to a request with the headers `sent`, and resend it once with `send`."""
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
        send = self._client.send  # in a method of its own, so that `send` above need not make a closure each time
        self._credentials.send_again(
            exchange, request.headers, lambda headers: send(replace(request, headers=headers), sink, exchange)
        )

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
