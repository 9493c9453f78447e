"""The one look at the target before it is loaded: does it answer, and does it have the model?"""

from typing import Any

from katydid.core.errors import ConfigError, ProtocolError
from katydid.core.sample import ErrorClass
from katydid.dialects.base import Dialect
from katydid.transport.exchange import Client, Exchange, Request

SHOWN = 5
"""Models that an error message lists."""


class _Body:
    def __init__(self) -> None:
        self.data = b""

    def feed(self, data: bytes, _at: float) -> None:
        self.data += data

    def finish(self) -> None:
        """Nothing to do: the body is whole."""


def choose_model(
    client: Client,
    dialect: Dialect,
    host: str,
    wanted: str | None,
    headers: dict[str, str],
    *,
    path: str | None = None,
) -> str:
    """The model that requests will ask for: the one wanted, else the first that the target lists.

    Args:
        client: sends the look.
        dialect: of the target.
        host: its URL, as it is shown.
        wanted: the model that the person named.
        headers: of the look.
        path: of the list, where it is not the API's own.

    Raises:
        ConfigError: the target cannot be reached, refuses us, or does not have the model.
    """
    models = _listed_models(client, dialect, host, headers, path or dialect.models_endpoint)
    if models is None:
        if wanted is None:
            raise ConfigError(f"{host} does not list its models: name one with --model")
        return wanted
    if wanted is None:
        if not models:
            raise ConfigError(f"{host} has no model loaded: load one, or name one with --model")
        return models[0]
    if wanted not in models:
        known = ", ".join(models[:SHOWN]) + (" …" if len(models) > SHOWN else "")
        raise ConfigError(f"{host} does not have the model {wanted!r}: it has {known or 'none'}")
    return wanted


def _listed_models(client: Client, dialect: Dialect, host: str, headers: dict[str, str], path: str) -> list[str] | None:
    exchange, body = _get(client, path, headers)
    if exchange.error is not None:
        raise ConfigError(_unreachable(host, exchange))
    if exchange.status in {401, 403}:
        raise ConfigError(
            f"{host} refuses our key ({exchange.status}): set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"
        )
    if exchange.status == 503:
        raise ConfigError(f"{host} is not ready yet (503): wait until it has started")
    if exchange.status != 200:
        return None
    try:
        return dialect.parse_models(body)
    except ProtocolError:
        return None


def _get(client: Client, path: str, headers: dict[str, str]) -> tuple[Exchange, bytes]:
    exchange, body = Exchange(), _Body()
    client.send(Request("GET", path, tuple(headers.items())), body, exchange)
    return exchange, body.data


def _unreachable(host: str, exchange: Exchange) -> str:
    hints: dict[Any, str] = {
        ErrorClass.CONNECT: "start it, or correct --host",
        ErrorClass.DNS: "correct --host",
        ErrorClass.TLS: "give its certificate with --ca-file, or correct --host",
    }
    hint = hints.get(exchange.error, "see whether it is healthy, or correct --host")
    return f"{host} does not answer ({exchange.detail}): {hint}"
