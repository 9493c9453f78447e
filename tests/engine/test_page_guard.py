"""The page answers to its own names alone, its form sets only a run's options, and a run stays as it began."""

from argparse import Namespace
from types import SimpleNamespace

import pytest
from flask import Flask
from locust.argument_parser import ui_extra_args_dict

import katydid.engine.plugin  # noqa: F401 - adds the options of a run to Locust's parsers
from katydid.engine.live import page_guard
from katydid.engine.live.page_guard import FORM_OF_LOCUST, PageGuard, closed_fields
from katydid.engine.options import RunOptions
from katydid.engine.options.parsing import run_options
from katydid.engine.run_info import SECRETS_WIRE_NAME
from katydid.model.errors import ConfigError
from katydid.model.options import options_in

START = "http://target:8080"


class Guarded:
    """A page with the guard, and a `/swarm` that shows what Locust would have got."""

    def __init__(self, host=START, **options):
        usual = {each.name: each.default for each in options_in(RunOptions)}
        locusts = {"web_host": "127.0.0.1", "web_login": False, "html_file": None, "num_users": 3, "spawn_rate": 1.0}
        self.options = Namespace(**usual | locusts | {"run_time": None} | options)
        self.checked = []
        environment = SimpleNamespace(parsed_options=self.options, host=host, shape_class=None)
        stopper = SimpleNamespace(active=False, ending=False)
        info = SimpleNamespace(run_time=None)
        self.runtime = SimpleNamespace(
            environment=environment, stopper=stopper, info=info, now=lambda: 5.2, options_class=RunOptions
        )
        collector = SimpleNamespace(check=lambda options, host: self.checked.append(host))
        app = Flask(__name__)
        app.route("/swarm", methods=["POST"])(lambda: {"success": True, "form": dict(page_guard.request.form)})
        for path in ("/", "/katydid/runs/", "/metrics"):
            app.add_url_rule(path, path, lambda: "shown")
        PageGuard(self.runtime, collector).install(SimpleNamespace(app=app))
        self.client = app.test_client()

    def running(self, run_time=None):
        self.runtime.stopper.active = True
        self.runtime.info.run_time = run_time
        self.runtime.options = run_options(self.options, RunOptions)
        return self

    def get(self, host, path="/"):
        return self.client.get(path, headers={"Host": host})

    def post(self, **form):
        return self.client.post(
            "/swarm", data={"user_count": 3, "spawn_rate": 1} | form, headers={"Host": "127.0.0.1:8089"}
        ).json


@pytest.mark.parametrize(
    "host", ["localhost:8089", "127.0.0.1:8089", "[::1]:8089", "192.168.1.7", "LOCALHOST", "localhost.", "10.0.0.1:1"]
)
def test_it_answers_to_localhost_and_to_addresses(host):
    assert Guarded().get(host).text == "shown"


@pytest.mark.parametrize(
    "host",
    ["evil.example:8089", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0x7f000001.x", ""],
)
@pytest.mark.parametrize("path", ["/", "/katydid/runs/"])
def test_a_name_of_somebody_else_gets_nothing(host, path):
    answer = Guarded().get(host, path)
    assert answer.status_code == 403
    assert "--web-host" in answer.text


def test_a_site_whose_name_leads_here_starts_no_run():
    page = Guarded()
    headers = {"Host": "evil.example:8089", "Origin": "http://evil.example:8089"}
    assert page.client.post("/swarm", data={"user_count": 1, "host": "http://x"}, headers=headers).status_code == 403
    assert page.checked == []


def test_the_name_that_it_was_given_is_its_own_and_behind_a_login_every_name_is():
    assert Guarded(web_host="load.example.com").get("Load.example.com:8089").text == "shown"
    assert Guarded(web_login=True).get("load.example.com").text == "shown"


def test_scrapers_come_by_any_name():
    page = Guarded()
    assert page.get("master:8089", "/metrics").text == "shown"
    assert page.client.post("/metrics", headers={"Host": "master:8089"}).status_code == 403


@pytest.mark.parametrize(
    "field",
    [
        "results",
        "chaos_command",
        "header",
        "metrics_host",
        "wait_ready",
        "katydid_secrets_for",
        "html_file",
        "web_login",
    ],
)
def test_what_is_of_the_process_is_not_for_the_page_to_set(monkeypatch, field):
    from katydid.workloads.resilience import ChaosOptions

    monkeypatch.setattr(page_guard, "known_options", lambda: {e.name: e for e in options_in(ChaosOptions)})
    page = Guarded()
    told = page.post(**{field: "other"})
    assert not told["success"]
    assert f"--{field.replace('_', '-')} cannot be set in the web UI" in told["message"]
    assert page.checked == []


def test_every_field_that_the_form_shows_may_be_set():
    shown = ui_extra_args_dict([]).keys() | FORM_OF_LOCUST
    assert {"interval", "version_label", "prompts"} <= shown
    assert not shown & closed_fields()


def test_a_start_is_checked_and_reaches_locust_as_plain_numbers():
    page = Guarded()
    told = page.post(interval="500ms", run_time="1.5m", host="http://other:1")
    assert told["success"]
    assert (told["form"]["interval"], told["form"]["run_time"]) == ("0.5", "90")
    assert page.checked == ["http://other:1"]


def test_a_start_without_a_run_time_has_none_whatever_an_earlier_one_had():
    page = Guarded(run_time=60)
    assert page.post()["success"]
    assert page.options.run_time is None


def test_a_password_in_the_forms_host_is_refused_there_too():
    told = Guarded().post(host="http://me:s3cret@target:1")
    assert not told["success"]
    assert "password" in told["message"]
    assert "s3cret" not in told["message"]


def test_users_may_change_in_a_run_whose_time_goes_on():
    page = Guarded().running(run_time=16.0)
    told = page.post(user_count=12)
    assert told["success"]
    assert told["form"]["run_time"] == "11", "Locust counts from each form anew"
    assert page.checked == [], "nothing is sent to the target meanwhile"


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"interval": "5"}, "--interval"),
        ({"version_label": "v2"}, "--version-label"),
        ({"host": "http://other:1"}, "--host"),
        ({"user_count": "4", "check": "full"}, "--check"),
        ({"run_time": "9"}, "--run-time"),
    ],
)
def test_what_would_not_be_heard_in_a_run_is_refused(form, named):
    told = Guarded(run_time=16).running().post(**form)
    assert not told["success"]
    assert told["message"] == f"{named} cannot change while a run goes on: stop it first"


@pytest.mark.parametrize("running", [True, False])
def test_what_is_no_duration_is_refused_by_its_name(running):
    page = Guarded(run_time=16)
    told = (page.running() if running else page).post(drain="soon")
    assert not told["success"]
    assert told["message"].startswith("--drain 'soon' is not a duration")


def test_what_is_no_url_is_nobody():
    page = Guarded()
    headers = {"Host": "localhost", "Origin": "http://["}
    assert page.client.post("/swarm", data={"user_count": 1}, headers=headers).status_code == 403
    page.post(host="http://[::1")
    assert page.checked == ["http://[::1"], "the check of a run says so"


def test_fields_that_stay_as_they_are_change_nothing():
    same = {
        "interval": "20s",
        "version_label": "",
        "host": START,
        "check": "count",
        "failure_threshold": "5",
        "run_time": "1m",
    }
    assert Guarded(run_time=60).running().post(user_count=4, **same)["success"]


def test_bad_users_are_refused_in_a_run_and_a_start_while_one_ends():
    page = Guarded().running()
    assert "--users -1" in page.post(user_count=-1)["message"]
    page.runtime.stopper.ending = True
    assert "still ending" in page.post()["message"]


def test_a_load_shapes_users_are_its_own():
    page = Guarded().running()
    page.runtime.environment.shape_class = object()
    assert "--users cannot change" in page.post(user_count=4)["message"]


def test_secrets_are_for_the_target_of_the_start_unless_there_is_a_login():
    assert getattr(Guarded(f"{START}/v1").options, SECRETS_WIRE_NAME) == START
    assert getattr(Guarded(None).options, SECRETS_WIRE_NAME) == "none"
    assert not hasattr(Guarded(web_login=True).options, SECRETS_WIRE_NAME)


def test_a_password_in_the_starts_host_is_refused():
    with pytest.raises(ConfigError, match="the web UI would show the password"):
        Guarded("http://me:s3cret@target:1")
