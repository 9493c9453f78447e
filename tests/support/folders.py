"""Run folders of runs that never were, for whatever reads folders."""

import json
import zlib
from datetime import UTC, datetime, timedelta

import numpy as np

from katydid.runs.folder import RunFolder
from synthetic import synthetic_run

START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


def write_run(path, run, minute=0):
    """Write a synthetic run as `katydid run` would have; `minute` says when it was."""
    path.mkdir(parents=True)
    manifest = run.manifest | {"started_utc": (START + timedelta(minutes=minute)).isoformat()}
    manifest.pop("partial")
    (path / "manifest.json").write_text(json.dumps(manifest))
    run.samples.to_parquet(path / "samples.parquet")
    run.monitor.to_parquet(path / "monitor.parquet")
    return RunFolder(path)


def write_version(folder, version, logs, *, first_minute=0, step=1, slower=0.0, **run):
    """Runs of one version, each a sixth of an hour after the last: one for each log of its luck.

    Args:
        logs: how much slower than usual each run happened to be, as a log.
        slower: how much slower the version is, as a fraction.
        run: for `synthetic_run`.
    """
    folders = []
    for number, luck in enumerate(logs):
        made = synthetic_run(
            seed=zlib.crc32(f"{version} {number}".encode()), version=version, **({"failing": 0.0} | run)
        )
        factor = (1.0 + slower) * float(np.exp(luck))
        times = ["ttft_ms", "duration_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms"]
        made.samples[times] *= factor
        minute = first_minute + number * step
        folders.append(write_run(folder / version / f"run-{number}", made, minute))
    return folders
