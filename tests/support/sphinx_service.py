"""A recogniser of somebody else's: pocketsphinx behind plain WebSockets, one worker for all. Run as a program.

It takes audio at once, without a start message, and one text, `END`; to any other text it says so and closes (1003).
Its messages have no type: `{"text": …, "last": false}`, and at the end the same with `decode_ms`, `decode_s`, `rtf`.
"""

import contextlib
import json
import queue
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from pocketsphinx import Decoder
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.utilities import LocalProtocolError

from rawserver import Peer
from socketserving import accept

SPARE = 4
"""Decoders for streams that leave without their end, and keep theirs."""
RATE = 32_000
"""Bytes of a second of audio."""


@dataclass
class Stream:
    """One speaker."""

    peer: Peer
    socket: Any
    decoder: Any = None
    audio_s: float = 0.0
    decode_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, **value: object) -> None:
        with self.lock:
            self.peer.send(self.socket.send(TextMessage(data=json.dumps(value))))

    def close(self, code: int) -> None:
        with self.lock:
            self.peer.send(self.socket.send(CloseConnection(code=code)))


class Worker:
    """Decodes chunk after chunk, first come first served; decoders are made before anybody speaks."""

    def __init__(self, streams: int) -> None:
        self._free = [Decoder(loglevel="FATAL") for _ in range(streams + SPARE)]
        self._jobs: queue.Queue[tuple[Stream, bytes | None]] = queue.Queue()
        self.put = self._jobs.put
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            stream, audio = self._jobs.get()
            began = time.perf_counter()
            if stream.decoder is None:
                stream.decoder = self._free.pop()
                stream.decoder.start_utt()
            if audio is None:
                stream.decoder.end_utt()
            else:
                stream.decoder.process_raw(audio, False, False)  # not a search alone, not the whole utterance
                stream.audio_s += len(audio) / RATE
            found = stream.decoder.hyp()
            stream.decode_s += time.perf_counter() - began
            with contextlib.suppress(OSError, LocalProtocolError):  # who has left is not told
                self._tell(stream, found.hypstr if found else "", last=audio is None)

    def _tell(self, stream: Stream, text: str, *, last: bool) -> None:
        if not last:
            stream.say(text=text, last=False)
            return
        self._free.append(stream.decoder)
        took = stream.decode_s
        stream.say(text=text, last=True, decode_ms=took * 1000, decode_s=took, rtf=took / stream.audio_s)


def serve(sock: socket.socket, worker: Worker) -> None:
    """One connection."""
    peer = Peer(sock, 0)
    stream = Stream(peer, accept(peer))
    while data := sock.recv(65536):
        stream.socket.receive_data(data)
        for event in stream.socket.events():
            if isinstance(event, BytesMessage):
                worker.put((stream, bytes(event.data)))
            elif isinstance(event, TextMessage) and event.data == "END":
                worker.put((stream, None))
            elif isinstance(event, TextMessage):
                with contextlib.suppress(LocalProtocolError):  # more of them may come after the first
                    stream.say(type="error", error="unknown message")
                    stream.close(1003)
            elif isinstance(event, CloseConnection):
                with stream.lock, contextlib.suppress(LocalProtocolError):  # we may have closed first
                    peer.send(stream.socket.send(event.response()))
                return


def main(streams: int) -> None:
    """Listen on a free port, and print it."""
    worker = Worker(streams)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve, args=(sock, worker), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]))
