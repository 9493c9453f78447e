"""Capacity searches and sweeps end to end: Locust as a process, against the embedded target."""

import json

import pytest

from katydid.target.process import start_target
from running import COMPLETE, ROOT, katydid, the_run, wait_until
from schemas import misfits

pytestmark = pytest.mark.e2e

FAST = ("--interval", "0.5")

SEARCHED = {
    "speech": ({"speech_rtf": 0.1}, ("speech", "--limit", "1.6", "--start-users", "8", "--max-users", "60"), 20),
    "stream": (
        {"slots": 4, "ttft": 0.1, "chunks": 11, "chunk_interval": 0.01},
        ("stream", "--limit", "1", "--start-users", "20"),
        40,
    ),
    "a locustfile": (
        {"slots": 4, "duration": 0.2},
        (ROOT / "locustfiles" / "batch.py", "--limit", "1", "--start-users", "20"),
        40,
    ),
    "tools": (
        {"slots": 4, "ttft": 0.05, "chunks": 6, "chunk_interval": 0.01},
        ("tools", "--thresholds", "talk.toml", "--start-users", "12"),
        4 * 2 / 0.24,  # two turns of 70 ms and one of 100 ms
    ),
}
"""Settings of a target, words of a search of it, and how many users it holds with one request per user every 2 s."""


@pytest.fixture
def target():
    """Start targets; they stop with the test."""
    targets = []

    def start(**settings):
        targets.append(start_target(**settings))
        return targets[-1]

    yield start
    for each in targets:
        each.stop()


@pytest.mark.slow
def test_a_search_finds_what_the_slots_hold(target, tmp_path):
    service = target(slots=4, duration=0.2)  # 4 × 0.5 s / 0.2 s = 10 users
    words = (*FAST, "--hold", "2.5", "--steps", "4", "--repeats", "1", "--start-users", "6", "--json", "-")
    done = katydid("capacity", "batch", "--host", service.url, *words, folder=tmp_path)
    code = done.wait(100)
    assert code in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    found = json.loads(done.out)
    assert 8 <= found["capacity"] <= 12
    assert found["low"] <= found["capacity"] <= found["high"]
    assert not found["at_least"]
    assert {"knee", "limited_by", "evidence", "steps", "objective", "run"} <= found.keys()
    assert "Stage 1 of about " in done.err
    run = the_run(tmp_path / "reports")
    assert run.files == COMPLETE
    assert run.manifest["workload"] == "capacity-batch"
    assert run.summary["capacity"]["capacity"] == found["capacity"]
    assert misfits("capacity", found) == misfits("manifest", run.manifest) == misfits("summary", run.summary) == []
    assert "Capacity " in (run.path / "report.html").read_text()
    by_stage = run.samples.groupby("stage")["user"].nunique()
    assert by_stage.to_dict() == {s["stage"]: s["users"] for s in run.manifest["stages"]}
    again = katydid("report", run.path, folder=tmp_path)
    assert again.wait() == code
    assert "Capacity " in again.out


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHED)
def test_other_workloads_are_searched_alike(target, tmp_path, name):
    settings, words, truth = SEARCHED[name]
    service = target(**settings)
    (tmp_path / "talk.toml").write_text('[objective]\n"conversation.p95" = "< 1s"\n"conversations_ok" = "> 95%"\n')
    words = (*words, "--interval", "2", "--hold", "6", "--steps", "3", "--repeats", "1", "--json", "-")
    done = katydid("capacity", *words, "--host", service.url, folder=tmp_path)
    assert done.wait(150) in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    found = json.loads(done.out)
    assert found["capacity"] == pytest.approx(truth, rel=0.15)
    assert found["low"] <= truth <= found["high"]


def test_a_target_that_fails_at_one_user_leaves_one_line_exit_4_and_what_was_measured(target, tmp_path):
    service = target(fail=("http_500=1",))
    done = katydid("capacity", "batch", "--host", service.url, *FAST, "--start-users", "1", folder=tmp_path)
    assert done.wait(60) == 4
    (line,) = [line for line in done.err.splitlines() if line.startswith("katydid:")]
    assert "no capacity was found: not even 1 user met the objective" in line
    assert the_run(tmp_path / "reports").samples["outcome"].eq("failed").all()


def test_a_run_time_is_not_the_length_of_a_sweep_and_locusts_own_page_is_written_last(target, tmp_path):
    words = ("--interval", "0.5", "--stages", "2", "--stage-time", "6", "--run-time", "3s")
    done = katydid("run", "scale", "--host", target(duration=0.02).url, *words, folder=tmp_path)
    assert done.wait(60) in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    run = the_run(tmp_path / "reports")
    assert " s, about " in done.out
    assert " of 3" not in done.out
    assert "The last stage is over" in done.out
    assert run.manifest["run_time_s"] is None
    assert done.err == "Warning: The following option(s) will be ignored: --run-time\n"
    written = [(run.path / name).stat().st_mtime_ns for name in ("summary.json", "report.html", "locust.html")]
    assert written == sorted(written)


@pytest.mark.slow
def test_a_sweep_tells_refusals_of_the_minute_of_the_day_and_other_errors_apart(target, tmp_path):
    log = tmp_path / "truth.jsonl"
    service = target(duration=0.02, daily_limit=25, fail=("http_429=0.2", "http_500=0.2"), log=str(log))
    words = (*FAST, "--stages", "4,8", "--stage-time", "3", "--cool-down", "0.5")
    done = katydid("run", "scale", "--host", service.url, *words, folder=tmp_path)
    assert done.wait(60) in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    run = the_run(tmp_path / "reports")
    failed = run.samples[run.samples["outcome"] == "failed"].set_index("request_id")
    truth = {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}
    injected = {"http_429": "rate_limited", "http_500": "http_5xx", None: "daily_limit"}
    assert failed["error"].to_dict() == {i: injected[truth[i]["fault"]] for i in failed.index}
    assert set(failed["error"]) == set(injected.values())
    counted = failed[~failed["warm_up"]]
    for stage in run.summary["stages"]:
        rows = counted.loc[counted["stage"] == stage["stage"], "error"]
        assert stage["errors"] == rows.value_counts().to_dict()
    page = (run.path / "report.html").read_text()
    assert "daily limit" in page.replace("_", " ")


@pytest.mark.slow
def test_a_sweep_of_two_processes_tells_each_stage(target, tmp_path):
    service = target(ttft=0.02, chunk_interval=0.01, chunks=3, rate_limit=30)
    words = (*FAST, "--stages", "4,8", "--stage-time", "2", "--cool-down", "0.5", "--scale-workload", "stream")
    more = ("--processes", "2", "--target-pid", service.pid)
    done = katydid("run", "scale", "--host", service.url, *words, *more, folder=tmp_path)
    assert done.wait(60) in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    run = the_run(tmp_path / "reports")
    samples = run.samples
    assert samples.groupby("stage")["user"].nunique().to_dict() == {0: 4, 1: 8}
    assert set(samples["worker"]) == {"worker-0", "worker-1"}
    assert samples.groupby("stage").size().to_dict() == pytest.approx({0: 16, 1: 32}, abs=4)
    places = samples.assign(place=samples["scheduled_ms"] % 500).groupby(["stage", "user"])["place"].median()
    gaps = places[1].sort_values().diff().dropna()
    assert gaps.between(62, 63).sum() >= len(gaps) - 1, "evenly spread over the interval"
    first, second = run.summary["stages"]
    assert (first["users"], first["assessment"], first["failed"]) == (4, "held", 0)
    assert (second["users"], second["errors"].keys()) == (8, {"rate_limited"})
    assert first["target_memory_bytes"] > 0
    assert first["machine_memory_bytes"] > first["target_memory_bytes"]
    assert (run.summary["recommended"]["low"], run.summary["recommended"]["high"]) == (4, 8)
    assert run.summary["limited_by"] in {"rate limit", "generator"}
    assert "Sustained up to 4 users" in done.out


BAD = {
    "stages that do not increase": (("run", "scale", "--stages", "10,5"), "--stages '10,5': 5 follows 10"),
    "stages shorter than their warm-up": (("run", "scale", "--stage-time", "5"), "--stage-time 5 is too short"),
    "a hold too short": (("capacity", "batch", "--hold", "1"), "--hold 1 is too short"),
    "thresholds without an objective": (("capacity", "batch", "--thresholds", "compare.toml"), "no objective that"),
    "an impossible objective": (("capacity", "batch", "--thresholds", "impossible.toml"), "can never be met"),
}


@pytest.fixture(scope="module")
def idle():
    with start_target() as running:
        yield running


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_2(idle, tmp_path, name):
    words, message = BAD[name]
    (tmp_path / "compare.toml").write_text('[compare]\nprimary = ["duration.p50"]\n')
    (tmp_path / "impossible.toml").write_text('[objective]\n"duration.p95" = "< 0s"\n')
    done = katydid(*words, "--host", idle.url, folder=tmp_path)
    assert done.wait(30) == 2, done.err
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("manifest.json"))


@pytest.mark.slow
def test_what_is_recorded_of_a_killed_search_is_still_reported(target, tmp_path):
    service = target(duration=0.02)
    done = katydid("capacity", "batch", "--host", service.url, *FAST, "--start-users", "4", folder=tmp_path)
    wait_until(lambda: "Stage 3" in done.out, 40, "the third stage")
    done.kill_all()
    run = the_run(tmp_path / "reports")
    assert len(run.manifest["stages"]) >= 2
    katydid("report", run.path, folder=tmp_path).wait()
    assert len(run.summary["capacity"]["steps"]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("--processes", "2")])
def test_every_stage_of_a_sweep_is_a_burst_of_its_own(target, tmp_path, processes):
    words = ("--stages", "5,100", "--stage-time", "5", "--cool-down", "1", "--interval", "2", "--phase", "burst")
    service = target(ttft=0.01, chunk_interval=0.01, chunks=3)
    done = katydid("run", "scale", "--host", service.url, *words, *processes, folder=tmp_path)
    assert done.wait(60) in {0, 4}, done.err  # 4 where the machine was too busy for a valid run
    samples = the_run(tmp_path / "reports").samples
    first = samples[samples["iteration"] == 0].groupby("stage")["scheduled_ms"]
    assert first.count().to_list() == [5, 100]
    assert first.nunique().to_list() == [1, 1]
