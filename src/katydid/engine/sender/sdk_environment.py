"""Environment variables of vendors' SDKs: the default target, and the API key if the target is the vendor's.

A key must not go to anybody else: it is sent only to the vendor's own host and the host in the vendor's base URL
variable.
"""

import os
from dataclasses import dataclass

from katydid.model.errors import ConfigError
from katydid.protocol.target_url import read_target_url

_OLLAMA_PORT = 11434


@dataclass(frozen=True, slots=True)
class Vendor:
    """The variables of one vendor's SDKs.

    Attributes:
        url: variable of the base URL.
        key: variable of the key; empty if there is none.
        host: host of the vendor's own service; empty if there is none.
    """

    url: str = ""
    key: str = ""
    host: str = ""


_OPENAI = Vendor("OPENAI_BASE_URL", "OPENAI_API_KEY", "api.openai.com")
_OLLAMA = Vendor("OLLAMA_HOST")
_NOBODY = Vendor()
VENDORS = {
    "openai": _OPENAI,
    "openai-responses": _OPENAI,
    "completions": _OPENAI,
    "embeddings": _OPENAI,
    "anthropic": Vendor("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "api.anthropic.com"),
    "ollama": _OLLAMA,
    "ollama-embed": _OLLAMA,
}
"""Vendors by their `--api` name."""


def vendors_host(api: str) -> tuple[str, str]:
    """(URL, variable) of the target that the vendor's SDK would use; both empty if the variable is not set."""
    vendor = VENDORS.get(api, _NOBODY)
    value = os.environ.get(vendor.url, "").strip()
    if not value:
        return "", ""
    return (_ollama_url(value) if vendor is _OLLAMA else value), vendor.url


def vendors_key(api: str, host: str) -> tuple[str, str]:
    """(key, note): the SDK's key, if the host is the vendor's; else, if a key is set, why it is not sent."""
    vendor = VENDORS.get(api, _NOBODY)
    key = os.environ.get(vendor.key, "").strip()
    if not key:
        return "", ""
    place = _host_of(host)
    if place and place in {vendor.host, _host_of(vendors_host(api)[0])}:
        return key, ""
    return "", f"{vendor.key} is set, but the target is not {vendor.host}: to send that key, set LOAD_TEST_API_KEY"


def _host_of(url: str) -> str:
    """The authority (host and port) of a URL; empty if it is invalid."""
    try:
        return read_target_url(url).authority
    except ConfigError:
        return ""


def _ollama_url(value: str) -> str:
    """Parse OLLAMA_HOST as Ollama's client does: a host with optional scheme and port; 0.0.0.0 means this machine."""
    scheme, _, rest = value.rpartition("://")
    name, colon, port = rest.rstrip("/").partition(":")
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(name, name)  # noqa: S104 - the address a server listens on
    default = {"https": 443, "http": 80}.get(scheme, _OLLAMA_PORT)
    return f"{scheme or 'http'}://{name}:{port if colon and port else default}"
