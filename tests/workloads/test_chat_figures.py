"""What a report says of conversations: each turn, TTFT against the history, and a target that forgets."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import summarise
from katydid.model.metrics.declared import declare
from katydid.report.model import Material
from katydid.workloads.chat import CHAT
from katydid.workloads.chat.analysis import MOST_TURNS, ChatFigures
from katydid.workloads.chat.section import chat_section
from synthetic import synthetic_run

NEW, ANSWER = 10, 20
"""Tokens that each turn says, and is answered with."""


def conversations(count=50, turns=8, *, fails_at=None, cached=None, **columns):
    """Samples, monitor and manifest of a run: conversations of so many turns, and a row for the whole of each.

    TTFT is 100 ms, and 1 ms more for each token of history.
    """
    made = synthetic_run(users=count, cycles=turns, failing=0.0, interval=0.0, workload="chat", schedule="closed")
    samples = made.samples
    turn = samples["iteration"].to_numpy() + 1
    history = (turn - 1) * (NEW + ANSWER)
    begun = turn <= (fails_at or turns)
    ok = turn != (fails_at or 0)
    samples = samples.assign(
        kind="request",
        session_id=samples["user"].map("s{}".format),
        turn=turn,
        iteration=0,
        scheduled_ms=turn * 1000.0,
        start_ms=turn * 1000.0,
        think_ms=np.where(turn == 1, np.nan, 500.0),
        history_tokens=history.astype(float),
        prompt_tokens=(history + NEW).astype(float),
        completion_tokens=float(ANSWER),
        ttft_ms=np.where(ok, 100.0 + history, np.nan),
        cached_tokens=np.nan if cached is None else cached * (history + NEW),
        completed=(turn == turns) & ok,
        outcome=np.where(ok, "ok", "failed"),
        error=np.where(ok, None, "http_5xx"),
        blame=np.where(ok, None, "target"),
        warm_up=False,
        **columns,
    )[begun]
    samples["ttft_first_turn_ms"] = samples["ttft_ms"].where(samples["turn"] == 1)
    samples["ttft_later_turns_ms"] = samples["ttft_ms"].where(samples["turn"] > 1)
    whole = samples.groupby("session_id").tail(1).assign(kind="iteration", request_id=lambda rows: rows["session_id"])
    whole["turn"] = turns if fails_at is None else fails_at - 1
    declared = declare(CHAT.columns, CHAT.metrics, [rule.name for rule in CHAT.rules])
    manifest = manifest_with(made.manifest, declared, options={"interval": 0.0})
    return pd.concat([samples, whole], ignore_index=True), made.monitor, manifest


def summary_of(*run):
    return summarise(*(run or conversations()))


def figures(*run):
    return summary_of(*run).part("chat", ChatFigures)


def test_fifty_users_of_eight_turns_are_fifty_conversations_and_a_row_a_turn():
    found = figures(*conversations(50, 8))
    assert (found.conversations, found.completed, found.failed, found.turns_mean) == (50, 50, 0, 8.0)
    assert [row.turn for row in found.turns] == list(range(1, 9))
    assert {row.requests for row in found.turns} == {50}
    assert [row.history_tokens for row in found.turns] == [30.0 * turn for turn in range(8)]
    assert [row.prompt_tokens for row in found.turns] == [30.0 * turn + NEW for turn in range(8)]
    assert [row.ttft_p50_ms for row in found.turns] == [100.0 + 30.0 * turn for turn in range(8)]
    assert (found.turns[0].think_ms, found.turns[1].think_ms) == (None, 500.0)


def test_ttft_stands_against_the_history_first_turns_by_themselves():
    found = figures(*conversations(50, 8))
    assert (found.history[0].low, found.history[0].high, found.history[0].requests) == (0, 0, 50)
    assert sum(row.requests for row in found.history) == 400
    assert [row.low for row in found.history] == sorted(row.low for row in found.history)
    for row in found.history:
        assert row.low <= row.history_tokens <= row.high
        assert row.ttft_p50_ms == pytest.approx(100.0 + row.history_tokens, abs=30.0)


def test_the_share_from_the_cache_is_each_turns_own():
    samples, *others = conversations(cached=0.0)
    later = samples["turn"] > 4
    samples.loc[later, "cached_tokens"] = samples["prompt_tokens"] / 2
    found = figures(samples, *others)
    assert [row.cached_share for row in found.turns] == [0.0] * 4 + [0.5] * 4
    assert {row.cached_share for row in figures(*conversations()).turns} == {None}


def test_a_turn_that_fails_is_one_failure_and_its_conversation_is_not_right():
    summary = summary_of(*conversations(50, 8, fails_at=3))
    found = summary.part("chat", ChatFigures)
    assert (found.completed, found.failed, found.turns_mean) == (0, 50, None)
    assert [(row.ok, row.failed) for row in found.turns] == [(50, 0), (50, 0), (0, 50)]
    assert summary.counts.failed == 50
    assert summary.metrics["conversations_ok"] == 0.0


def test_a_user_that_leaves_ends_a_conversation_that_has_neither_failed_nor_been_completed():
    samples, *others = conversations(50, 8, fails_at=3)
    left = samples["outcome"] == "failed"
    samples.loc[left, ["outcome", "error", "blame"]] = ["abandoned", None, None]
    found = figures(samples, *others)
    assert (found.completed, found.failed, found.abandoned) == (0, 0, 50)
    assert "50 ended because the user left" in section_of(samples, *others).text[0]


def test_conversations_a_second_are_those_that_were_completed():
    summary = summary_of(*conversations(50, 8))
    assert summary.metrics["conversations_per_s"] == pytest.approx(50 / summary.seconds)
    assert summary.metrics["ttft_first_turn.p50"] == 100.0
    assert summary.metrics["ttft_later_turns.p50"] == 220.0
    assert summary_of(*conversations(50, 8, fails_at=3)).metrics["conversations_per_s"] == 0.0


def test_turns_beyond_the_table_share_its_last_row():
    found = figures(*conversations(10, MOST_TURNS + 5))
    assert len(found.turns) == MOST_TURNS
    assert (found.turns[-1].turn, found.turns[-1].last_turn) == (MOST_TURNS, MOST_TURNS + 5)
    assert found.turns[-1].requests == 60


def test_a_target_that_counts_nothing_has_turns_and_no_history():
    samples, *others = conversations()
    for column in ("prompt_tokens", "completion_tokens", "history_tokens"):
        samples[column] = np.nan
    found = figures(samples, *others)
    assert found.history == ()
    assert {row.history_tokens for row in found.turns} == {None}


def section_of(samples, monitor, manifest):
    summary = summarise(samples, monitor, manifest)
    return chat_section(Material(manifest, summary, with_derived(samples, manifest), monitor))


def test_the_report_has_turns_history_and_both_pictures():
    section = section_of(*conversations(cached=0.5))
    assert [table.shown[0].name for table in section.tables] == ["Turn", "History"]
    assert [chart.key for chart in section.charts] == ["ttft-by-history", "cache-by-turn"]
    assert section.text[0].startswith("50 of 50 conversations completed, with 8")
    assert section.tables[0].marked == []


def test_failed_turns_are_marked():
    section = section_of(*conversations(fails_at=3))
    assert section.tables[0].marked == [("Failed", "50")]
    assert "50 ended because a turn failed" in section.text[0]


def test_other_workloads_have_no_such_section():
    made = synthetic_run()
    assert section_of(made.samples, made.monitor, manifest_with(made.manifest)) is None


def finding(summary, rule):
    return next((found for found in summary.findings if found.rule == rule), None)


def test_conversations_that_grow_are_valid_however_much_came_from_the_cache():
    summary = summary_of(*conversations(cached=0.9))
    assert finding(summary, "conversations_grow") is None
    samples, *others = conversations(cached=0.0)
    samples["cached_tokens"] = samples["history_tokens"]
    assert finding(summary_of(samples, *others), "warm_cache") is None


def test_a_first_turn_from_the_cache_is_a_warm_one():
    samples, *others = conversations(cached=0.0)
    samples.loc[samples["turn"] == 1, "cached_tokens"] = 8.0
    assert finding(summary_of(samples, *others), "warm_cache").severity == "warning"


def test_a_target_that_cuts_its_prompts_has_forgotten_what_was_said():
    samples, *others = conversations()
    samples["prompt_tokens"] = samples["prompt_tokens"].clip(upper=100.0)
    found = finding(summary_of(samples, *others), "conversations_grow")
    assert found.severity == "invalid"
    assert "57.1" in found.text  # turns 5 to 8 of 2 to 8
