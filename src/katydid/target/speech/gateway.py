"""The gateway of the speech service: accepts streams, queues their audio, and sends results.

The chunks of all streams wait in one queue in the order in which they arrive, as in gateways that feed their workers
from one list. A second of audio takes `--speech-rtf` seconds of work, unless the workers really recognise speech.
"""

import asyncio
from collections.abc import Callable
from itertools import count

from katydid.model.formatting import plural
from katydid.target.admission import Refusal
from katydid.target.settings import TargetSettings
from katydid.target.speech.apis import SpeechApi, Word
from katydid.target.speech.pool import Pool
from katydid.target.speech.worker import WorkerReply
from katydid.target.truthlog import Truth, TruthLog
from katydid.target.wire.http import RequestError
from katydid.target.wire.websocket import Closed, ServerSocket

BYTES_PER_SECOND = 32_000
"""16,000 samples of 16 bits."""
WORD_SECONDS = 0.3
"""The pretended recogniser makes one word of this many seconds of audio."""
STATUS_PERIOD = 1.0
"""Streams that wait get a message about the queue every this many seconds."""

NORMAL, BAD_DATA, WENT_WRONG = 1000, 1003, 1011


class Gateway:
    """The state shared by all streams."""

    def __init__(self, settings: TargetSettings, loop: asyncio.AbstractEventLoop, log: TruthLog) -> None:
        self.settings = settings
        self.loop = loop
        self.log = log
        self.recognises = settings.speech_recogniser != "pretend"
        self.pool = Pool(
            loop, settings.speech_workers, settings.speech_restart, self._log_worker, recognises=self.recognises
        )
        self._numbers = count()
        self._streams: set[SpeechStream] = set()

    def refuse(self) -> Refusal | None:
        """Return why a new stream is rejected, or None if it is accepted."""
        limit = self.settings.speech_connections
        if 0 < limit <= len(self._streams):
            return Refusal(503, "too many connections", "overloaded", "Retry-After: 1\r\n")
        if 0 < self.settings.speech_pending_limit < self.pool.pending:
            waiting = f"{plural(self.pool.pending, 'chunk')} in the queue"
            return Refusal(503, waiting, "overloaded", "Retry-After: 5\r\n")
        return None

    def begin(
        self, api: SpeechApi, truth: Truth, write: Callable[[bytes], None], close: Callable[[], None]
    ) -> "SpeechStream":
        """Accept a stream.

        Raises:
            ConfigError: this machine cannot run workers.
        """
        self.pool.begin()
        stream = SpeechStream(self, api, truth, write, close)
        self._streams.add(stream)
        return stream

    def next_number(self) -> int:
        """Return the number of a new stream."""
        return next(self._numbers)

    def forget(self, stream: "SpeechStream") -> None:
        """Remove a stream that has ended."""
        self._streams.discard(stream)
        self.pool.leave(stream)

    def stop(self) -> None:
        """Stop the workers."""
        self.pool.stop()

    def _log_worker(self, pid: int, what: str, at_ns: int) -> None:
        row = Truth(f"worker-{pid}", "worker", at_ns, 0)
        row.outcome = what
        self.log.write(row)


class SpeechStream:
    """One stream of audio over one open WebSocket.

    Args:
        write: sends bytes to the client.
        close: closes the connection after all bytes are sent.
    """

    def __init__(
        self,
        gateway: Gateway,
        api: SpeechApi,
        truth: Truth,
        write: Callable[[bytes], None],
        close: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self.number = gateway.next_number()
        self._api = api
        self._truth = truth
        self._write = write
        self._close = close
        self._socket = ServerSocket()
        self._waiting = 0  # chunks that are queued or being worked on
        self._audio_bytes = self._work_ns = self._waited_ns = 0
        self._text = ""
        self._stopped = False
        self._status: asyncio.TimerHandle | None = None
        self.gone = False

    def feed(self, data: bytes) -> None:
        """Take bytes from the client."""
        for message in self._socket.feed(data):
            if self.gone:
                break
            if isinstance(message, Closed):
                self._end("client_closed")
            elif isinstance(message, bytes):
                self._take_audio(message)
            else:
                self._take_word(message)
        answer, self._socket.answer = self._socket.answer, b""
        if answer:
            self._write(answer)
            if self.gone:
                self._close()

    def lost(self, outcome: str) -> None:
        """End the stream, since the connection was lost."""
        if not self.gone:
            self._end(outcome)

    # What the pool calls

    def chunk_done(self, answer: WorkerReply, waited_ns: int, audio_bytes: int) -> None:
        """See `pool.Stream`."""
        self._waiting -= 1
        self._work_ns += answer.work_ns
        self._audio_bytes += audio_bytes
        self._waited_ns = max(self._waited_ns, waited_ns)
        text = answer.text if self._gateway.recognises else self._pretended()
        if self._stopped and not self._waiting:
            self._text = text
            self._finish()
        elif text != self._text:
            self._text = text
            self._truth.wrote_chunk()
            self._say(self._api.partial(text))

    def chunk_lost(self, reason: str) -> None:
        """See `pool.Stream`."""
        self._fail(WENT_WRONG, reason)

    # Messages from the client

    def _take_audio(self, audio: bytes) -> None:
        if self._stopped:
            return
        self._waiting += 1
        seconds = len(audio) / BYTES_PER_SECOND
        self._gateway.pool.put(self, round(seconds * self._gateway.settings.speech_rtf * 1e9), audio)
        if self._status is None and self._gateway.pool.pending:
            self._tell_status()

    def _take_word(self, message: str) -> None:
        try:
            word = self._api.read(message)
        except RequestError as error:
            self._fail(BAD_DATA, str(error))
            return
        if word is Word.STOP and not self._stopped:
            self._stopped = True
            if self._gateway.recognises:
                self._waiting += 1
                self._gateway.pool.put(self, 0, b"", last=True)
            elif not self._waiting:
                self._finish()

    # Messages to the client

    def _tell_status(self) -> None:
        """Send the length of the queue, and again after each period while this stream waits."""
        self._status = None
        status = self._api.status(self._gateway.pool.pending)
        if self._waiting and not self.gone and status is not None:
            self._say(status)
            self._status = self._gateway.loop.call_later(STATUS_PERIOD, self._tell_status)

    def _finish(self) -> None:
        self._truth.wrote_chunk()
        self._say(self._api.final(self._text, self._work_ns / 1e6))
        if self._api.closes:
            self._write(self._socket.close(NORMAL, ""))
        self._end("sent")

    def _fail(self, code: int, reason: str) -> None:
        self._say(self._api.error(reason))
        self._write(self._socket.close(code, reason))
        self._end("broken_off")

    def _pretended(self) -> str:
        """Return the pretended text: one word for every WORD_SECONDS of audio."""
        words = int(self._audio_bytes / BYTES_PER_SECOND / WORD_SECONDS)
        return (self._gateway.settings.text * words).strip()

    def _say(self, message: str) -> None:
        self._write(self._socket.send(message))

    def _end(self, outcome: str) -> None:
        self.gone = True
        if self._status is not None:
            self._status.cancel()
        self._truth.queue_ms = self._waited_ns / 1e6
        self._truth.ended(outcome)
        self._gateway.log.write(self._truth)
        self._gateway.forget(self)
