"""What Katydid adds to Locust's web page: a tab, and a page of finished runs.

A comparison is computed by a process of its own, `katydid compare`, and never while a run goes on: it
would take the processor from the load.
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
from katydid.report.tables.run_list import Links, runs_page
from katydid.runs.find import is_inside, key_of, known_runs
from katydid.runs.folder import LOCUST_REPORT, REPORT

_SHOWN = frozenset({REPORT, LOCUST_REPORT})
_COMPARE = "import sys; from katydid.cli import main; sys.exit(main())"


class Page(Protocol):
    """Locust's page, as far as we add to it."""

    app: Flask
    template_args: dict[str, object]
    update_template_args: Callable[[], None]
    """Fills the arguments, each time the page is loaded."""

    def auth_required_if_enabled(self, view: Callable[..., object]) -> Callable[..., Response | str]:
        """The view behind Locust's login, where it has one."""


def add_runs(web_ui: Page, base_path: str, results: Callable[[], Path], busy: Callable[[], bool]) -> None:
    """Add the page of runs.

    Args:
        web_ui: Locust's.
        base_path: that all of its pages begin with; may be empty.
        results: the folder that runs go to, now.
        busy: whether a run goes on.
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
            return make_response("a run goes on: comparing would take the processor from it; stop it first\n", 409)
        status, page = _comparison(*(run.path for run in sides if run))
        return make_response(page, status)

    guarded = web_ui.auth_required_if_enabled
    blueprint.add_url_rule("/runs/", "runs", guarded(runs))
    blueprint.add_url_rule("/runs/<workload>/<version>/<time>/<name>", "file", guarded(file))
    blueprint.add_url_rule("/runs/compare", "compare", guarded(compare))
    web_ui.app.register_blueprint(blueprint)


RUNS = "./katydid/runs/"
"""The page of runs, as Locust's page sees it."""


def report_link(run: Path) -> str:
    """The address of a finished run's report, as Locust's page sees it."""
    return RUNS + _LINKS.report(key_of(run))


_LINKS = Links(
    home="../../",
    report=lambda key: f"{quote(key)}/{REPORT}",
    compare=lambda base, new: "compare?" + urlencode({"base": base, "new": new}),
    choose=lambda key: "?" + urlencode({"new": key}),
)


def _comparison(base: Path, new: Path) -> tuple[int, str]:
    """HTTP status and page of a comparison; the loop goes on while another process computes it."""
    with tempfile.TemporaryDirectory(prefix="katydid-") as folder:
        page = Path(folder) / "compare.html"
        command = [sys.executable, "-c", _COMPARE, "compare", str(base), str(new), "--html", str(page)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode in {ExitCode.PASSED, ExitCode.INVALID} and page.is_file():
            return 200, page.read_text(encoding="utf-8")
        return 500, f"{done.stderr.strip() or 'the comparison failed'}\n"


KEY = "katydid"
COLUMNS = {"figure": "Figure", "recent": "Last minute", "whole": "Whole run, without its warm-up"}
"""By the keys of a row; the first is not `name`, by which Locust would sort them."""

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
"""Locust's tables hold texts; one that is the address of a report becomes a link. React goes on with its text node."""


def add_tab(web_ui: Page, rows: Rows, busy: Callable[[], bool]) -> None:
    """Show a table in a tab of its own, and lead to the page of runs in the tab for downloads.

    Args:
        web_ui: Locust's.
        rows: the table now, by the keys of COLUMNS; the address of a report is shown as a link.
        busy: whether a run goes on, or its report is still made: the page looks again only while it is told so.
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
