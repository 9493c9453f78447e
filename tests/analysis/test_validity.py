"""Which runs are invalid, and that the others are valid."""

import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.summary import summarise
from katydid.analysis.validity import RULES, rules_for
from rows import ABORTED, FAILED, MANIFEST, monitor, samples, started, steady


def found(rows, watched=None, **manifest):
    """Rule → severity."""
    summary = summarise(
        samples(*rows), monitor(len(rows)) if watched is None else watched, manifest_with(MANIFEST | manifest)
    )
    return {finding["rule"]: finding["severity"] for finding in summary["findings"]}


def test_a_clean_run_of_ten_seconds_has_no_findings():
    rows = [
        started(i * 1000 + user * 125, iteration=i, user=user, late_ms=2.0, warm_up=i < 2)
        for i in range(10)
        for user in range(8)
    ]
    watched = monitor(10, users=8, cpu_percent=[100.0, 96.0, *[20.0] * 8], loop_lag_ms=[400.0, *[3.0] * 9])
    assert found(rows, watched, users=8, warm_up_s=2.0, stopped_at_ms=10_000.0) == {}


@pytest.mark.parametrize(
    ("cpu", "rule"),
    [
        ([79.0] * 10, {}),
        ([81.0] * 10, {"generator_cpu": "invalid"}),
        ([100.0] * 2 + [10.0] * 8, {}),  # start-up
        ([10.0] * 7 + [99.0] * 3, {"generator_cpu": "invalid"}),
        ([10.0] * 8 + [99.0] * 2, {}),  # two slow seconds are not a slow run
        ([10.0] * 97 + [99.0] * 3, {}),  # 3 %
        ([85.0] * 4, {}),  # only two of them are not start-up
    ],
)
def test_a_busy_generator_invalidates(cpu, rule):
    assert found(steady(len(cpu)), monitor(len(cpu), cpu_percent=cpu)) == rule


@pytest.mark.parametrize(
    ("used", "waited", "rule"),
    [
        (30.0, 40.0, {}),
        (30.0, 60.0, {"generator_cpu": "invalid"}),
        (30.0, None, {}),  # a system that does not tell
        ([30.0] * 7 + [45.0] * 3, [0.0] * 7 + [50.0] * 3, {"generator_cpu": "invalid"}),
    ],
)
def test_a_generator_that_waits_for_its_core_is_as_late_as_a_busy_one(used, waited, rule):
    assert found(steady(10), monitor(10, cpu_percent=used, cpu_wait_percent=waited)) == rule


def test_whose_core_it_is_decides_what_to_do():
    def remedy(**watched):
        (finding,) = summarise(samples(*steady(10)), monitor(10, **watched), manifest_with(MANIFEST))["findings"]
        return finding["remedy"]

    assert "end other work" in remedy(cpu_percent=30.0, cpu_wait_percent=60.0)
    assert "--processes" in remedy(cpu_percent=90.0, cpu_wait_percent=5.0)


def test_runs_of_before_the_waiting_was_watched_are_judged_by_what_they_have():
    old = monitor(10, cpu_percent=85.0).drop(columns="cpu_wait_percent")
    assert found(steady(10), old) == {"generator_cpu": "invalid"}


@pytest.mark.parametrize(("source", "severity"), [("kernel", "warning"), ("user", "invalid")])
def test_a_late_event_loop_spoils_times_that_are_not_the_kernels(source, severity):
    watched = monitor(10, loop_lag_ms=[1.0] * 6 + [150.0] * 4)
    assert found(steady(10), watched, timestamp_source=source)["event_loop"] == severity


@pytest.mark.parametrize(
    ("blocked", "expected"),
    [
        ([0.0] * 20, {}),
        ([1900.0] * 2 + [0.0] * 18, {}),  # start-up
        ([0.0] * 19 + [260.0], {}),  # 1.4 % of the 18 s after it
        ([0.0] * 19 + [300.0], {"blocked": "invalid"}),
        ([16.0] * 20, {"blocked": "invalid"}),  # often a little is as much
        ([14.0] * 20, {}),
        ([None] * 20, {}),  # a folder of before it was watched
    ],
)
def test_a_loop_that_was_blocked_invalidates_however_its_time_is_spread(blocked, expected):
    assert found(steady(20), monitor(20, blocked_ms=blocked), stopped_at_ms=20_000.0) == expected


def test_one_hiccup_does_not_invalidate_a_short_run():
    assert found(steady(4), monitor(4, blocked_ms=[0, 0, 90.0, 0]), stopped_at_ms=4000.0) == {}
    assert found(steady(4), monitor(4, blocked_ms=[0, 0, 110.0, 0]), stopped_at_ms=4000.0) == {"blocked": "invalid"}


def test_no_more_than_the_window_is_blocked():
    told = summarise(samples(*steady(5)), monitor(5, blocked_ms=1500.0), manifest_with(MANIFEST, stopped_at_ms=5000.0))
    (message,) = (finding["message"] for finding in told["findings"] if finding["rule"] == "blocked")
    assert "(100\u00a0%" in message


def standing(watched, begin, end):
    """The monitor of a generator that stood still meanwhile, as a Katydid that did not add up lags wrote it."""
    gap = end - begin
    moved = watched.assign(at_ms=watched["at_ms"].where(watched["at_ms"] <= begin, watched["at_ms"] + gap))
    return moved.drop(columns="blocked_ms")


def test_a_hole_in_the_monitor_invalidates():
    rows = steady(20)
    assert found(rows, standing(monitor(14), 8000.0, 14_000.0), stopped_at_ms=20_000.0) == {"blocked": "invalid"}
    assert found(rows, standing(monitor(14), 13_000.0, 19_500.0), stopped_at_ms=20_000.0) == {"blocked": "invalid"}
    assert found(rows, standing(monitor(20), 8000.0, 8200.0), stopped_at_ms=20_000.0) == {}


def test_the_masters_lags_hold_up_no_request():
    assert found(steady(20), monitor(20, process="master", blocked_ms=50.0), stopped_at_ms=20_000.0) == {}


@pytest.mark.parametrize(
    ("watched", "cause", "remedy"),
    [
        ({"cpu_percent": 70.0, "blocked_ms": 480.0}, "own code", "--processes"),
        ({"cpu_percent": 20.0, "cpu_wait_percent": 50.0, "blocked_ms": 480.0}, "other work", "end other work"),
        ({"cpu_percent": 10.0, "blocked_ms": 900.0}, "stopped or paused", "SIGSTOP"),
    ],
)
def test_who_blocked_the_loop_is_said(watched, cause, remedy):
    (finding,) = summarise(samples(*steady(10)), monitor(10, **watched), manifest_with(MANIFEST))["findings"]
    assert cause in finding["message"]
    assert remedy in finding["remedy"]


def released(users, blocked, **manifest):
    """A burst of so many users at 4.5 s, and the loop's blocked time in each second."""
    rows = [started(4500.0, user=user, duration_ms=5000.0) for user in range(users)]
    return found(rows, monitor(10, blocked_ms=blocked), stopped_at_ms=10_000.0, interval_s=0.0, **manifest)


def test_the_release_of_a_burst_may_block_the_loop_but_nothing_else_may():
    assert released(500, [0, 0, 0, 100.0, 390.0, 0, 0, 0, 0, 0]) == {}
    assert released(500, [0, 0, 0, 100.0, 390.0, 0, 0, 300.0, 0, 0]) == {"blocked": "invalid"}
    assert released(10, [0, 0, 0, 0, 1500.0, 0, 0, 0, 0, 0]) == {"blocked": "invalid"}


def test_late_starts_of_free_users_are_ours():
    rows = [started(i * 1000, late=60.0 if i % 2 else 0.0, iteration=i) for i in range(20)]
    assert found(rows) == {"late_starts": "invalid"}


def test_what_is_sent_again_was_punctual_the_first_time():
    rows = [started(i * 1000, late=60.0 * (i % 2), iteration=i, resent=bool(i % 2)) for i in range(20)]
    assert found(rows) == {"resent": "warning"}


def test_without_an_interval_no_start_is_late_by_a_schedule():
    rows = [started(i * 1000, late=60.0 if i % 2 else 0.0, iteration=i) for i in range(20)]
    assert found(rows, interval_s=0.0) == {}
    assert (
        "late_starts"
        in summarise(samples(*rows), monitor(20), manifest_with(MANIFEST | {"interval_s": 0.0}))["unchecked_rules"]
    )


def test_late_starts_after_an_overrun_are_the_targets():
    # each answer takes 1.3 s; the next request is due after 1 s, and starts at once when the user is free
    rows = [started(i * 1300 - 300, late=300.0, duration_ms=1300.0, iteration=i) for i in range(1, 20)]
    assert found(rows, stopped_at_ms=24_700.0) == {}


def test_a_slow_connection_is_not_our_lateness():
    rows = [started(i * 1000, late=200.0, connect_ms=199.0, iteration=i) for i in range(20)]
    assert found(rows) == {}


@pytest.mark.parametrize(
    ("late", "count", "expected"),
    [(2, 50, {}), (4, 500, {}), (6, 500, {"late_starts": "invalid"})],  # two are chance; else it is the share
)
def test_a_late_start_in_a_hundred_is_forgiven(late, count, expected):
    rows = [started(i * 1000, late=60.0 if 0 < i <= late else 0.0, iteration=i) for i in range(count)]
    assert found(rows) == expected


def test_users_that_vanish_leave_too_light_a_load():
    rows = [started(i * 1000 + u, iteration=i, user=u) for i in range(100) for u in range(10) if u < 8 or i < 50]
    assert found(rows, monitor(100, users=10), users=10, stopped_at_ms=100_000.0) == {"achieved_load": "invalid"}


@pytest.mark.parametrize(
    ("users", "told", "expected"),
    [
        ([10] * 5 + [7] * 5, {}, {"users_lost": "invalid"}),
        ([10] * 9 + [0], {}, {"users_lost": "invalid"}),
        ([2, 5, 8, *[10] * 7], {}, {}),  # they come in a ramp
        ([10] * 10, {}, {}),
        ([10] * 5 + [7] * 5, {"users_leave": True}, {}),
        ([10] * 5 + [7] * 5, {"ended": "interrupted"}, {}),
        ([10] * 5 + [7] * 5, {"schedule": "closed", "interval_s": None}, {"users_lost": "invalid"}),
        ([10] * 5 + [7] * 5, {"schedule": "rate", "interval_s": None, "rate_per_s": 10.0}, {"users_lost": "invalid"}),
    ],
)
def test_users_that_end_before_the_run_leave_too_light_a_load(users, told, expected):
    rows = [
        started(second * 1000.0 + 10 * u, iteration=second, user=u)
        for second in range(10)
        for u in range(users[second])
    ]
    told = {"users": 10, "stopped_at_ms": 10_000.0, "warm_up_s": 0.0} | told
    findings = found(rows, monitor(10, users=users), **told)
    assert {rule: how for rule, how in findings.items() if rule == "users_lost"} == expected


def test_users_that_move_from_one_process_to_another_are_not_lost():
    rows = [started(second * 1000.0 + 10 * u, iteration=second, user=u) for second in range(8) for u in range(10)]

    def rules(one, other):
        users = {"master": [a + b for a, b in zip(one, other, strict=True)], "worker-1": one, "worker-2": other}
        watched = pd.concat([monitor(8, users=told, process=process) for process, told in users.items()])
        return found(rows, watched, users=10, stopped_at_ms=8000.0)

    assert "users_lost" not in rules([5, 5, 10, 10, 10, 5, 5, 5], [5, 5, 5, 5, 0, 5, 5, 5])
    assert rules([5] * 8, [5, 5, 5, 5, 0, 0, 0, 0])["users_lost"] == "invalid"


def test_overruns_explain_a_light_load():
    # each answer takes 3 s, so a user starts every 3 s, two seconds after it should have
    rows = [
        started(i * 3000.0 - 2000.0, late=2000.0, user=u, iteration=i, duration_ms=3000.0)
        for i in range(1, 30)
        for u in range(10)
    ]
    assert found(rows, monitor(90, users=10), users=10, stopped_at_ms=90_000.0) == {}


def test_a_long_answer_at_the_end_explains_the_starts_that_it_cost():
    rows = [*steady(50), started(50_000.0, iteration=50, duration_ms=60_000.0)]
    assert found(rows, monitor(100), stopped_at_ms=100_000.0) == {}


@pytest.mark.parametrize(
    ("blame", "error", "word"),
    [
        ("generator", "out_of_descriptors", "ulimit"),
        ("generator", "out_of_ports", "machines"),
        ("config", "dns", "--host"),
        ("config", "tls", "--ca-file"),
        ("generator", "other", "see the errors"),
    ],
)
def test_a_failure_that_is_not_the_targets_invalidates_and_says_what_to_do(blame, error, word):
    rows = [*steady(5), started(5000, base=FAILED, blame=blame, error=error, iteration=5)]
    summary = summarise(samples(*rows), monitor(6), manifest_with(MANIFEST))
    assert not summary["valid"]
    assert word in summary["invalid_reasons"][0]


def test_lost_workers_and_lost_rows_invalidate():
    assert found(steady(5), lost_workers=["w1"]) == {"workers": "invalid"}
    assert found(steady(5), missing_rows=3) == {"workers": "invalid"}


def test_a_run_with_a_worker_that_fell_silent_is_invalid_also_where_it_never_came_back():
    silence = {"worker": "worker-1", "begin": 3.0, "end": 9.0}
    assert found(steady(5), silences=[silence]) == {"silences": "invalid"}
    for_ever = silence | {"end": None}
    assert found(steady(5), silences=[for_ever]) == {"silences": "invalid"}
    assert found(steady(5), silences=[for_ever], lost_workers=["worker-1"]) == {"workers": "invalid"}


@pytest.mark.parametrize(
    ("cut", "ended", "expected"),
    [
        (0, "run-time", {}),
        (1, "run-time", {}),  # 1 of 201
        (2, "run-time", {"unfinished": "invalid"}),
        (2, "failure-threshold", {"unfinished": "warning"}),
    ],
)
def test_requests_that_were_cut_off_are_the_slow_ones(cut, ended, expected):
    rows = [*steady(200), *(started(200_000 + i, base=ABORTED, iteration=200 + i) for i in range(cut))]
    assert found(rows, ended=ended, stopped_at_ms=200_002.0) == expected


def test_a_failure_threshold_that_ended_the_run_is_a_result():
    rows = [started(i * 100, base=FAILED, user=i) for i in range(5)]
    assert found(rows, ended="failure-threshold", failure_threshold=5, users=40, run_time_s=60.0) == {}


def test_many_bounds_user_time_and_a_clock_step_are_worth_a_warning():
    rows = steady(10, ttft_bound=True)
    watched = monitor(10, clock_step_ms=[0.0] * 9 + [-3_600_000.0])
    assert found(rows, watched, timestamp_source="user") == {
        "ttft_bound": "warning",
        "timestamps": "warning",
        "clock": "warning",
    }


@pytest.mark.parametrize(("resent", "expected"), [(0, {}), (1, {}), (2, {"resent": "warning"})])
def test_more_than_one_request_in_a_hundred_sent_again_is_worth_a_warning(resent, expected):
    rows = [started(i * 1000, iteration=i, resent=i < resent) for i in range(100)]
    assert found(rows) == expected


@pytest.mark.parametrize(
    ("bounds", "lag", "expected"),
    [
        (5, 30.0, {}),
        (6, 4.0, {"ttft_bound": "warning"}),
        (6, 6.0, {"ttft_bound": "invalid"}),
        (6, [1.0] * 60 + [30.0] * 40, {"ttft_bound": "warning"}),
    ],
)
def test_bounds_beside_a_late_event_loop_are_the_generators(bounds, lag, expected):
    rows = [started(i * 1000, iteration=i, ttft_bound=i < bounds) for i in range(100)]
    assert found(rows, monitor(100, loop_lag_ms=lag)) == expected


@pytest.mark.parametrize("column", ["ttft_ms", "duration_ms", "connect_ms", "gap_max_ms", "read_lag_ms"])
def test_a_time_below_zero_invalidates(column):
    assert found([*steady(5), started(5000, iteration=5, **{column: -4949.0})]) == {"times": "invalid"}
    assert found([*steady(5), started(5000, iteration=5, **{column: 0.0})]) == {}


@pytest.mark.parametrize(
    ("times", "rule"),
    [
        ({"ttft_ms": 600.0, "duration_ms": 626.0, "chunks": 30}, {"stream": "warning"}),
        ({"ttft_ms": 600.0, "duration_ms": 600.0, "chunks": 30}, {"stream": "warning"}),  # in one segment
        ({"ttft_ms": 600.0, "duration_ms": 700.0, "chunks": 100}, {}),  # a fast stream after a slow start
        ({"ttft_ms": 600.0, "duration_ms": 640.0, "chunks": 5}, {}),  # few chunks at a stream's pace
        ({"ttft_ms": 600.0, "duration_ms": 601.0, "chunks": 2}, {}),
        ({"ttft_ms": 20.0, "duration_ms": 21.0, "chunks": 30}, {}),
        ({"ttft_ms": None, "duration_ms": 600.0, "chunks": None}, {}),  # whole answers
    ],
)
def test_a_stream_that_comes_all_at_its_end_is_said_to_be_buffered(times, rule):
    assert found(steady(5, **times)) == rule


def test_a_few_answers_from_a_buffer_are_no_buffered_stream():
    held = steady(4, ttft_ms=600.0, duration_ms=626.0, chunks=30)
    assert found([*held, *(started(i * 1000, iteration=i) for i in range(4, 9))]) == {}


def test_a_start_a_moment_early_is_no_negative_time():
    assert found([*steady(5), started(5000, late=-0.8, iteration=5)]) == {}


def test_how_the_run_ended_is_said():
    assert found(steady(5), partial=True) == {"end": "warning"}
    assert found(steady(5), ended="interrupted") == {"end": "warning"}
    assert found(steady(5), ended="error") == {"end": "invalid"}


@pytest.mark.parametrize("more", [{"ended": "error"}, {"ended": "run-time"}, {"partial": True}])
def test_housekeeping_that_died_invalidates_however_the_run_ended_and_says_what_and_why(more):
    died = [{"process": "worker-1", "name": "the monitor of the generator", "why": "OSError: no files"}]
    assert found(steady(5), housekeeping_died=died, **more) == {"end": "invalid"}
    summary = summarise(samples(*steady(5)), monitor(5), manifest_with(MANIFEST | more | {"housekeeping_died": died}))
    assert "the monitor of the generator died in worker-1 (OSError: no files)" in summary["invalid_reasons"][0]


def test_values_that_did_not_fit_their_columns_are_a_warning():
    assert found(steady(5), nulled_values=0) == {}
    assert found(steady(5), nulled_values=2) == {"workers": "warning"}


def test_the_invalid_stands_before_the_warnings():
    summary = summarise(
        samples(*steady(5)), monitor(5), manifest_with(MANIFEST | {"partial": True, "lost_workers": ["w1"]})
    )
    assert [f["severity"] for f in summary["findings"]] == ["invalid", "warning"]


def unchecked(*rows, watched, **manifest):
    return summarise(samples(*rows), watched, manifest_with(MANIFEST | manifest))["unchecked_rules"]


def test_a_rule_that_had_nothing_to_look_at_was_not_checked():
    assert unchecked(*steady(5), watched=monitor(5)) == []
    assert unchecked(*steady(5), watched=monitor(2)) == ["generator_cpu", "event_loop", "blocked"]
    assert unchecked(*steady(5), watched=monitor()) == ["generator_cpu", "event_loop", "blocked", "users_lost", "clock"]
    assert unchecked(*steady(5), watched=monitor(5), ended="interrupted") == ["achieved_load", "users_lost"]


def test_every_rule_says_its_limit_and_why():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.limit and rule.why for rule in RULES)


def speech(sent, late):
    frame = samples(*steady(5))
    return frame.assign(sent_chunks=sent, late_chunks=late)


def test_audio_that_was_sent_late_makes_a_run_of_speech_invalid():
    def rules(sent, late):
        return [f["rule"] for f in summarise(speech(sent, late), monitor(5), manifest_with(MANIFEST))["findings"]]

    assert rules(sent=1000, late=10) == []
    assert rules(sent=1000, late=11) == ["audio_pace"]


def test_rules_of_another_workload_are_no_rules_of_this_one():
    assert "audio_pace" not in [rule.name for rule in rules_for(samples(*steady(5)))]
    assert "audio_pace" in [rule.name for rule in rules_for(speech(10, 0))]


CAME_AT_ONCE = {"ended": "failure-threshold", "users": 500, "phase_asked": "auto", "ramp_per_s": None}


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        pytest.param(CAME_AT_ONCE, True, id="all at once"),
        pytest.param(CAME_AT_ONCE | {"ramp_per_s": 10.0}, False, id="a ramp"),
        pytest.param(CAME_AT_ONCE | {"ended": "run-time"}, False, id="not stopped"),
        pytest.param(CAME_AT_ONCE | {"users": None}, False, id="a load shape's users"),
        pytest.param({"ended": "failure-threshold", "users": 500}, False, id="a run of before there were ramps"),
    ],
)
def test_users_that_came_all_at_once_say_nothing_about_capacity(manifest, told):
    findings = found([*steady(5), started(5000, base=FAILED)], **manifest)
    assert findings.get("users_at_stop") == ("warning" if told else None)


def test_a_ramp_whose_users_waited_for_their_places_came_in_pulses():
    assert found(steady(10), pulses=True) == {"ramp": "warning"}
    assert found(steady(10), pulses=False) == {}


@pytest.mark.parametrize(("rtf", "rule"), [(0.25, {}), (0.00029, {"server_rtf": "warning"}), (None, {})])
def test_a_recognisers_factor_in_the_wrong_unit_is_told(rtf, rule):
    frame = samples(*steady(10)).assign(server_rtf=rtf)
    summary = summarise(frame, monitor(10), manifest_with(MANIFEST))
    assert {finding.rule: finding.severity for finding in summary.findings} == rule


def test_a_run_whose_users_were_changed_is_two_loads():
    changes = [{"at_ms": 5_000.0, "users": 12}]
    assert found(steady(10), users_changed=changes) == {"users_changed": "invalid"}
    (finding,) = summarise(
        samples(*steady(10)), monitor(10), manifest_with(MANIFEST | {"users_changed": changes})
    ).findings
    assert "12 users from 5 s" in finding.message


def test_workers_that_differ_from_the_run_and_messages_that_were_refused_invalidate():
    other = {"process": "worker-0", "name": "--interval", "worker": "5.0", "run": "20.0"}
    assert found(steady(10), other_settings=[other]) == {"other_settings": "invalid"}
    assert found(steady(10), refused_messages=1) == {"refused_messages": "invalid"}
