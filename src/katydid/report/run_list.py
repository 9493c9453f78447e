"""The pages that list runs: `index.html` beside them, and the page of the live view."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from katydid.analysis.headline import headline_of
from katydid.model.documents.comparison import Comparison
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import NoDataError
from katydid.model.formatting import plural
from katydid.model.oneline import one_line
from katydid.report.model import Cell, Column, Judgement, Section, Table
from katydid.report.render.page import render
from katydid.runs.files import replace_file
from katydid.runs.find import MOST_RUNS, known_runs
from katydid.runs.folder import REPORT, RunFolder, results_of

INDEX = "index.html"
MARK = "katydid-runs"
"""The name of the meta element that marks an index as written by Katydid, which may overwrite it."""
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class _Listed:
    """A run in a list.

    Attributes:
        key: `WORKLOAD/VERSION/TIME`.
        title: the same for readers.
        sentence: the run's headline, or why it has none.
        report, choose, compare: links; None if there is no such page.
    """

    key: str
    title: str
    started: str
    workload: str
    version: str
    sentence: str
    tone: str
    report: str | None
    choose: str | None = None
    compare: str | None = None


_COLUMNS: tuple[Column[_Listed], ...] = (
    Column("Version", lambda run: run.version),
    Column("Started (UTC)", lambda run: Cell(run.started, link=run.report)),
    Column("Result", lambda run: Cell(run.sentence, judgement=Judgement(run.tone))),
)


def write_index(folder: RunFolder) -> None:
    """Rewrite the index above a run, after its report.

    Nothing is written if the run is not in a results folder, if `index.html` is a link or not ours, or if it cannot be
    written, since a run does not need an index.
    """
    with suppress(OSError, NoDataError):
        results = results_of(folder)
        if results is not None and _is_ours(results / INDEX):
            replace_file(results / INDEX, index_page(known_runs(results)).encode("utf-8"))


def index_page(runs: Mapping[str, RunFolder]) -> str:
    """The index page; `runs` are by key (`WORKLOAD/VERSION/TIME`), newest first."""
    rows = [_listed(key, run, quote(f"{key}/{REPORT}")) for key, run in runs.items()]
    by_workload: dict[str, list[_Listed]] = {}
    for row in sorted(rows, key=attrgetter("workload", "version")):
        by_workload.setdefault(row.workload, []).append(row)
    sections = [
        Section(re.sub(r"\W", "-", workload), workload, tables=[Table(plural(len(listed), "run"), _COLUMNS, listed)])
        for workload, listed in by_workload.items()
    ]
    limit = f"the newest {MOST_RUNS}" if len(rows) == MOST_RUNS else ""
    return render("index.html", (), sections, title=plural(len(rows), "run"), limit=limit, mark=MARK)


def links_to(comparison: Comparison, page: Path) -> dict[str, str]:
    """Links from a comparison's page to the existing reports of its runs, by the runs' paths."""
    runs = [run.run for side in comparison.sides for run in side.runs]
    reports = {run: Path(run) / REPORT for run in runs}
    start = page.absolute().parent
    return {
        run: quote(os.path.relpath(report.absolute(), start)) for run, report in reports.items() if report.is_file()
    }


def _is_ours(page: Path) -> bool:
    """Return True if the page does not exist, or Katydid wrote it."""
    try:
        descriptor = os.open(page, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return True
    with os.fdopen(descriptor, "rb") as file:
        return MARK.encode() in file.read(_HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the page's links from runs' keys (`WORKLOAD/VERSION/TIME`).

    Attributes:
        home: link to Locust's web UI.
        report: link to a run's report.
        compare: link to the comparison of a base and a new run.
        choose: link to this page with another run selected as the new one.
    """

    home: str
    report: Callable[[str], str]
    compare: Callable[[str, str], str]
    choose: Callable[[str], str]


def runs_page(results: str, runs: dict[str, RunFolder], chosen: str | None, links: Links) -> str:
    """The page that the live view serves.

    Args:
        results: the results folder.
        runs: runs by key, newest first.
        chosen: key of the run to compare others with.
        links: makes the links.
    """
    rows = [replace(_listed(key, run, links.report(key)), choose=links.choose(key)) for key, run in runs.items()]
    shown = next((row for row in rows if row.key == chosen), None)
    if shown is not None:
        others = {row.key for row in rows if row.workload == shown.workload and row is not shown}
        rows = [replace(row, compare=links.compare(row.key, shown.key)) if row.key in others else row for row in rows]
    return render("runs.html", (), results=one_line(results), runs=rows, chosen=shown, home=links.home)


def _listed(key: str, run: RunFolder, report: str) -> _Listed:
    sentence, tone, manifest = _how_it_went(run)
    workload, version, time = (one_line(part) for part in key.split("/"))
    version = one_line(manifest.version or version)
    return _Listed(
        key=key,
        title=f"{workload} {version}, {time}",
        started=one_line(str(manifest.started_utc or time)[:19].replace("T", " ")),
        workload=workload,
        version=version,
        sentence=one_line(sentence),
        tone=tone,
        report=report if (run.path / REPORT).is_file() else None,
    )


def _how_it_went(run: RunFolder) -> tuple[str, str, Manifest]:
    """The run's headline, or why it has none, its tone, and its manifest, which is empty if damaged."""
    manifest = Manifest.read({})
    try:
        manifest, summary = run.manifest(), run.summary()
    except NoDataError as error:
        return str(error), "bad", manifest
    if summary is None:
        return "no summary: the run is going on, or never finished", "", manifest
    headline = headline_of(manifest, summary)
    return headline.text, headline.outcome.tone, manifest
