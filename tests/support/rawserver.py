"""A server that does exactly what a test says, byte by byte: the faults of real ones, on a real socket."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

from katydid.dialects import DIALECTS

Script = Callable[["Peer"], None]


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        """How many connections came before it."""

    def request(self) -> bytes:
        """Read one request; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            body += piece
        return head + b"\r\n\r\n" + body

    def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Write pieces, each its own packet where there is a pause between them."""
        for number, piece in enumerate(pieces):
            if number and pause:
                time.sleep(pause)
            self.sock.sendall(piece)

    def reset(self) -> None:
        """Close with a reset instead of an end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_close(self) -> None:
        """Wait until the client closes."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass


@contextlib.contextmanager
def raw_server(script: Script, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve each connection with `script`, which closes it by returning; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    stopping = threading.Event()
    peers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve_one(sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_side=True)
                peers.append(sock)
            script(Peer(sock, number))
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        sock.close()

    def accept() -> None:
        number = 0
        while not stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            peers.append(sock)
            thread = threading.Thread(target=serve_one, args=(sock, number), daemon=True)
            threads.append(thread)
            thread.start()
            number += 1

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    port = listener.getsockname()[1]
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        stopping.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for sock in peers:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


def chunks(*parts: bytes) -> bytes:
    """A chunked body without its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts if p)


SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
NDJSON_HEAD = SSE_HEAD.replace(b"text/event-stream", b"application/x-ndjson")
END = b"0\r\n\r\n"
HEADS = {name: NDJSON_HEAD if name == "ollama" else SSE_HEAD for name in DIALECTS}
