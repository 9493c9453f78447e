"""One stream of speech from the user's side: what to send when, and the results received. Knows no socket."""

from dataclasses import dataclass

from katydid.dialects.speech import SpeechDialect
from katydid.dialects.speech.transcript import SpeechParser
from katydid.model.sample import ErrorClass
from katydid.workloads.speech.audio import Audio

LATE = 0.020
"""A chunk sent more than this many seconds after its time is late; a fifth of the default chunk."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How audio is sent: seconds of audio per message, and a speed of 1 for real time, or 0 for no pacing."""

    chunk_s: float
    speed: float

    def after(self, audio_s: float) -> float:
        """Seconds from the start until this much audio is due."""
        return audio_s / self.speed if self.speed else 0.0


class AudioStream:
    """A `websocket.Part` that sends a start message, chunks of audio on schedule, and a stop message.

    Chunk n (from 0) is due n chunk durations after the WebSocket opened, the stop message at the end of the audio.

    Args:
        start, stop: the messages; None if the service takes none.

    Attributes:
        audio_s: duration of the audio.
        first_audio_at: when the first chunk was handed to the kernel.
        stopped_at: when the stop message was sent, or would have been.
        sent: number of chunks sent.
        late: number of chunks that the generator sent more than LATE after their time.
        worst_late: the largest lateness in seconds; None if no chunk had a time.
    """

    def __init__(
        self,
        audio: Audio,
        chunks: list[bytes],
        pace: Pace,
        dialect: SpeechDialect,
        *,
        start: str | None,
        stop: str | None,
    ) -> None:
        self._chunks = chunks
        self._pace = pace
        self._start, self._stop = start, stop
        self._origin = 0.0
        self._started = False
        self.parser = SpeechParser(dialect)
        self.audio_s = audio.seconds
        self.due: float | None = None
        self.first_audio_at: float | None = None
        self.stopped_at: float | None = None
        self.sent = self.late = 0
        self.worst_late: float | None = None

    @property
    def done(self) -> bool:
        """See `websocket.Part`."""
        return self.parser.over

    def begin(self, at: float) -> None:
        """See `websocket.Part`."""
        self._origin = self.due = at

    def say(self, now: float, *, held: bool) -> str | bytes | None:
        """See `websocket.Part`."""
        if not self._started:
            self._started = True
            if self._start is not None:
                return self._start
        if self.sent == len(self._chunks):
            self.due = None
            self.stopped_at = now
            self.parser.stopped = True
            return self._stop
        if self.first_audio_at is None:
            self.first_audio_at = now
        if self._pace.speed and not held:
            self._note_lateness(now)
        chunk = self._chunks[self.sent]
        self.sent += 1
        spoken = self.audio_s if self.sent == len(self._chunks) else self.sent * self._pace.chunk_s
        self.due = self._origin + self._pace.after(spoken)
        return chunk

    def hear(self, message: str | bytes, at: float) -> None:
        """See `websocket.Part`."""
        self.parser.hear(message, at)

    def closed(self, code: int, reason: str) -> tuple[ErrorClass, str] | None:
        """See `websocket.Part`."""
        return self.parser.closed(code, reason)

    def _note_lateness(self, now: float) -> None:
        late = now - (self.due or now)
        self.late += late > LATE
        self.worst_late = max(self.worst_late or 0.0, late)
