"""Pages of a target that show how many requests it has: `/metrics` or `/slots`, near the path of its API."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from katydid.engine.services.preflight import look
from katydid.model.documents.manifest import LeavingSource
from katydid.model.errors import ConfigError
from katydid.protocol.occupancy import of_metrics, of_slots
from katydid.protocol.target_url import read_target_url
from katydid.transport import open_client
from katydid.transport.exchange import Client, Headers, Request, Timeouts, TlsSettings

_PATIENCE = Timeouts(2.0, 2.0)
"""Timeouts in seconds for reading a gauge once."""
_READERS: dict[LeavingSource, Callable[[bytes], int | None]] = {"metrics": of_metrics, "slots": of_slots}
"""What reads the number of requests from a page; the page's name is that of its source."""


class UnseenError(Exception):
    """Nothing can be seen; the message says why, and is shown after "could not be seen: "."""


class Gauge(NamedTuple):
    """A page of the target that shows how many requests it has."""

    source: LeavingSource
    client: Client
    request: Request

    def read(self) -> int:
        """The number of requests that the target is working on or has queued.

        Raises:
            UnseenError: the page fails.
        """
        exchange, page = look(self.client, self.request)
        found = _READERS[self.source](page) if exchange.status == 200 and exchange.error is None else None
        if found is None:
            raise UnseenError(f"the target's /{self.source} no longer answers")
        return found


def gauges(host: str, metrics_url: str | None, headers: Headers, tls: TlsSettings) -> Generator[Gauge]:
    """The gauges of a target that work, most informative first.

    Args:
        host: URL of the target.
        metrics_url: URL of the target's metrics, if the user gave one; it is sent none of the headers.
        headers: headers for requests to the host itself.
        tls: the certificates to trust.
    """
    if metrics_url is not None:
        parts = urlsplit(metrics_url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        yield from _working([("metrics", path)], f"{parts.scheme}://{parts.netloc}", (), tls)
    url = read_target_url(host)
    bases = dict.fromkeys((url.path, url.path.rpartition("/")[0], ""))
    pages = [(source, f"{base}/{source}") for base in bases for source in _READERS]
    yield from _working(pages, url.origin, headers, tls)


def _working(
    pages: Iterable[tuple[LeavingSource, str]], origin: str, headers: Headers, tls: TlsSettings
) -> Iterator[Gauge]:
    try:
        client = open_client("fast", origin, _PATIENCE, tls)
    except ConfigError:  # a bad URL, which the monitor has reported
        return
    alone = (*headers, ("Connection", "close"))  # a kept connection may be all that a target serves at a time
    try:
        for source, path in pages:
            gauge = Gauge(source, client, Request("GET", path, alone))
            try:
                gauge.read()
            except UnseenError:
                continue
            yield gauge
    finally:
        client.close()
