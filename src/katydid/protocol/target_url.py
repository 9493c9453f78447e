"""What `--host` names: the target's address, and which path a request has there. Knows no network and no API.

People give what they have at hand: an address, the base URL of an SDK (`…/v1`), a gateway's prefix (`…/openai/v1`), or
a whole endpoint, with a slash, blanks or a line end behind it. All spellings of a target come to one normal form.
"""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from katydid.model.errors import ConfigError
from katydid.model.redact import strip_credentials

_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
"""The part of a path that says which version of an API it is."""
_NATIVE = "api"
"""With which APIs that have no version in their paths begin: Ollama's."""
_UNDER_A_VERSION = "openai"
"""Last part of a base URL that has its version further up: Gemini's `/v1beta/openai`, gateways' `/v1/…/openai`."""
_AROUND = " \t\r\n\v\f\u00a0\u200b\ufeff"
"""What copying and files with other line ends leave around a URL."""


class TargetUrl(NamedTuple):
    """A target's URL, read.

    Attributes:
        tls: whether it is https.
        host: name or address, in lower case; an IPv6 address without brackets.
        path: that all requests' paths come after; empty, or with a slash first and none last.
        user: of the URL's login.
        password: of the same.
    """

    tls: bool
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""

    @property
    def authority(self) -> str:
        """The Host header: with the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority."""
        return f"http{'s' if self.tls else ''}://{self.authority}"

    @property
    def url(self) -> str:
        """The normal form: no login, no query, no slash last, no port that goes without saying."""
        return self.origin + self.path


def read_target_url(text: str) -> TargetUrl:
    """Read what `--host` was given.

    Raises:
        ConfigError: it is not http(s)://HOST[:PORT][/PATH]; the message shows neither login nor query.
    """
    text = text.strip(_AROUND)
    shown = text.rpartition("@")[2].partition("?")[0].partition("#")[0]
    if not text.isprintable() or " " in text:
        raise ConfigError(f"--host {shown!r} has a blank or control character in it: remove it")
    parts = _split(text)
    if parts is None:
        raise ConfigError(f"--host {shown!r} is not a URL: give http://HOST:PORT or https://HOST")
    if "?" in text or "#" in text:
        raise ConfigError(
            "--host has a query: give it to --endpoint, as in --endpoint '/PATH?NAME=VALUE', without it here"
        )
    if not parts.path.isascii():
        raise ConfigError(f"--host {shown!r}: its path is not ASCII: write it percent-encoded")
    tls = parts.scheme == "https"
    host = (parts.hostname or "").rstrip(".") or (parts.hostname or "")
    port = parts.port or (443 if tls else 80)
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    return TargetUrl(tls, host, port, _path(_parts(parts.path)), user, password)


def shown_url(text: str) -> str:
    """A target's URL as others may see it: the normal form; of what is not a URL, as much as holds no secret."""
    try:
        return read_target_url(text).url
    except ConfigError:
        return strip_credentials(text)


def joined(base: str, path: str) -> str:
    """A request's path below a base path, and never `/v1/v1/…`: what ends the one and begins the other stands once.

    Only a version (`/v1`), `/api`, or a whole path is taken for said twice: `/rooms` below `/rooms` might be meant,
    but as a whole endpoint is far more often pasted twice.
    """
    before = _parts(base)
    return _path(before[: len(before) - _twice(before, _parts(path))]) + path


class Place(NamedTuple):
    """Where an API is: the base path in its normal form, and below it the endpoint and the list of models."""

    base: str
    endpoint: str
    models: str


def place(base: str, endpoint: str, models: str, chosen: str | None = None) -> Place:
    """Where an API is that was named by a base URL, or by a whole endpoint.

    Args:
        base: path of the URL.
        endpoint: the API's own.
        models: its list of models.
        chosen: the endpoint that the person asks for, where that is another.
    """
    before, root = _parts(base), _root(endpoint)
    if chosen is not None and (twice := _twice(before, _parts(chosen))):
        return Place(_path(before[:-twice]), chosen, models)
    before, pasted = _without_endpoint(before, endpoint, models)
    has_root = root is not None and before[-1:] == [root]
    if chosen is not None:
        return Place(_path(before), chosen, _rootless(models) if has_root or _is_versioned(before) else models)
    if has_root or (root == _NATIVE and before[-1:] == ["v1"]):  # Ollama's address as OpenAI's SDK has it
        return Place(_path(before[:-1]), endpoint, models)
    if root not in {None, _NATIVE} and (pasted or _is_versioned(before)):
        return Place(_path(before), _rootless(endpoint), _rootless(models))
    return Place(_path(before), endpoint, models)


def names_endpoint(base: str, endpoint: str) -> bool:
    """Whether a base path is, or ends with, a whole endpoint."""
    whole = _parts(endpoint)
    return bool(whole) and _parts(base)[-len(whole) :] == whole


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _parts(path: str) -> list[str]:
    return [part for part in path.partition("?")[0].split("/") if part]


def _path(parts: list[str]) -> str:
    return "".join(f"/{part}" for part in parts)


def _twice(before: list[str], path: list[str]) -> int:
    """How many parts end the one and begin the other."""
    for count in range(min(len(before), len(path)), 0, -1):
        if before[-count:] == path[:count] and (count == len(path) or _is_root(path[0])):
            return count
    return 0


def _without_endpoint(before: list[str], endpoint: str, models: str) -> tuple[list[str], bool]:
    """A base path without an endpoint that stands at its end, and whether one did; the API's version stays."""
    for known in (endpoint, models):
        whole = _parts(known)
        end = whole[1:] if whole and _VERSION.fullmatch(whole[0]) else whole
        if end and before[-len(end) :] == end:
            return before[: -len(end)], True
    return before, False


def _root(path: str) -> str | None:
    first = _parts(path)[:1]
    return first[0] if first and _is_root(first[0]) else None


def _is_root(part: str) -> bool:
    return part == _NATIVE or _VERSION.fullmatch(part) is not None


def _rootless(path: str) -> str:
    root = _root(path)
    return path if root is None else path.removeprefix(f"/{root}")


def _is_versioned(before: list[str]) -> bool:
    """Whether a base path says the API's version itself, as in `/api/v3`."""
    if before[-1:] == [_UNDER_A_VERSION]:
        return any(_VERSION.fullmatch(part) for part in before)
    return bool(before) and _VERSION.fullmatch(before[-1]) is not None
