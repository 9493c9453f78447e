"""A TCP proxy that keeps a copy of everything that passes, in both directions."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Tee:
    def __init__(self, port: int) -> None:
        self.seen = bytearray()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._ends.append(client)
                try:
                    server = socket.create_connection(("127.0.0.1", self._to))
                except ConnectionRefusedError:  # not there yet: the client tries again
                    client.close()
                    continue
                self._ends.append(server)
                for a, b in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.seen += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def tee(port: int) -> Iterator[Tee]:
    """Pass connections on to a port of this machine."""
    made = Tee(port)
    try:
        yield made
    finally:
        made.close()
