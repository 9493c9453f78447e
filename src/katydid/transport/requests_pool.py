"""Connections of the client `requests`: parts of HTTP/1.1 that urllib3 and http.client lack.

http.client skips 100 only; it takes any other interim response (RFC 9110, 15.2) for the final one, which leaves the
connection out of sync. It accepts a truncated head as complete, and drops all headers after a line without a colon.
Neither library reports how a connection ended. Here, an end before the first byte of a response is distinguished from
a later one and, on a kept connection, from an idle close (`resending`).
"""

import http.client
import io
import time
from typing import Any

import gevent
import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter

from katydid.model.errors import LimitError, ProtocolError
from katydid.protocol.heads import MAX_HEAD, is_interim, read_head
from katydid.protocol.http1 import lost_to_idle_close
from katydid.transport.exchange import USER_AGENT


class UnansweredError(ConnectionError):
    """The connection ended before the first byte of a response; `__cause__` says how.

    Attributes:
        resendable: the server closed it as idle, so the request may be resent.
    """

    resendable = False


class _Response(http.client.HTTPResponse):
    """A response that skips all interim responses and parses its complete head like `protocol.heads`."""

    def begin(self) -> None:
        """See `HTTPResponse.begin`; raises `UnansweredError` if the connection ends first."""
        try:
            answered = bool(self.fp.peek(1))
        except ConnectionError as error:
            raise UnansweredError from error
        if not answered:
            raise UnansweredError from http.client.RemoteDisconnected("closed without an answer")
        try:
            head = self._final_head()
        except ProtocolError as error:
            raise http.client.HTTPException(str(error)) from None
        line, self.fp = self.fp, io.BufferedReader(io.BytesIO(head))
        try:
            super().begin()
        finally:
            self.fp = line

    def _final_head(self) -> bytes:
        while is_interim(read_head((head := self._whole_head()).rstrip(b"\r\n")).status):
            gevent.sleep(0)  # a read that does not block lets neither timeouts nor other users run
        status, *lines = head.splitlines(keepends=True)
        return status + b"".join(line for line in lines if b":" in line or line[:1].isspace())

    def _whole_head(self) -> bytes:
        head = b""
        while not head.endswith((b"\n\r\n", b"\n\n")):
            line = self.fp.readline(MAX_HEAD)
            head += line
            if len(head) > MAX_HEAD:
                raise LimitError(f"a head of more than {MAX_HEAD} bytes")
            if not line.endswith(b"\n"):
                raise http.client.IncompleteRead(head)
        return head


class _TracksEnds:
    """Records how a connection ends; mixed into both kinds of urllib3 connections."""

    _answers = 0
    _connect_seconds = 0.0
    _sent_at = 0.0
    _send_error: OSError | None = None

    def connect(self) -> None:
        """Connect, and record how long that took."""
        began = time.monotonic()
        super().connect()  # type: ignore[misc]
        self._connect_seconds = time.monotonic() - began
        self._answers = 0

    def send(self, data: object) -> None:
        """Send, and keep the error: after one, urllib3 reads a response and reports only that there is none."""
        try:
            super().send(data)  # type: ignore[misc]
        except OSError as error:
            self._send_error = error
            raise

    def putrequest(self, *arguments: object, **more: object) -> None:
        """Start a request, and record its time."""
        self._sent_at = time.monotonic()
        self._send_error = None
        super().putrequest(*arguments, **more)  # type: ignore[misc]

    def getresponse(self) -> Any:
        """Return the response, or raise how the connection ended without one."""
        try:
            response = super().getresponse()  # type: ignore[misc]
        except UnansweredError as error:
            passed = time.monotonic() - self._sent_at
            error.resendable = self._answers > 0 and lost_to_idle_close(passed, self._connect_seconds)
            if self._send_error is not None:
                raise error from self._send_error
            raise
        self._answers += 1
        return response


class _Plain(_TracksEnds, urllib3.connection.HTTPConnection):
    response_class = _Response


class _Tls(_TracksEnds, urllib3.connection.HTTPSConnection):
    response_class = _Response


class _PlainPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _Tls


_POOLS = {"http": _PlainPool, "https": _TlsPool}


class Adapter(HTTPAdapter):
    """requests' adapter with these connections, also through a proxy.

    Attributes:
        tunnels: True if a proxy is asked for a tunnel.
    """

    tunnels = False

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """See `HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """See `HTTPAdapter.proxy_headers`; a proxy that makes a tunnel sees no other headers."""
        agent = {"User-Agent": USER_AGENT} if self.tunnels else {}
        return agent | super().proxy_headers(proxy)

    def proxy_manager_for(self, proxy: str, **more: object) -> object:
        """See `HTTPAdapter.proxy_manager_for`."""
        manager = super().proxy_manager_for(proxy, **more)
        manager.pool_classes_by_scheme = _POOLS
        return manager
