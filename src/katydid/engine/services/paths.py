"""Where a service's requests go: paths that people give, and the place of an API below the URL of its target."""

from katydid.dialects import DIALECTS
from katydid.dialects.base import Dialect, Generation, path_of
from katydid.model.errors import ConfigError
from katydid.model.redact import hide_query, query_secrets
from katydid.protocol.target_url import Place, names_endpoint, place


class Paths:
    """Where the requests of one service go.

    Args:
        dialect: of the API.
        base: path of the target's URL.
        chosen: the endpoint that the person asks for, where that is not the API's own.

    Attributes:
        base: path that all others are below.
        models: where the target lists its models.
        endpoint: of the API, or as it was asked for; where the API has more in its path, see `find`.
        known: that were found, by whether the answer is streamed, and the model.

    Raises:
        ConfigError: see `placed`.
    """

    def __init__(self, dialect: Dialect, base: str, chosen: str | None) -> None:
        self._dialect = dialect
        self._fixed = chosen is not None or not hasattr(dialect, "path")
        self.base, self.endpoint, self.models = placed(dialect, base, chosen)
        self._cut = dialect.endpoint.removesuffix(self.endpoint)
        self.known: dict[tuple[bool, str], str] = {}

    def find(self, generation: Generation, *, stream: bool) -> str:
        """Where requests for this go: what the person asks for, else what the API says of the model.

        Raises:
            ConfigError: the API's is no path.
        """
        path = self.endpoint
        if not self._fixed:
            said = path_of(self._dialect, generation, stream=stream)
            path = checked_path(f"--api {self._dialect.name}: its path", said).removeprefix(self._cut)
        self.known[stream, generation.model] = path
        return path

    @property
    def secrets(self) -> list[str]:
        """Values in their queries that nobody may see."""
        return [secret for path in (self.endpoint, *self.known.values()) for secret in query_secrets(path)]


def placed(dialect: Dialect, base: str, chosen: str | None) -> Place:
    """Where the API is, below the base path that the target's URL has.

    Raises:
        ConfigError: the URL is the endpoint of another API.
    """
    if chosen is None and dialect.endpoint != "/" and not names_endpoint(base, dialect.endpoint):
        for other in DIALECTS.values():
            if names_endpoint(base, other.endpoint):
                raise ConfigError(
                    f"--host ends with {other.endpoint}, an endpoint of --api {other.name}, but the API is "
                    f"{dialect.name}: choose that one, or leave the endpoint out"
                )
    return place(base, dialect.endpoint, dialect.models_endpoint, chosen)


def checked_path(option: str, path: str) -> str:
    """A path, without what copying leaves around it.

    Raises:
        ConfigError: it is none that can be sent.
    """
    path = path.strip()
    shown = hide_query(path)
    if not path.startswith("/"):
        raise ConfigError(f"{option} {shown!r} is not a path: begin it with /")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ConfigError(f"{option} {shown!r} has a blank or a character that is not ASCII: write it percent-encoded")
    return path
