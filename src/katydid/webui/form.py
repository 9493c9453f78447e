"""The start form: what it is given is checked before a run begins, since Locust checks nothing itself."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, jsonify, request

Check = Callable[[Mapping[str, str]], str | None]


def guard_form(web_ui: Any, check: Check) -> None:
    """Refuse a start for which `check` has a complaint; the page shows it.

    Args:
        web_ui: Locust's.
        check: takes the form's fields; what is wrong with them, or None.
    """

    def before_request() -> Response | None:
        if request.method != "POST" or not request.path.rstrip("/").endswith("/swarm"):
            return None
        complaint = check(request.form)
        return jsonify({"success": False, "message": complaint}) if complaint else None

    web_ui.app.before_request(before_request)
