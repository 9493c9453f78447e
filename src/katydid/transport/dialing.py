"""Open connections to the target: address, proxy, TCP, TLS. Knows nothing of requests.

Proxies come from the environment (`proxies`). TLS runs over memory buffers, so that we read the socket ourselves and
get the kernel's timestamps.
"""

import errno
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

import gevent.monkey
import gevent.socket

from katydid.model.errors import ConfigError
from katydid.protocol.target_url import TargetUrl, joined, read_target_url
from katydid.transport.exchange import USER_AGENT, TlsSettings
from katydid.transport.proxies import Proxy, ProxyError, proxy_for

_StdSocket: type[socket.socket] = gevent.monkey.get_original("socket", "socket")
_READ_SIZE = 64 * 1024
_PROXY_HEAD_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to connect to.

    Attributes:
        base_path: prefix of every request's path.
        tunnelled: if there is a proxy, it makes a tunnel and sees no requests.
    """

    host: str
    port: int
    tls: bool
    base_path: str = ""
    proxy: Proxy | None = None
    tunnelled: bool = False

    @property
    def authority(self) -> str:
        """The Host header."""
        return TargetUrl(self.tls, self.host, self.port, "").authority

    def request_target(self, path: str) -> str:
        """The target of the request line: absolute if a proxy without a tunnel has to read it."""
        whole = joined(self.base_path, path)
        return f"http://{self.authority}{whole}" if self.proxy and not self.tunnelled else whole


def destination(url: str, *, websocket: bool = False) -> Destination:
    """Parse `--host`, and find the proxy in the environment if there is one.

    A WebSocket uses a tunnel even without TLS (RFC 6455, 4.1): a proxy would drop its `Upgrade` header.

    Raises:
        ConfigError: the URL is not http(s)://HOST[:PORT][/PATH], or the proxy's URL is unusable.
    """
    to = read_target_url(url)
    proxy = proxy_for(to.host, to.port, tls=to.tls)
    return Destination(to.host, to.port, to.tls, to.path, proxy, tunnelled=to.tls or websocket)


def tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """A TLS context, which verifies certificates unless `insecure`. Share it: creating one takes milliseconds.

    Raises:
        ConfigError: a certificate or key file is missing or invalid.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"--ca-file {tls.ca_file}: no certificates could be read ({error})") from None
    if tls.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if tls.client_cert:
        _take_client_certificate(context, tls.client_cert, tls.client_key)
    return context


def _take_client_certificate(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    for option, file in (("--client-cert", cert), ("--client-key", key)):
        if file and not os.access(file, os.R_OK):
            raise ConfigError(f"{option} {file}: does not exist or cannot be read")

    def passphrase() -> str:  # without this, OpenSSL would prompt on the terminal
        raise ConfigError(f"--client-key {key or cert}: is encrypted: give a key without a passphrase")

    try:
        context.load_cert_chain(cert, key, passphrase)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"--client-key {key or cert}: is not the key of --client-cert {cert}") from None
        files = f"--client-cert {cert}" + (f", --client-key {key}" if key else "")
        remedy = "give both as PEM" if key else "give the key with --client-key, and both as PEM"
        raise ConfigError(f"{files}: no certificate with its key can be read ({_reason(error)}): {remedy}") from None


def _reason(error: ssl.SSLError) -> str:
    return error.reason or str(error)


class TlsLayer:
    """TLS sans I/O: converts between plain bytes and bytes on the wire."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.ended = False
        """The peer has closed its side of the TLS connection."""

    def handshake(self, received: bytes) -> tuple[bool, bytes]:
        """Take handshake bytes from the peer; return (finished, bytes to send)."""
        if received:
            self._incoming.write(received)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False, self._outgoing.read()
        return True, self._outgoing.read()

    def encrypt(self, plain: bytes) -> bytes:
        """The bytes to send for plain bytes."""
        self._tls.write(plain)
        return self._outgoing.read()

    def decrypt(self, wire: bytes) -> bytes:
        """Take received bytes; return the plain bytes of all complete records."""
        if wire:
            self._incoming.write(wire)
        parts = []
        try:
            while part := self._tls.read(_READ_SIZE):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self.ended = True
        return b"".join(parts)


def dial(to: Destination, context: ssl.SSLContext | None, timeout: float) -> tuple[socket.socket, TlsLayer | None]:
    """Connect, through the proxy if there is one, and do the TLS handshake; blocks only the calling greenlet.

    Returns:
        A non-blocking socket of the standard library, and the TLS layer over it; None without TLS.

    Raises:
        OSError: connecting failed; `failure.classify(error, connecting=True)` gives its class.
    """
    deadline = time.monotonic() + timeout
    sock = _reach(to, timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if to.proxy and to.tunnelled:
            _tunnel(sock, to, to.proxy, deadline)
        layer = None
        if context is not None:
            layer = TlsLayer(context, to.host)
            _shake_hands(sock, layer, deadline)
    except BaseException:
        sock.close()
        raise
    return sock, layer


def first_bytes(to: Destination, sent: bytes, timeout: float) -> bytes:
    """Send bytes over a new connection without TLS; return the first bytes of the answer and close the connection.

    Raises:
        OSError: the peer cannot be reached, closes, or does not answer within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    sock, _ = dial(to, None, timeout)
    try:
        send_all(sock, deadline, sent)
        return _receive(sock, deadline)
    finally:
        sock.close()


def _reach(to: Destination, timeout: float) -> socket.socket:
    if to.proxy is None:
        return _connect(to.host, to.port, timeout)
    try:
        return _connect(to.proxy.host, to.proxy.port, timeout)
    except OSError as error:
        raise ProxyError(to.proxy) from error


def _connect(host: str, port: int, timeout: float) -> socket.socket:
    """Connect to an address directly; to a name with gevent, which looks it up in a thread (and delays the loop)."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        cooperative = gevent.socket.create_connection((host, port), timeout)
        sock = _StdSocket(cooperative.family, cooperative.type, cooperative.proto, fileno=cooperative.detach())
        sock.setblocking(False)
        return sock
    sock = _StdSocket(family, socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        code = sock.connect_ex((host, port))
        if code in {errno.EINPROGRESS, errno.EWOULDBLOCK}:
            gevent.socket.wait_write(sock.fileno(), timeout)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except BaseException:
        sock.close()
        raise
    if code:
        sock.close()
        raise OSError(code, os.strerror(code))
    return sock


_GATHERS = hasattr(socket.socket, "sendmsg")
"""False on Windows."""


def send_all(sock: socket.socket, deadline: float, *pieces: bytes) -> None:
    """Send on a non-blocking socket, letting other greenlets run while its buffer is full."""
    left: Sequence[bytes | memoryview] = pieces
    while left:
        try:
            sent = sock.sendmsg(left) if _GATHERS and len(left) > 1 else sock.send(left[0])
        except BlockingIOError:
            gevent.socket.wait_write(sock.fileno(), _left(deadline))
            continue
        if sent == len(left[0]) and len(left) == 1:  # nearly always
            return
        left = _behind(sent, list(left))


def _behind(sent: int, pieces: list[bytes | memoryview]) -> list[bytes | memoryview]:
    """The rest of the pieces after `sent` bytes."""
    while pieces and sent >= len(pieces[0]):
        sent -= len(pieces.pop(0))
    if pieces:
        pieces[0] = memoryview(pieces[0])[sent:]
    return pieces


def _receive(sock: socket.socket, deadline: float) -> bytes:
    while True:
        try:
            data = sock.recv(_READ_SIZE)
        except BlockingIOError:
            gevent.socket.wait_read(sock.fileno(), _left(deadline))
            continue
        if not data:
            raise ConnectionResetError("the peer closed the connection during its setup")
        return data


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _shake_hands(sock: socket.socket, layer: TlsLayer, deadline: float) -> None:
    finished, to_send = layer.handshake(b"")
    while True:
        if to_send:
            send_all(sock, deadline, to_send)
        if finished:
            return
        finished, to_send = layer.handshake(_receive(sock, deadline))


def _tunnel(sock: socket.socket, to: Destination, proxy: Proxy, deadline: float) -> None:
    """Ask the proxy for a tunnel (RFC 9110, 9.3.6)."""
    host = f"[{to.host}]" if ":" in to.host else to.host
    lines = [f"CONNECT {host}:{to.port} HTTP/1.1", f"Host: {host}:{to.port}", f"User-Agent: {USER_AGENT}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    head = b""
    try:
        send_all(sock, deadline, "\r\n".join([*lines, "", ""]).encode("latin-1"))
        while b"\r\n\r\n" not in head:
            head += _receive(sock, deadline)
            if len(head) > _PROXY_HEAD_LIMIT:
                raise ProxyError(proxy, "sent an endless response to CONNECT")
    except ConnectionError as error:
        raise ProxyError(proxy, "closed the connection instead of opening a tunnel") from error
    status = head.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise ProxyError(proxy, f"rejected the tunnel: {status.partition(' ')[2]}")
