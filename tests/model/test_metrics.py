"""The table of metrics: names that hold together, and rates that never divide by nothing."""

from dataclasses import fields, replace

import pytest

from katydid.model.metrics import (
    AT_LENGTH,
    CORRECTED,
    DISTRIBUTIONS,
    METRICS,
    POOLED,
    STATISTICS,
    fewest_for,
)
from katydid.model.metrics.rates import RATES, Counts, FlatMetric, Stop
from katydid.model.sample import Sample
from katydid.model.units import Better, Unit

COUNTS = Counts(
    requests=100, ok=90, failed=6, aborted=4, late=5, due=110.0, chunks=4500, tokens=9000, timed=80, bounded=2,
    seconds=50.0, conversations=8, conversations_ok=6, good=72, unserved=11, resent=3, tokens_per_chunk=2.0,
    input_tokens=18_000, abandoned=5,
    stop=Stop(users=55, in_flight=20, requests=105, ok=90, seconds=50.0),
)  # fmt: skip
EMPTY = Counts(
    requests=0, ok=0, failed=0, aborted=0, late=0, due=None, chunks=0, tokens=None, timed=0, bounded=0, seconds=0.0
)  # fmt: skip


VALUES = {
    "failure_rate": 6 / 96,  # aborted requests are neither
    "goodput": 72 / 96,  # what failed is infinitely late
    "goodput_per_s": 1.44,
    "conversations_ok": 0.75,
    "late_share": 0.05,
    "unserved_share": 0.1,
    "aborted_share": 0.04,
    "abandoned_share": 0.05,
    "resent_share": 0.03,
    "offered_per_s": 2.2,
    "requests_per_s": 2.0,
    "chunks_per_s": 90.0,
    "tokens_per_s": 180.0,
    "tokens_per_chunk": 2.0,
    "input_tokens_per_s": 360.0,
    "ttft_bound_share": 0.025,
    "users_at_stop": 55.0,
    "in_flight_at_stop": 20.0,
    "requests_at_stop": 105.0,
    "ok_at_stop": 90.0,
    "time_to_stop": 50_000.0,
}


@pytest.mark.parametrize(("quantile", "requests"), [(0.5, 7), (0.9, 44), (0.95, 90), (0.99, 459), (0.999, 4603)])
def test_a_quantile_needs_as_many_requests_as_mlperfs_rule_says(quantile, requests):
    assert fewest_for(quantile) == requests


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95, 0.99])
def test_one_request_less_would_not_give_the_confidence(quantile):
    n = fewest_for(quantile)
    assert 1 - quantile**n >= 0.99 > 1 - quantile ** (n - 1)


@pytest.mark.parametrize("rate", RATES, ids=lambda r: r.name)
def test_a_rate_is_what_its_definition_says(rate):
    assert rate.of(COUNTS) == pytest.approx(VALUES[rate.name])


@pytest.mark.parametrize("rate", RATES, ids=lambda r: r.name)
def test_a_rate_of_nothing_is_none(rate):
    assert rate.of(EMPTY) is None


def test_tokens_that_no_server_counted_make_no_rate():
    rate = next(r for r in RATES if r.name == "tokens_per_s")
    assert rate.of(replace(COUNTS, tokens=None)) is None


def test_every_metric_has_a_name_of_its_own_and_a_definition():
    assert len(METRICS) == len(RATES) + (len(DISTRIBUTIONS) + len(POOLED)) * len(STATISTICS)
    assert all(metric.label and metric.definition.endswith(".") for metric in METRICS.values())


def test_the_names_that_others_rely_on_are_there():
    promised = {"ttft.p95", "duration.p50", "duration.p99", "failure_rate", "late_share", "requests_per_s"}
    assert promised <= METRICS.keys()


def test_times_are_milliseconds_and_less_is_better():
    assert (METRICS["ttft.p95"].unit, METRICS["ttft.p95"].better) == (Unit.MS, Better.LOWER)


def test_every_distribution_reads_a_column_that_exists():
    derived = {"response_ms", "tpot_ms", "user_tokens_per_s"}
    of_no_sample = {d.column for d in (CORRECTED, *AT_LENGTH.values())}
    of_workloads = {"conversation_ms"} | {d.column for d in DISTRIBUTIONS if d.definition.startswith("Speech: ")}
    assert {d.column for d in DISTRIBUTIONS} <= {f.name for f in fields(Sample)} | derived | of_no_sample | of_workloads


def test_a_quantile_needs_requests_and_the_others_need_one():
    fewest = {statistic.name: statistic.fewest for statistic in STATISTICS}
    assert (fewest["p95"], fewest["p99"], fewest["max"]) == (90, 459, 1)


def test_the_table_is_made_of_the_rates_and_of_every_statistic_of_every_distribution():
    assert list(METRICS.values())[: len(RATES)] == list(RATES)
    assert all(METRICS[rate.name] is rate for rate in RATES)
    p95 = next(d for d in DISTRIBUTIONS if d.name == "user_tokens")
    assert METRICS["user_tokens.p95"] == FlatMetric(
        "user_tokens.p95", "Tokens/s per user, p95", Unit.TOKENS_PER_SECOND, Better.HIGHER, p95.definition
    )
