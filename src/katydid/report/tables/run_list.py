"""The page that lists finished runs, with links to their reports and comparisons. Knows no server."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from katydid.analysis.headline import headline_of
from katydid.model.documents.manifest import Manifest
from katydid.model.errors import NoDataError
from katydid.model.oneline import one_line
from katydid.report.render.page import render
from katydid.runs.folder import REPORT, RunFolder


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
