"""Runs end to end: Locust as a process, against the embedded target; the log of the target is the truth."""

import html
import itertools
import re
import signal
import time
from datetime import datetime

import psutil
import pytest

from katydid.runs.folder import RunFolder
from katydid.runs.gaps import counted
from running import BIN, COMPLETE, Run, Running, free_port, katydid, locust, runs_in, the_run, wait_until
from schemas import misfits

pytestmark = pytest.mark.e2e


def stream(target, folder, *words, users, interval, env=None):
    return katydid(
        "run", "stream", "--host", target.url, "--users", users, "--interval", interval, *words, folder=folder, env=env
    )


def in_run(run: Run):
    """Failed rows that belong to the run."""
    samples = run.samples
    return samples[(samples["outcome"] == "failed") & ~samples["after_stop"]]


# The main job


def test_a_run_leaves_a_complete_folder_and_says_where_its_report_is(target, tmp_path):
    service = target(ttft=0.05, chunk_interval=0.01, chunks=10)
    done = stream(service, tmp_path, "--run-time", "4s", "--version-label", "v1/x", users=10, interval=1)
    assert done.wait() == 0, done.err
    run = the_run(tmp_path / "reports")
    assert run.files == COMPLETE
    assert str(run.path.relative_to(tmp_path)) + "/report.html" in done.out
    assert "PASSED: " in done.out
    samples, truth = run.samples, service.log()
    assert set(samples["outcome"]) == {"ok"}
    assert sorted(samples["request_id"]) == sorted(line["request_id"] for line in truth)
    assert (samples["completion_tokens"] == 10).all()
    assert (samples["chunks"] == 10).all()
    assert counted(RunFolder(run.path).gaps()).total == 9 * (~samples["warm_up"]).sum()
    assert 5 < run.summary["metrics"]["itl.p50"] < 50
    assert run.manifest["ended"] == "run-time"
    assert run.manifest["timestamp_source"] == "kernel"
    assert run.path.parent.name.startswith("v1-x-"), "and what tells it from v1-x"
    assert run.summary["valid"]
    assert misfits("manifest", run.manifest) == misfits("summary", run.summary) == []


def test_the_reported_first_token_is_the_targets_own(target, tmp_path):
    service = target(ttft=0.1, chunk_interval=0.01, chunks=10, jitter=0.5)
    assert stream(service, tmp_path, "--run-time", "4s", users=10, interval=1).wait() == 0
    samples = the_run(tmp_path / "reports").samples.set_index("request_id")
    errors = []
    for line in service.log():
        truth = (line["first_chunk_mono_ns"] - line["received_mono_ns"]) / 1e6
        errors.append(samples.loc[line["request_id"], "ttft_ms"] - truth)
    errors.sort()
    assert 0 <= errors[len(errors) // 2] < 5
    assert errors[0] > -1, "never earlier than the target wrote it"


@pytest.mark.parametrize("api", ["openai", "ollama"])
@pytest.mark.parametrize("client", ["fast", "requests"])
def test_every_dialect_and_client(target, tmp_path, api, client):
    service = target(ttft=0.05, chunk_interval=0.01, chunks=10)
    words = ("--run-time", "2s", "--api", api, "--client", client, "--check", "full")
    done = stream(service, tmp_path, *words, users=4, interval=0.5)
    assert done.wait() == 0, done.err
    run = the_run(tmp_path / "reports")
    assert set(run.samples["outcome"]) == {"ok"}
    assert (run.samples["completion_tokens"] == 10).all()
    assert run.manifest["timestamp_source"] == ("kernel" if client == "fast" else "user")


# Pacing: the same load for every version


@pytest.mark.parametrize(("duration", "chunks"), [(0.1, 3), pytest.param(0.75, 16, marks=pytest.mark.slow)])
def test_a_faster_server_does_not_get_more_requests(target, tmp_path, duration, chunks):
    service = target(ttft=0.05, chunk_interval=(duration - 0.05) / (chunks - 1), chunks=chunks)
    assert stream(service, tmp_path, "--run-time", "8s", users=20, interval=1).wait() == 0
    samples = the_run(tmp_path / "reports").samples
    assert abs(len(samples) - 160) <= 5
    grid = samples.sort_values("iteration").groupby("user")["start_ms"]
    drift = grid.last() - grid.first() - (samples.groupby("user")["iteration"].max() * 1000.0)
    assert drift.abs().median() < 20


def test_starts_are_spread_evenly_over_the_interval(target, tmp_path):
    service = target(ttft=0.01, chunk_interval=0.01, chunks=3)
    assert stream(service, tmp_path, "--run-time", "3s", users=20, interval=2).wait() == 0
    samples = the_run(tmp_path / "reports").samples
    first = samples[samples["iteration"] == 0]["scheduled_ms"].sort_values().to_list()
    assert [round(b - a) for a, b in itertools.pairwise(first)] == [100] * 19


def test_a_burst_starts_all_users_together(target, tmp_path):
    service = target(ttft=0.01, chunk_interval=0.01, chunks=3)
    words = ("--run-time", "6s", "--phase", "burst", "--spawn-rate", "20")
    assert stream(service, tmp_path, *words, users=20, interval=20).wait() == 0
    samples = the_run(tmp_path / "reports").samples
    assert len(samples) == 20
    assert samples["scheduled_ms"].nunique() == 1


@pytest.mark.slow
def test_a_server_slower_than_the_interval_makes_every_start_late(target, tmp_path):
    service = target(ttft=0.5, chunk_interval=0.25, chunks=5)
    assert stream(service, tmp_path, "--run-time", "8s", users=5, interval=1).wait() == 0
    run = the_run(tmp_path / "reports")
    assert run.summary["metrics"]["late_share"] == 1.0
    samples = run.samples.sort_values(["user", "iteration"])
    ends = samples["start_ms"] + samples["duration_ms"]
    waits = (samples["start_ms"] - ends.groupby(samples["user"]).shift()).dropna()
    assert waits.median() < 20, "the next request starts at once"


# The failure threshold


@pytest.mark.parametrize("processes", [1, 2])
def test_it_stops_at_exactly_the_nth_failure(target, tmp_path, processes):
    service = target(fail=("http_500",))
    words = ("--run-time", "60s", *(("--processes", "2") if processes == 2 else ()))
    done = stream(service, tmp_path, *words, users=40, interval=2, env={"LOAD_TEST_FAILURE_THRESHOLD": "5"})
    assert done.wait(40) == 1, "no request succeeded"
    run = the_run(tmp_path / "reports")
    assert run.summary["headline"]["outcome"] == "failed"
    assert len(in_run(run)) == 5
    assert run.files == COMPLETE
    assert run.manifest["ended"] == "failure-threshold"
    assert len(run.samples) == len(service.log()), "what ended after the stop is kept"
    assert "Stopped at the 5th failure" in done.out


@pytest.mark.parametrize("command", ["katydid", "locust"])
def test_a_wrong_endpoint_fails_the_run_and_every_renderer_says_so(target, tmp_path, command):
    service = target()
    words = ("--users", 4, "--interval", 0.5, "--run-time", "2s", "--endpoint", "/v1/nothing", "--host", service.url)
    words += ("--preflight", "list")  # a request before the load would see it
    if command == "katydid":
        done = katydid("run", "stream", *words, folder=tmp_path)
    else:
        done = locust("--headless", *words, folder=tmp_path)
    assert done.wait() == 1, done.err
    run = the_run(tmp_path / "reports")
    headline = run.summary["headline"]
    assert headline["outcome"] == "failed"
    assert headline["text"].startswith("FAILED: no request succeeded (404 at /v1/nothing: check --host and --endpoint)")
    assert [row["blame"] for row in run.summary["errors"]] == ["config"]
    assert headline["text"] in done.out + done.err
    page = re.sub("<[^>]*>", "", (run.path / "report.html").read_text())
    assert headline["text"] in html.unescape(page)
    again = katydid("report", run.path, folder=tmp_path)
    assert (again.wait(), again.out.strip().splitlines()[0]) == (0, headline["text"])


def test_it_stops_exactly_when_users_fail_while_others_succeed(target, tmp_path):
    service = target(ttft=0.05, chunk_interval=0.005, chunks=10, fail=("http_500=0.2",), seed=3)
    words = ("--run-time", "60s", "--processes", "2", "--failure-threshold", "12")
    done = stream(service, tmp_path, *words, users=40, interval=0.5)
    assert done.wait(60) == 0, "stopped, with successes"
    run = the_run(tmp_path / "reports")
    assert run.summary["headline"]["outcome"] == "stopped"
    assert len(in_run(run)) == 12
    assert run.samples["request_id"].is_unique, "also over processes"
    assert run.samples["request_id"].str.fullmatch("[0-9a-f]{32}").all()
    assert (run.samples["outcome"] == "ok").sum() > 12
    assert set(in_run(run)["error"]) == {"http_5xx"}


def test_a_threshold_of_zero_never_stops(target, tmp_path):
    service = target(fail=("http_500",))
    done = stream(service, tmp_path, "--run-time", "3s", "--failure-threshold", "0", users=10, interval=0.5)
    assert done.wait() == 1, "no request succeeded"
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "run-time"
    assert len(in_run(run)) > 20  # far beyond the default threshold of 5; a busy machine sends fewer than 60


@pytest.mark.slow
def test_separate_master_and_workers_stop_exactly_and_lose_nothing(target, tmp_path):
    service = target(fail=("http_500",))
    port = free_port()
    workers = [locust("--worker", "--master-port", port, folder=tmp_path / "workers") for _ in range(2)]
    master = locust(
        "--master", "--master-bind-port", port, "--master-bind-host", "127.0.0.1", "--expect-workers", "2",
        "--headless", "--host", service.url, "--users", "40", "--spawn-rate", "40", "--interval", "2",
        "--run-time", "60s", folder=tmp_path,
    )  # fmt: skip
    assert master.wait(40) == 1, "no request succeeded"
    assert [worker.wait(20) for worker in workers] == [0, 0]
    run = the_run(tmp_path / "reports")
    assert len(in_run(run)) == 5
    assert len(run.samples) == len(service.log())
    assert run.manifest["workers"] == 2
    told = master.err.splitlines()
    assert any("40 users, one request per user every 2 s" in line for line in told)
    assert any("Stopped at the 5th failure" in line for line in told)
    assert any(run.summary["headline"]["text"] in line and "Report: reports/" in line for line in told)


def test_katydid_runs_as_master_and_worker_too(target, tmp_path):
    service = target(ttft=0.05, chunk_interval=0.01, chunks=5)
    port = free_port()
    worker = katydid("run", "stream", "--worker", "--master-port", port, folder=tmp_path / "worker")
    words = ("--master", "--master-bind-port", port, "--expect-workers", 1, "--run-time", "3s")
    master = stream(service, tmp_path, *words, users=5, interval=0.5)
    assert master.wait(40) == 0, master.err
    assert worker.wait(20) == 0, worker.err
    run = the_run(tmp_path / "reports")
    start, *_, report = (line for line in master.out.splitlines() if line)
    assert start.startswith("5 users, one request per user every 0.5 s")
    assert report == f"Report: {(run.path / 'report.html').relative_to(tmp_path)}"
    assert " ".join(run.summary["headline"]["text"].split()) in " ".join(master.out.split())
    assert sorted(run.samples["request_id"]) == sorted(line["request_id"] for line in service.log())
    assert counted(RunFolder(run.path).gaps()).total == 4 * (~run.samples["warm_up"]).sum()


def test_a_run_that_lost_a_worker_says_so_and_is_invalid(target, tmp_path):
    service = target(ttft=0.05, chunk_interval=0.01, chunks=5)
    run_ = stream(service, tmp_path, "--run-time", "9s", "--processes", "2", users=10, interval=0.5)
    wait_until(lambda: service.stats()["requests"] > 40, 30, "some load")
    psutil.Process(run_.process.pid).children()[0].kill()
    assert run_.wait(40) == 4, run_.err
    run = the_run(tmp_path / "reports")
    assert run.manifest["lost_workers"] in (["worker-0"], ["worker-1"])
    assert any("lost" in reason for reason in run.summary["invalid_reasons"])
    assert run.files >= COMPLETE
    assert run.samples["worker"].nunique() == 2, "what it had handed in is kept"


# The end of a run: nothing is lost


def slow_requests(target):
    return target(ttft=1.0, chunk_interval=0.1, chunks=11)  # two seconds


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_requests_in_flight_at_the_end_are_all_there(target, tmp_path, processes):
    service = slow_requests(target)
    words = ("--run-time", "5s", *(("--processes", "2") if processes == 2 else ()))
    done = stream(service, tmp_path, *words, users=10, interval=1)
    assert done.wait() in {0, 4}, done.err  # 4 where this machine is too busy for a valid run
    run = the_run(tmp_path / "reports")
    assert sorted(run.samples["request_id"]) == sorted(line["request_id"] for line in service.log())
    assert set(run.samples["outcome"]) == {"ok"}
    assert (
        f">{len(run.samples)}<" in (run.path / "locust.html").read_text()
        or str(len(run.samples)) in (run.path / "locust.html").read_text()
    )


SLOW_IMPORT = """
import time
from locust import HttpUser, constant, task
import katydid.engine.plugin

class Plain(HttpUser):
    wait_time = constant(0.2)

    @task
    def get(self):
        self.client.get("/v1/models")

time.sleep(2.5)
"""


@pytest.mark.slow
def test_a_run_of_plain_users_lasts_as_long_as_asked_however_long_their_file_takes_to_import(target, tmp_path):
    (tmp_path / "plain.py").write_text(SLOW_IMPORT)
    words = ("-f", "plain.py", "--headless", "--users", 2, "--run-time", "4s", "--host", target().url)
    running = Running([BIN / "locust", *words], tmp_path)
    assert running.wait(40) != 130, running.out + running.err
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "run-time"
    assert run.manifest["stopped_at_ms"] > 3000


@pytest.mark.slow
def test_a_signal_just_before_the_end_is_no_end_by_run_time(target, tmp_path):
    run_ = stream(target(), tmp_path, "--run-time", "6s", users=4, interval=0.5)
    wait_until(has_rows(tmp_path / "reports"), 30, "the first rows")
    began = datetime.fromisoformat(the_run(tmp_path / "reports").manifest["started_utc"]).timestamp()
    time.sleep(began + 5.2 - time.time())
    run_.signal(signal.SIGTERM)
    assert run_.wait(30) == 130, run_.err
    assert the_run(tmp_path / "reports").manifest["ended"] == "interrupted"


def has_rows(results, count=1):
    def check():
        return sum(p.stat().st_size > 2000 for p in results.rglob("samples.rows")) >= count

    return check


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_with_every_row(target, tmp_path, processes, number):
    service = slow_requests(target)
    words = ("--run-time", "60s", *(("--processes", "2") if processes == 2 else ()))
    run_ = stream(service, tmp_path, *words, users=10, interval=1)
    wait_until(has_rows(tmp_path / "reports"), 30, "the first rows")
    run_.signal(number)
    assert run_.wait(30) == 130, run_.err
    run = the_run(tmp_path / "reports")
    assert run.files == COMPLETE
    assert run.manifest["ended"] == "interrupted"
    assert sorted(run.samples["request_id"]) == sorted(line["request_id"] for line in service.log())


def test_ctrl_c_in_a_terminal_reaches_all_processes_and_loses_nothing(target, tmp_path):
    service = slow_requests(target)
    run_ = stream(service, tmp_path, "--run-time", "60s", "--processes", "2", users=10, interval=1)
    wait_until(has_rows(tmp_path / "reports"), 30, "the first rows")
    run_.signal_all(signal.SIGINT)
    assert run_.wait(30) == 130, run_.err
    run = the_run(tmp_path / "reports")
    assert sorted(run.samples["request_id"]) == sorted(line["request_id"] for line in service.log())
    assert run.manifest["lost_workers"] == []


def test_a_second_ctrl_c_cuts_off_what_hangs_and_still_reports(target, tmp_path):
    service = target(fail=("hang",))
    run_ = stream(service, tmp_path, "--run-time", "60s", users=10, interval=1)
    wait_until(lambda: service.stats()["in_flight"] == 10, 20, "ten requests in flight")
    run_.signal(signal.SIGINT)
    wait_until(lambda: "waiting up to" in run_.out, 10, "the drain")
    run_.signal(signal.SIGINT)
    assert run_.wait(15) == 130, run_.err
    run = the_run(tmp_path / "reports")
    assert set(run.samples["outcome"]) == {"aborted"}
    assert run.files == COMPLETE


def test_what_the_drain_does_not_wait_for_is_aborted(target, tmp_path):
    service = target(fail=("hang",))
    done = stream(service, tmp_path, "--run-time", "2s", "--drain", "0.5", users=4, interval=1)
    assert done.wait(20) == 4, "requests were aborted: the run is invalid"
    run = the_run(tmp_path / "reports")
    assert list(run.samples["outcome"]) == ["aborted"] * 4
    ended = run.samples["ended_ms"].fillna(run.samples["start_ms"] + run.samples["duration_ms"])
    assert ended.between(run.manifest["stopped_at_ms"], run.manifest["ended_at_ms"]).all(), "when each was aborted"
    assert any("the run aborted" in reason for reason in run.summary["invalid_reasons"])


@pytest.mark.parametrize("processes", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_after_kill_9_of_everything_the_report_has_all_but_the_last_second(target, tmp_path, processes):
    service = target(ttft=0.02, chunk_interval=0.01, chunks=4)
    words = ("--run-time", "60s", *(("--processes", "2") if processes == 2 else ()))
    run_ = stream(service, tmp_path, *words, users=20, interval=0.5)
    wait_until(lambda: service.stats()["requests"] > 120, 30, "some load")
    killed_after = service.log()
    run_.kill_all()
    folder = the_run(tmp_path / "reports").path
    report = katydid("report", folder, folder=tmp_path)
    assert report.wait() == 0, report.err
    assert "partial" in report.out
    run = Run(folder)
    assert {"samples.parquet", "summary.json", "report.html"} <= run.files
    assert "Partial" in (folder / "report.html").read_text()
    last = killed_after[-1]["ended_mono_ns"]
    old_enough = {line["request_id"] for line in killed_after if line["ended_mono_ns"] < last - 1.2e9}
    assert old_enough <= set(run.samples["request_id"])
    assert old_enough


@pytest.mark.slow
def test_a_report_can_be_made_again(target, tmp_path):
    service = target(ttft=0.02, chunk_interval=0.01, chunks=4)
    assert stream(service, tmp_path, "--run-time", "2s", users=4, interval=0.5).wait() == 0
    run = the_run(tmp_path / "reports")
    before = run.summary
    (run.path / "report.html").unlink()
    again = katydid("report", run.path, folder=tmp_path)
    assert again.wait() == 0, again.err
    assert run.summary == before
    assert (run.path / "report.html").is_file()


@pytest.mark.slow
def test_two_runs_in_a_row_keep_two_folders(target, tmp_path):
    service = target(ttft=0.01, chunk_interval=0.01, chunks=3)
    for _ in range(2):
        assert stream(service, tmp_path, "--run-time", "1s", users=2, interval=0.3).wait() == 0
    assert len(runs_in(tmp_path / "reports")) == 2


def test_a_key_and_a_password_reach_no_file_and_no_output(target, tmp_path):
    key, password = "sk-canary-a1b2c3d4", "canary/pass"
    service = target(ttft=0.01, chunk_interval=0.01, chunks=3, api_key=key, fail=("http_500=0.3",))
    host = service.url.replace("http://", "http://me:canary%2Fpass@")
    words = ("run", "stream", "--host", host, "--users", 4, "--interval", 0.2, "-t", "2s", "--failure-threshold", 0)
    done = katydid(*words, folder=tmp_path, env={"LOAD_TEST_API_KEY": key})
    assert done.wait() == 0, done.err
    assert len(service.log()) >= 30
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "truth" not in path.name]
    assert len(written) >= 8
    for path in written:
        for canary in (key, password, "canary%2Fpass"):
            assert canary.encode() not in path.read_bytes(), path


# Other locustfiles


def test_a_plain_locustfile_gets_a_run_folder_too(target, tmp_path):
    service = target()
    (tmp_path / "mine.py").write_text(
        "from locust import HttpUser, constant, task\n"
        "class Mine(HttpUser):\n"
        "    wait_time = constant(0.1)\n"
        "    @task\n"
        "    def look(self):\n"
        "        self.client.get('/health')\n"
        "        self.client.get('/nowhere')\n"
    )
    words = ("run", tmp_path / "mine.py", "--host", service.url, "-u", 2, "-t", "5s", "--failure-threshold", 4)
    done = katydid(*words, folder=tmp_path)
    assert done.wait() == 0, done.err
    run = the_run(tmp_path / "reports")
    assert run.manifest["workload"] == "mine"
    assert len(in_run(run)) == 4
    assert set(run.samples["name"]) == {"/health", "/nowhere"}
