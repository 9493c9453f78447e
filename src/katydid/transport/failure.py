"""Which class of failure an exception of the operating system is. Knows no HTTP."""

import errno
import socket
import ssl

from katydid.core.sample import ErrorClass
from katydid.transport.proxies import ProxyError

_BY_ERRNO = {
    errno.EMFILE: ErrorClass.OUT_OF_DESCRIPTORS,
    errno.ENFILE: ErrorClass.OUT_OF_DESCRIPTORS,
    errno.EADDRNOTAVAIL: ErrorClass.OUT_OF_PORTS,
    errno.ECONNRESET: ErrorClass.RESET,
    errno.EPIPE: ErrorClass.RESET,
    errno.ECONNABORTED: ErrorClass.RESET,
}

_REMEDY = {
    ErrorClass.OUT_OF_DESCRIPTORS: "the generator is out of file descriptors: raise `ulimit -n`",
    ErrorClass.OUT_OF_PORTS: "the generator is out of local ports: keep connections alive or add machines",
}


def classify(error: BaseException, *, connecting: bool) -> tuple[ErrorClass, str]:
    """The class and text of a failure to connect (`connecting`) or to talk."""
    if isinstance(error, ProxyError):
        return _classify_proxy(error)
    if isinstance(error, socket.gaierror):
        return ErrorClass.DNS, f"the host's name cannot be resolved: {error.strerror or error}"
    if isinstance(error, ssl.SSLError):
        return ErrorClass.TLS, f"TLS: {_tls_reason(error)}"
    if isinstance(error, TimeoutError):
        return ErrorClass.CONNECT if connecting else ErrorClass.TIMEOUT, "timed out"
    if isinstance(error, OSError):
        return _classify_errno(error, connecting=connecting)
    return ErrorClass.OTHER, f"{type(error).__name__}: {error}"


def is_the_proxys(detail: str) -> bool:
    """Whether a failure's text is about the proxy of the environment: the target cannot help that."""
    return detail.startswith("the proxy ")


def _classify_proxy(error: ProxyError) -> tuple[ErrorClass, str]:
    if error.__cause__ is None:
        return ErrorClass.CONNECT, str(error)
    kind, text = classify(error.__cause__, connecting=True)
    return kind, text if kind in _REMEDY else f"{error}: {text}"


def _classify_errno(error: OSError, *, connecting: bool) -> tuple[ErrorClass, str]:
    kind = _BY_ERRNO.get(error.errno or 0, ErrorClass.RESET)
    if kind in _REMEDY:
        return kind, _REMEDY[kind]
    return ErrorClass.CONNECT if connecting else kind, error.strerror or str(error)


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the target's certificate is not trusted: {error.verify_message}"
    return getattr(error, "reason", None) or str(error)  # one that Python made has no reason
