"""Parse `--host`: the target's address and the paths of its API. Knows no network and no API.

Users pass what they have at hand: an address, the base URL of an SDK (`…/v1`), a gateway's prefix (`…/openai/v1`) or a
whole endpoint, perhaps followed by a slash, blanks or a line end. All of them get the same normal form.
"""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from katydid.model.errors import ConfigError
from katydid.model.redact import strip_credentials

_VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?")
"""The version segment of an API's path."""
_NEXT_URL = re.compile(r",\s*(?=(?:https?|wss?)://)", re.IGNORECASE)
"""The separator of several URLs; any other comma belongs to a path."""
_NATIVE = "api"
"""The first path segment of an API without a version (Ollama's)."""
_UNDER_A_VERSION = "openai"
"""Last segment of a base URL with its version further up: Gemini's `/v1beta/openai`, gateways' `/v1/…/openai`."""
_AROUND = " \t\r\n\v\f\u00a0\u200b\ufeff"
"""Characters that copying and pasting leaves around a URL."""


class TargetUrl(NamedTuple):
    """The parsed URL of a target.

    Attributes:
        tls: True for https.
        host: name or address, in lower case; an IPv6 address without brackets.
        path: the prefix of all requests' paths; empty, or with a slash first and none last.
        user: user name in the URL.
        password: password in the URL.
    """

    tls: bool
    host: str
    port: int
    path: str
    user: str = ""
    password: str = ""

    @property
    def authority(self) -> str:
        """The Host header; it has a port only if that is not the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority."""
        return f"http{'s' if self.tls else ''}://{self.authority}"

    @property
    def url(self) -> str:
        """The normal form: no credentials, no query, no final slash, no default port."""
        return self.origin + self.path


def read_target_url(text: str) -> TargetUrl:
    """Parse the value of `--host`.

    Raises:
        ConfigError: it is not http(s)://HOST[:PORT][/PATH]; the message shows neither credentials nor query.
    """
    text = text.strip(_AROUND)
    shown = text.rpartition("@")[2].partition("?")[0].partition("#")[0]
    if not text.isprintable() or " " in text:
        raise ConfigError(f"--host {shown!r} has a blank or control character in it: remove it")
    parts = _split(text)
    if parts is None:
        raise ConfigError(f"--host {shown!r} is not a URL: give http://HOST:PORT or https://HOST")
    if "?" in text or "#" in text:
        raise ConfigError("--host has a query: move it to --endpoint, such as --endpoint '/PATH?NAME=VALUE'")
    if not parts.path.isascii():
        raise ConfigError(f"--host {shown!r}: its path is not ASCII: write it percent-encoded")
    tls = parts.scheme == "https"
    host = (parts.hostname or "").rstrip(".") or (parts.hostname or "")
    port = parts.port or (443 if tls else 80)
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    return TargetUrl(tls, host, port, _path(_parts(parts.path)), user, password)


def hosts_in(text: str) -> list[str]:
    """The URLs of `--host`, separated by commas; the whole text if there is none."""
    return [host for part in _NEXT_URL.split(text) if (host := part.strip(_AROUND + ","))] or [text]


def shown_url(text: str) -> str:
    """One or several targets' URLs without secrets, in normal form if they are valid."""
    return ",".join(map(_shown, hosts_in(text)))


def _shown(text: str) -> str:
    try:
        return read_target_url(text).url
    except ConfigError:
        return strip_credentials(text)


def joined(base: str, path: str) -> str:
    """Join a base path and a request's path without repeating their overlap: never `/v1/v1/…`.

    An overlap is dropped only if it starts with a version (`/v1`) or `/api`, or if it is the request's whole path:
    `/rooms` below `/rooms` might be intended, but usually the endpoint was pasted twice.
    """
    before = _parts(base)
    return _path(before[: len(before) - _twice(before, _parts(path))]) + path


class Place(NamedTuple):
    """The paths of an API: the base path in normal form; below it, the endpoint and the list of models."""

    base: str
    endpoint: str
    models: str


def place(base: str, endpoint: str, models: str, chosen: str | None = None) -> Place:
    """Find the paths of an API from a URL that is a base URL or a whole endpoint.

    Args:
        base: path of the URL.
        endpoint: the API's default endpoint.
        models: the API's list of models.
        chosen: the endpoint that the user gave (`--endpoint`); None for the default.
    """
    before, root = _parts(base), _root(endpoint)
    if chosen is not None and (twice := _twice(before, _parts(chosen))):
        return Place(_path(before[:-twice]), chosen, models)
    before, pasted = _without_endpoint(before, endpoint, models)
    has_root = root is not None and before[-1:] == [root]
    if chosen is not None:
        return Place(_path(before), chosen, _rootless(models) if has_root or _is_versioned(before) else models)
    if has_root or (root == _NATIVE and before[-1:] == ["v1"]):  # Ollama's address in the form for OpenAI's SDK
        return Place(_path(before[:-1]), endpoint, models)
    if root not in {None, _NATIVE} and (pasted or _is_versioned(before)):
        return Place(_path(before), _rootless(endpoint), _rootless(models))
    return Place(_path(before), endpoint, models)


def names_endpoint(base: str, endpoint: str) -> bool:
    """Return True if a base path ends with a whole endpoint."""
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
    """The number of segments that end `before` and begin `path`."""
    for count in range(min(len(before), len(path)), 0, -1):
        if before[-count:] == path[:count] and (count == len(path) or _is_root(path[0])):
            return count
    return 0


def _without_endpoint(before: list[str], endpoint: str, models: str) -> tuple[list[str], bool]:
    """Remove an endpoint from the end of a base path, keeping the API's version; also return whether one was there."""
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
    """Return True if a base path includes the API's version, as in `/api/v3`."""
    if before[-1:] == [_UNDER_A_VERSION]:
        return any(_VERSION.fullmatch(part) for part in before)
    return bool(before) and _VERSION.fullmatch(before[-1]) is not None
