"""Detect what a port speaks: TLS, plain HTTP, or neither. For preflight only, never under load.

A server without TLS may take a handshake for the start of a request and wait for the rest, so the timeouts here are a
few seconds.
"""

import ssl
from enum import Enum, auto

from katydid.model.errors import ConfigError
from katydid.transport.dialing import TlsLayer, destination, dial, first_bytes, tls_context
from katydid.transport.exchange import USER_AGENT, TlsSettings
from katydid.transport.proxies import ProxyError

HANDSHAKE = 4.0
"""Seconds for TCP and TLS. A server without load needs a hundredth of it; one on the other side of the world, 1 s."""
ANSWER = 2.0
"""Seconds to wait for the first bytes of an answer."""
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
"""OpenSSL's error reasons, across its versions, if the peer's bytes are not TLS."""
_HANDSHAKE, _ALERT = 22, 21
"""Types of TLS records (RFC 8446, 5.1) that a server may answer a ClientHello with."""


class Spoken(Enum):
    """What a port speaks. UNKNOWN includes a port that cannot be reached: a real request reports that better."""

    TLS = auto()
    HTTP = auto()
    OTHER = auto()
    NOTHING = auto()
    UNKNOWN = auto()


def look_for_tls(url: str, tls: TlsSettings) -> Spoken:
    """Try a TLS handshake with the port of an https URL; if it does not speak TLS, detect what it speaks instead.

    Raises:
        ConfigError: the URL, a proxy in the environment or a certificate file is unusable.
    """
    try:
        sock, _ = dial(destination(url), tls_context(tls), HANDSHAKE)
    except OSError as error:
        return _instead_of_tls(url, error)
    sock.close()
    return Spoken.TLS


def _instead_of_tls(url: str, error: OSError) -> Spoken:
    """What a port speaks after a failed handshake."""
    if isinstance(error, ssl.SSLError):
        if error.reason not in _NOT_TLS:  # it speaks TLS, but rejected the handshake
            return Spoken.TLS
        return Spoken.HTTP if _speaks_http(url) else Spoken.OTHER
    if isinstance(error, ProxyError) or not _takes_connections(url):
        return Spoken.UNKNOWN
    if _speaks_http(url):
        return Spoken.HTTP
    return Spoken.NOTHING if isinstance(error, TimeoutError) else Spoken.UNKNOWN


def speaks_tls(url: str) -> bool:
    """Return True if the port of an http URL answers a ClientHello with a TLS record."""
    try:
        to = destination(url)
        hello = TlsLayer(ssl.create_default_context(), to.host).handshake(b"")[1]
        answer = b"" if to.proxy else first_bytes(to, hello, ANSWER)
    except (OSError, ValueError, ConfigError):
        return False
    return answer[:1] in {bytes([_HANDSHAKE]), bytes([_ALERT])} and answer[1:2] == b"\x03"


def _speaks_http(url: str) -> bool:
    to = destination(url)
    head = f"HEAD / HTTP/1.1\r\nHost: {to.authority}\r\nUser-Agent: {USER_AGENT}\r\nConnection: close\r\n\r\n"
    try:
        return first_bytes(to, head.encode("latin-1"), ANSWER).startswith(b"HTTP/")
    except OSError:
        return False


def _takes_connections(url: str) -> bool:
    try:
        sock, _ = dial(destination(url), None, ANSWER)
    except OSError:
        return False
    sock.close()
    return True
