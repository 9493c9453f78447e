"""The page that lists finished runs, with links to their reports and comparisons. Knows no server."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from katydid.analysis.headline import headline_of
from katydid.model.errors import NoDataError
from katydid.model.formatting import strip_control_chars
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
    shown = next((row for row in rows if row["key"] == chosen), None)
    for row in rows:
        same = shown is not None and row["workload"] == shown["workload"] and row["key"] != chosen
        row["compare"] = links.compare(row["key"], str(chosen)) if same else None
    return render("runs.html", (), results=strip_control_chars(results), runs=rows, chosen=shown, home=links.home)


def _row(key: str, run: RunFolder, links: Links) -> dict[str, Any]:
    try:
        manifest = run.manifest()
    except NoDataError:
        manifest = {}
    sentence, tone = _how_it_went(run, manifest)
    workload, version, time = (strip_control_chars(part) for part in key.split("/"))
    version = strip_control_chars(manifest.get("version") or version)
    return {
        "key": key,
        "title": f"{workload} {version}, {time}",
        "started": strip_control_chars(str(manifest.get("started_utc") or time)[:19].replace("T", " ")),
        "workload": workload,
        "version": version,
        "sentence": strip_control_chars(sentence),
        "tone": tone,
        "report": links.report(key) if (run.path / REPORT).is_file() else None,
        "choose": links.choose(key),
    }


def _how_it_went(run: RunFolder, manifest: dict[str, Any]) -> tuple[str, str]:
    """The run's headline and its tone."""
    summary = run.summary()
    if summary is None:
        return "no summary: it goes on, or never came to its end", ""
    headline = headline_of(manifest, summary)
    return headline.text, headline.outcome.tone
