"""The variables that vendors' own SDKs read: a target where none is given, and a key where the target is the vendor's.

A key must not go to a stranger: it is sent only to the host that the vendor's base URL names, or to the vendor's own.
"""

import os
from dataclasses import dataclass

from katydid.model.errors import ConfigError
from katydid.protocol.target_url import read_target_url

_OLLAMA_PORT = 11434


@dataclass(frozen=True, slots=True)
class Vendor:
    """What one vendor's SDKs read.

    Attributes:
        url: variable of the base URL.
        key: variable of the key; empty for none.
        host: of the vendor's own service; empty for none.
    """

    url: str
    key: str = ""
    host: str = ""


_OPENAI = Vendor("OPENAI_BASE_URL", "OPENAI_API_KEY", "api.openai.com")
_OLLAMA = Vendor("OLLAMA_HOST")
VENDORS = {
    "openai": _OPENAI,
    "openai-responses": _OPENAI,
    "completions": _OPENAI,
    "embeddings": _OPENAI,
    "anthropic": Vendor("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "api.anthropic.com"),
    "ollama": _OLLAMA,
    "ollama-embed": _OLLAMA,
}
"""By the API that `--api` names."""


def vendors_host(api: str) -> tuple[str, str]:
    """(URL, variable) of the target that an SDK would take; both empty where none is set."""
    vendor = VENDORS.get(api)
    value = os.environ.get(vendor.url, "").strip() if vendor else ""
    if vendor is None or not value:
        return "", ""
    return (_ollama_url(value) if vendor is _OLLAMA else value), vendor.url


def vendors_key(api: str, host: str) -> tuple[str, str]:
    """(key, note): the SDK's key, if the target is its vendor's; else, where one is set, what to say of it.

    Args:
        api: that `--api` names.
        host: URL of the target.
    """
    vendor = VENDORS.get(api)
    key = os.environ.get(vendor.key, "").strip() if vendor and vendor.key else ""
    if vendor is None or not key:
        return "", ""
    place = _host_of(host)
    if place and place in {vendor.host, _host_of(vendors_host(api)[0])}:
        return key, ""
    return "", f"{vendor.key} is set, but the target is not {vendor.host}: to send it, set LOAD_TEST_API_KEY to it"


def _host_of(url: str) -> str:
    """Host and port; empty where it is not a URL."""
    try:
        return read_target_url(url).authority
    except ConfigError:
        return ""


def _ollama_url(value: str) -> str:
    """As Ollama's own client reads it: a host, with or without a scheme and a port; all addresses mean this machine."""
    scheme, _, rest = value.rpartition("://")
    name, colon, port = rest.rstrip("/").partition(":")
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(name, name)  # noqa: S104 - what somebody's server listens on
    default = {"https": 443, "http": 80}.get(scheme, _OLLAMA_PORT)
    return f"{scheme or 'http'}://{name}:{port if colon and port else default}"
