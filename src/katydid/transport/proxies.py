"""Find the proxy for a target in the environment variables, as curl and requests do. Knows no socket.

HTTP_PROXY or HTTPS_PROXY applies by the target's scheme, else ALL_PROXY; the lower-case names take precedence. NO_PROXY
lists exceptions, separated by commas or blanks: a name (which includes its subdomains), an address or a network
(`10.0.0.0/8`, `fd00::/8`). Names and addresses may have a port. `*` matches every host.
"""

import base64
import ipaddress
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from katydid.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        authorization: value of Proxy-Authorization, or empty.
        variable: the environment variable that names it.
        url: the value of that variable.
    """

    host: str
    port: int
    authorization: str = ""
    variable: str = "HTTP_PROXY"
    url: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"the proxy {host}:{self.port} ({self.variable})"


class ProxyError(OSError):
    """The proxy cannot be reached or does not open a tunnel; `__cause__` may say why."""

    def __init__(self, proxy: Proxy, why: str = "") -> None:
        super().__init__(f"{proxy} {why or 'cannot be reached'}")


def proxy_for(host: str, port: int, *, tls: bool) -> Proxy | None:
    """The proxy for a target; None for a direct connection.

    Raises:
        ConfigError: the proxy's URL is invalid or not supported.
    """
    named = urllib.request.getproxies_environment()
    scheme = "https" if tls else "http"
    kind = scheme if named.get(scheme) else "all"
    url = named.get(kind, "").strip()
    if not url or is_excepted(host, port, named.get("no", "")):
        return None
    variable = f"{kind.upper()}_PROXY"
    url = url if "://" in url else f"http://{url}"
    parts = _split(url)
    if parts is None or parts.scheme != "http":
        raise ConfigError(f"{variable} is not an http:// URL: correct or unset it, or name the host in NO_PROXY")
    authorization = ""
    if parts.username:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(credentials.encode()).decode("ascii")
    return Proxy(parts.hostname or "", parts.port or 80, authorization, variable, url)


def is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return True if NO_PROXY matches this host."""
    host = host.lower().rstrip(".")
    address = _address(host)
    for entry in no_proxy.replace(",", " ").lower().split():
        if entry == "*":
            return True
        if "/" in entry:
            if address is not None and _in_network(address, entry):
                return True
            continue
        name, only_port = _name_and_port(entry)
        if only_port is not None and only_port != port:
            continue
        if address is not None:
            if _address(name) == address:
                return True
        elif (bare := name.removeprefix("*").strip(".")) and (host == bare or host.endswith(f".{bare}")):
            return True
    return False


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _in_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _name_and_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name, int(port)
    return entry, None
