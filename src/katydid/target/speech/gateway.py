"""The gateway of the speech service: accepts streams, queues their audio, and sends results.

The chunks of all streams wait in one queue in the order in which they arrive, as in gateways that feed their workers
from one list. A second of audio takes `--speech-rtf` seconds of work, unless the workers really recognise speech.
"""

import asyncio
from itertools import count

from katydid.model.formatting import plural
from katydid.model.jsontext import json_bytes
from katydid.target.admission import Refusal
from katydid.target.settings import TargetSettings
from katydid.target.speech.apis import Message, SpeechApi
from katydid.target.speech.pool import Pool
from katydid.target.speech.worker import WorkerReply
from katydid.target.truthlog import Truth, TruthLog
from katydid.target.wire.http import RequestError, json_object
from katydid.target.wire.websocket import ServerSocket

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
        self.pool = Pool(loop, settings, self._log_worker)
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

    def begin(self, client: asyncio.Transport, api: SpeechApi, truth: Truth) -> "SpeechStream":
        """Accept a stream.

        Raises:
            ConfigError: this machine cannot run workers.
        """
        self.pool.begin()
        stream = SpeechStream(client, self, api, truth, next(self._numbers))
        self._streams.add(stream)
        return stream

    def forget(self, stream: "SpeechStream") -> None:
        """Remove a stream that has ended."""
        self._streams.discard(stream)
        self.pool.leave(stream)

    def _log_worker(self, pid: int, what: str, at_ns: int) -> None:
        row = Truth(f"worker-{pid}", "worker", at_ns, 0)
        row.outcome = what
        self.log.write(row)


class SpeechStream(ServerSocket):
    """One stream of audio over one open WebSocket; `number` is unique.

    Attributes:
        gone: True if it has ended; its queued chunks are then dropped.
    """

    def __init__(self, client: asyncio.Transport, gateway: Gateway, api: SpeechApi, truth: Truth, number: int) -> None:
        super().__init__(client)
        self._gateway, self._api, self._truth, self.number = gateway, api, truth, number
        self._waiting = 0  # chunks that are queued or being worked on
        self._audio_bytes = self._work_ns = self._waited_ns = 0
        self._text = ""
        self._stopped = False
        self._status: asyncio.TimerHandle | None = None
        self.gone = False

    def hear(self, message: str | bytes) -> None:
        """See `ServerSocket.hear`: audio, or a word of the API."""
        if self.gone:
            return
        if isinstance(message, bytes):
            self._take_audio(message)
        else:
            self._take_word(message)

    def lost(self, outcome: str) -> None:
        """See `ServerSocket.lost`."""
        if not self.gone:
            self._end(outcome)

    # What the pool calls

    def chunk_done(self, answer: WorkerReply, waited_ns: int, audio_bytes: int) -> None:
        """Take the result of a chunk, its time in the queue, and its size."""
        self._waiting -= 1
        self._work_ns += answer.work_ns
        self._audio_bytes += audio_bytes
        self._waited_ns = max(self._waited_ns, waited_ns)
        text = answer.text if self._gateway.settings.recognises else self._pretended()
        if self._stopped and not self._waiting:
            self._text = text
            self._finish()
        elif text != self._text:
            self._text = text
            self._truth.wrote_chunk()
            self._say(self._api.partial(text))

    def chunk_lost(self, reason: str) -> None:
        """End the stream, since the worker that had a chunk, or its state, has died."""
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
            stops = self._api.stops(json_object(message, "a text message"))
        except RequestError as error:
            self._fail(BAD_DATA, str(error))
            return
        if stops and not self._stopped:
            self._stopped = True
            if self._gateway.settings.recognises:
                self._waiting += 1
                self._gateway.pool.put(self, 0, b"", last=True)
            elif not self._waiting:
                self._finish()

    # Messages to the client

    def _tell_status(self) -> None:
        """Send the length of the queue, and again after each period while this stream waits."""
        self._status = None
        if self._waiting and not self.gone and self._api.status is not None:
            self._say(self._api.status(self._gateway.pool.pending))
            self._status = self._gateway.loop.call_later(STATUS_PERIOD, self._tell_status)

    def _finish(self) -> None:
        self._truth.wrote_chunk()
        self._say(self._api.final(self._text, self._work_ns / 1e6))
        if self._api.closes:
            self.close(NORMAL)
        self._end("sent")

    def _fail(self, code: int, reason: str) -> None:
        self._say(self._api.error(reason))
        self.close(code, reason)
        self._end("broken_off")

    def _pretended(self) -> str:
        """Return the pretended text: one word for every WORD_SECONDS of audio."""
        words = int(self._audio_bytes / BYTES_PER_SECOND / WORD_SECONDS)
        return (self._gateway.settings.text * words).strip()

    def _say(self, message: Message) -> None:
        self.send(json_bytes(message).decode())

    def _end(self, outcome: str) -> None:
        self.gone = True
        if self._status is not None:
            self._status.cancel()
        self._truth.queue_ms = self._waited_ns / 1e6
        self._truth.ended(outcome)
        self._gateway.log.write(self._truth)
        self._gateway.forget(self)
