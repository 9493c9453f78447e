"""What each API's requests look like and what its events mean. Pure: knows no socket and no clock."""

from katydid.core.errors import ConfigError
from katydid.dialects.anthropic import Anthropic
from katydid.dialects.base import Dialect
from katydid.dialects.generic import Fields, GenericSse
from katydid.dialects.ollama import Ollama
from katydid.dialects.openai import OpenAi
from katydid.dialects.responses import Responses

DIALECTS: dict[str, Dialect] = {d.name: d for d in (OpenAi(), Responses(), Anthropic(), Ollama(), GenericSse())}
"""Every API by the name that `--api` takes; the place to add one."""


def dialect(name: str, fields: Fields | None = None) -> Dialect:
    """An API by its name.

    Args:
        name: as `--api` takes it.
        fields: where a `generic-sse` service's events say what; no other API looks at them.

    Raises:
        ConfigError: there is none of that name, or its fields are no good.
    """
    if name == GenericSse.name and fields is not None:
        return GenericSse(fields)
    try:
        return DIALECTS[name]
    except KeyError:
        raise ConfigError(f"--api {name!r} is not one of {', '.join(DIALECTS)}") from None
