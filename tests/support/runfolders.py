"""Run folders where `katydid run` would have left them, of every kind that the gate meets."""

import shutil
from datetime import timedelta
from pathlib import Path

from folders import START
from folders import write_run as write_folder
from katydid.analysis.summary import summarise
from katydid.runs.folder import SUMMARY, RunFolder, new_run_path
from synthetic import synthetic_run

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
    made = synthetic_run(seed=number + 1, version=version, **of_run)
    made.samples[_TIMES] *= slower
    # Versions whose answers happen to differ in length are not compared.
    tokens = made.samples["completion_tokens"]
    made.samples["completion_tokens"] = tokens.where(tokens.isna(), 64.0)
    if made.manifest["partial"]:
        del made.manifest["ended"]
    path = new_run_path(results, "stream", version, START + timedelta(minutes=10 * number))
    folder = write_folder(path, made, minute=10 * number)
    if summary:
        _summarise(folder)
    return folder


def change_samples(folder: RunFolder, change) -> None:
    """Let `change(frame) -> frame` rewrite a run's samples, and its summary with them."""
    change(folder.samples()).to_parquet(folder.path / "samples.parquet")
    _summarise(folder)


def copy_run(folder: RunFolder, to: Path) -> RunFolder:
    """The same run elsewhere."""
    return RunFolder(Path(shutil.copytree(folder.path, to)))


def _summarise(folder: RunFolder) -> None:
    folder.write_json(SUMMARY, summarise(folder.samples(), folder.monitor(), folder.manifest()))
