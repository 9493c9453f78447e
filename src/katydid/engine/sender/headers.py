"""Extra headers for every request of a run: `--header NAME=VALUE`, repeatable.

A value, or its last word, may be `env:VARIABLE`. Then process lists, manifests and pages show only the variable's name,
and its value is a secret. A header whose name marks it as a secret (`is_secret_name`) is one too.
"""

import os
import re
from collections.abc import Iterator

from katydid.model.errors import ConfigError
from katydid.model.redact import MASK, is_secret_name

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"(?P<before>(?:.* )?)env:(?P<name>\w+)")
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "x-request-id"})
"""Headers that Katydid sets itself: they frame the message or identify the request."""


class ExtraHeaders:
    """The parsed headers of `--header`.

    Args:
        text: NAME=VALUE, one per line; None for no headers.

    Attributes:
        values: the headers as sent, by name.
        secrets: texts in them that must never be shown.

    Raises:
        ConfigError: a header is invalid, or its variable is not set.
    """

    def __init__(self, text: str | None) -> None:
        self.values: dict[str, str] = {}
        self.secrets: list[str] = []
        for name, equals, value in _parsed(text):
            if not (equals and _TOKEN.fullmatch(name)):
                raise ConfigError(f"--header {name!r} is not NAME=VALUE, such as api-key=env:AZURE_KEY")
            check_name("--header", name)
            self.values[name] = self._value(name, value)

    def over(self, headers: dict[str, str]) -> dict[str, str]:
        """Add these headers to others, replacing those of the same name in any case."""
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
            self.secrets += [text, text.rpartition(" ")[2]]  # the second is without its `Bearer`
        if not value.isprintable() or not value.isascii():
            raise ConfigError(f"--header {name}: its value must be printable ASCII")
        return value


def check_name(option: str, name: str) -> None:
    """Check that an option may set a header of this name.

    Raises:
        ConfigError: the name is invalid, or Katydid sets that header itself.
    """
    if not _TOKEN.fullmatch(name):
        raise ConfigError(f"{option} {name!r} is not the name of a header: give one such as X-Session-Id")
    if name.lower() in _OURS:
        raise ConfigError(f"{option} {name} cannot be set: Katydid sends its own")


def shown_headers(text: str | None) -> str | None:
    """The option's text for display: with names of variables, without secrets."""
    lines = []
    for name, equals, value in _parsed(text):
        secret = is_secret_name(name) and not _VARIABLE.fullmatch(value)
        lines.append(name + equals + (MASK if secret else value))
    return "\n".join(lines) or None


def without_secrets(text: str | None) -> str | None:
    """The option's text without the headers that contain secrets."""
    lines = map("".join, _parsed(text))
    return "\n".join(line for line in lines if not ExtraHeaders(line).secrets) or None


def _parsed(text: str | None) -> Iterator[tuple[str, str, str]]:
    """Name, equals sign and value of each line that is not blank."""
    for line in (text or "").splitlines():
        if line.strip():
            name, equals, value = line.partition("=")
            yield name.strip(), equals, value.strip()
