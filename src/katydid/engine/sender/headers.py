"""Headers that a run adds to each of its requests: `--header NAME=VALUE`, once or more.

A value, or its last word, may be `env:VARIABLE`: then only the variable's name stands in process lists,
manifests and pages, and its value is a secret, as is the value of a header that by its name is one.
"""

import os
import re

from katydid.model.errors import ConfigError
from katydid.model.redact import MASK, is_secret_name

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"(?P<before>(?:.* )?)env:(?P<name>\w+)")
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "x-request-id"})
"""What frames a message and names a request is not for others to say."""


class ExtraHeaders:
    """The headers of `--header`, read.

    Args:
        text: NAME=VALUE, one a line; None for no headers.

    Attributes:
        values: by name, as they are sent.
        secrets: texts among them that must never be shown.

    Raises:
        ConfigError: one is none, or its variable is not set.
    """

    def __init__(self, text: str | None) -> None:
        self.values: dict[str, str] = {}
        self.secrets: list[str] = []
        for line in _lines(text):
            name, equals, value = (part.strip() for part in line.partition("="))
            if not (equals and _TOKEN.fullmatch(name)):
                raise ConfigError(f"--header {name!r} is not NAME=VALUE, as in api-key=env:AZURE_KEY")
            check_name("--header", name)
            self.values[name] = self._value(name, value)

    def over(self, headers: dict[str, str]) -> dict[str, str]:
        """Headers with these in place of those of the same name, however it is spelt."""
        ours = {name.lower() for name in self.values}
        return {name: value for name, value in headers.items() if name.lower() not in ours} | self.values

    def _value(self, name: str, text: str) -> str:
        value = text
        if found := _VARIABLE.fullmatch(text):
            secret = os.environ.get(found["name"], "").strip()
            if not secret:
                raise ConfigError(f"--header {name}: the variable {found['name']} is not set")
            self.secrets.append(secret)
            value = found["before"] + secret
        elif is_secret_name(name):
            self.secrets += [text, text.rpartition(" ")[2]]  # the second without its `Bearer`
        if not value.isprintable() or not value.isascii():
            raise ConfigError(f"--header {name}: its value must be printable ASCII")
        return value


def check_name(option: str, name: str) -> None:
    """See that a header of such a name may be sent.

    Raises:
        ConfigError: it may not; by its option.
    """
    if not _TOKEN.fullmatch(name):
        raise ConfigError(f"{option} {name!r} is not the name of a header, as X-Session-Id")
    if name.lower() in _OURS:
        raise ConfigError(f"{option} {name} cannot be set: Katydid sends its own")


def shown_headers(text: str | None) -> str | None:
    """The option as others may read it: names of variables, but no secret."""
    lines = []
    for line in _lines(text):
        name, equals, value = (part.strip() for part in line.partition("="))
        secret = is_secret_name(name) and not _VARIABLE.fullmatch(value)
        lines.append(name + equals + (MASK if secret else value))
    return "\n".join(lines) or None


def without_secrets(text: str | None) -> str | None:
    """The option without headers that hold a secret."""
    return "\n".join(line for line in _lines(text) if not ExtraHeaders(line).secrets) or None


def _lines(text: str | None) -> list[str]:
    return [line for line in (text or "").splitlines() if line.strip()]
