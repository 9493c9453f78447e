"""The pages that list runs: `index.html` beside them, and the page of the live view."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
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
"""The name of the element that says that a page is ours, and may be written again."""
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A run as the index lists it; `report` is relative to the index, None where there is none."""

    workload: str
    version: str
    started: str
    headline: str
    tone: str
    report: str | None


_COLUMNS: tuple[Column[_Indexed], ...] = (
    Column("Version", lambda run: run.version),
    Column("Started (UTC)", lambda run: Cell(run.started, link=run.report)),
    Column("Result", lambda run: Cell(run.headline, judgement=Judgement(run.tone))),
)


def write_index(folder: RunFolder) -> None:
    """Write it again, after the report of a run that lies below it.

    Nothing is written where the run lies elsewhere, where somebody else's page or a link has the name, or where
    nothing can be: a run needs no index.
    """
    with suppress(OSError, NoDataError):
        results = results_of(folder)
        if results is not None and _is_ours(results / INDEX):
            replace_file(results / INDEX, index_page(known_runs(results)).encode("utf-8"))


def index_page(runs: Mapping[str, RunFolder]) -> str:
    """The page of runs by their keys (`WORKLOAD/VERSION/TIME`), newest first."""
    rows = sorted((_indexed(key, run) for key, run in runs.items()), key=lambda row: row.workload)
    sections = [
        Section(
            re.sub(r"\W", "-", workload),
            workload,
            tables=[Table(plural(len(listed), "run"), _COLUMNS, sorted(listed, key=_by_version))],
        )
        for workload, listed in ((workload, list(group)) for workload, group in groupby(rows, lambda row: row.workload))
    ]
    limit = f"the newest {MOST_RUNS}" if len(rows) == MOST_RUNS else ""
    return render("index.html", (), sections, title=plural(len(rows), "run"), limit=limit, mark=MARK)


def links_to(comparison: Comparison, page: Path) -> dict[str, str]:
    """Links from a comparison's page to the reports of its runs, by the runs' paths; of those that are there."""
    runs = [run.run for side in comparison.sides for run in side.runs]
    reports = {run: Path(run) / REPORT for run in runs}
    start = page.absolute().parent
    return {
        run: quote(os.path.relpath(report.absolute(), start)) for run, report in reports.items() if report.is_file()
    }


def _by_version(run: _Indexed) -> str:
    """Rows come newest first, and stay so within their version."""
    return run.version


def _indexed(key: str, run: RunFolder) -> _Indexed:
    sentence, tone, manifest = how_it_went(run)
    workload, version, time = key.split("/")
    return _Indexed(
        workload=one_line(workload),
        version=one_line(manifest.version or version),
        started=one_line(str(manifest.started_utc or time)[:19].replace("T", " ")),
        headline=one_line(sentence),
        tone=tone,
        report=quote(f"{key}/{REPORT}") if (run.path / REPORT).is_file() else None,
    )


def _is_ours(page: Path) -> bool:
    """Whether we may write it: it is not there, or we wrote it."""
    try:
        descriptor = os.open(page, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return True
    with os.fdopen(descriptor, "rb") as file:
        return MARK.encode() in file.read(_HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class Links:
    """Where the page's links go, made from a run's key (`WORKLOAD/VERSION/TIME`).

    Attributes:
        home: Locust's page.
        report: of a run.
        compare: of a base and a new run.
        choose: this page, with another run as the new one.
    """

    home: str
    report: Callable[[str], str]
    compare: Callable[[str, str], str]
    choose: Callable[[str], str]


def runs_page(results: str, runs: dict[str, RunFolder], chosen: str | None, links: Links) -> str:
    """The page.

    Args:
        results: the folder that the runs are in.
        runs: by key, newest first.
        chosen: the run that the others are compared with.
        links: where links go.
    """
    rows = [_row(key, run, links) for key, run in runs.items()]
    shown = next((row for row in rows if row.key == chosen), None)
    if shown is not None:
        rows = [
            replace(row, compare=links.compare(row.key, shown.key))
            if row.workload == shown.workload and row is not shown
            else row
            for row in rows
        ]
    return render("runs.html", (), results=one_line(results), runs=rows, chosen=shown, home=links.home)


@dataclass(frozen=True, slots=True)
class _RunRow:
    """A run as the page lists it; `report`, `choose` and `compare` are links, None where there is nothing to see."""

    key: str
    title: str
    started: str
    workload: str
    version: str
    sentence: str
    tone: str
    report: str | None
    choose: str
    compare: str | None = None


def _row(key: str, run: RunFolder, links: Links) -> _RunRow:
    sentence, tone, manifest = how_it_went(run)
    workload, version, time = (one_line(part) for part in key.split("/"))
    version = one_line(manifest.version or version)
    return _RunRow(
        key=key,
        title=f"{workload} {version}, {time}",
        started=one_line(str(manifest.started_utc or time)[:19].replace("T", " ")),
        workload=workload,
        version=version,
        sentence=one_line(sentence),
        tone=tone,
        report=links.report(key) if (run.path / REPORT).is_file() else None,
        choose=links.choose(key),
    )


def how_it_went(run: RunFolder) -> tuple[str, str, Manifest]:
    """The run's headline and its tone, or why there is none; and its manifest, empty where it is damaged."""
    manifest = Manifest.read({})
    try:
        manifest, summary = run.manifest(), run.summary()
    except NoDataError as error:
        return str(error), "bad", manifest
    if summary is None:
        return "no summary: it goes on, or never came to its end", "", manifest
    headline = headline_of(manifest, summary)
    return headline.text, headline.outcome.tone, manifest
