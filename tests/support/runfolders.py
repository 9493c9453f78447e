"""Run folders on disk, made of synthetic samples instead of a load: what `katydid run` would have left."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from katydid.analysis.summary import summarise
from katydid.store.folder import RunFolder, RunWriter, new_run_path
from synthetic import synthetic_run

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_TIMES = ["ttft_ms", "duration_ms", "gap_mean_ms", "gap_p99_ms", "gap_max_ms"]


def write_run(
    results: Path, version: str = "v1", *, number: int = 0, slower: float = 1.0, summary: bool = True, **of_run
) -> RunFolder:
    """A run of the workload `stream`.

    Args:
        results: as of `--results`.
        number: of the run; each has its own luck, and starts ten minutes after the one before.
        slower: what all times are multiplied with.
        summary: whether `summary.json` is written too.
        of_run: see `synthetic_run`.
    """
    started = START + timedelta(minutes=10 * number)
    made = synthetic_run(seed=number + 1, version=version, **{"started_utc": started.isoformat(), **of_run})
    samples = made.samples
    samples[_TIMES] *= slower
    path = new_run_path(results, "stream", version, started)
    manifest = dict(made.manifest)
    partial = manifest.pop("partial")
    if partial:
        manifest.pop("ended")
    RunWriter(path, manifest).close()
    for log in path.glob("*.rows"):
        log.unlink()
    for kind, frame in (("samples", samples), ("monitor", made.monitor)):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path / f"{kind}.parquet")
    folder = RunFolder(path)
    if summary:
        folder.write_json("summary.json", summarise(samples, made.monitor, folder.manifest()))
    return folder


def change_samples(folder: RunFolder, change) -> None:
    """Let `change(frame) -> frame` rewrite a run's samples, and its summary with them."""
    samples: pd.DataFrame = change(folder.samples())
    pq.write_table(pa.Table.from_pandas(samples, preserve_index=False), folder.path / "samples.parquet")
    folder.write_json("summary.json", summarise(samples, folder.monitor(), folder.manifest()))


def copy_run(folder: RunFolder, to: Path) -> RunFolder:
    """The same run elsewhere."""
    return RunFolder(Path(shutil.copytree(folder.path, to)))
