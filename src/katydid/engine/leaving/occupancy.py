"""Where one can see how many requests the target is working on: its `/metrics` or `/slots`, or those beside it."""

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from katydid.engine.services.preflight import look
from katydid.model.documents.leaving import Source
from katydid.model.errors import ConfigError
from katydid.protocol.occupancy import of_metrics, of_slots
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Client, Headers, Request, Timeouts, TlsSettings

_PATIENCE = Timeouts(2.0, 2.0)
"""Seconds that one look may take."""


class Gauge(NamedTuple):
    """A page that tells; `read` makes a number of it, None where it does not."""

    source: Source
    client: Client
    request: Request
    of: Callable[[bytes], int | None]

    def read(self) -> int | None:
        """Requests that the target works on, or has in its queue, at this moment."""
        exchange, page = look(self.client, self.request)
        return self.of(page) if exchange.status == 200 and exchange.error is None else None


def gauges(host: str, metrics_url: str | None, headers: Headers, tls: TlsSettings) -> Generator[Gauge]:
    """Those that tell of a target, the most telling first.

    Args:
        host: URL of the target.
        metrics_url: of its metrics, where a person has said; it gets none of our headers.
        headers: of requests to the host itself.
        tls: whom to trust.
    """
    if metrics_url is not None:
        parts = urlsplit(metrics_url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        yield from _tell([("metrics", path, of_metrics)], f"{parts.scheme}://{parts.netloc}", (), tls)
    url = read_target_url(host)
    bases = dict.fromkeys((url.path, url.path.rpartition("/")[0], ""))
    pages: list[tuple[Source, str, Callable[[bytes], int | None]]] = []
    for base in bases:
        pages += [("metrics", f"{base}/metrics", of_metrics), ("slots", f"{base}/slots", of_slots)]
    yield from _tell(pages, url.origin, headers, tls)


def _tell(
    pages: list[tuple[Source, str, Callable[[bytes], int | None]]], origin: str, headers: Headers, tls: TlsSettings
) -> Iterator[Gauge]:
    try:
        client = open_client("fast", origin, _PATIENCE, tls)
    except ConfigError:  # a URL that the monitor has told of
        return
    alone = (*headers, ("Connection", "close"))  # a kept connection would be all that some targets serve
    try:
        for source, path, of in pages:
            gauge = Gauge(source, client, Request("GET", path, alone), of)
            if gauge.read() is not None:
                yield gauge
    finally:
        client.close()
