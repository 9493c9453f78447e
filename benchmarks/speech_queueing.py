"""Speech against queueing theory, one experiment after the other: about six minutes.

    python benchmarks/speech_queueing.py [FOLDER]

Prints the measured share of streams in time and their RTF beside what theory says of the same streams; the
RTF of a stream alone; and how late the chunks of 500 streams that speak at the same time are sent.
"""

import json
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import pandas as pd

from katydid.target.process import start_target
from katydid.users.audio import built_in_sound

KATYDID = Path(sys.executable).with_name("katydid")
STREAMS, RTF = 500, 0.1


def say(text: str) -> None:
    """A line of the result."""
    print(text, flush=True)


def katydid(*words: object) -> subprocess.CompletedProcess[str]:
    """One command."""
    line = [str(word) for word in (KATYDID, *words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def recording(folder: Path, seconds: int) -> Path:
    """A WAV file of the built-in sound, so many times."""
    path = folder / f"{seconds}s.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(built_in_sound(1.0) * seconds)
    return path


def run(folder: Path, name: str, words: list[str], **target: float) -> Path:
    """One run of speech against a target of its own; its folder."""
    with start_target(**target) as service:
        where = ("--host", service.url, "--version-label", name, "--results", folder)
        done = katydid("run", "speech", *where, "--failure-threshold", 0, "--warm-up", 0, *words)
    path = max((folder / "speech" / name).iterdir())
    summary = json.loads((path / "summary.json").read_text())
    say(f"{name}: exit code {done.returncode}, {'valid' if summary['valid'] else summary['invalid_reasons']}")
    return path


def beside_theory(path: Path, workers: int) -> None:
    """What `katydid plan` says of the run."""
    asked = katydid("plan", "--from", path, "--rtf", RTF, "--workers", workers, "--json", "-")
    plan = json.loads(asked.stdout)
    found = plan["beside_theory"]
    for key in found["measured"]:
        say(f"  {key}: measured {found['measured'][key]}, theory {found['theory'][key]}")


def main() -> None:
    """All experiments."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    alone = recording(folder, 10)
    words = ["--users", "1", "--interval", "3", "--run-time", "30s", "--audio", str(alone), "--audio-speed", "0"]
    rtf = pd.read_parquet(run(folder, "alone", words, speech_rtf=RTF) / "samples.parquet")["rtf"]
    say(f"  RTF of a stream alone: median {rtf.median():.4f}, {rtf.min():.4f} to {rtf.max():.4f}; set {RTF}")

    burst = ["--users", str(STREAMS), "--interval", "300", "--run-time", "10s", "--phase", "burst", "--drain", "70"]
    beside_theory(run(folder, "burst-1-worker", burst, speech_rtf=RTF, speech_workers=1), 1)
    # Users that speak again as soon as they have their result, with a time-out that not all of them meet.
    again = ["--users", str(STREAMS), "--interval", "20", "--run-time", "90s", "--request-timeout", "40"]
    beside_theory(run(folder, "overload-1-worker", again, speech_rtf=RTF, speech_workers=1), 1)

    asked = katydid("plan", "--concurrency", STREAMS, "--rtf", RTF, "--json", "-")
    planned = json.loads(asked.stdout)["workers"]
    beside_theory(run(folder, f"planned-{planned}", burst, speech_rtf=RTF, speech_workers=planned), planned)

    long = recording(folder, 20)
    words = ["--users", str(STREAMS), "--interval", "20", "--run-time", "60s", "--audio", str(long), "--drain", "40"]
    samples = pd.read_parquet(run(folder, "real-time-500", words, speech_rtf=0.001) / "samples.parquet")
    sent, late = samples["sent_chunks"].sum(), samples["late_chunks"].sum()
    say(f"  {sent} chunks of audio, {late} more than 20 ms late ({late / sent:.2%}); at most 1 % may be")
    say(f"  the worst of each stream: {samples['send_late_ms'].describe(percentiles=[0.5, 0.9, 0.99]).to_dict()}")


if __name__ == "__main__":
    main()
