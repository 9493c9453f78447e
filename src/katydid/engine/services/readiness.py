"""A target is made ready for a run: waiting until it has started, and a request to it ahead of the load.

`--wait-ready` and `--before-run`; the second may empty the target's prefix cache.
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
"""Seconds between two looks."""
SECONDS = 60.0
"""That the request of `--before-run` may take."""


def when_ready(look: Callable[[], str], patience: float, say: Callable[[str], None]) -> str:
    """Look until the target is ready; what the look then says.

    Args:
        look: the look before the load.
        patience: seconds in which a new look may begin; 0 for one alone.
        say: shows a line to the person who waits, where there is something new to say.

    Raises:
        NoAnswerError, NotReadyError: of the one look.
        ConfigError: the target is not ready in time, or cannot be loaded so.
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
            raise ConfigError(f"--wait-ready {format_duration(patience)} is over: {why}")
        if why != last:
            say(f"waiting up to {format_duration(patience)} for the target: {why}")
        last = why
        gevent.sleep(min(PAUSE, left))


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Before the run, when Locust does not listen to it yet: SIGTERM, which Ctrl-C becomes here, ends the process."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(ExitCode.INTERRUPTED)))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ready_target(asked: str, host: str, tls: TlsSettings, headers: Headers, secrets: Sequence[str]) -> None:
    """Send the request of `--before-run`, and wait for its answer.

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
