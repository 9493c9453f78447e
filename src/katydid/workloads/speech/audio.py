"""The audio of speech users: WAV files, or generated sound. Knows nothing of services or sockets."""

import hashlib
import math
import random
import struct
import wave
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from katydid.dialects.speech.base import SAMPLE_RATE
from katydid.model.errors import ConfigError, os_words
from katydid.runs.files import open_named

SAMPLE_BYTES = 2
BUILT_IN_SECONDS = 1.0


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
        digest = hashlib.sha256()
        for audio in self.audios:
            digest.update(audio.pcm)
        return digest.hexdigest()

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
    given = Path(path)
    if given.is_dir():
        files = sorted(file for file in given.iterdir() if file.suffix.lower() == ".wav")
        if not files:
            raise ConfigError(f"--audio {path}: the folder has no .wav file")
    else:
        files = [given]
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
            shape = recording.getnchannels(), recording.getsampwidth(), recording.getframerate()
            frames = recording.getnframes()
            pcm = recording.readframes(frames)
    except OSError as error:
        raise ConfigError(f"--audio {file}: {os_words(error)}") from None
    except (wave.Error, EOFError) as error:
        raise ConfigError(
            f"--audio {file}: is not a WAV file with PCM samples ({str(error) or 'it ends too early'})"
        ) from None
    _check(file, *shape)
    if not frames:
        raise ConfigError(f"--audio {file}: has no samples")
    if len(pcm) < frames * SAMPLE_BYTES:
        raise ConfigError(f"--audio {file}: is truncated: {len(pcm)} of {frames * SAMPLE_BYTES} bytes of samples")
    return Audio(pcm)


def _check(file: Path, channels: int, width: int, rate: int) -> None:
    convert = f"convert it: ffmpeg -i {file.name} -ac 1 -ar {SAMPLE_RATE} -sample_fmt s16 out.wav"
    if channels != 1:
        raise ConfigError(f"--audio {file}: has {channels} channels instead of 1; {convert}")
    if width != SAMPLE_BYTES:
        raise ConfigError(f"--audio {file}: has {8 * width}-bit samples instead of 16-bit; {convert}")
    if rate != SAMPLE_RATE:
        raise ConfigError(f"--audio {file}: has a sample rate of {rate} Hz instead of {SAMPLE_RATE}; {convert}")
