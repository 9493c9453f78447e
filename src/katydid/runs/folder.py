"""Reads and writes a run folder: `reports/WORKLOAD/VERSION/YYYYMMDDTHHMMSSZ/`.

During the run, rows are appended to logs (`*.rows`); at its end the logs become Parquet files and are deleted. If the
run never finished, its folder is read from the logs and its manifest says `partial`. Files are replaced whole or not at
all.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from katydid.model.documents.base import Document, DocumentError
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.errors import ConfigError, NoDataError, os_words
from katydid.model.jsontext import json_text
from katydid.runs.files import check_output, leaving_nothing, new_file, new_folder, replace_file
from katydid.runs.gaps import GapRow, merged
from katydid.runs.rows import EventRow, MonitorRow, RowLog, read_log, record_schema, sample_schema
from katydid.runs.tables import fitted, read_table

MANIFEST = "manifest.json"
SUMMARY = "summary.json"
REPORT = "report.html"
LOCUST_REPORT = "locust.html"
_LONGEST_STEM = 200
"""Characters of a name that are kept before its hash."""

_TIME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_DEPTH = 5
"""Parts of the shortest path of a run: root, results, workload, version, time."""

D = TypeVar("D", bound=Document)


class RunFolder:
    """Reads a run folder, whether its run has ended or not.

    Raises:
        NoDataError: there is no run at this path; of all methods: a file is damaged, named in one line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest: Manifest | None = None
        if not (path / MANIFEST).is_file():
            raise NoDataError(
                f"{path} is not a run folder: it has no {MANIFEST}; name a folder that `katydid run` wrote"
            )

    def manifest(self) -> Manifest:
        """The manifest, with `partial` set to True if the run never finished; read once."""
        if self._manifest is None:
            read = self._document(MANIFEST, Manifest, _REMEDY)
            self._manifest = read.added(partial=bool(read.partial) or "ended" not in read)
        return self._manifest

    def summary(self) -> Summary | None:
        """The stored summary; None if the run never finished or has no summary."""
        if self.manifest().partial or not (self.path / SUMMARY).is_file():
            return None
        return self._document(SUMMARY, Summary, f"make it again with `katydid report {self.path}`")

    def _document(self, name: str, kind: type[D], remedy: str) -> D:
        try:
            return kind.parse((self.path / name).read_bytes())
        except (OSError, DocumentError) as error:
            raise _damaged(self.path / name, error, remedy) from None

    def samples(self) -> pd.DataFrame:
        """One row per request, in the order of their starts (docs/reference/files.md)."""
        return _in_order(self._frame("samples"), "scheduled_ms")

    def monitor(self) -> pd.DataFrame:
        """One row per second and process."""
        return self._frame("monitor")

    def gaps(self) -> pd.DataFrame:
        """The histogram of the gaps between content chunks; empty if there were none."""
        return self._frame("gaps")

    def events(self) -> pd.DataFrame:
        """All recorded events of streamed answers, in order of arrival; may be empty."""
        return _in_order(self._frame("events"), "at_ms")

    def _frame(self, kind: str) -> pd.DataFrame:
        schema, table, log = _SCHEMAS[kind], self.path / f"{kind}.parquet", self.path / f"{kind}.rows"
        try:
            if log.is_file():
                rows = fitted(read_log(log, schema)[0], schema)
            else:
                rows = read_table(table, schema) if table.is_file() else schema.empty_table()
            frame: pd.DataFrame = rows.to_pandas()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(table, error, _REMEDIES.get(kind, _REMEDY)) from None
        return frame

    def recover(self) -> bool:
        """Write Parquet files for a run that never finished; return False if it has finished.

        The logs stay and are still what is read, since the run may be going on.
        """
        if not self.manifest().partial:
            return False
        frames = {"samples": self.samples(), "monitor": self.monitor(), "events": self.events(), "gaps": self.gaps()}
        for kind, frame in frames.items():
            if kind in _ALWAYS or len(frame):
                with _writing(path := self.path / f"{kind}.parquet"):
                    _write_table(path, pa.Table.from_pandas(frame, preserve_index=False))
        return True

    def write_text(self, name: str, text: str) -> Path:
        """Replace a file of the folder, whole or not at all.

        Raises:
            ConfigError: the file cannot be written.
        """
        if name == MANIFEST:
            self._manifest = None
        with _writing(self.path / name):
            return replace_file(self.path / name, text.encode("utf-8", "replace"))

    def write_json(self, name: str, value: object) -> Path:
        """Replace a JSON file of the folder with a document or plain JSON types."""
        return self.write_text(name, json_text(value) + "\n")


def _in_order(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    in_order = frame[column].is_monotonic_increasing
    return frame if in_order else frame.sort_values(column, kind="stable", ignore_index=True)


def load_run(folder: str | Path) -> RunFolder:
    """Open a run's folder; the run may have ended, been killed, or be going on.

    Raises:
        NoDataError: there is no run in this folder.
    """
    return RunFolder(Path(folder))


class RunWriter:
    """Writes a run folder during the run.

    Args:
        path: the new folder, from `new_run_path`; it is created here, with a suffix if it already exists.
        manifest: the facts that are known at the start.

    Raises:
        DocumentError: a fact has the wrong type.
    """

    def __init__(self, path: Path, manifest: Mapping[str, object]) -> None:
        self.manifest = Manifest.of(**manifest)
        self.path = path = new_folder(path)
        self.note()
        # All logs are opened now: by the time that rows arrive, no file descriptor may be left.
        self._logs = {kind: RowLog(path / f"{kind}.rows") for kind in _SCHEMAS}
        self._kept = set(_ALWAYS)

    def append(self, kind: str, batch: bytes) -> None:
        """Append a batch of rows from `RowBuffer.drain` to the log of its kind."""
        self._logs[kind].append(batch)
        self._kept.add(kind)

    def note(self, **facts: object) -> None:
        """Add facts to the manifest at once, so that they are there even if the run is killed."""
        self.manifest = self.manifest.added(**facts)
        replace_file(self.path / MANIFEST, f"{json_text(self.manifest)}\n".encode())

    def close(self) -> None:
        """Close the logs and keep them."""
        for log in self._logs.values():
            log.close()

    def finish(self, **outcome: object) -> RunFolder:
        """Turn the logs into Parquet files, add the outcome to the manifest, and open the folder for reading.

        Raises:
            OSError: a file cannot be written; the logs stay, and the run is read from them.
        """
        self.close()
        for kind, log in self._logs.items():
            if kind not in self._kept:
                log.path.unlink(missing_ok=True)
                continue
            rows, whole = read_log(log.path, _SCHEMAS[kind])
            _write_table(self.path / f"{kind}.parquet", merged(rows) if kind == "gaps" else rows)
            if whole:
                log.path.unlink()
        self.note(**outcome)
        return RunFolder(self.path)


_SCHEMAS = {
    "samples": sample_schema(),
    "monitor": record_schema(MonitorRow),
    "events": record_schema(EventRow),
    "gaps": record_schema(GapRow),
}
_ALWAYS = frozenset({"samples", "monitor"})
"""Kinds that get a table even without rows."""


def row_schemas(extra: dict[str, type]) -> dict[str, pa.Schema]:
    """The columns of every kind of rows; `extra` are the workload's own columns of the samples."""
    return {**_SCHEMAS, "samples": sample_schema(extra)}


def check_results(results: Path, *files: str | None) -> None:
    """Check that run folders can be created in `results`, and that the other result files can be written.

    Raises:
        ConfigError: one of them cannot.
    """
    check_output(*files)
    try:
        try:
            _try_to_write(results)
        except FileNotFoundError:  # the check of another run has just removed the empty folder
            _try_to_write(results)
    except OSError as error:
        raise ConfigError(f"--results {results}: {os_words(error)}; name a folder that can be written") from None


def _try_to_write(results: Path) -> None:
    with leaving_nothing(results.absolute()):
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results):
            pass


def new_run_path(results: Path, workload: str, version: str, started: datetime) -> Path:
    """The folder of a run that starts now; `RunWriter` appends a suffix if it exists."""
    return results / _file_name(workload) / _file_name(version) / started.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def results_of(folder: RunFolder) -> Path | None:
    """The results folder above a run; None if the run is not at the place that `new_run_path` gives."""
    path, manifest = folder.path.absolute(), folder.manifest()
    if len(path.parts) < _DEPTH or not _TIME.fullmatch(path.name):
        return None
    results = path.parent.parent.parent
    named = results / _file_name(manifest.workload or "") / _file_name(manifest.version or "")
    return results if path.parent == named else None


_REMEDY = "the run cannot be read; restore the file, or remove the run from its folder"
_REMEDIES = dict.fromkeys(("monitor", "gaps"), "the run cannot be read; delete this file to read the run without it")


def _damaged(file: Path, why: object, remedy: str = _REMEDY) -> NoDataError:
    reason = " ".join(str(why).split())
    reason = reason.partition(f"'{file}': ")[2] or reason  # Arrow's message begins with the path …
    reason = reason.partition(". ")[0].rstrip(".")  # … and ends with possible causes
    return NoDataError(f"{file} is damaged ({reason}): {remedy}")


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written ({os_words(error)}): free some space, or copy the run to a writable folder"
        ) from None


def _file_name(name: str) -> str:
    """A version or workload as one path component, so that `feature/x` and `..` stay inside the results.

    A name that has to be changed gets a hash at its end, so that no two names share a folder.
    """
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip(".-")
    if plain == name:
        return plain
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return "-".join(filter(None, (plain[:_LONGEST_STEM], digest)))


def _write_table(path: Path, rows: pa.Table) -> None:
    with new_file(path) as temporary:
        pq.write_table(rows, temporary, compression="zstd")
