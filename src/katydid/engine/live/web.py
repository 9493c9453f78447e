"""Katydid's additions to Locust's web UI: a tab, and a page of finished runs.

A comparison runs in a process of its own, `katydid compare`, and never during a run, because it would take CPU time
from the load.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlencode

from flask import Blueprint, Flask, Response, make_response, request, send_from_directory
from gevent import subprocess
from locust.runners import STATE_CLEANUP, STATE_RUNNING, STATE_STOPPED, STATE_STOPPING

from katydid.model.errors import ExitCode
from katydid.model.jsontext import json_text
from katydid.report.run_list import Links, runs_page
from katydid.runs.find import is_inside, key_of, known_runs
from katydid.runs.folder import LOCUST_REPORT, REPORT

_SHOWN = frozenset({REPORT, LOCUST_REPORT})
_COMPARE = "import sys; from katydid.cli import main; sys.exit(main())"


class Page(Protocol):
    """The part of Locust's web UI that Katydid uses."""

    app: Flask
    template_args: dict[str, object]
    update_template_args: Callable[[], None]
    """Fills the template's arguments whenever the page is loaded."""

    def auth_required_if_enabled(self, view: Callable[..., object]) -> Callable[..., Response | str]:
        """The view, behind Locust's login if it has one."""


def add_runs(web_ui: Page, base_path: str, results: Callable[[], Path], busy: Callable[[], bool]) -> None:
    """Add the page of runs.

    Args:
        web_ui: Locust's web UI.
        base_path: prefix of all its paths; may be empty.
        results: returns the current results folder.
        busy: returns True while a run goes on.
    """
    blueprint = Blueprint("katydid", __name__, url_prefix=f"{base_path.rstrip('/')}/katydid")

    def runs() -> str:
        known = known_runs(results())
        chosen = request.args.get("new") or next(iter(known), None)
        return runs_page(str(results()), known, chosen if chosen in known else None, _LINKS)

    def file(workload: str, version: str, time: str, name: str) -> Response:
        run = known_runs(results()).get(f"{workload}/{version}/{time}")
        if run is None or name not in _SHOWN or not is_inside(run.path / name, results()):
            return make_response("there is no such run\n", 404)
        return send_from_directory(run.path.resolve(), name)

    def compare() -> Response:
        known = known_runs(results())
        sides = [known.get(request.args.get(side, "")) for side in ("base", "new")]
        if None in sides:
            return make_response("there is no such run\n", 404)
        if busy():
            return make_response("a run goes on, and comparing would take CPU time from it: stop it first\n", 409)
        status, page = _comparison(*(run.path for run in sides if run))
        return make_response(page, status)

    guarded = web_ui.auth_required_if_enabled
    blueprint.add_url_rule("/runs/", "runs", guarded(runs))
    blueprint.add_url_rule("/runs/<workload>/<version>/<time>/<name>", "file", guarded(file))
    blueprint.add_url_rule("/runs/compare", "compare", guarded(compare))
    web_ui.app.register_blueprint(blueprint)


RUNS = "./katydid/runs/"
"""Address of the page of runs, relative to Locust's web UI."""


def report_link(run: Path) -> str:
    """Address of a finished run's report, relative to Locust's web UI."""
    return RUNS + _LINKS.report(key_of(run))


_LINKS = Links(
    home="../../",
    report=lambda key: f"{quote(key)}/{REPORT}",
    compare=lambda base, new: "compare?" + urlencode({"base": base, "new": new}),
    choose=lambda key: "?" + urlencode({"new": key}),
)


def _comparison(base: Path, new: Path) -> tuple[int, str]:
    """HTTP status and page of a comparison; another process computes it, and the event loop goes on."""
    with tempfile.TemporaryDirectory(prefix="katydid-") as folder:
        page = Path(folder) / "compare.html"
        command = [sys.executable, "-c", _COMPARE, "compare", str(base), str(new), "--html", str(page)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode in {ExitCode.PASSED, ExitCode.INVALID} and page.is_file():
            return 200, page.read_text(encoding="utf-8")
        return 500, f"{done.stderr.strip() or 'the comparison failed'}\n"


KEY = "katydid"
COLUMNS = {"figure": "Figure", "recent": "Last minute", "whole": "Whole run, without its warm-up"}
"""Column titles by the keys of a row; the first is not `name`, by which Locust would sort the rows."""

Rows = Callable[[], list[dict[str, str]]]
_LINKED = """<script>
const makeLinks = () => {
  for (const cell of document.querySelectorAll("td")) {
    if (!cell.textContent.startsWith("%s")) continue;
    let link = cell.querySelector("a");
    if (!link) {
      link = document.createElement("a");
      link.append(...cell.childNodes);
      cell.append(link);
    }
    link.href = cell.textContent;
  }
};
new MutationObserver(makeLinks).observe(document.body, {characterData: true, childList: true, subtree: true});
</script></body>"""
"""Turns the address of a report in Locust's table, whose cells are text, into a link; React keeps the text node."""


def add_tab(web_ui: Page, rows: Rows, busy: Callable[[], bool]) -> None:
    """Show a table in a tab of its own, and link the page of runs in the tab for downloads.

    Args:
        web_ui: Locust's web UI.
        rows: returns the current table, by the keys of COLUMNS; the address of a report becomes a link.
        busy: returns True while a run goes on or its report is being made: only then does the page keep refreshing.
    """
    structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
    web_ui.template_args |= {
        "extended_tabs": [{"title": "Katydid", "key": KEY}],
        "extended_tables": [{"key": KEY, "structure": structure}],
        "extended_csv_files": [{"href": RUNS, "title": "Katydid: reports of runs, and comparisons between them"}],
    }

    def after_request(response: Response) -> Response:
        if request.path.endswith("/stats/requests") and response.is_json:
            told = response.json or {}
            extended = {"extended_stats": [{"key": KEY, "data": rows()}]}
            state = {"state": STATE_RUNNING} if busy() and told.get("state") in _ENDING else {}
            response.set_data(json_text({**told, **extended, **state}, indent=None))
        elif request.endpoint == "locust.index" and response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace("</body>", _LINKED % RUNS))
        return response

    web_ui.app.after_request(after_request)


_ENDING = frozenset({STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED})
