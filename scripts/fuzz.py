"""Fuzz the parsers: `python scripts/fuzz.py [--seconds 60] [TARGET …]`.

With atheris (`pip install atheris`), fuzzing is guided by coverage; without it, inputs are only mutated. Each target of
tests/support/fuzztargets.py runs in its own process, starts from tests/fuzz/corpus/TARGET, and adds inputs that reach
new code. An input fails with a traceback, more than one second of processor time, or more than 300 MB of additional
memory. It is then saved beside the corpus, and the exit code is 1.
"""

import argparse
import random
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "support")]
WATCHED = ["katydid", "wsproto"]
"""Packages whose coverage guides the fuzzer."""

SECONDS_EACH = 1.0
"""Limit of processor time for one execution."""
MEMORY_MB = 300
"""Limit of the memory that all executions of a target together may add to the process."""

try:
    import atheris
except ImportError:
    atheris = None


def main() -> int:
    """Run the named targets, or all, one after the other."""
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="time for each target (default: 60)")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    from fuzztargets import TARGETS  # noqa: PLC0415 - after its path is known

    names = options.targets or list(TARGETS)
    if not options.in_process:
        here = [sys.executable, __file__, "--seconds", str(options.seconds), "--in-process"]
        return max(subprocess.run([*here, name], check=False).returncode for name in names)  # noqa: S603 - this script
    (name,) = names
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    return _guided(name, folder, options.seconds) if atheris else _mutated(TARGETS[name], folder, options.seconds)


def _guided(name: str, folder: Path, seconds: int) -> int:
    for module in [m for m in sys.modules if m.partition(".")[0] in {*WATCHED, "fuzztargets", "socketserving"}]:
        del sys.modules[module]  # so that it is imported again, instrumented
    with atheris.instrument_imports(include=WATCHED):
        from fuzztargets import TARGETS  # noqa: PLC0415 - see above
    crash = f"-artifact_prefix={folder.parent}/{name}-"
    limits = [f"-max_total_time={seconds}", "-max_len=2048", "-print_final_stats=1"]
    atheris.Setup([name, str(folder), *limits, crash], _within_bounds(TARGETS[name]))
    atheris.Fuzz()
    return 0


def _within_bounds(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Wrap the target so that it fails if it takes too long or too much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def bounded(data: bytes) -> None:
        began = time.thread_time()
        target(data)
        took = time.thread_time() - began
        if took > SECONDS_EACH:
            raise TimeoutError(f"took {took:.1f} s")
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        if grown > MEMORY_MB:
            raise MemoryError(f"{grown:.0f} MB more than at the beginning")

    return bounded


def _mutated(target: Callable[[bytes], None], folder: Path, seconds: int) -> int:
    target = _within_bounds(target)
    dice = random.Random(0)  # noqa: S311 - seeded, so that a crash can be reproduced
    seeds = [path.read_bytes() for path in sorted(folder.iterdir())] or [b"\0"]
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 8)):
            _mutate(data, dice, dice.choice(seeds))
        try:
            target(bytes(data))
        except Exception:  # noqa: BLE001 - any exception is a finding
            traceback.print_exc()
            (folder.parent / f"{folder.name}-crash").write_bytes(data)
            return 1
        count += 1
    print(f"{folder.name}: {count} executions")
    return 0


def _mutate(data: bytearray, dice: random.Random, other: bytes) -> None:
    """Replace a few bytes at a random place with nothing, a byte, a part of another seed, or a syntax character."""
    begin, end = sorted(dice.randrange(len(other) + 1) for _ in range(2))
    meaning = dice.choice((b"\r", b"\n\n", b'"', b"{", b"0", b":", b"\\"))
    new = dice.choice((b"", bytes([dice.randrange(256)]), other[begin:end], meaning))
    at = dice.randrange(len(data) + 1)
    data[at : at + dice.choice((0, 1, 8))] = new


if __name__ == "__main__":
    sys.exit(main())
