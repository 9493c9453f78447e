"""`--before-run URL`: a request that readies the target for a run, such as one that empties its prefix cache."""

from collections.abc import Sequence

from katydid.engine.services.preflight import HEADER, answer_words, look, unreachable
from katydid.model.errors import ConfigError
from katydid.model.redact import COMPLAINT_LIMIT, Redactor, hide_query
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Headers, Request, Timeouts, TlsSettings

SECONDS = 60.0
"""That it may take."""


def ready_target(asked: str, host: str, tls: TlsSettings, headers: Headers, secrets: Sequence[str]) -> None:
    """Send the request, and wait for its answer.

    Args:
        asked: a URL, or a path of the target.
        host: URL of the target.
        tls: of the run; a server that is not the target gets no certificate of ours.
        headers: of the requests of the run; a server that is not the target gets none of them.
        secrets: texts that no message may have.

    Raises:
        ConfigError: it was not answered, or not with success.
    """
    target = read_target_url(host)
    url, question, query = asked.strip().partition("?")
    if url.startswith("/"):
        url = target.origin + url
    try:
        place = read_target_url(url)
    except ConfigError:
        raise ConfigError(
            f"--before-run {hide_query(asked)!r} is not a URL: give http://HOST:PORT/PATH, or /PATH"
        ) from None
    own = place.origin == target.origin
    shown = tls if own else TlsSettings(tls.ca_file, insecure=tls.insecure)
    client = open_client("fast", place.origin, Timeouts(SECONDS, SECONDS), shown)
    named = (*headers, (HEADER, "1")) if own else ((HEADER, "1"),)
    try:
        exchange, _ = look(client, Request("POST", (place.path or "/") + question + query, named))
    finally:
        client.close()
    if exchange.error is None and exchange.status is not None and 200 <= exchange.status < 300:
        return
    why = unreachable(place.origin, exchange) if exchange.error else f"{place.url} says {answer_words(exchange)}"
    raise ConfigError(Redactor(secrets).text(f"--before-run: {why}", COMPLAINT_LIMIT))
