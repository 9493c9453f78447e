"""The look at a target before its load: does it speak what the URL says, have the model, and take our requests?"""

import html
import re
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from katydid.analysis.configuration import wants_client_certificate, what_to_check
from katydid.dialects.base import Dialect
from katydid.dialects.loading import load_object
from katydid.dialects.status import NOT_READY, error_text
from katydid.engine.services.base import NoAnswerError, NotReadyError, Service
from katydid.engine.services.spread import Spread
from katydid.load.body import Adaptation, adapted, is_too_short
from katydid.model.errors import ConfigError, ProtocolError
from katydid.model.jsontext import json_bytes
from katydid.model.redact import COMPLAINT_LIMIT, Redactor
from katydid.model.sample import ErrorClass
from katydid.protocol.target_url import TargetUrl, read_target_url
from katydid.transport.exchange import Client, Exchange, Headers, Request, Timeouts, TlsSettings
from katydid.transport.failure import is_the_proxys, tls_remedy
from katydid.transport.http import HttpClient
from katydid.transport.scheme import Spoken, look_for_tls, speaks_tls

SHOWN = 5
"""Models that an error message lists."""
WORDS_SHOWN = 160
"""Characters of an answer that an error message quotes."""
HEADER = "X-Katydid-Preflight"
"""On the requests of the look, so that a server's log can tell them from the load."""
MOST_TOKENS = 16
"""That the look asks for."""
CONNECT_TIME = 5.0
"""Seconds that a target may take to accept a connection, where that is all of the look."""
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "min_tokens")
_UNREACHABLE = frozenset({ErrorClass.CONNECT, ErrorClass.DNS, ErrorClass.TLS})
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
    headers: Headers,
    *,
    path: str | None = None,
    patient: bool = False,
) -> tuple[str, str]:
    """The model that requests will ask for: the one wanted, else the first that the target lists.

    A list need not have every model that a target answers for, nor be open to every key, so one that lacks the model
    wanted decides nothing.

    Args:
        client: sends the look.
        dialect: of the target.
        host: its URL, as it is shown.
        wanted: the model that the person named.
        headers: of the look.
        path: of the list, where it is not the API's own.
        patient: whether somebody waits until it is ready: also where the model is named.

    Returns:
        (model, note): and what the person should know of it; empty for nothing.

    Raises:
        NoAnswerError: the target cannot be reached, or what answers is no HTTP.
        NotReadyError: it is not ready yet.
        ConfigError: no model was named, and it does not say which it has.
    """
    exchange, body = _get(client, path or dialect.models_endpoint, headers)
    no_answer = exchange.error is not None
    if exchange.error in _UNREACHABLE or (no_answer and (wanted is None or _wants_tls(host))):
        raise _no_answer(host, exchange)
    if exchange.status in NOT_READY and (patient or wanted is None):
        raise NotReadyError(f"{host} is not ready yet ({answer_words(exchange)}): wait until it has started")
    if exchange.status == 400 and _WANTS_TLS.search(words := answer_words(exchange)):
        raise NoAnswerError(f"{host} refuses plain HTTP ({words}): give its https URL with --host")
    if exchange.status in _REFUSALS and wants_client_certificate(words := answer_words(exchange)):
        raise ConfigError(f"{host} refuses us ({words}): give our certificate with --client-cert")
    if wanted is not None:
        return wanted, _lacks(dialect, exchange, body, wanted)
    models = _listed_models(dialect, host, exchange, body)
    if isinstance(models, str):
        raise ConfigError(f"{host} does not list its models{models}: name one with --model")
    if not models:
        raise ConfigError(f"{host} has no model loaded: load one, or name one with --model")
    return models[0], ""


def _wants_tls(host: str) -> bool:
    """Whether it was spoken to in plain HTTP, and speaks TLS."""
    return host.startswith("http:") and speaks_tls(host)


def _lacks(dialect: Dialect, exchange: Exchange, body: bytes, wanted: str) -> str:
    """What a list says that lacks a model; nothing where it has it, or there is no list."""
    try:
        models = dialect.parse_models(body) if exchange.status == 200 else [wanted]
    except ProtocolError:
        return ""
    if {wanted, f"{wanted}:latest"} & set(models):
        return ""
    known = ", ".join(models[:SHOWN]) + (" …" if len(models) > SHOWN else "")
    return f"the target does not list the model {wanted!r}: it has {known or 'none'}"


def _listed_models(dialect: Dialect, host: str, exchange: Exchange, body: bytes) -> list[str] | str:
    """The models; or what is to be said of a target that does not list them."""
    if exchange.status in {401, 403}:
        raise refused_key(host, exchange)
    if exchange.status != 200:
        return f" ({answer_words(exchange)})" if exchange.body else ""
    try:
        return dialect.parse_models(body)
    except ProtocolError:
        return ""


def try_request(
    send: Callable[[bytes], Exchange],
    build: Callable[[Adaptation], bytes],
    *,
    host: str,
    own: frozenset[str],
    note: str,
    patient: bool = False,
) -> tuple[Adaptation, str]:
    """Send one real request, and adapt it to what the target refuses.

    Args:
        send: a body, and gives what became of it.
        build: makes the body, so adapted.
        host: URL of the target, as it is shown.
        own: names of fields that the person has set.
        note: what is known that may explain a refusal; may be empty.
        patient: whether somebody waits until it is ready; else the load may start with a target that is not.

    Returns:
        (adaptation, note): and what the person should know; empty for nothing.

    Raises:
        NoAnswerError: the target cannot be reached.
        NotReadyError: it is not ready yet, and somebody is patient.
        ConfigError: it refuses how it is asked.
    """
    adaptation = Adaptation()
    while True:
        body = build(adaptation)
        exchange = send(_short(body))
        if exchange.error in _UNREACHABLE:
            raise _no_answer(host, exchange)
        if patient and exchange.status in NOT_READY:
            raise NotReadyError(f"{host} is not ready yet ({answer_words(exchange)}): wait until it has started")
        status, words = exchange.status or 0, exchange.body.decode("utf-8", "replace")
        if exchange.error is not None or status not in _REFUSALS:
            bad = exchange.error is not None or not 200 <= status < 300
            failed = f"the first request failed ({exchange.detail or answer_words(exchange)}); the load starts anyway"
            return adaptation, failed if bad else note
        if status in {400, 422}:
            if is_too_short(words):
                return adaptation, note
            more = adapted(adaptation, _object(body), own, words)
            if more is not None and build(more) != body:  # else it would be refused for ever
                adaptation = more
                continue
        if status in {401, 403}:
            raise refused_key(host, exchange)
        why = f"; {note}" if note else ""
        raise ConfigError(f"{host} refuses the request ({answer_words(exchange)}){why}: {what_to_check(status, words)}")


def try_requests(
    models: Sequence[str],
    send: Callable[[bytes], Exchange],
    build: Callable[[str, Adaptation], bytes],
    *,
    host: str,
    own: frozenset[str],
    note: str,
    patient: bool,
) -> tuple[Adaptation, str]:
    """One of each model: see `try_request`; all requests are adapted to what any of them refuses."""
    found, notes = Adaptation(), dict.fromkeys([note] if len(models) > 1 else [])
    for model in models:
        tried, told = try_request(send, partial(build, model), host=host, own=own, note=note, patient=patient)
        found |= tried
        notes |= dict.fromkeys([told])
    return found, "; ".join(filter(None, notes))


_REFUSALS = frozenset({400, 401, 403, 404, 422})


def _short(body: bytes) -> bytes:
    """The same request for a short answer."""
    request = _object(body)
    limits = {name: min(request[name], MOST_TOKENS) for name in _LIMITS if isinstance(request.get(name), int)}
    return json_bytes(request | limits) if limits else body


def _object(body: bytes) -> dict[str, Any]:
    """A request's fields; none where it is not an object."""
    try:
        return load_object(body)
    except ProtocolError:
        return {}


def answer_words(exchange: Exchange) -> str:
    """The status of an answer, and its first words, with which a firewall or a gateway says what it dislikes."""
    text = error_text(exchange.body)
    if "<" in text:
        text = html.unescape(_TAG.sub(" ", _NO_TEXT.sub(" ", text)))
    words = textwrap.shorten(  # never within a word, which might be a secret
        text, WORDS_SHOWN, placeholder=" …", break_long_words=False, break_on_hyphens=False
    )
    return f"{exchange.status} {words}".strip()


def _get(client: Client, path: str, headers: Headers) -> tuple[Exchange, bytes]:
    return look(client, Request("GET", path, headers))


def look(client: Client, request: Request) -> tuple[Exchange, bytes]:
    """Send a request of the look; what became of it, and the body of a success."""
    exchange, body = Exchange(), _Body()
    client.send(request, body, exchange)
    return exchange, body.data


def refused_key(host: str, exchange: Exchange) -> ConfigError:
    """A 401 or 403 before the load."""
    remedy = exchange.key_expired or "set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"
    return ConfigError(f"{host} refuses our key ({answer_words(exchange)}): {remedy}")


def _no_answer(host: str, exchange: Exchange) -> ConfigError:
    """A certificate that is no good is an answer: to wait for another is no use."""
    kind = ConfigError if exchange.error is ErrorClass.TLS else NoAnswerError
    return kind(unreachable(host, exchange))


def unreachable(host: str, exchange: Exchange) -> str:
    """Why nothing answers there, and what to do."""
    hints: dict[object, str] = {
        ErrorClass.CONNECT: "start it, or correct --host",
        ErrorClass.DNS: "correct --host",
        ErrorClass.TLS: f"{tls_remedy(exchange.detail)}, or correct --host",
    }
    if is_the_proxys(exchange.detail):
        return f"{host} cannot be asked ({exchange.detail}): start that proxy, correct its variable, or set NO_PROXY"
    hint = hints.get(exchange.error, "see whether it is healthy, or correct --host")
    return f"{host} does not answer ({exchange.detail}): {hint}"


def takes_connections(host: str, tls: TlsSettings) -> None:
    """See that somebody listens there, which is all that a service without models can be asked.

    Raises:
        NoAnswerError: nobody does.
    """
    client = HttpClient(host, Timeouts(CONNECT_TIME, CONNECT_TIME), tls)
    try:
        if not client.connect_ahead(CONNECT_TIME):
            raise NoAnswerError(f"{host} does not take connections: start it, or correct --host")
    finally:
        client.close()


def first_look(service: Service, host: str, tls: TlsSettings) -> str:
    """Look at the target, and leave nothing open; the model that requests will ask for.

    Args:
        service: made for this look.
        host: URL of the target, as it was given.
        tls: whom to trust, and our own certificate.

    Raises:
        ConfigError: it cannot be loaded so; without a secret in it.
    """
    try:
        if isinstance(service, Spread):
            return service.looked(lambda each, its_host: _look(each, its_host, tls))
        return _look(service, host, tls)
    except ConfigError as error:  # has the target's words in it
        raise type(error)(Redactor(service.secrets()).text(str(error), COMPLAINT_LIMIT)) from None
    finally:
        service.close()


def _look(service: Service, host: str, tls: TlsSettings) -> str:
    try:
        url = read_target_url(host)
    except ConfigError:  # a service of somebody's own may be named in another way
        return service.preflight()
    if url.tls:
        _need_tls(url, tls)
    try:
        return service.preflight()
    except NoAnswerError:
        if not url.tls and speaks_tls(url.url):
            raise ConfigError(f"{url.url} speaks TLS: give --host {url._replace(tls=True).url}") from None
        raise


def _need_tls(url: TargetUrl, tls: TlsSettings) -> None:
    """Within seconds, where the look itself would wait as long as a request may.

    Raises:
        NoAnswerError: it does not answer.
        ConfigError: the port speaks no TLS.
    """
    spoken = look_for_tls(url.url, tls)
    if spoken is Spoken.HTTP:
        raise ConfigError(f"{url.url} speaks no TLS: give --host {url._replace(tls=False).url}")
    if spoken is Spoken.OTHER:
        raise ConfigError(f"{url.url} speaks no TLS, and no HTTP: correct the port in --host")
    if spoken is Spoken.NOTHING:
        raise NoAnswerError(f"{url.url} takes connections but does not answer in TLS: see whether it is healthy")
