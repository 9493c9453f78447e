"""The one look at the target before it is loaded: does it answer, and does it have the model?"""

import html
import re
import textwrap
from typing import Any

from katydid.dialects.base import Dialect
from katydid.dialects.status import error_text
from katydid.engine.services.base import NoAnswerError
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.sample import ErrorClass
from katydid.transport.exchange import Client, Exchange, Request
from katydid.transport.failure import is_the_proxys

SHOWN = 5
"""Models that an error message lists."""
WORDS_SHOWN = 160
"""Characters of an answer that an error message quotes."""
_NO_TEXT = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_WANTS_TLS = re.compile(r"HTTPS|SSL-enabled|TLS")
"""In what nginx, Apache and Go's servers answer where their port is for TLS alone."""
_TAG = re.compile(r"<[^>]*>")


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
        NoAnswerError: the target cannot be reached, or what answers is no HTTP.
        ConfigError: it refuses us, or does not have the model.
    """
    models = _listed_models(client, dialect, host, headers, path or dialect.models_endpoint)
    if isinstance(models, str):
        if wanted is None:
            raise ConfigError(f"{host} does not list its models{models}: name one with --model")
        return wanted
    if wanted is None:
        if not models:
            raise ConfigError(f"{host} has no model loaded: load one, or name one with --model")
        return models[0]
    if wanted not in models:
        known = ", ".join(models[:SHOWN]) + (" …" if len(models) > SHOWN else "")
        raise ConfigError(f"{host} does not have the model {wanted!r}: it has {known or 'none'}")
    return wanted


def _listed_models(client: Client, dialect: Dialect, host: str, headers: dict[str, str], path: str) -> list[str] | str:
    """The models; or what is to be said of a target that does not list them."""
    exchange, body = _get(client, path, headers)
    if exchange.error is not None:
        raise NoAnswerError(_unreachable(host, exchange))
    if exchange.status == 400 and _WANTS_TLS.search(words := answer_words(exchange)):
        raise NoAnswerError(f"{host} refuses plain HTTP ({words}): give its https URL with --host")
    if exchange.status in {401, 403}:
        raise ConfigError(
            f"{host} refuses our key ({answer_words(exchange)}): set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"
        )
    if exchange.status == 503:
        raise ConfigError(f"{host} is not ready yet ({answer_words(exchange)}): wait until it has started")
    if exchange.status != 200:
        return f" ({answer_words(exchange)})" if exchange.body else ""
    try:
        return dialect.parse_models(body)
    except ProtocolError:
        return ""


def answer_words(exchange: Exchange) -> str:
    """The status of an answer, and its first words, with which a firewall or a gateway says what it dislikes."""
    text = error_text(exchange.body)
    if "<" in text:
        text = html.unescape(_TAG.sub(" ", _NO_TEXT.sub(" ", text)))
    words = textwrap.shorten(  # never within a word, which might be a secret
        text, WORDS_SHOWN, placeholder=" …", break_long_words=False, break_on_hyphens=False
    )
    return f"{exchange.status} {words}".strip()


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
    if is_the_proxys(exchange.detail):
        return f"{host} cannot be asked ({exchange.detail}): start that proxy, correct its variable, or set NO_PROXY"
    hint = hints.get(exchange.error, "see whether it is healthy, or correct --host")
    return f"{host} does not answer ({exchange.detail}): {hint}"
