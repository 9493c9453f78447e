"""Protects Locust's web UI: the host names it answers to, which fields its form may set, and what may change in a run.

If any web site's name resolved to this machine, that site could use the page as its own (DNS rebinding). So the page
answers only to names that no other site can have. The form is checked before Locust takes it over: it may set the
options of a run, and no other attribute of Locust's.
"""

import ipaddress
import math
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from flask import Response, jsonify, make_response, request
from locust.argument_parser import default_args_dict
from werkzeug.datastructures import ImmutableMultiDict

from katydid.engine.collector import Collector
from katydid.engine.live.web import Page, with_hidden
from katydid.engine.options import WatchOptions
from katydid.engine.options.load import check_load, plain_form
from katydid.engine.options.parsing import known_options, run_options
from katydid.engine.run_state import Runtime
from katydid.engine.sender.identity import keep_secrets
from katydid.model.errors import ConfigError
from katydid.model.oneline import one_line
from katydid.model.options import options_in

FORM_OF_LOCUST = frozenset({"host", "profile", "run_time", "shape_class", "spawn_rate", "user_classes", "user_count"})
"""Locust's own fields that its form may set; all other options of Locust's belong to the process."""
IN_A_RUN = frozenset({"user_count", "spawn_rate"})
"""Fields that may change while a run goes on."""
METRICS = "/metrics"
"""The metrics page answers to any name, because scrapers may use any; it contains no secret."""


def _parts(url: str) -> SplitResult:
    """The parts of a URL; no parts if it is malformed."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def refuse_password(host: str | None) -> None:
    """Reject a target URL with a password, because the page shows the URL to everybody who can open it.

    Raises:
        ConfigError: the host has a password.
    """
    if _parts(host or "").password:
        raise ConfigError(
            "the web UI would show the password in --host: give it with --header Authorization=env:VARIABLE instead"
        )


class PageGuard:
    """Checks every request to Locust's web UI.

    Raises:
        ConfigError: the host that the page starts with has a password.
    """

    def __init__(self, runtime: Runtime, collector: Collector) -> None:
        self._runtime = runtime
        self._collector = collector
        self._environment = runtime.environment
        options = runtime.environment.parsed_options
        assert options is not None  # noqa: S101 - the process was started from a command line
        self._options: Namespace = options
        refuse_password(self._environment.host)
        if not options.web_login:
            keep_secrets(options, self._environment.host, options.api)

    def install(self, web_ui: Page) -> None:
        """Check every request before Locust handles it."""
        web_ui.app.before_request(self._before_request)

    def _before_request(self) -> Response | None:
        origin, path = request.headers.get("Origin"), request.path.rstrip("/")
        if not self._answers_to(request.host) and not (request.method == "GET" and path.endswith(METRICS)):
            return make_response(
                f"this page does not answer to {_plain(request.host)}: open it by its address, or start it with "
                "--web-host NAME or --web-login\n",
                403,
            )
        if origin and _parts(origin).netloc != request.host:
            return make_response(f"requests from {_plain(origin)} are rejected: use the web UI itself\n", 403)
        if request.method != "POST" or not path.endswith("/swarm"):
            return None
        try:
            form = with_hidden(request.form, self._options, self._environment.host)
            self._check(form)
            plain = plain_form(form)
        except ConfigError as error:
            return jsonify({"success": False, "message": str(error)})
        if self._runtime.stopper.active:
            if (run_time := self._runtime.info.run_time) is not None:  # Locust restarts its count with each form
                plain["run_time"] = str(max(1, math.ceil(run_time - self._runtime.now())))
        elif not plain.get("run_time"):
            self._options.run_time = None  # an earlier form's or the command line's, which Locust would ignore
        request.form = ImmutableMultiDict(plain)
        return None

    def _answers_to(self, host: str) -> bool:
        """Return True if no other site can have this `Host`; with a login any may, as strangers lack the cookie."""
        if self._options.web_login:
            return True
        name = (_parts(f"//{host}").hostname or "").rstrip(".")
        with suppress(ValueError):
            ipaddress.ip_address(name.partition("%")[0])
            return True
        return name in {"localhost", (self._options.web_host or "").lower()}

    def _check(self, form: Mapping[str, str]) -> None:
        """Check that the page may request this start, with one check of the target, or this change of the run.

        Raises:
            ConfigError: it may not.
        """
        options = Namespace(**{**vars(self._options), **form})
        host = form.get("host", self._environment.host or "")
        closed = closed_fields()
        for name in form:
            if name in closed or name.startswith("katydid_"):
                raise ConfigError(f"{_flag(name)} cannot be set in the web UI: give it on the command line")
        refuse_password(host)
        if self._runtime.stopper.active:
            self._check_change(options, form, host)
        else:
            self._collector.check(options, host)

    def _check_change(self, options: Namespace, form: Mapping[str, str], host: str) -> None:
        if self._runtime.stopper.ending:
            raise ConfigError("the previous run is still ending: wait until it has stopped")
        check_load(options)
        now = {**vars(self._options), **self._runtime.options.shown(), "host": self._environment.host}
        now["user_count"] = self._options.num_users
        asked = {**plain_form(form), **run_options(options, self._runtime.options_class).shown(), "host": host}
        fixed = form.keys() & now.keys() - (IN_A_RUN if self._environment.shape_class is None else set())
        changed = sorted(name for name in fixed if str(asked[name] or "") != str(now[name] or ""))
        if changed:
            named = ", ".join(map(_flag, changed))
            raise ConfigError(f"{named} cannot change while a run goes on: stop it first")


def closed_fields() -> set[str]:
    """Options of the process, Locust's and Katydid's, that are in no form."""
    ours = (*known_options().values(), *options_in(WatchOptions))
    return {each.name for each in ours if not each.metadata["form"]} | default_args_dict().keys() - FORM_OF_LOCUST


def _flag(field: str) -> str:
    return "--users" if field == "user_count" else f"--{field.replace('_', '-')}"


def _plain(text: str) -> str:
    return one_line(text)[:100]
