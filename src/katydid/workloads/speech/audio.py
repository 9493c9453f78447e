"""The audio of speech users: WAV files or generated sound, and how it is sent. Knows no socket."""

import hashlib
import math
import random
import struct
import wave
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from katydid.dialects.speech import SpeechDialect
from katydid.dialects.speech.base import SAMPLE_RATE
from katydid.dialects.speech.transcript import SpeechParser
from katydid.model.errors import ConfigError, os_words
from katydid.model.sample import ErrorClass
from katydid.runs.files import open_named

SAMPLE_BYTES = 2
BUILT_IN_SECONDS = 1.0
LATE = 0.020
"""A chunk sent more than this many seconds after its time is late; a fifth of the default chunk."""


@dataclass(frozen=True)
class Audio:
    """One recording: 16-bit samples of one channel at SAMPLE_RATE."""

    pcm: bytes

    @property
    def seconds(self) -> float:
        """Duration of the audio."""
        return len(self.pcm) / SAMPLE_BYTES / SAMPLE_RATE

    def chunks(self, chunk_ms: float) -> list[bytes]:
        """Split the audio into chunks of this many milliseconds; the last may be shorter."""
        size = max(1, round(chunk_ms * SAMPLE_RATE / 1000)) * SAMPLE_BYTES
        return [self.pcm[start : start + size] for start in range(0, len(self.pcm), size)]


@dataclass(frozen=True)
class Recordings:
    """The recordings of a run, and where they come from."""

    audios: list[Audio]
    source: str

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all samples. Runs with the same hash sent the same audio."""
        return hashlib.sha256(b"".join(audio.pcm for audio in self.audios)).hexdigest()

    def index(self, seed: int, user: int, iteration: int) -> int:
        """Return the index of a stream's recording, which is the same for every version under test."""
        return (seed + user * 7919 + iteration * 104_729) % len(self.audios)


def load_audio(path: str | None) -> Recordings:
    """Load a WAV file, or all WAV files of a folder in order of their names, or the generated sound.

    Raises:
        ConfigError: there is no file, or one does not have the format that speech services accept.
    """
    if path is None:
        return Recordings([Audio(built_in_sound(BUILT_IN_SECONDS))], "built-in")
    files = [given := Path(path)]
    if given.is_dir():
        files = sorted(file for file in given.iterdir() if file.suffix.lower() == ".wav")
    if not files:
        raise ConfigError(f"--audio {path}: the folder has no .wav file")
    return Recordings([_read(file) for file in files], path)


def built_in_sound(seconds: float) -> bytes:
    """Return a tone of varying loudness with some noise: never silent, and the same every time."""
    noise = random.Random(0)  # noqa: S311 - a sound, not a secret
    samples = []
    for index in range(round(seconds * SAMPLE_RATE)):
        time = index / SAMPLE_RATE
        loudness = 0.5 - 0.5 * math.cos(2 * math.pi * 4 * time)
        samples.append(round(9000 * loudness * math.sin(2 * math.pi * 220 * time) + noise.gauss(0, 150)))
    return struct.pack(f"<{len(samples)}h", *samples)


def _read(file: Path) -> Audio:
    try:
        with open_named(file) as opened, wave.open(opened, "rb") as recording:
            channels, width, rate, frames, *_ = recording.getparams()
            pcm = recording.readframes(frames)
    except OSError as error:
        raise ConfigError(f"--audio {file}: {os_words(error)}") from None
    except (wave.Error, EOFError) as error:
        raise ConfigError(
            f"--audio {file}: is not a WAV file with PCM samples ({str(error) or 'it ends too early'})"
        ) from None
    convert = f"convert it: ffmpeg -i {file.name} -ac 1 -ar {SAMPLE_RATE} -sample_fmt s16 out.wav"
    for good, problem in (
        (channels == 1, f"has {channels} channels instead of 1; {convert}"),
        (width == SAMPLE_BYTES, f"has {8 * width}-bit samples instead of 16-bit; {convert}"),
        (rate == SAMPLE_RATE, f"has a sample rate of {rate} Hz instead of {SAMPLE_RATE}; {convert}"),
        (frames, "has no samples"),
        (
            len(pcm) >= frames * SAMPLE_BYTES,
            f"is truncated: {len(pcm)} of {frames * SAMPLE_BYTES} bytes of samples",
        ),
    ):
        if not good:
            raise ConfigError(f"--audio {file}: {problem}")
    return Audio(pcm)


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
            late = now - (self.due or now)
            self.late += late > LATE
            self.worst_late = max(self.worst_late or 0.0, late)
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
