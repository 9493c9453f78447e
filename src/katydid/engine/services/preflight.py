"""The one look at a target before its load: does it speak what the URL says, answer, and have the model?"""

import html
import re
import textwrap
from typing import Any

from katydid.dialects.base import Dialect
from katydid.dialects.status import error_text
from katydid.engine.services.base import NoAnswerError, Service
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.redact import COMPLAINT_LIMIT, Redactor
from katydid.model.sample import ErrorClass
from katydid.protocol.target_url import TargetUrl, read_target_url
from katydid.transport.exchange import Client, Exchange, Request
from katydid.transport.failure import is_the_proxys
from katydid.transport.scheme import Spoken, look_for_tls, speaks_tls

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


def first_look(service: Service, host: str, ca_file: str | None) -> str:
    """Look at the target, and leave nothing open; the model that requests will ask for.

    Args:
        service: made for this look.
        host: URL of the target, as it was given.
        ca_file: certificates to trust.

    Raises:
        ConfigError: it cannot be loaded so; without a secret in it.
    """
    try:
        return _look(service, host, ca_file)
    except ConfigError as error:  # has the target's words in it
        raise ConfigError(Redactor(service.secrets()).text(str(error), COMPLAINT_LIMIT)) from None
    finally:
        service.close()


def _look(service: Service, host: str, ca_file: str | None) -> str:
    try:
        url = read_target_url(host)
    except ConfigError:  # a service of somebody's own may be named in another way
        return service.preflight()
    if url.tls:
        _need_tls(url, ca_file)
    try:
        return service.preflight()
    except NoAnswerError:
        if not url.tls and speaks_tls(url.url):
            raise ConfigError(f"{url.url} speaks TLS: give --host {url._replace(tls=True).url}") from None
        raise


def _need_tls(url: TargetUrl, ca_file: str | None) -> None:
    """Within seconds, where the look itself would wait as long as a request may.

    Raises:
        ConfigError: the port speaks no TLS.
    """
    spoken = look_for_tls(url.url, ca_file)
    if spoken is Spoken.HTTP:
        raise ConfigError(f"{url.url} speaks no TLS: give --host {url._replace(tls=False).url}")
    if spoken is Spoken.OTHER:
        raise ConfigError(f"{url.url} speaks no TLS, and no HTTP: correct the port in --host")
    if spoken is Spoken.NOTHING:
        raise ConfigError(f"{url.url} takes connections but does not answer in TLS: see whether it is healthy")
