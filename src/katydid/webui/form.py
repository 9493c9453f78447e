"""The start form: what it is given is checked before a run begins, since Locust checks nothing itself.

Locust's page has no login by default, and any site that its user visits may post to it; so only the page
itself may.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Response, jsonify, make_response, request

Check = Callable[[Mapping[str, str]], str | None]


def guard_form(web_ui: Any, check: Check) -> None:
    """Refuse a start for which `check` has a complaint, which the page shows; and requests of other sites.

    Args:
        web_ui: Locust's.
        check: takes the form's fields; what is wrong with them, or None.
    """

    def before_request() -> Response | None:
        if (origin := request.headers.get("Origin")) and urlsplit(origin).netloc != request.host:
            return make_response(f"requests of {origin[:100]} are refused: use the page itself\n", 403)
        if request.method != "POST" or not request.path.rstrip("/").endswith("/swarm"):
            return None
        complaint = check(request.form)
        return jsonify({"success": False, "message": complaint}) if complaint else None

    web_ui.app.before_request(before_request)
