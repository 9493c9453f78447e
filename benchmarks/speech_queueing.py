"""Speech compared with queueing theory, and the pacing of very many streams: about six minutes.

    python benchmarks/speech_queueing.py [--folder FOLDER] [EXPERIMENT ...]

Experiments (default: all):
    alone      the RTF of a single stream, compared with the configured one
    burst      500 streams at once on one worker: share of streams in time and RTF, compared with theory
    overload   the same users again and again, with a time-out that some of them miss
    planned    the burst with the number of workers that `katydid plan` computes
    real-time  500 concurrent streams in real time: lateness of their chunks, and CPU time per chunk

Target and generator have their own cores if there are two.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from katydid.doctor.trial import pinned, share_out
from katydid.target.process import start_target
from katydid.workloads.speech.audio import built_in_sound

KATYDID = Path(sys.executable).with_name("katydid")
STREAMS, RTF = 500, 0.1
BURST = ["--users", str(STREAMS), "--interval", "300", "--run-time", "10s", "--phase", "burst", "--drain", "70"]


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def katydid(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a Katydid command."""
    line = [str(word) for word in (KATYDID, *words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def recording(folder: Path, seconds: int) -> Path:
    """Write a WAV file that repeats the built-in sound for this many seconds."""
    path = folder / f"{seconds}s.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(built_in_sound(1.0) * seconds)
    return path


def run(folder: Path, name: str, words: list[str], **target: float) -> Path:
    """Make one run of speech with its own target, and return its folder."""
    cores = share_out()
    with pinned(cores.target):
        service = start_target(**target)
    with service, pinned(cores.generator and frozenset(sorted(cores.generator)[:1])):
        where = ("--host", service.url, "--version-label", name, "--results", folder)
        done = katydid("run", "speech", *where, "--failure-threshold", 0, "--warm-up", 0, *words)
    path = max((folder / "speech" / name).iterdir())
    summary = json.loads((path / "summary.json").read_text())
    say(f"{name}: exit code {done.returncode}, {'valid' if summary['valid'] else summary['invalid_reasons']}")
    return path


def beside_theory(path: Path, workers: int) -> None:
    """Print the measured values beside those of `katydid plan`."""
    asked = katydid("plan", "--from", path, "--rtf", RTF, "--workers", workers, "--json", "-")
    plan = json.loads(asked.stdout)
    found = plan["beside_theory"]
    for key in found["measured"]:
        say(f"  {key}: measured {found['measured'][key]}, theory {found['theory'][key]}")


def alone(folder: Path) -> None:
    """One stream at a time, sent as fast as the target reads it."""
    audio = ["--audio", str(recording(folder, 10)), "--audio-speed", "0"]
    words = ["--users", "1", "--interval", "3", "--run-time", "30s", *audio]
    rtf = pd.read_parquet(run(folder, "alone", words, speech_rtf=RTF) / "samples.parquet")["rtf"]
    say(f"  RTF of a single stream: median {rtf.median():.4f}, {rtf.min():.4f} to {rtf.max():.4f}; configured {RTF}")


def burst(folder: Path) -> None:
    """All streams at once on one worker."""
    beside_theory(run(folder, "burst-1-worker", BURST, speech_rtf=RTF, speech_workers=1), 1)


def overload(folder: Path) -> None:
    """Users that send the next stream after each result, with a time-out that some of them miss."""
    words = ["--users", str(STREAMS), "--interval", "20", "--run-time", "90s", "--request-timeout", "40"]
    beside_theory(run(folder, "overload-1-worker", words, speech_rtf=RTF, speech_workers=1), 1)


def planned(folder: Path) -> None:
    """The burst, with the planned number of workers."""
    asked = katydid("plan", "--concurrency", STREAMS, "--rtf", RTF, "--json", "-")
    workers = json.loads(asked.stdout)["workers"]
    beside_theory(run(folder, f"planned-{workers}", BURST, speech_rtf=RTF, speech_workers=workers), workers)


def real_time(folder: Path) -> None:
    """All users send twenty seconds of speech three times without a pause."""
    audio = ["--audio", str(recording(folder, 20)), "--drain", "40"]
    words = ["--users", str(STREAMS), "--interval", "20", "--run-time", "60s", *audio]
    path = run(folder, "real-time-500", words, speech_rtf=0.001)
    samples, monitor = pd.read_parquet(path / "samples.parquet"), pd.read_parquet(path / "monitor.parquet")
    sent, late = samples["sent_chunks"].sum(), samples["late_chunks"].sum()
    say(f"  {sent} chunks of audio, {late} more than 20 ms late ({late / sent:.2%}; p99 ≤ 20 ms is at most 1 %)")
    say(f"  worst lateness per stream: {samples['send_late_ms'].describe(percentiles=[0.5, 0.9, 0.99]).to_dict()}")
    full = monitor[monitor["users"] == STREAMS]
    busy = full["cpu_percent"].median()
    say(f"  the generator used {busy:.0f} % of a core: {busy * 1e4 / (STREAMS * 10):.0f} µs per chunk, all included")


EXPERIMENTS: dict[str, Callable[[Path], None]] = {
    "alone": alone,
    "burst": burst,
    "overload": overload,
    "planned": planned,
    "real-time": real_time,
}


def main() -> None:
    """Run the named experiments, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--folder", type=Path, help="for runs and recordings (default: temporary)")
    given = parser.parse_args()
    unknown = set(given.experiments) - EXPERIMENTS.keys()
    if unknown:
        parser.error(f"there is no experiment {', '.join(sorted(unknown))}")
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    for name in given.experiments or EXPERIMENTS:
        EXPERIMENTS[name](folder)


if __name__ == "__main__":
    main()
