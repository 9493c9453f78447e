"""The page that lists finished runs."""

import re
from types import SimpleNamespace

from flask import Flask
from markupsafe import escape

from katydid.engine.live.web import add_runs
from katydid.report.run_list import Links, runs_page
from katydid.runs.find import known_runs
from runfolders import change_samples, write_run

LINKS = Links(
    home="/home",
    report=lambda key: f"report:{key}",
    compare=lambda base, new: f"compare:{base}+{new}",
    choose=lambda key: f"choose:{key}",
)
RUN = {"failing": 0.0, "users": 4, "cycles": 3}


def test_runs_are_listed_newest_first_and_those_of_one_workload_can_be_compared(tmp_path):
    for number, version in enumerate(("v1", "v2")):
        write_run(tmp_path, version, number=number, **RUN)
    known = known_runs(tmp_path)
    newer, older = known
    assert (newer.split("/")[:2], older.split("/")[:2]) == (["stream", "v2"], ["stream", "v1"])
    page = runs_page(str(tmp_path), known, newer, LINKS)
    assert page.index("selected") < page.index(f"choose:{older}")
    assert f"compare:{older}+{newer}" in page
    assert f"compare:{newer}+{newer}" not in page


def test_an_address_that_names_no_run_any_more_shows_the_list_and_compares_nothing(tmp_path):
    write_run(tmp_path, "v1", **RUN)
    assert "compare:" not in runs_page(str(tmp_path), known_runs(tmp_path), None, LINKS)


def test_a_report_is_linked_where_there_is_one(tmp_path):
    run = write_run(tmp_path, "v1", **RUN)
    assert "report:" not in runs_page(str(tmp_path), known_runs(tmp_path), None, LINKS)
    (run.path / "report.html").write_text("x")
    assert "report:stream/v1/" in runs_page(str(tmp_path), known_runs(tmp_path), None, LINKS)


def test_a_run_is_told_by_its_headline_and_coloured_by_its_outcome(tmp_path):
    write_run(tmp_path, "v1", **RUN)
    change_samples(write_run(tmp_path, "v2", number=1, **RUN), lambda frame: frame.assign(outcome="failed"))
    known = known_runs(tmp_path)
    page = runs_page(str(tmp_path), known, None, LINKS)
    tones = []
    for run in known.values():
        headline = run.summary()["headline"]
        assert escape(headline["text"]) in page
        tones.append(re.search(rf'class="prose outcome (\w+)">{re.escape(escape(headline["text"]))}', page)[1])
    assert tones == ["bad", "good"]


def test_a_run_without_a_summary_goes_on_or_never_ended(tmp_path):
    write_run(tmp_path, "v1", summary=False, **RUN)
    page = runs_page(str(tmp_path), known_runs(tmp_path), None, LINKS)
    assert "no summary: the run is going on, or never finished" in page


def test_a_run_whose_manifest_is_broken_is_listed_by_its_folder(tmp_path):
    run = write_run(tmp_path, "v1", summary=False, **RUN)
    (run.path / "manifest.json").write_text("{")
    (key,) = known_runs(tmp_path)
    assert f"stream v1, {key.rpartition('/')[2]}" in runs_page(str(tmp_path), known_runs(tmp_path), key, LINKS)


def test_what_a_target_or_a_person_wrote_into_a_version_is_no_markup(tmp_path):
    run = write_run(tmp_path, "v1", summary=False, **RUN)
    run.write_json("manifest.json", run.manifest().json | {"version": "<script>alert(1)</script>"})
    assert "<script>alert" not in runs_page(str(tmp_path), known_runs(tmp_path), None, LINKS)


def test_what_a_link_leads_out_to_is_neither_listed_nor_shown(tmp_path):
    results, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    run, hidden = write_run(results, "v1", **RUN), write_run(elsewhere, "v2", **RUN)
    (tmp_path / "secret.txt").write_text("canary")
    (run.path / "report.html").symlink_to(tmp_path / "secret.txt")
    (run.path / "locust.html").write_text("inside")
    (results / "stream" / "v2").symlink_to(hidden.path.parent)
    app = Flask(__name__)
    page = SimpleNamespace(app=app, auth_required_if_enabled=lambda view: view)
    add_runs(page, "", lambda: results, lambda: False)
    (key,) = known_runs(results)
    shown = {}
    for name in ("report.html", "locust.html"):
        with app.test_client().get(f"/katydid/runs/{key}/{name}") as answer:
            shown[name] = answer.text
    assert shown == {"report.html": "there is no such run\n", "locust.html": "inside"}
