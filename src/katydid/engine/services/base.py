"""What all users of a process share when they talk to one target. Each kind of target has its own."""

from typing import Protocol

from katydid.engine.options import RunOptions
from katydid.engine.sender.credentials import Credentials
from katydid.model.errors import ConfigError
from katydid.transport.exchange import TimestampSource


class NoAnswerError(ConfigError):
    """The look at the target was not answered as HTTP is: it may speak something else."""


class NotReadyError(ConfigError):
    """The target answers that it cannot take requests yet."""


class Service(Protocol):
    """A target as a workload sees it; made once a process and run, and before the look that comes ahead of it.

    Attributes:
        credentials: what its requests say of who sends them.
        timestamp_source: of its connections.
        name: how requests to it are called in tables: the path of its API, where it has one.

    Raises on construction:
        ConfigError: an option is no good for this kind of target.
    """

    credentials: Credentials
    timestamp_source: TimestampSource
    name: str

    def __init__(self, options: RunOptions, host: str) -> None: ...

    def preflight(self) -> str:
        """Look at the target before it is loaded; the model that requests will ask for.

        Raises:
            NoAnswerError: nothing answers that is HTTP.
            NotReadyError: it is not ready yet.
            ConfigError: it cannot do what is asked for.
        """

    def adapt(self, found: dict[str, object]) -> None:
        """Leave out of requests what the look before the load has found to be refused; only called where it was."""

    def calibrate(self, found: dict[str, object]) -> None:
        """Make prompts by what the look before the load has found of the target's count; only called where it was."""

    def begin(self, model: str) -> None:
        """Prepare what requests have in common."""

    def secrets(self) -> list[str]:
        """Texts that must never reach a file, a log or a page."""

    def facts(self) -> dict[str, object]:
        """What the manifest says about this kind of target."""

    @property
    def open_connections(self) -> int:
        """Connections to the target that are open now."""

    def close(self) -> None:
        """Close idle connections; more may follow."""
