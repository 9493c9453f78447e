"""A real recogniser under 1 to 8 streams that speak without a pause: about five minutes.

    python benchmarks/speech_recogniser.py [FOLDER]    # needs pocketsphinx and espeak-ng

One worker. A number of streams is held where the results of the second half of the run lag less than a second
at p95, so that the queue does not grow. The plan is made from the run of a stream alone, at full utilisation.
"""

import json
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import pandas as pd

from katydid.target.process import start_target

KATYDID = Path(sys.executable).with_name("katydid")
TEXT = "go forward ten meters and then turn left at the old house and wait there until the rain is over"
STREAMS = (1, 2, 3, 4, 5, 6, 8)
HELD_MS = 1000.0


def say(text: str) -> None:
    """A line of the result."""
    print(text, flush=True)


def speech(path: Path) -> float:
    """Write the text as a recording of 16 kHz; its seconds."""
    raw = path.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-w", str(raw), TEXT], check=True)  # noqa: S607 - the one in PATH
    with wave.open(str(raw)) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    count = len(samples) * 16_000 // rate
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(struct.pack(f"<{count}h", *(samples[index * rate // 16_000] for index in range(count))))
    return count / 16_000


def run(folder: Path, streams: int, audio: Path, seconds: float) -> Path:
    """One run of speech; its folder."""
    with start_target(speech_recogniser="pocketsphinx", speech_workers=1) as service:
        command = [KATYDID, "run", "speech", "--host", service.url, "--results", folder, "--audio", audio]
        load = ["--users", streams, "--interval", seconds, "--run-time", "40s", "--warm-up", 0]
        more = ["--failure-threshold", 0, "--version-label", f"n{streams}"]
        words = [str(word) for word in (*command, *load, *more)]
        subprocess.run(words, capture_output=True, check=False)
    return max((folder / "speech" / f"n{streams}").iterdir())


def main() -> None:
    """All numbers of streams, and what was planned."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    audio = folder / "speech.wav"
    seconds = speech(audio)
    held = 0
    for streams in STREAMS:
        path = run(folder, streams, audio, seconds)
        samples = pd.read_parquet(path / "samples.parquet")
        late = samples[samples["start_ms"] > samples["start_ms"].max() / 2]
        lag = late["final_latency_ms"].quantile(0.95)
        ok = (samples["outcome"] == "ok").mean()
        held = streams if lag < HELD_MS and held == streams - 1 else held
        say(
            f"{streams} streams: {ok:.0%} ok, RTF {samples['rtf'].median():.3f}, the recogniser's own "
            f"{samples['server_rtf'].median():.3f}, lag p50 {samples['final_latency_ms'].median():.0f} ms, p95 of the "
            f"second half {lag:.0f} ms, queue up to {samples['queue_pending_max'].max()}"
        )
        if streams == 1:
            words = [str(KATYDID), "plan", "--from", str(path), "--utilisation", "0.999", "--json", "-"]
            asked = subprocess.run(words, capture_output=True, text=True, check=True)
            plan = json.loads(asked.stdout)
            say(f"planned from it: one worker holds {plan['streams_per_worker']:.2f} streams")
    say(f"held: {held} (of {STREAMS})")


if __name__ == "__main__":
    main()
