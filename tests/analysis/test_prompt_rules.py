"""Lengths that were not what was asked for, and prompts that the target had seen before."""

import numpy as np
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.headline import generator_to_blame
from katydid.analysis.summary import summarise
from katydid.analysis.validity.tokens import Own
from katydid.report.build import tokens_section
from katydid.report.model import Material
from synthetic import synthetic_run

ROWS = 120


def run(manifest=None, **columns):
    """A summary of a run whose samples have these columns."""
    made = synthetic_run(users=10, cycles=12, failing=0.0, **manifest or {})
    samples, whole = made.samples.assign(**columns), manifest_with(made.manifest)
    return summarise(samples, made.monitor, whole), samples, whole


def finding(summary, rule):
    return next((found for found in summary.findings if found.rule == rule), None)


@pytest.mark.parametrize(("factor", "severity"), [(1.0, None), (1.019, None), (0.97, "warning"), (1.11, "invalid")])
@pytest.mark.parametrize(
    ("rule", "asked", "realised"),
    [
        ("input_lengths", "target_input_tokens", "prompt_tokens"),
        ("output_lengths", "target_output_tokens", "completion_tokens"),
    ],
)
def test_a_realised_mean_off_by_more_than_two_percent_is_a_warning_by_more_than_ten_invalid(
    rule, asked, realised, factor, severity
):
    summary, _, _ = run(**{asked: 1000, realised: round(1000 * factor)})
    found = finding(summary, rule)
    assert (found and found.severity) == severity
    assert summary.valid == (severity != "invalid")


def test_runs_that_asked_for_no_length_are_not_judged_by_it():
    summary, _, _ = run()
    assert summary.lengths is None
    assert not {"input_lengths", "output_lengths"} & set(summary.unchecked_rules)


def test_lengths_are_of_the_requests_that_have_both():
    asked = np.where(np.arange(ROWS) % 2, 100.0, np.nan)
    summary, _, _ = run(target_input_tokens=asked, prompt_tokens=110.0)
    assert summary.lengths.input.requests <= ROWS // 2
    assert summary.lengths.input.off == pytest.approx(0.1)
    assert summary.lengths.output is None


MADE = {"options": {"input_tokens": "1000"}, "calibration": {"overhead": 30.0, "per_unit": 1.0, "source": "target"}}
SHARING = MADE | {"options": {"input_tokens": "1000", "shared_prefix": "500:2"}}


@pytest.mark.parametrize(
    ("manifest", "cached", "severity"),
    [
        (MADE, 0, None),
        (MADE, 32, None),  # the template, and what begins alike by chance
        (MADE, 39, None),
        (MADE, 46, "invalid"),
        (MADE, 960, "invalid"),
        (SHARING, 528, None),
        (SHARING, 720, "invalid"),
        ({}, 5, None),
        ({}, 600, "warning"),
        ({"options": {"prompts": "p.jsonl"}}, 600, "warning"),
        ({"trace": "t.jsonl", "prompts": "made", "trace_shared": 0.6}, 600, None),
        ({"trace": "t.jsonl", "prompts": "made", "trace_shared": 0.5}, 600, "warning"),
    ],
)
@pytest.mark.parametrize("talks", [{}, {"session_id": None, "turn": None, "history_tokens": None}], ids=["", "of none"])
def test_unique_prompts_from_a_cache_are_invalid_and_others_a_warning(manifest, cached, severity, talks):
    summary, _, _ = run(manifest, prompt_tokens=1000, cached_tokens=cached, **talks)
    found = finding(summary, "warm_cache")
    assert (found and found.severity) == severity
    if found:
        assert "warm cache" in found.message


def test_the_first_turns_of_conversations_are_unique_prompts_and_later_ones_repeat_what_was_said():
    turns = np.arange(ROWS) % 3 + 1
    history = {"turn": turns, "history_tokens": 500 * (turns - 1)}
    warm = run(MADE, prompt_tokens=1000, cached_tokens=900, **history)[0]
    later = run(MADE, prompt_tokens=1000, cached_tokens=np.where(turns > 1, 900, 0), **history)[0]
    unknown = run(MADE, prompt_tokens=1000, cached_tokens=np.where(turns > 1, 900, 0), turn=turns, history_tokens=None)[
        0
    ]
    assert [bool(finding(summary, "warm_cache")) for summary in (warm, later, unknown)] == [True, False, False]


@pytest.mark.parametrize("overhead", [None, "30", True, -1, float("nan"), [1]])
@pytest.mark.parametrize("shared", [None, "", "x:2", 500, "0"])
def test_a_manifest_that_says_it_wrongly_says_nothing_of_a_template(overhead, shared):
    said = {"options": {"input_tokens": "1000", "shared_prefix": shared}, "calibration": {"overhead": overhead}}
    own = Own.of(manifest_with(said))
    assert (own.template, own.shared) == (0.0, 500 if shared == 500 else 0)


def test_another_configuration_keeps_these_rules_so_that_the_generator_is_not_blamed():
    for columns in ({"cached_tokens": 900}, {"target_output_tokens": 500}):
        summary, _, _ = run(MADE, prompt_tokens=1000, **columns)
        assert summary.headline.text.startswith("INVALID (the configuration's fault): ")
        assert not generator_to_blame(summary)


def test_the_hit_rate_is_of_the_run_and_over_time():
    cached = np.where(np.arange(ROWS) > ROWS // 2, 500.0, 0.0)
    summary, _, _ = run(MADE, prompt_tokens=1000.0, cached_tokens=cached)
    cache = summary.cache
    assert cache.hit_rate == pytest.approx(cache.cached_tokens / cache.input_tokens)
    assert cache.beyond_template == pytest.approx(cache.hit_rate * 470 / 500 * 1000 / 970, rel=0.01)
    rates = [point.hit_rate for point in cache.over_time]
    assert (rates[0], rates[-1]) == (0.0, 0.5)


def test_a_target_that_says_more_is_cached_than_there_was_has_a_hit_rate_of_one():
    assert run(prompt_tokens=100, cached_tokens=250)[0].cache.hit_rate == 1.0


def test_a_target_that_does_not_say_has_no_hit_rate():
    assert run()[0].cache is None
    assert run(cached_tokens=None)[0].cache is None


def repeated(sooner, prompts=20):
    """Twenty prompts again and again; all but the first time their first token comes by so much sooner."""
    ids = [f"p{number % prompts}" for number in range(ROWS)]
    ttft = np.where(np.arange(ROWS) < prompts, 500.0, 500.0 * (1 - sooner)) + np.arange(ROWS) % 7
    return {"prompt_id": ids, "ttft_ms": ttft, "warm_up": False, "duration_ms": 900.0}


def test_repeats_whose_first_token_comes_sooner_are_a_warning_where_the_target_does_not_say():
    found = finding(run(**repeated(0.5))[0], "repeated_prompts")
    assert found.severity == "warning"
    assert "sooner" in found.message


@pytest.mark.parametrize(("options", "told"), [({"prompts": "p.jsonl"}, True), ({}, False)])
def test_a_file_that_repeats_is_named_and_the_built_in_prompts_are_not(options, told):
    found = finding(run({"options": options}, **repeated(0.0))[0], "repeated_prompts")
    assert (found is not None) == told
    if told:
        assert "120 requests with 20 prompts" in found.message


def test_prompts_that_do_not_repeat_are_not_named():
    columns = repeated(0.0) | {"prompt_id": [f"p{number}" for number in range(120)]}
    assert finding(run({"options": {"prompts": "p.jsonl"}}, **columns)[0], "repeated_prompts") is None


def test_the_report_has_lengths_and_hit_rates_where_there_are_any():
    summary, samples, manifest = run(MADE, target_input_tokens=1000, prompt_tokens=1010, cached_tokens=100)
    section = tokens_section(Material(manifest, summary, with_derived(samples, manifest), samples))
    (table,) = section.tables
    assert table.texts("Tokens of")[0] == "prompts"
    assert table.texts("Difference")[0].startswith("+1")
    assert "30 tokens" in section.text[0]
    assert [chart.key for chart in section.charts] == ["cache-course"]
    plain, samples, manifest = run()
    assert tokens_section(Material(manifest, plain, with_derived(samples, manifest), samples)) is None


@pytest.mark.parametrize(("slow", "told"), [(1, False), (3, True)])
def test_requests_that_are_taken_slowly_are_told(slow, told):
    sent = np.where(np.arange(ROWS) >= ROWS - slow, 80.0, 0.2)
    found = finding(run(send_ms=sent)[0], "sending")
    assert (found is not None) == told
    if found:
        assert found.severity == "warning"
        assert "80" in found.message
