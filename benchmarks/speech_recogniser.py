"""A real recogniser under 1 to 8 streams of speech without pauses: about five minutes.

    python benchmarks/speech_recogniser.py [--folder FOLDER] [STREAMS ...]    # needs pocketsphinx and espeak-ng

There is one worker, on its own core if there are two. Earlier runs in the folder are judged too. The worker sustains a
number of streams if p95 of the results' lag is less than a second in the second half of the run, so that the queue does
not grow. The plan is made from the run with a single stream, at full utilisation.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import pandas as pd

from katydid.doctor.trial import pinned, share_out
from katydid.target.process import start_target

KATYDID = Path(sys.executable).with_name("katydid")
TEXT = "go forward ten meters and then turn left at the old house and wait there until the rain is over"
STREAMS = (1, 2, 3, 4, 5, 6, 8)
HELD_MS = 1000.0


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def speech(path: Path) -> float:
    """Write the spoken text as a 16 kHz WAV file, and return its duration in seconds."""
    raw = path.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-w", str(raw), TEXT], check=True)  # noqa: S607 - found in PATH
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


def run(folder: Path, streams: int, audio: Path, seconds: float) -> None:
    """Make one run of speech."""
    cores = share_out()
    with pinned(cores.target):
        target = start_target(speech_recogniser="pocketsphinx", speech_workers=1)
    with target as service, pinned(cores.generator):
        command = [KATYDID, "run", "speech", "--host", service.url, "--results", folder, "--audio", audio]
        load = ["--users", streams, "--interval", seconds, "--run-time", "40s", "--warm-up", 0]
        more = ["--failure-threshold", 0, "--version-label", f"n{streams}"]
        words = [str(word) for word in (*command, *load, *more)]
        subprocess.run(words, capture_output=True, check=False)


def held(path: Path, streams: int) -> bool:
    """Print the figures of a run. Return True if its streams were sustained."""
    samples = pd.read_parquet(path / "samples.parquet")
    later = samples[samples["start_ms"] > samples["start_ms"].max() / 2]
    lag = later["final_latency_ms"].quantile(0.95)
    ok = (samples["outcome"] == "ok").mean()
    say(
        f"{streams} streams: {ok:.0%} ok, RTF {samples['rtf'].median():.3f}, the recogniser's own "
        f"{samples['server_rtf'].median():.3f}, lag p50 {samples['final_latency_ms'].median():.0f} ms, p95 of the "
        f"second half {lag:.0f} ms, queue up to {samples['queue_pending_max'].max()}"
    )
    return bool(lag < HELD_MS)


def planned(path: Path) -> float:
    """Return how many streams one worker sustains according to `katydid plan`."""
    words = [str(KATYDID), "plan", "--from", str(path), "--utilisation", "0.999", "--json", "-"]
    asked = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(json.loads(asked.stdout)["streams_per_worker"])


def main() -> None:
    """Make a run for each number of streams, then judge all runs in the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("streams", nargs="*", type=int, default=STREAMS, help="default: 1 2 3 4 5 6 8")
    parser.add_argument("--folder", type=Path, help="for runs and the recording (default: temporary)")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    audio = folder / "speech.wav"
    seconds = speech(audio)
    for streams in given.streams:
        run(folder, streams, audio, seconds)
    found = {int(path.name[1:]): max(path.iterdir()) for path in (folder / "speech").glob("n*")}
    are_held = {streams: held(found[streams], streams) for streams in sorted(found)}
    most = max((number for number in found if all(are_held[each] for each in found if each <= number)), default=0)
    say(f"sustained: {most} of {', '.join(map(str, sorted(found)))}")
    if 1 in found:
        say(f"planned from the run of 1: one worker sustains {planned(found[1]):.2f} streams")


if __name__ == "__main__":
    main()
