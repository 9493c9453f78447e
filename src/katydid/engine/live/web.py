"""Katydid's additions to Locust's web UI: a tab, a page of finished runs, and a start form that remembers.

A comparison runs in a process of its own, `katydid compare`, and never during a run, because it would take CPU time
from the load.
"""

import re
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from flask import Blueprint, Flask, Response, make_response, request, send_from_directory
from gevent import subprocess
from locust.runners import STATE_CLEANUP, STATE_RUNNING, STATE_STOPPED, STATE_STOPPING

from katydid.engine.options import SHOWN
from katydid.engine.options.parsing import headings, known_options, options_of_apis
from katydid.model.errors import ConfigError, ExitCode
from katydid.model.jsontext import json_text
from katydid.model.options import flag_of
from katydid.report.run_list import Links, runs_page
from katydid.runs.find import is_inside, key_of, known_runs
from katydid.runs.folder import LOCUST_REPORT, REPORT

_FILES = frozenset({REPORT, LOCUST_REPORT})
_COMPARE = "import sys; from katydid.cli import main; sys.exit(main())"
RUNS = "./katydid/runs/"
"""Address of the page of runs, relative to Locust's web UI."""
_LINKS = Links(
    home="../../",
    report=lambda key: f"{quote(key)}/{REPORT}",
    compare=lambda base, new: "compare?" + urlencode({"base": base, "new": new}),
    choose=lambda key: "?" + urlencode({"new": key}),
)


class Page(Protocol):
    """The part of Locust's web UI that Katydid uses, with its app, which Locust's own type may lack."""

    app: Flask
    template_args: dict[str, object]
    update_template_args: Callable[[], None]
    """Fills the template's arguments whenever the page is loaded."""

    def auth_required_if_enabled(self, view: Callable[..., object]) -> Callable[..., Response | str]:
        """The view, behind Locust's login if it has one."""


def add_runs(web_ui: Page, base_path: str, results: Callable[[], Path], busy: Callable[[], bool]) -> None:
    """Add the page of the runs in the `results` folder, below `base_path`; `busy` says whether a run goes on."""
    blueprint = Blueprint("katydid", __name__, url_prefix=f"{base_path.rstrip('/')}/katydid")

    def runs() -> str:
        known = known_runs(results())
        chosen = request.args.get("new") or next(iter(known), None)
        return runs_page(str(results()), known, chosen if chosen in known else None, _LINKS)

    def file(workload: str, version: str, time: str, name: str) -> Response:
        run = known_runs(results()).get(f"{workload}/{version}/{time}")
        if run is None or name not in _FILES or not is_inside(run.path / name, results()):
            return make_response("there is no such run\n", 404)
        return send_from_directory(run.path.resolve(), name)

    def compare() -> Response:
        known = known_runs(results())
        base, new = (known.get(request.args.get(side, "")) for side in ("base", "new"))
        if base is None or new is None:
            return make_response("there is no such run\n", 404)
        if busy():
            return make_response("a run goes on, and comparing would take CPU time from it: stop it first\n", 409)
        return make_response(*_comparison(base.path, new.path))

    for path, view in (("", runs), ("<workload>/<version>/<time>/<name>", file), ("compare", compare)):
        blueprint.add_url_rule(f"/runs/{path}", view.__name__, web_ui.auth_required_if_enabled(view))
    web_ui.app.register_blueprint(blueprint)


def report_link(run: Path) -> str:
    """Address of a finished run's report, relative to Locust's web UI."""
    return RUNS + _LINKS.report(key_of(run))


def _comparison(base: Path, new: Path) -> tuple[str, int]:
    """Page and HTTP status of a comparison; another process computes it, and the event loop goes on."""
    with tempfile.TemporaryDirectory(prefix="katydid-") as folder:
        page = Path(folder) / "compare.html"
        command = [sys.executable, "-c", _COMPARE, "compare", str(base), str(new), "--html", str(page)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode in {ExitCode.PASSED, ExitCode.INVALID} and page.is_file():
            return page.read_text(encoding="utf-8"), 200
        return f"{done.stderr.strip() or 'the comparison failed'}\n", 500


KEY = "katydid"
COLUMNS = {"figure": "Figure", "recent": "Last minute", "whole": "Whole run, without its warm-up"}
"""Column titles by the keys of a row; the first is not `name`, by which Locust would sort the rows."""
_ENDING = frozenset({STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED})
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


def add_tab(web_ui: Page, rows: Callable[[], list[dict[str, str]]], busy: Callable[[], bool]) -> None:
    """Show a table in a tab of its own, and link the page of runs in the tab for downloads.

    Args:
        web_ui: the page.
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


LONGEST_HELP = 60
"""Characters of help beside an option's name; the whole help is in `katydid run --help`."""
_PREFIX = re.compile(r"^(?:api )?\S+: ")
"""The API or workload that an option belongs to, in front of its help."""
_CLAUSE_END = re.compile(r"[:;,] | \(")


def offer_last_start(web_ui: Page, parsed: Namespace) -> None:
    """Fill the start form with the values of the last start, which Locust keeps in the `parsed` options.

    By itself, Locust fills the form from the command line at each page load, whatever was started since: the next run
    would silently have a different load.
    """
    from_command_line = web_ui.update_template_args

    def update() -> None:
        from_command_line()
        fields: Any = web_ui.template_args["extra_options"]
        web_ui.template_args |= {"extra_options": offered(fields, parsed), "user_count": parsed.num_users}

    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # keep the order of `offered`
    web_ui.update_template_args = update


def offered(fields: Mapping[str, dict[str, Any]], parsed: Namespace) -> dict[str, dict[str, Any]]:
    """Locust's fields, by their names: Katydid's first, as in `katydid run --help`, without those of other APIs."""
    known, hidden = known_options(), of_other_apis(parsed.api)
    ours = [name for names in headings().values() for name in names if name in fields]
    form = {name: dict(fields[name]) for name in dict.fromkeys((*ours, *fields)) if name not in hidden}
    for name, field in form.items():
        if not field["is_secret"]:
            field["default_value"] = _shown(name, getattr(parsed, name))
        if name in known:
            field["help_text"] = short_help(known[name])
    return form


def of_other_apis(api: str) -> set[str]:
    """Names of the options that belong to other APIs than this one."""
    brought = {name: {option.name for option in options} for name, options in options_of_apis().items()}
    return set().union(*brought.values()) - brought.get(api, set())


def short_help(option: Any) -> str:
    """A few words of an option's help to show beside its name; empty if the name or the choices are enough."""
    name, text = option.name.replace("_", " "), option.metadata["help"]
    if option.metadata["choices"]:
        return ""
    clauses = [_CLAUSE_END.split(each)[0] for each in (_PREFIX.sub("", text, count=1), text)]
    return next((clause for clause in clauses if len(clause) <= LONGEST_HELP and clause != name), "")


def _shown(name: str, value: Any) -> Any:
    return SHOWN[name](value) if value and name in SHOWN else value


def with_hidden(form: Mapping[str, str], parsed: Namespace, host: str | None) -> dict[str, str]:
    """Put back the secrets of the `parsed` options, of which the page got and sent only a text in their place.

    Raises:
        ConfigError: the form is for another target than `host`, the last start's, the only one to receive the secrets.
    """
    whole = dict(form)
    for name in form.keys() & SHOWN.keys():
        kept = getattr(parsed, name)
        if not kept or form[name] == kept or form[name] != _shown(name, kept):
            continue
        if form.get("host", host) != host:
            raise ConfigError(f"{flag_of(known_options()[name])} has a secret for {host} only: enter it again")
        whole[name] = kept
    return whole
