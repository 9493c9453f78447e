"""The tab `Katydid` in Locust's page: TTFT, gaps, late starts, and failures until the stop; in seconds of the run.

Made of Locust's own extension points (extended tabs, tables and statistics), which take a table of text.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from katydid.core.jsontext import json_text

KEY = "katydid"
COLUMNS = {"figure": "Figure", "recent": "Last minute", "whole": "Whole run, without its warm-up"}
"""By the keys of a row; the first is not `name`, by which Locust would sort them."""

Rows = Callable[[], list[dict[str, str]]]


def add_tab(web_ui: Any, rows: Rows, runs_link: str) -> None:
    """Show a table in a tab of its own.

    Args:
        web_ui: Locust's.
        rows: the table now, by the keys of COLUMNS.
        runs_link: address of the page of runs; it stands in the tab for downloads.
    """
    structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
    web_ui.template_args |= {
        "extended_tabs": [{"title": "Katydid", "key": KEY}],
        "extended_tables": [{"key": KEY, "structure": structure}],
        "extended_csv_files": [{"href": runs_link, "title": "Katydid: reports of runs, and comparisons between them"}],
    }

    def after_request(response: Response) -> Response:
        if request.path.endswith("/stats/requests") and response.is_json:
            extended = {"extended_stats": [{"key": KEY, "data": rows()}]}
            response.set_data(json_text({**(response.json or {}), **extended}, indent=None))
        return response

    web_ui.app.after_request(after_request)
