"""A gateway of somebody else's before workers that are processes: they can be killed by pid, and SIGHUP starts others.

Run as a program with a folder: it writes `pids` (of its workers) and `log.jsonl` there, a line for each stream that
ended: when (seconds of the monotonic clock), whether it had a result, and how long after its end that came; and one
for each worker that `died`. A stream is plain binary audio and the text `END`; the answer is
`{"text": …, "last": true}`, or `{"error": "worker died"}`. What a dead worker had is lost; what waits
for one, waits on.
"""

import contextlib
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.utilities import LocalProtocolError

from rawserver import Peer
from socketserving import accept

WORKERS = 4
WORK_S = 0.4
WORKER = f"import sys, time\nfor line in sys.stdin:\n    time.sleep({WORK_S})\n    print('done', flush=True)\n"


class Gateway:
    """Its queue, its workers, and what it notes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: queue.Queue[tuple[Peer, Any, float]] = queue.Queue()
        self._lock = threading.Lock()
        self._pids: list[int] = []
        self._log = (folder / "log.jsonl").open("w")
        self.start_workers()

    def start_workers(self, *_: object) -> None:
        """As many as there are to be; also on SIGHUP."""
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(WORKERS)
        ]
        (self._folder / "pids").write_text("\n".join(str(worker.pid) for worker in workers))
        for worker in workers:
            threading.Thread(target=self._serve_with, args=(worker,), daemon=True).start()

    def _serve_with(self, worker: "subprocess.Popen[str]") -> None:
        assert worker.stdin
        assert worker.stdout
        while worker.poll() is None:
            try:
                peer, socket_, ended = self._jobs.get(timeout=0.05)
            except queue.Empty:
                continue
            answer: dict[str, object] = {"error": "worker died"}
            with contextlib.suppress(OSError):
                worker.stdin.write("job\n")
                worker.stdin.flush()
                if worker.stdout.readline():
                    answer = {"text": "understood", "last": True}
            self._tell(peer, socket_, ended, answer)
        self._note(died=True)

    def _note(self, **what: object) -> None:
        self._log.write(json.dumps({"at": time.monotonic(), **what}) + "\n")
        self._log.flush()

    def _tell(self, peer: Peer, socket_: Any, ended: float, answer: dict[str, object]) -> None:
        with self._lock, contextlib.suppress(OSError, LocalProtocolError):
            peer.send(socket_.send(TextMessage(data=json.dumps(answer))))
            self._note(died=False, ok="text" in answer, lag=time.monotonic() - ended)

    def serve(self, sock: socket.socket) -> None:
        """One connection."""
        peer = Peer(sock, 0)
        socket_ = accept(peer)
        while data := sock.recv(65536):
            socket_.receive_data(data)
            for event in socket_.events():
                if isinstance(event, TextMessage):
                    self._jobs.put((peer, socket_, time.monotonic()))
                elif isinstance(event, CloseConnection):
                    with self._lock, contextlib.suppress(OSError, LocalProtocolError):
                        peer.send(socket_.send(event.response()))
                    return
                else:
                    assert isinstance(event, BytesMessage)


def main(folder: Path) -> None:
    """Listen on a free port, and print it."""
    gateway = Gateway(folder)
    signal.signal(signal.SIGHUP, gateway.start_workers)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=gateway.serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
