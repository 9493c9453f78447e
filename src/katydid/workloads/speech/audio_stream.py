"""One stream of speech, as its user sees it: what is sent when, and what is heard. Knows no socket."""

from dataclasses import dataclass

from katydid.dialects.speech import SpeechDialect
from katydid.dialects.speech.transcript import SpeechParser
from katydid.model.sample import ErrorClass
from katydid.workloads.speech.audio import Audio

LATE = 0.020
"""Seconds from which on a chunk was sent too late; a fifth of the usual chunk."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How audio is sent: so many seconds of it in a message, `speed` times as fast as it is spoken; 0 = at once."""

    chunk_s: float
    speed: float

    def after(self, audio_s: float) -> float:
        """Seconds from the beginning until this much audio has been spoken."""
        return audio_s / self.speed if self.speed else 0.0


class AudioStream:
    """A `websocket.Part` that speaks: a start message, chunks of audio on their times, a stop message.

    Chunk n is due n chunks after the WebSocket was open, the stop message when the audio's time is over.

    Args:
        start, stop: the messages; None where the service takes none.

    Attributes:
        audio_s: how long the audio is.
        first_audio_at: the first chunk was handed to the kernel.
        stopped_at: the stop message was, or would have been.
        sent: chunks that were; `late` of them more than LATE after their time by our own fault.
        worst_late: seconds; None where nothing had a time.
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
