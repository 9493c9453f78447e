"""The preflight check of a target: does it use the URL's protocol, have the model, and accept our requests?"""

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
"""Maximum number of models in an error message."""
WORDS_SHOWN = 160
"""Maximum characters of a response quoted in an error message."""
HEADER = "X-Katydid-Preflight"
"""Header of preflight requests, so that a server's log can tell them from the load."""
MOST_TOKENS = 16
"""Maximum tokens that a preflight request asks for."""
CONNECT_TIME = 5.0
"""Seconds to wait for a connection, if that is the whole check."""
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "min_tokens")
_UNREACHABLE = frozenset({ErrorClass.CONNECT, ErrorClass.DNS, ErrorClass.TLS})
_NO_TEXT = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_WANTS_TLS = re.compile(r"HTTPS|SSL-enabled|TLS")
"""Found in the responses of nginx, Apache and Go's servers to plain HTTP on a TLS port."""
_TAG = re.compile(r"<[^>]*>")


class _Body:
    def __init__(self) -> None:
        self.data = b""

    def feed(self, data: bytes, _at: float) -> None:
        self.data += data

    def finish(self) -> None:
        """See `Sink.finish`; there is nothing to do."""


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
    """Choose the model that requests will ask for: the one wanted, else the first that the target lists.

    A target may serve models that it does not list, or restrict the list to some keys. So a list without the wanted
    model is only worth a note.

    Args:
        client: sends the request.
        dialect: the target's API.
        host: the target's URL for messages.
        wanted: the model that the user named; None for any.
        headers: headers of the request.
        path: path of the list; None for the API's own.
        patient: `--wait-ready` is given: a target that is not ready is an error even if the model is named.

    Returns:
        (model, note): the note is for the user; empty if there is nothing to say.

    Raises:
        NoAnswerError: the target cannot be reached, or does not answer with HTTP.
        NotReadyError: it is not ready yet.
        ConfigError: no model was named, and the target does not list any.
    """
    exchange, body = look(client, Request("GET", path or dialect.models_endpoint, headers))
    no_answer = exchange.error is not None
    if exchange.error in _UNREACHABLE or (no_answer and (wanted is None or _wants_tls(host))):
        raise _no_answer(host, exchange)
    if exchange.status in NOT_READY and (patient or wanted is None):
        raise NotReadyError(f"{host} is not ready yet ({answer_words(exchange)}): wait until it has started")
    if exchange.status == 400 and _WANTS_TLS.search(words := answer_words(exchange)):
        raise NoAnswerError(f"{host} rejects plain HTTP ({words}): give its https URL with --host")
    if exchange.status in _REFUSALS and wants_client_certificate(words := answer_words(exchange)):
        raise ConfigError(f"{host} rejects the connection ({words}): give a client certificate with --client-cert")
    if wanted is not None:
        return wanted, _lacks(dialect, exchange, body, wanted)
    models = _listed_models(dialect, host, exchange, body)
    if isinstance(models, str):
        raise ConfigError(f"{host} does not list its models{models}: name one with --model")
    if not models:
        raise ConfigError(f"{host} has no model loaded: load one, or name one with --model")
    return models[0], ""


def _wants_tls(host: str) -> bool:
    """Return True if the URL says plain HTTP, but the target speaks TLS."""
    return host.startswith("http:") and speaks_tls(host)


def _lacks(dialect: Dialect, exchange: Exchange, body: bytes, wanted: str) -> str:
    """A note if the list of models lacks the wanted one; empty if it has it, or there is no list."""
    try:
        models = dialect.parse_models(body) if exchange.status == 200 else [wanted]
    except ProtocolError:
        return ""
    if {wanted, f"{wanted}:latest"} & set(models):
        return ""
    known = ", ".join(models[:SHOWN]) + (" …" if len(models) > SHOWN else "")
    return f"the target does not list the model {wanted!r}: it has {known or 'none'}"


def _listed_models(dialect: Dialect, host: str, exchange: Exchange, body: bytes) -> list[str] | str:
    """The listed models; or, if there is no list, a text to add to the error message."""
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
    """Send one real request, and adapt it until the target accepts its fields.

    Args:
        send: sends a body and returns the exchange.
        build: builds the body with an adaptation.
        host: the target's URL for messages.
        own: names of fields that the user set.
        note: a note that may explain a rejection; may be empty.
        patient: `--wait-ready` is given; without it, the load starts even if the target is not ready.

    Returns:
        (adaptation, note): the note is for the user; empty if there is nothing to say.

    Raises:
        NoAnswerError: the target cannot be reached.
        NotReadyError: it is not ready yet, and `patient` is True.
        ConfigError: it rejects the request.
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
            if more is not None and build(more) != body:  # else it would be rejected for ever
                adaptation = more
                continue
        if status in {401, 403}:
            raise refused_key(host, exchange)
        why = f"; {note}" if note else ""
        raise ConfigError(f"{host} rejects the request ({answer_words(exchange)}){why}: {what_to_check(status, words)}")


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
    """Call `try_request` for each model; the combined adaptation makes requests that all of them accept."""
    found, notes = Adaptation(), dict.fromkeys([note] if len(models) > 1 else [])
    for model in models:
        tried, more = try_request(send, partial(build, model), host=host, own=own, note=note, patient=patient)
        found |= tried
        notes |= dict.fromkeys([more])
    return found, "; ".join(filter(None, notes))


_REFUSALS = frozenset({400, 401, 403, 404, 422})


def _short(body: bytes) -> bytes:
    """The same request with a limit of MOST_TOKENS."""
    request = _object(body)
    limits = {name: min(request[name], MOST_TOKENS) for name in _LIMITS if isinstance(request.get(name), int)}
    return json_bytes(request | limits) if limits else body


def _object(body: bytes) -> dict[str, Any]:
    """A request's fields; empty if it is not a JSON object."""
    try:
        return load_object(body)
    except ProtocolError:
        return {}


def answer_words(exchange: Exchange) -> str:
    """The status of a response and the beginning of its text, for messages."""
    text = error_text(exchange.body)
    if "<" in text:
        text = html.unescape(_TAG.sub(" ", _NO_TEXT.sub(" ", text)))
    words = textwrap.shorten(  # never cut inside a word: part of a secret would escape masking
        text, WORDS_SHOWN, placeholder=" …", break_long_words=False, break_on_hyphens=False
    )
    return f"{exchange.status} {words}".strip()


def look(client: Client, request: Request) -> tuple[Exchange, bytes]:
    """Send a preflight request; return its exchange, and the body if it succeeded."""
    exchange, body = Exchange(), _Body()
    client.send(request, body, exchange)
    return exchange, body.data


def refused_key(host: str, exchange: Exchange) -> ConfigError:
    """The error for a 401 or 403 before the load."""
    remedy = exchange.key_expired or "set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"
    return ConfigError(f"{host} rejects the API key ({answer_words(exchange)}): {remedy}")


def _no_answer(host: str, exchange: Exchange) -> ConfigError:
    """The error for no answer. A bad certificate is final, so it is not a NoAnswerError: waiting would not help."""
    kind = ConfigError if exchange.error is ErrorClass.TLS else NoAnswerError
    return kind(unreachable(host, exchange))


def unreachable(host: str, exchange: Exchange) -> str:
    """Say why a target does not answer, and what to do."""
    hints: dict[object, str] = {
        ErrorClass.CONNECT: "start it, or correct --host",
        ErrorClass.DNS: "correct --host",
        ErrorClass.TLS: f"{tls_remedy(exchange.detail)}, or correct --host",
    }
    if is_the_proxys(exchange.detail):
        return f"{host} cannot be reached ({exchange.detail}): start that proxy, correct its variable, or set NO_PROXY"
    hint = hints.get(exchange.error, "check that it is healthy, or correct --host")
    return f"{host} does not answer ({exchange.detail}): {hint}"


def takes_connections(host: str, tls: TlsSettings) -> None:
    """Check that the target accepts connections: the whole check of a service without models.

    Raises:
        NoAnswerError: it does not.
    """
    client = HttpClient(host, Timeouts(CONNECT_TIME, CONNECT_TIME), tls)
    try:
        if not client.connect_ahead(CONNECT_TIME):
            raise NoAnswerError(f"{host} does not accept connections: start it, or correct --host")
    finally:
        client.close()


def first_look(service: Service, host: str, tls: TlsSettings) -> str:
    """Run the preflight check, then close the service; return the model that requests will ask for.

    Args:
        service: the service, made for this check.
        host: URL of the target, as given.
        tls: the certificates to trust, and our own.

    Raises:
        ConfigError: the target cannot serve this run's requests; the message has no secrets.
    """
    try:
        if isinstance(service, Spread):
            return service.looked(lambda each, its_host: _look(each, its_host, tls))
        return _look(service, host, tls)
    except ConfigError as error:  # its message quotes the target
        raise type(error)(Redactor(service.secrets()).text(str(error), COMPLAINT_LIMIT)) from None
    finally:
        service.close()


def _look(service: Service, host: str, tls: TlsSettings) -> str:
    try:
        url = read_target_url(host)
    except ConfigError:  # a custom service may use other forms of --host
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
    """Check within seconds that the port speaks TLS; the preflight request would wait for the whole request timeout.

    Raises:
        NoAnswerError: it does not answer.
        ConfigError: the port does not speak TLS.
    """
    spoken = look_for_tls(url.url, tls)
    if spoken is Spoken.HTTP:
        raise ConfigError(f"{url.url} does not speak TLS: give --host {url._replace(tls=False).url}")
    if spoken is Spoken.OTHER:
        raise ConfigError(f"{url.url} speaks neither TLS nor HTTP: correct the port in --host")
    if spoken is Spoken.NOTHING:
        raise NoAnswerError(f"{url.url} accepts connections but does not answer in TLS: check that it is healthy")
