"""The paths of a service's requests: from `--host`, `--endpoint` and the API."""

from katydid.dialects import DIALECTS
from katydid.dialects.base import Dialect, Generation, path_of
from katydid.model.errors import ConfigError
from katydid.model.redact import hide_query, query_secrets
from katydid.protocol.target_url import Place, names_endpoint, place


class Paths:
    """The paths of one service.

    Args:
        dialect: the API.
        base: path of the target's URL.
        chosen: `--endpoint`; None for the API's own.

    Attributes:
        base: the prefix of all paths.
        models: the path of the list of models.
        endpoint: the endpoint, without the parts that depend on the request; see `find`.
        known: paths that `find` returned, by (streamed, model).

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
        """The path of a request: `--endpoint` if it was given, else the API's, which may depend on the model.

        Raises:
            ConfigError: the API returned an invalid path.
        """
        path = self.endpoint
        if not self._fixed:
            said = path_of(self._dialect, generation, stream=stream)
            path = checked_path(f"--api {self._dialect.name}: its path", said).removeprefix(self._cut)
        self.known[stream, generation.model] = path
        return path

    @property
    def secrets(self) -> list[str]:
        """Secret values in the queries of these paths."""
        return [secret for path in (self.endpoint, *self.known.values()) for secret in query_secrets(path)]


def placed(dialect: Dialect, base: str, chosen: str | None) -> Place:
    """Find the paths of an API below the path of the target's URL.

    Raises:
        ConfigError: the URL ends with the endpoint of another API.
    """
    if chosen is None and dialect.endpoint != "/" and not names_endpoint(base, dialect.endpoint):
        for other in DIALECTS.values():
            if names_endpoint(base, other.endpoint):
                raise ConfigError(
                    f"--host ends with {other.endpoint}, the endpoint of --api {other.name}, but --api is "
                    f"{dialect.name}: choose that API, or remove the endpoint from --host"
                )
    return place(base, dialect.endpoint, dialect.models_endpoint, chosen)


def checked_path(option: str, path: str) -> str:
    """Strip white space from a path and check it.

    Raises:
        ConfigError: it is not a valid path.
    """
    path = path.strip()
    shown = hide_query(path)
    if not path.startswith("/"):
        raise ConfigError(f"{option} {shown!r} is not a path: begin it with /")
    if not path.isascii() or not path.isprintable() or " " in path:
        raise ConfigError(f"{option} {shown!r} has a blank or a character that is not ASCII: write it percent-encoded")
    return path
