"""What each API's requests look like and what its events mean. Pure: knows no socket and no clock."""

from katydid.core.errors import ConfigError
from katydid.dialects.base import Dialect
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import OpenAi

DIALECTS: dict[str, Dialect] = {d.name: d for d in (OpenAi(), Ollama())}
"""Every API by the name that `--api` takes; the place to add one."""


def dialect(name: str) -> Dialect:
    """An API by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        raise ConfigError(f"--api {name!r} is not one of {', '.join(DIALECTS)}") from None
