"""Classify the operating system's exceptions as error classes. Knows no HTTP."""

import errno
import os
import socket
import ssl

from katydid.model.sample import ErrorClass
from katydid.transport.proxies import ProxyError

_TARGETS = (
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.ECONNABORTED,
    errno.EPIPE,
    errno.ESHUTDOWN,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
    errno.EPROTO,
    errno.EHOSTUNREACH,
    errno.EHOSTDOWN,
    errno.ENETUNREACH,
    errno.ENETDOWN,
    errno.ENETRESET,
)
"""Errors that the target, or the network on the way to it, causes."""

_BY_ERRNO = {
    **dict.fromkeys(_TARGETS, ErrorClass.RESET),
    errno.EMFILE: ErrorClass.OUT_OF_DESCRIPTORS,
    errno.ENFILE: ErrorClass.OUT_OF_DESCRIPTORS,
    errno.EBUSY: ErrorClass.OUT_OF_DESCRIPTORS,  # from a name lookup without free descriptors
    errno.EADDRNOTAVAIL: ErrorClass.OUT_OF_PORTS,
}
"""Any other error is this machine's: no memory, no buffers, a firewall rule, or a bug of ours."""

_REMEDY = {
    ErrorClass.OUT_OF_DESCRIPTORS: "the generator is out of file descriptors: raise `ulimit -n`",
    ErrorClass.OUT_OF_PORTS: "the generator is out of local ports: keep connections alive or add machines",
}
_OURS = {getattr(socket, name) for name in ("EAI_SYSTEM", "EAI_MEMORY") if hasattr(socket, name)}
"""Lookup failures that say nothing about the name."""


def classify(error: BaseException, *, connecting: bool) -> tuple[ErrorClass, str]:
    """The error class and detail of an exception while connecting (`connecting`) or communicating."""
    if isinstance(error, ProxyError):
        return _classify_proxy(error)
    if isinstance(error, socket.gaierror):
        return _classify_lookup(error)
    if isinstance(error, ssl.SSLError):
        return ErrorClass.TLS, f"TLS: {_tls_reason(error)}"
    if isinstance(error, TimeoutError):
        return ErrorClass.CONNECT if connecting else ErrorClass.TIMEOUT, "timed out"
    if isinstance(error, OSError):
        return _classify_errno(error, connecting=connecting)
    return ErrorClass.OTHER, f"{type(error).__name__}: {error}"


def _classify_lookup(error: socket.gaierror) -> tuple[ErrorClass, str]:
    if _no_descriptors_left():  # a resolver that cannot open a socket may report the name as unknown
        return ErrorClass.OUT_OF_DESCRIPTORS, _REMEDY[ErrorClass.OUT_OF_DESCRIPTORS]
    if error.errno in _OURS:
        return ErrorClass.OTHER, f"name lookup failed on this machine: {error.strerror or error}"
    return ErrorClass.DNS, f"the host's name cannot be resolved: {error.strerror or error}"


def is_the_proxys(detail: str) -> bool:
    """Return True if an error's detail is about the proxy, not about the target."""
    return detail.startswith("the proxy ")


def _classify_proxy(error: ProxyError) -> tuple[ErrorClass, str]:
    if error.__cause__ is None:
        return ErrorClass.CONNECT, str(error)
    kind, text = classify(error.__cause__, connecting=True)
    return kind, text if kind in _REMEDY else f"{error}: {text}"


def _classify_errno(error: OSError, *, connecting: bool) -> tuple[ErrorClass, str]:
    kind = ErrorClass.RESET if error.errno is None else _BY_ERRNO.get(error.errno, ErrorClass.OTHER)
    if kind in _REMEDY:
        return kind, _REMEDY[kind]
    if kind is ErrorClass.OTHER:
        return kind, f"this machine: {error.strerror or error}"
    return ErrorClass.CONNECT if connecting else kind, error.strerror or str(error)


def _no_descriptors_left() -> bool:
    try:
        os.close(os.dup(2))
    except OSError as error:
        return error.errno in {errno.EMFILE, errno.ENFILE}
    return False


_WANTS_OURS = "the target asks for a client certificate"
_REFUSES_OURS = "the target does not accept our client certificate"
_MAY_WANT_OURS = "the target ended the handshake"
_ALERTS = {
    "CERTIFICATE_REQUIRED": _WANTS_OURS,
    "HANDSHAKE_FAILURE": _MAY_WANT_OURS,  # TLS 1.2 uses it for many errors, such as a missing client certificate
    **dict.fromkeys(
        (
            "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REVOKED", "CERTIFICATE_EXPIRED",
            "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "ACCESS_DENIED", "DECRYPT_ERROR",
        ),
        _REFUSES_OURS,
    ),
}  # fmt: skip
"""Meanings of the target's alerts (RFC 8446, 6.2), by the end of OpenSSL's names for them."""


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the target's certificate is not trusted: {error.verify_message}"
    reason: str = getattr(error, "reason", None) or str(error)  # errors raised by Python itself have no reason
    meaning = _ALERTS.get(reason.partition("_ALERT_")[2])
    return f"{meaning} ({reason})" if meaning else reason


def tls_remedy(detail: str) -> str:
    """What to do about a TLS error, by its detail."""
    if _WANTS_OURS in detail:
        return "give one with --client-cert"
    if _REFUSES_OURS in detail:
        return "give one that it accepts with --client-cert"
    if _MAY_WANT_OURS in detail:
        return "give a certificate with --client-cert, if it asks for one"
    return "name its authority with --ca-file"
