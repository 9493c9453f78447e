"""The interface of a service: what all users of a process share to talk to one target. Each kind has its own."""

from typing import Protocol

from katydid.engine.options import RunOptions
from katydid.engine.sender.identity import Credentials
from katydid.model.errors import ConfigError
from katydid.transport.exchange import TimestampSource


class NoAnswerError(ConfigError):
    """The preflight check got no HTTP response: the target may be down or use another protocol."""


class NotReadyError(ConfigError):
    """The target responds that it cannot take requests yet."""


class Service(Protocol):
    """A target as a workload sees it; created once per process and run, and once for the preflight check.

    Attributes:
        credentials: the headers of its requests.
        timestamp_source: where the timestamps of its connections come from.
        name: the name of its requests in tables: the path of its API, if it has one.

    Raises on construction:
        ConfigError: an option is invalid for this kind of target.
    """

    credentials: Credentials
    timestamp_source: TimestampSource
    name: str

    def __init__(self, options: RunOptions, host: str) -> None: ...

    def preflight(self) -> str:
        """Check the target before the load; return the model that requests will ask for.

        Raises:
            NoAnswerError: the target does not answer with HTTP.
            NotReadyError: it is not ready yet.
            ConfigError: it cannot serve this run's requests.
        """

    def adapt(self, found: dict[str, object]) -> None:
        """Adapt requests to what the target accepts (`load.body.Adaptation`); called if preflight found a need."""

    def calibrate(self, found: dict[str, object]) -> None:
        """Use the token calibration that preflight measured; called if there is one."""

    def begin(self, model: str) -> None:
        """Prepare the parts that all requests share."""

    def secrets(self) -> list[str]:
        """Texts that must never reach a file, a log or a page."""

    def facts(self) -> dict[str, object]:
        """The manifest's entries about this target."""

    @property
    def open_connections(self) -> int:
        """The number of open connections to the target."""

    def close(self) -> None:
        """Close idle connections; the service can still be used."""
