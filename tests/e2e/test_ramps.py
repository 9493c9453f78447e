"""A ramp until it breaks, against servers that are not ours; their log is the truth.

By arithmetic: answers of 10 s, an interval of 20 s and 10 users a second keep 100 requests in flight until 20 s, and
100 + 10 (t − 20) from then on. A server that holds 138 is full at 23.8 s, refuses the 5th request half a second
later, and 243 users have started; one that holds 150 is stopped at 255.
"""

import json
import signal
import urllib.parse
import urllib.request
from collections import Counter
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.series import over_time
from katydid.target.process import start_target
from limited import Limited
from running import free_port, katydid, locust, the_run, wait_until

pytestmark = pytest.mark.e2e

FULL = {"users": 500, "rate": 10, "interval": 20}
SMALL = {"users": 60, "rate": 10, "interval": 2}
"""A tenth of the time: with answers of 1 s, 10 are in flight until 2 s, and 10 + 10 (t − 2) from then on."""
BY_ARITHMETIC = {138: 243, 150: 255}
SIDES = {"old": 138, "new": 150}
HOW = ["one process", "two processes", "master and workers"]


def ramp(server, folder, *words, users, rate, interval):
    more = ("--spawn-rate", rate) if rate else ()
    return katydid(
        "run", "stream", "--api", "ollama", "--host", server.url, "--users", users, "--interval", interval, *more,
        *words, folder=folder,
    )  # fmt: skip


def ended(run_):
    """It came to its end; valid, or on a busy machine not: what is asserted here holds all the same."""
    assert run_.wait(100) in {0, 4}, run_.err


def in_each_second(log):
    """Requests by the second of the ramp, from the first of them on."""
    begin = log[0].at - 0.01
    return Counter(int(asked.at - begin) for asked in log)


def agrees(run, log):
    """Rows and log tell the same: every request, and every healthy stream as one that ended well."""
    samples = run.samples
    assert sorted(samples["request_id"]) == sorted(asked.request_id for asked in log)
    outcomes = samples.set_index("request_id")["outcome"]
    assert {outcomes[asked.request_id] for asked in log if asked.status == 200} == {"ok"}
    assert {outcomes[asked.request_id] for asked in log if asked.status == 503} == {"failed"}


def stopped_as_it_should(run, log, users):
    summary, stop = run.summary, run.manifest["stopped_at_ms"]
    agrees(run, log)
    counts = summary["counts"]
    assert run.manifest["ended"] == "failure-threshold"
    assert (run.manifest["phase"], run.manifest["phase_asked"]) == ("spawn", "auto")
    assert counts["failed"] == 5
    assert counts["requests"] == counts["ok"] + 5
    assert counts["ok"] == sum(asked.status == 200 for asked in log)
    started = run.samples[run.samples["start_ms"] <= stop]
    assert summary["users_at_stop"] == started["user"].nunique()
    ended = started["start_ms"] + started["duration_ms"]
    assert abs(summary["metrics"]["in_flight_at_stop"] - (ended > stop).sum()) <= 1
    assert abs(summary["users_at_stop"] / users - 1) <= 0.02, summary["users_at_stop"]


# Small, for every day


@pytest.mark.parametrize("processes", [1, 2])
def test_a_ramp_stops_where_the_server_is_full_and_keeps_what_was_healthy(tmp_path, processes):
    words = ("--processes", 2) if processes == 2 else ()
    with Limited(14, 1.0) as server:
        run_ = ramp(server, tmp_path, *words, **SMALL)
        ended(run_)
        log = server.log()
    run = the_run(tmp_path / "reports")
    agrees(run, log)
    counts = run.summary["counts"]
    assert counts["failed"] == 5
    later = counts["after_stop"] - run.summary["metrics"]["in_flight_at_stop"]
    assert later in {0, 1}, "one that was about to connect may start a moment after the stop"
    assert counts["after_stop"] > 10
    assert abs(run.summary["users_at_stop"] - 29) <= 2
    assert (run.manifest["phase"], run.manifest["ramp_per_s"]) == ("spawn", 10.0)
    assert run.samples["worker"].nunique() == processes
    assert "a ramp: 10 users per second" in run_.out
    frame = with_derived(run.samples, manifest_with(run.manifest))
    course = over_time(frame, frame.iloc[:0].assign(process="", at_ms=0.0, users=0), manifest_with(run.manifest))
    in_drain = course[course["seconds"] > run.manifest["stopped_at_ms"] / 1000.0]
    assert in_drain["in_flight"].iloc[0] > 1, "what drains is in the picture"


def test_a_ramp_that_is_asked_for_may_be_short(tmp_path):
    with Limited(0, 0.1) as server:
        run_ = ramp(server, tmp_path, "--ramp", 10, "--run-time", "2s", users=10, rate=None, interval=20)
        assert run_.wait() == 0, run_.err
    run = the_run(tmp_path / "reports")
    assert (run.manifest["spawn_rate"], run.manifest["ramp_per_s"]) == (10, 10)
    due = np.sort(run.samples["scheduled_ms"])
    assert np.diff(due) == pytest.approx([100.0] * 9, abs=0.01)


SHAPED = """
from locust import LoadTestShape
from katydid.workloads.stream.user import StreamUser

class Stream(StreamUser):
    pass

class Shape(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return None if seconds > 6 else (30, 10) if seconds < 4 else (33, 10)
"""


def test_a_load_shape_has_ramps_too_where_it_spawns_for_longer_than_an_interval(tmp_path):
    (tmp_path / "shaped.py").write_text(SHAPED)
    with Limited(0, 0.1) as server:
        words = ("--api", "ollama", "--host", server.url, "--interval", 2)
        run_ = katydid("run", "shaped.py", *words, folder=tmp_path)
        ended(run_)
    run = the_run(tmp_path / "reports")
    assert (run.manifest["phase"], run.manifest["ramp_per_s"]) == ("spawn", 10)
    first = run.samples[run.samples["iteration"] == 0].sort_values("scheduled_ms")["scheduled_ms"]
    assert np.diff(first[:30]) == pytest.approx([100.0] * 29, abs=20), "Locust may be late with a batch"
    assert len(first) == 33


FEW_A_SECOND = """
from locust import LoadTestShape
from katydid.workloads.stream.user import StreamUser

class Stream(StreamUser):
    pass

class Shape(LoadTestShape):
    def tick(self):
        seconds = self.get_run_time()
        return None if seconds > 6 else (5 * (1 + int(seconds)), 100)
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_load_shape_that_adds_a_few_users_each_second_is_a_ramp(tmp_path, processes):
    (tmp_path / "shaped.py").write_text(FEW_A_SECOND)
    words = ("--processes", 2) if processes == 2 else ()
    with Limited(0, 0.1) as server:
        options = ("--api", "ollama", "--host", server.url, "--interval", 2, *words)
        run_ = katydid("run", "shaped.py", *options, folder=tmp_path)
        ended(run_)
    assert "a ramp: 5 users per second" in run_.out
    run = the_run(tmp_path / "reports")
    assert (run.manifest["phase"], run.manifest["ramp_per_s"]) == ("spawn", 5)
    first = run.samples[run.samples["iteration"] == 0].sort_values("scheduled_ms")["scheduled_ms"]
    assert len(first) >= 25
    gaps = np.diff(first[:25])
    assert (np.abs(gaps - 200.0) < 1.0).sum() >= 18, "all but those between two answers"
    assert gaps.max() < 1400, "an answer for which Locust is late comes a second later"


def test_a_grid_that_users_reach_too_late_is_warned_of(tmp_path):
    with Limited(0, 0.1) as server:
        run_ = ramp(server, tmp_path, "--phase", "spread", "--run-time", "4s", users=30, rate=10, interval=2)
        ended(run_)
    assert "with --phase spread, users of a ramp wait for their places" in run_.out
    run = the_run(tmp_path / "reports")
    assert (run.manifest["phase"], run.manifest["ramp_per_s"]) == ("spread", None)
    assert "ramp" in {finding["rule"] for finding in run.summary["findings"]}


def test_what_the_drain_cuts_is_censored_there(tmp_path):
    with Limited(14, 1.0) as server:
        run_ = ramp(server, tmp_path, "--drain", "0.3", **SMALL)
        ended(run_)
    run = the_run(tmp_path / "reports")
    cut = run.samples[run.samples["outcome"] == "aborted"]
    assert cut["after_stop"].all()
    ends = cut["ended_ms"] - run.manifest["stopped_at_ms"]
    assert ends.between(250, 800).all(), "all in the same moment, with the time that they had"
    counts = run.summary["counts"]
    assert (counts["aborted"], counts["failed"]) == (len(cut), 5)
    assert counts["ok"] + counts["aborted"] + counts["failed"] == counts["requests"]


@pytest.mark.parametrize("processes", [1, 2])
def test_as_many_failures_again_end_the_drain(tmp_path, processes):
    words = ("--processes", 2) if processes == 2 else ()
    with start_target(fail=("http_500=0.5", "hang=0.5"), seed=4) as target:
        run_ = katydid(
            "run", "stream", "--host", target.url, "--users", 30, "--interval", 20, "--phase", "burst",
            "--failure-threshold", 3, *words, folder=tmp_path,
        )  # fmt: skip
        assert run_.wait(30) == 1, "no request succeeded; and not after a minute of drain"
    run = the_run(tmp_path / "reports")
    counts = run.summary["counts"]
    assert counts["failed"] == 3
    assert counts["failed_after_stop"] >= 3
    assert counts["aborted"] > 0
    assert counts["failed"] + counts["failed_after_stop"] + counts["aborted"] == counts["all"] == 30
    assert f"({counts['failed_after_stop']} that failed later not counted)" in run_.out


def test_ctrl_c_ends_the_drain(tmp_path):
    with Limited(3, 30.0) as server:
        run_ = ramp(server, tmp_path, users=20, rate=None, interval=2)
        wait_until(lambda: "waiting up to" in run_.out, 20, "the drain")
        run_.signal(signal.SIGINT)
        assert run_.wait(15) == 1, "no request succeeded: those that might have were cut"
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "failure-threshold"
    assert (run.samples["outcome"] == "aborted").sum() == 3
    rules = {finding["rule"] for finding in run.summary["findings"]}
    assert "users_at_stop" in rules, "they all came at once"


# In full


@pytest.mark.slow
@pytest.mark.parametrize("limit", BY_ARITHMETIC)
@pytest.mark.parametrize("processes", [1, 2])
def test_the_origins_stress_test(tmp_path, limit, processes):
    words = ("--processes", 2) if processes == 2 else ()
    with Limited(limit, 10.0) as server:
        ended(ramp(server, tmp_path, *words, **FULL))
        log = server.log()
    stopped_as_it_should(the_run(tmp_path / "reports"), log, BY_ARITHMETIC[limit])


@pytest.mark.slow
@pytest.mark.parametrize("limit", BY_ARITHMETIC)
def test_with_separate_master_and_workers(tmp_path, limit):
    with Limited(limit, 10.0) as server:
        with master_of(tmp_path, 2) as words:
            ended(ramp(server, tmp_path, *words, **FULL))
        log = server.log()
    stopped_as_it_should(the_run(tmp_path / "reports"), log, BY_ARITHMETIC[limit])


@contextmanager
def master_of(folder, count):
    """The words that make a run the master of so many workers; at the end these have ended by themselves."""
    port = free_port()
    workers = [locust("--worker", "--master-port", port, folder=folder / "workers") for _ in range(count)]
    yield "--master", "--master-bind-port", port, "--master-bind-host", "127.0.0.1", "--expect-workers", count
    assert [worker.wait(20) for worker in workers] == [0] * count


@pytest.mark.slow
@pytest.mark.parametrize("limit", BY_ARITHMETIC)
def test_through_the_web_page(tmp_path, limit):
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    process = locust("--web-host", "127.0.0.1", "--web-port", port, folder=tmp_path)
    with Limited(limit, 10.0) as server:
        try:
            wait_until(lambda: is_up(page), 30, "the web page")
            form = {"user_count": 500, "spawn_rate": 10, "host": server.url, "api": "ollama"}
            with urllib.request.urlopen(f"{page}/swarm", urllib.parse.urlencode(form).encode(), timeout=20) as answer:
                assert json.loads(answer.read())["success"]
            wait_until(lambda: list(tmp_path.rglob("summary.json")), 60, "the report")
        finally:
            process.end()
        log = server.log()
    stopped_as_it_should(the_run(tmp_path / "reports"), log, BY_ARITHMETIC[limit])


QUICK = {"users": 500, "rate": 50, "interval": 4}
"""The stress test at five times its pace: with answers of 2 s, the same users at the same limits."""


def versions(folder, limits, runs, how="one process"):
    """So many runs of each version, interleaved; what `katydid compare` says of them."""
    for turn in range(runs):
        for name, limit in list(limits.items())[:: -1 if turn % 2 else 1]:
            with Limited(limit, 2.0) as server, spread_over(how, folder) as words:
                more = ("--version-label", name, "--run-time", "12s", "--results", folder / "reports")
                ended(ramp(server, folder, *words, *more, **QUICK))
    return compared(folder, limits)


def compared(folder, limits):
    """What `katydid compare` says of the runs of these versions."""
    sides = [folder / "reports" / "stream" / name for name in limits]
    compare = katydid("compare", *sides, "--json", folder / "compare.json", "--no-history", folder=folder)
    assert compare.wait(60) == 0, compare.err
    return json.loads((folder / "compare.json").read_text()), compare.out


def users_of(result):
    return next(metric for metric in result["metrics"] if metric["name"] == "users_at_stop")


@contextmanager
def spread_over(how, folder):
    """The words that spread a run over one process, over two, or over a master and two workers."""
    if how == "master and workers":
        with master_of(folder, 2) as words:
            yield words
    else:
        yield ("--processes", 2) if how == "two processes" else ()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", HOW)
def test_five_runs_a_side_at_the_origins_pace(tmp_path, how):
    """Both versions at the same time, or this would take twice as long."""
    for turn in range(5):
        with ExitStack() as both:
            for name in list(SIDES)[:: -1 if turn % 2 else 1]:
                server = both.enter_context(Limited(SIDES[name], 10.0))
                words = both.enter_context(spread_over(how, tmp_path / name))
                where = ("--results", tmp_path / "reports", "--version-label", name)
                both.callback(ended, ramp(server, tmp_path / name, *words, *where, **FULL))
    holds_five_percent_more(*compared(tmp_path, SIDES))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_five_runs_a_side_find_the_few_percent_by_which_a_version_holds_more(tmp_path):
    holds_five_percent_more(*versions(tmp_path, SIDES, 5))


def holds_five_percent_more(result, out):
    """By arithmetic 12 users of 243, to within one user."""
    users = users_of(result)
    assert result["verdict"] == users["verdict"] == "faster"
    assert users["primary"]
    assert users["low"] > 0
    assert users["low"] - 1 / 243 <= 12 / 243 <= users["high"] + 1 / 243
    assert "holds more users than" in out


@pytest.mark.slow
def test_one_run_a_side_gives_both_figures_and_what_it_would_take(tmp_path):
    result, _ = versions(tmp_path, SIDES, 1)
    users = users_of(result)
    assert result["verdict"] == "cannot_tell"
    assert users["base"] == pytest.approx(243, rel=0.02)
    assert users["new"] == pytest.approx(255, rel=0.02)
    assert users["runs_needed"] > 1


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_a_version_without_a_limit_holds_at_least_its_users(tmp_path, how):
    result, out = versions(tmp_path, {"old": 138, "new": 0}, 1, how)
    users = users_of(result)
    assert (result["verdict"], users["bound"], users["new"]) == ("faster", "lower", 500)
    assert "at least" in out


def is_up(page):
    try:
        return urllib.request.urlopen(page, timeout=5).read()
    except OSError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("rate", [5, 10])
def test_the_offered_rate_is_the_spawn_rate_times_the_intervals_begun(tmp_path, rate, processes):
    words = ("--processes", 2) if processes == 2 else ()
    with Limited(0, 10.0) as server:
        run_ = ramp(server, tmp_path, "--failure-threshold", 0, "--run-time", "45s", *words, **(FULL | {"rate": rate}))
        ended(run_)
        log = server.log()
    run = the_run(tmp_path / "reports")
    seconds = in_each_second(log)
    wrong = {s: seconds[s] for s in range(44) if abs(seconds[s] - rate * (1 + s // 20)) > 2}
    assert wrong == {}
    metrics = run.summary["metrics"]
    assert metrics["requests_per_s"] == pytest.approx(metrics["offered_per_s"], rel=0.02)
