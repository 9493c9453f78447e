"""Before a run: wait until the target has started (`--wait-ready`), and send it a request (`--before-run`).

The request may, for example, empty the target's prefix cache.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import gevent

from katydid.engine.services.base import NoAnswerError, NotReadyError
from katydid.engine.services.preflight import HEADER, answer_words, look, unreachable
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.options.quantities import format_duration
from katydid.model.redact import COMPLAINT_LIMIT, Redactor, hide_query
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Headers, Request, Timeouts, TlsSettings

PAUSE = 1.0
"""Seconds between two preflight checks."""
SECONDS = 60.0
"""Timeout of the request of `--before-run`, in seconds."""


def when_ready(look: Callable[[], str], patience: float, say: Callable[[str], None]) -> str:
    """Repeat the preflight check until the target is ready; return its result.

    Args:
        look: the preflight check.
        patience: seconds during which a new check may begin; 0 for a single check.
        say: shows a line to the waiting user; called when the reason changes.

    Raises:
        NoAnswerError, NotReadyError: the single check failed.
        ConfigError: the target was not ready in time, or cannot serve this run's requests.
    """
    until = time.monotonic() + patience
    last = ""
    while True:
        try:
            return look()
        except (NoAnswerError, NotReadyError) as error:
            why = str(error)
            if not patience:
                raise
        left = until - time.monotonic()
        if left <= 0:
            raise ConfigError(f"the target was not ready within --wait-ready {format_duration(patience)}: {why}")
        if why != last:
            say(f"waiting up to {format_duration(patience)} for the target: {why}")
        last = why
        gevent.sleep(min(PAUSE, left))


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """End the process on SIGTERM (and Ctrl-C, which raises it) while Locust does not handle signals yet."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(ExitCode.INTERRUPTED)))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ready_target(asked: str, host: str, tls: TlsSettings, headers: Headers, secrets: Sequence[str]) -> None:
    """Send the request of `--before-run` and wait for the response.

    Args:
        asked: a URL, or a path on the target.
        host: URL of the target.
        tls: the run's TLS settings; a server other than the target does not get our certificate.
        headers: the run's headers; a server other than the target gets none of them.
        secrets: texts to mask in messages.

    Raises:
        ConfigError: there was no response, or its status was not 2xx.
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
    why = unreachable(place.origin, exchange) if exchange.error else f"{place.url} answered {answer_words(exchange)}"
    raise ConfigError(Redactor(secrets).text(f"--before-run: {why}", COMPLAINT_LIMIT))
