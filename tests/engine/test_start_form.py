"""Locust's own page with ours in it: the form offers what was started last, and the tab leads to the report."""

import copy
import json
import re
import sys
from functools import cache

import pytest
from locust.argument_parser import parse_options, ui_extra_args_dict
from locust.env import Environment
from locust.web import WebUI

import katydid.engine.plugin  # noqa: F401 - adds the options of a run to Locust's parsers
from katydid.engine.live import web
from katydid.engine.live.web import LONGEST_HELP, of_other_apis, offer_last_start, offered, short_help, with_hidden
from katydid.engine.options.parsing import known_options
from katydid.model.errors import ConfigError

TARGET = "http://target:8080"


class LocustPage:
    """Locust's web UI of a process that was started with these options; a run is never begun."""

    def __init__(self):
        self.parsed = copy.copy(parsed_from(tuple(sys.argv)))
        environment = Environment(parsed_options=self.parsed, host=TARGET)
        environment.create_local_runner().start = lambda *_: None
        self.runner = environment.runner
        self.web_ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
        self.rows, self.busy = [], False
        web.add_tab(self.web_ui, lambda: self.rows, lambda: self.busy)
        offer_last_start(self.web_ui, self.parsed)
        self.client = self.web_ui.app.test_client()

    def html(self):
        return self.client.get("/").text

    def arguments(self):
        """What the page's script is given."""
        return json.loads(re.search(r"window\.templateArgs = (.*)", self.html())[1])

    def fields(self):
        return self.arguments()["extra_options"]

    def start(self, **form):
        told = self.client.post("/swarm", data={"user_count": 4, "spawn_rate": 4} | form).json
        assert told["success"], told

    def stats(self):
        return self.client.get("/stats/requests").json


parsed_from = cache(lambda words: parse_options(words[1:]))
fields_from = cache(lambda words: ui_extra_args_dict(words[1:]))
"""As Locust makes them, which takes it a quarter of a second each time."""


@pytest.fixture
def page_of(monkeypatch):
    """Starts a page with some words of a command line, which Locust reads again for each form."""
    monkeypatch.setattr("locust.argument_parser.ui_extra_args_dict", lambda: fields_from(tuple(sys.argv)))

    def start(*words):
        monkeypatch.setattr(sys, "argv", ["locust", "--host", TARGET, *words])
        return LocustPage()

    return start


def defaults(fields):
    return {name: field["default_value"] for name, field in fields.items()}


def test_the_first_form_offers_what_the_page_was_started_with(page_of):
    fields = defaults(page_of("--interval", "5s", "--version-label", "v1").fields())
    assert (fields["interval"], fields["version_label"], fields["failure_threshold"]) == (5.0, "v1", 5)


def test_after_a_reload_the_form_offers_what_was_started_last_and_nothing_else_has_changed(page_of):
    page = page_of("--version-label", "v1")
    before = defaults(page.fields())
    changed = {
        "interval": 0.5, "version_label": "v2", "phase": "spawn", "record_events": True, "rate": "20", "max_tokens": 7,
    }  # fmt: skip
    page.start(**changed | {"record_events": "true"}, run_time="90", host="http://other:1")
    assert defaults(page.fields()) == before | changed
    told = page.arguments()
    assert (told["num_users"], told["spawn_rate"], told["run_time"], told["host"]) == (4, 4, 90, "http://other:1")


def test_the_users_on_offer_are_those_that_were_asked_for_while_they_still_come(page_of):
    page = page_of()
    page.start(user_count=50)
    assert page.runner.user_count == 0
    assert page.arguments()["user_count"] == 50


def test_an_emptied_field_stays_empty(page_of):
    page = page_of("--version-label", "v1")
    page.start(version_label="")
    assert page.fields()["version_label"]["default_value"] == ""


def test_only_the_chosen_apis_options_are_in_the_form(page_of):
    assert not [name for name in page_of().fields() if name.startswith("sse_")]
    page = page_of("--api", "generic-sse")
    assert {"sse_content", "sse_done"} <= page.fields().keys()
    page.start(api="openai")
    assert not page.fields().keys() & {"sse_content", "sse_done"}, "the form follows what was started last"


def test_an_option_that_two_apis_have_is_hidden_by_neither(monkeypatch):
    option = known_options()["sse_body"]
    monkeypatch.setattr("katydid.engine.live.web.options_of_apis", lambda: {"a": (option,), "b": (option,)})
    assert of_other_apis("a") == set()
    assert of_other_apis("c") == {"sse_body"}


@pytest.mark.parametrize("name", ["interval", "prompts", "sse_body", "check", "model", "drop_late"])
def test_labels_are_short(name):
    text = short_help(known_options()[name])
    expected = {
        "interval": "seconds from one request start of a user to its next",
        "prompts": "file of prompts",
        "sse_body": "JSON body of a request",
        "check": "",  # its choices say it
        "model": "",  # its name says it
        "drop_late": "",
    }
    assert text == expected[name]


def test_all_labels_of_the_page_are_short_and_ours_come_in_the_order_of_help(page_of):
    fields = page_of().fields()
    assert all(len(field["help_text"]) <= LONGEST_HELP for field in fields.values())
    order = list(fields)
    assert order.index("api") < order.index("prompts") < order.index("interval") < order.index("version_label")


def test_a_secret_in_a_path_is_not_in_the_page_and_goes_back_to_its_target_alone(page_of):
    page = page_of("--endpoint", "/v1/chat?api-key=canary&v=2", "--before-run", "http://me:canary@h/reset")
    assert "canary" not in page.html()
    shown = {name: page.fields()[name]["default_value"] for name in ("endpoint", "before_run")}
    whole = with_hidden(shown | {"host": TARGET}, page.parsed, TARGET)
    assert (whole["endpoint"], whole["before_run"]) == ("/v1/chat?api-key=canary&v=2", "http://me:canary@h/reset")
    assert with_hidden({"endpoint": "/other"}, page.parsed, TARGET) == {"endpoint": "/other"}
    with pytest.raises(ConfigError, match="--before-run has a secret for http://target:8080 only"):
        with_hidden({"before_run": shown["before_run"], "host": "http://evil:1"}, page.parsed, TARGET)


def test_a_secret_field_of_anothers_locustfile_is_left_to_locust(page_of):
    page = page_of()
    field = {"default_value": "", "is_secret": True, "help_text": None}
    page.parsed.their_token = "typed-in-the-form"
    assert offered({"their_token": field}, page.parsed) == {"their_token": field}


def test_the_tab_has_the_reports_address_and_a_script_that_makes_it_a_link(page_of, tmp_path):
    page = page_of()
    run = tmp_path / "stream" / "v 1" / "20260101T000000Z"
    page.rows = [{"figure": "Report", "recent": "", "whole": web.report_link(run)}]
    (table,) = page.stats()["extended_stats"]
    assert table["data"][0]["whole"] == "./katydid/runs/stream/v%201/20260101T000000Z/report.html"
    assert page.html().count("new MutationObserver(makeLinks)") == 1


@pytest.mark.parametrize(("state", "told"), [("cleanup", "running"), ("stopped", "running"), ("spawning", "spawning")])
def test_the_page_is_told_that_the_run_goes_on_until_its_report_is_there(page_of, state, told):
    page = page_of()
    page.busy, page.runner.state = True, state
    assert page.stats()["state"] == told, "else the page would look no more"


def test_it_is_told_that_the_run_is_over_together_with_the_report(page_of):
    page = page_of()
    page.runner.state = "stopped"
    assert page.stats()["state"] == "stopped"
