"""Where a service's requests go: paths that people give, and the place of an API below the URL of its target."""

from katydid.dialects import DIALECTS
from katydid.dialects.base import Dialect
from katydid.model.errors import ConfigError
from katydid.model.redact import hide_query
from katydid.protocol.target_url import Place, names_endpoint, place


def placed(dialect: Dialect, base: str, chosen: str | None) -> Place:
    """Where the API is, below the base path that the target's URL has.

    Args:
        dialect: of the API.
        base: path of the URL.
        chosen: the endpoint that the person asks for, where that is another.

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
