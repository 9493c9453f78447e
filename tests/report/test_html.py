"""A run's page: complete, self-contained, and nothing in it that came from outside is markup."""

import html
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from documents import manifest_with
from katydid.analysis.validity import rules_for
from katydid.model.documents.summary import Summary
from katydid.model.metrics import METRICS
from katydid.model.oneline import one_line
from katydid.report.model import Chart, Line, Section, Style, Table
from katydid.report.run import command_of, render_run
from synthetic import HOSTILE, material_of, synthetic_run

VOID = {"meta", "link", "br", "img", "hr", "input"}
SELF_CLOSING = {"rect", "line", "path"}


def page_of(run, sections=()):
    return render_run(material_of(run), sections)


class Outline(HTMLParser):
    """Fails where elements do not nest; keeps all elements and the text outside of scripts."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data


@pytest.fixture(scope="module")
def page():
    return page_of(synthetic_run())


def test_the_page_says_the_verdict_the_numbers_and_what_they_mean(page):
    text = Outline(page).text
    for words in (
        "PASSED: 920 requests, 16 failed",
        "Time to first token",
        "overloaded",
        "v1.4.2",
        "MLPerf",
        "Manifest",
    ):
        assert words in text


def test_a_ramp_is_told_under_the_verdict():
    assert (
        "40 users, 10 more each second, one request per user every"
        in Outline(page_of(synthetic_run(ramp_per_s=10.0))).text
    )


def test_every_metric_that_is_shown_is_defined(page):
    text = Outline(page).text
    for name in ("ttft", "duration", "response", "failure_rate", "offered_per_s"):
        assert METRICS.get(name, METRICS.get(f"{name}.p50")).definition in text


def test_elements_nest_and_tables_and_pictures_can_be_read_aloud(page):
    elements = Outline(page).elements
    assert all("scope" in attributes for tag, attributes in elements if tag == "th")
    pictures = [attributes for tag, attributes in elements if attributes.get("role") == "img"]
    assert [p["aria-label"] for p in pictures if not p["aria-label"]] == []
    assert len(pictures) == 8


def test_the_page_asks_for_nothing(page):
    for tag, attributes in Outline(page).elements:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith(("data:", "#")), tag
        assert not any(name.startswith("on") for name in attributes), tag
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert html.unescape(policy).startswith("default-src 'none';")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_what_the_target_says_is_only_text():
    run = synthetic_run(detail=HOSTILE, version=HOSTILE, host=HOSTILE, model=HOSTILE, workload=HOSTILE)
    run.samples["name"] = [HOSTILE, "other"] * (len(run.samples) // 2)
    run.monitor["process"] = HOSTILE
    page = page_of(run)
    outline = Outline(page)
    assert "img" not in {tag for tag, _ in outline.elements}
    assert sum(tag == "script" for tag, _ in outline.elements) == 1
    assert "<img src=x onerror=alert(1)>" in outline.text
    assert not {"\x1b", "\u202e"} & set(page.partition("<script")[0])


def test_red_is_only_for_failures():
    good = page_of(synthetic_run(failing=0)).partition("<body>")[2].partition("<script")[0]
    assert not re.search(r'class="[^"]*\bbad\b', good)
    bad = page_of(synthetic_run(failing=0.1)).partition("<body>")[2].partition("<script")[0]
    assert 'class="fill-bad"' in bad


def test_an_invalid_run_says_so_first_with_its_reason_and_remedy():
    text = Outline(page_of(synthetic_run(lost_workers=["w9"]))).text
    assert text.index("INVALID (the generator's fault): 1 worker was lost.") < text.index("Summary")
    assert "1 worker was lost (w9)" in text
    assert "See the workers' logs" in text


def test_a_run_whose_clock_was_off_has_a_report_that_says_so():
    run = synthetic_run(failing=0)
    run.samples[["ttft_ms", "duration_ms"]] -= 500_000.0
    text = Outline(page_of(run)).text
    assert text.index("INVALID") < text.index("negative times")


def test_a_run_that_nobody_watched_is_not_said_to_have_kept_its_schedule():
    run = synthetic_run(failing=0)
    rules = len(rules_for(run.samples))
    assert f"{rules} of {rules} rules were checked" in Outline(page_of(run)).text
    run.monitor = run.monitor.iloc[:0]
    text = Outline(page_of(run)).text
    watched = 5  # generator_cpu, event_loop, blocked, clock
    assert f"{rules - watched} of {rules} rules were checked" in text
    assert "kept its schedule" not in text


def test_a_partial_run_says_so():
    assert "this run never finished" in Outline(page_of(synthetic_run(partial=True))).text


def test_every_part_has_an_address_and_is_in_the_contents(page):
    ids = {attributes["id"] for tag, attributes in Outline(page).elements if tag == "h2"}
    links = [attributes["href"] for tag, attributes in Outline(page).elements if tag == "a"]
    assert {f"#{name}" for name in ids} == set(links)
    assert all(links.count(link) == 2 for link in links), "beside the heading, and in the contents"


def test_the_header_has_how_long_what_it_cost_where_from_and_with_what():
    run = synthetic_run(ended_at_ms=61_500.0, machine="bench-1 Linux", katydid_version="9.8", katydid_commit="abc123")
    header = Outline(page_of(run)).text.partition("Measurement validity")[0]
    for words in ("lasted 61.5\u00a0s", "from bench-1", "Katydid 9.8 (abc123)", "tokens in, "):
        assert words in header


def test_the_command_that_makes_the_run_again_has_its_options_and_no_secret():
    run = synthetic_run(workload="stream", options={"max_tokens": 128, "insecure": True, "prompts": "", "a": [1, 2]})
    command = command_of(manifest_with(run.manifest))
    assert command.startswith("katydid run stream --host ")
    assert command.endswith("--max-tokens 128 --insecure --a 1 2")
    assert command_of(manifest_with(run.manifest, workload="capacity-stream")).startswith("katydid capacity stream ")
    page = page_of(run)
    assert command in Outline(page).text
    assert '<span class="whole">--max-tokens</span> 128</span>' in page


def test_too_few_requests_are_said_to_be_too_few():
    text = Outline(page_of(synthetic_run(users=4, cycles=5, failing=0))).text
    assert "too few (16 of 90)" in text


def test_each_of_few_users_has_a_row_and_many_have_none():
    assert "40 users, one by one" in Outline(page_of(synthetic_run())).text
    assert "one by one" not in Outline(page_of(synthetic_run(users=60))).text


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_data_is_a_page_too(rows):
    run = synthetic_run(users=1, cycles=3, failing=0)
    run.samples, run.monitor = run.samples.iloc[:rows], run.monitor.iloc[:0]
    Outline(page_of(run))


def test_a_manifest_without_anything_is_a_page_too():
    run = synthetic_run(users=5, cycles=5)
    run.manifest = {}
    Outline(page_of(run))


def test_only_failures_are_a_page_too():
    text = Outline(page_of(synthetic_run(failing=1.0))).text
    assert "100\u00a0%" in text


@pytest.mark.slow
def test_a_million_samples_make_a_page_of_less_than_two_megabytes_in_seconds():
    run = synthetic_run(users=2000, cycles=500, interval=1.0, failing=0.01)
    began = time.monotonic()
    page = page_of(run)
    assert len(page.encode()) < 2_000_000
    assert time.monotonic() - began < 60  # 3.5 s on a quiet machine; this only catches what grows out of bounds


def test_a_workloads_own_section_is_shown_with_its_tables_and_charts_and_nothing_in_it_is_markup():
    chart = Chart("waits", "Waits", "All of them.", "ms", lines=[Line("wait", Style.MAIN, [(0.0, 1.0), (1.0, 2.0)])])
    table = Table("Stages", ["Stage", "Result"], [[HOSTILE, "failed"]], words=frozenset({1}), bad=frozenset({(0, 1)}))
    outline = Outline(page_of(synthetic_run(), [Section("stages", "By stage", [HOSTILE], [table], [chart])]))
    assert ("section", {"aria-labelledby": "stages"}) in outline.elements
    assert ("td", {"class": "word bad", "data-label": "Result"}) in outline.elements
    assert "By stage" in outline.text
    assert "All of them." in outline.text
    assert outline.text.count(one_line(HOSTILE)) == 2


@pytest.mark.parametrize(
    ("manifest", "tone"),
    [
        ({}, "good"),
        ({"ended": "failure-threshold"}, "note"),
        ({"ended": "interrupted"}, "note"),
        ({"lost_workers": ["w1"]}, "bad"),
    ],
)
def test_the_headline_is_the_heading_in_the_colour_of_the_outcome_and_validity_stands_beside_it(manifest, tone):
    material = material_of(synthetic_run(**manifest))
    page = render_run(material, [])
    heading = re.search(r'<h1 class="(\w+)">(.*?)</h1>', page)
    assert (heading[1], html.unescape(heading[2])) == (tone, material.summary["headline"]["text"])
    badge = re.search(r'<li class="badge (\w+)">measurement (\w+)</li>', page)
    assert badge.groups() == (("bad", "invalid") if tone == "bad" else ("good", "valid"))


def test_a_run_in_which_nothing_succeeded_is_red_and_its_failures_say_what_to_check():
    run = synthetic_run()
    run.samples = run.samples.assign(outcome="failed", error="http_4xx", status=404, detail="404 Not Found")
    page = Outline(page_of(run))
    assert ("h1", {"class": "bad"}) in page.elements
    assert "Check --host and --endpoint." in page.text
    assert ("li", {"class": "badge good"}) in page.elements, "it was measured all the same"


def test_an_older_run_without_a_headline_is_shown_with_one():
    material = material_of(synthetic_run())
    older = {key: value for key, value in material.summary.items() if key != "headline"}
    page = render_run(replace(material, summary=Summary.read(older)), [])
    assert material.summary["headline"]["text"] in Outline(page).text


def test_clients_that_left_are_counted_and_what_the_target_did_then_is_said_on_top():
    run = synthetic_run()
    run.samples.loc[run.samples.index[100:150], "outcome"] = "abandoned"
    departed = [{"low_ms": 3100.0, "high_ms": 3110.0}]
    run.manifest["leaving"] = {"source": "metrics", "rest_ms": 3105.0, "departed": departed}
    text = Outline(page_of(run)).text
    sentence = "The target goes on computing for clients that have left (≥ 3.10\u00a0s)."
    assert text.index(sentence) < text.index("Measurement validity")
    assert "of these abandoned by their clients" in text
    assert "abandoned" not in Outline(page_of(synthetic_run())).text


@pytest.mark.parametrize("outcome", ["ok", "failed"])
def test_the_table_of_requests_adds_up_also_with_probes_and_with_requests_that_ended_after_the_stop(outcome):
    run = synthetic_run(ended="failure-threshold", failure_threshold=10, stopped_at_ms=100_000.0)
    rows = run.samples.index
    run.samples["role"] = None
    run.samples.loc[rows[300:307], "role"] = "alone before"
    run.samples.loc[rows[-20:], "after_stop"] = True
    run.samples.loc[rows[-20:], "outcome"] = outcome
    run.samples.loc[rows[-3:], "warm_up"] = True
    table = page_of(run).partition('aria-label="Requests"')[2].partition("</table>")[0]
    found = re.findall(r"<th[^>]*>([^<]*)</th><td[^>]*>([\d,]+)</td>", table)
    counts = {label: int(count.replace(",", "")) for label, count in found}
    parts = {label: count for label, count in counts.items() if not label.startswith(("of these", "All"))}
    assert sum(parts.values()) == counts["All"] == len(run.samples)
    assert parts["Probes and injected events, not counted"] == 7
    assert parts["Failed after the stop, not counted"] == (20 if outcome == "failed" else 0)


def test_a_section_shows_its_first_table_then_its_pictures_and_a_command_in_a_sentence_as_code():
    tables = [Table(name, ("Users", "Answers"), [("20", "7")]) for name in ("First table", "Second table")]
    chart = Chart("own", "A picture", "A note.", "ms", lines=[Line("a", Style.MAIN, [(0.0, 1.0), (1.0, 2.0)])])
    page = page_of(synthetic_run(), [Section("own", "Own", [f"See `katydid <b>`. {HOSTILE}"], tables, [chart])])
    places = [page.index(words) for words in ("First table", "A picture", "Second table")]
    assert places == sorted(places)
    assert "<code>katydid &lt;b&gt;</code>" in page
    assert ("th", {"scope": "row", "data-label": "Users"}) in Outline(page).elements
