"""The workload `speech` end to end, against the embedded target; its log is the truth."""

import json
import wave

import pytest

from running import katydid, the_run

pytestmark = pytest.mark.e2e


def speech(target, folder, *words, users=5, interval=2, seconds=3):
    load = ("--users", users, "--interval", interval, "--run-time", f"{seconds}s", "--warm-up", "0")
    return katydid("run", "speech", "--host", target.url, *load, *words, folder=folder)


def test_a_run_of_speech_is_what_the_target_saw(target, tmp_path):
    service = target(speech_rtf=0.05)
    assert speech(service, tmp_path).wait() in {0, 4}  # 4 where this machine is too busy to speak in time
    run = the_run(tmp_path / "reports")
    samples = run.samples.set_index("request_id")
    truth = {row["request_id"]: row for row in service.log() if row["status"] == 101}
    assert set(samples["outcome"]) == {"ok"}
    assert set(samples.index) == truth.keys() - {"preflight"}
    assert (samples["audio_ms"] == 1000.0).all()
    assert samples["server_rtf"].to_list() == pytest.approx([0.05] * len(samples))
    assert (samples["partials"] == 3).all()
    assert (samples["rtf"] > 0.9).all()
    assert samples["rtf"].median() < 1.3
    assert run.manifest["audio"] == "built-in (1)"
    metrics = run.summary["metrics"]
    assert metrics["final_latency.mean"] < 500
    assert metrics["server_rtf.max"] == pytest.approx(0.05)
    assert metrics["ttft.max"] is None
    page = (run.path / "report.html").read_text()
    assert "Real-time factor" in page
    assert "0.050\u00a0×" in page


@pytest.mark.parametrize("api", ["funasr", "vosk"])
def test_every_dialect(target, tmp_path, api):
    service = target(speech_rtf=0.0)
    done = speech(service, tmp_path, "--api", api, "--endpoint", f"/{api}", "--audio-speed", 0, seconds=2)
    assert done.wait() == 0, done.err
    run = the_run(tmp_path / "reports")
    assert set(run.samples["outcome"]) == {"ok"}
    assert (run.samples["partials"] == 3).all()


def test_more_streams_than_are_let_in_are_overloaded(target, tmp_path):
    service = target(speech_connections=3, speech_rtf=0.0)
    words = ("--phase", "spawn", "--failure-threshold", 0)
    assert speech(service, tmp_path, *words, users=8, interval=30, seconds=2).wait() in {0, 4}
    samples = the_run(tmp_path / "reports").samples
    assert samples["outcome"].value_counts().to_dict() == {"failed": 5, "ok": 3}
    assert set(samples.loc[samples["outcome"] == "failed", "error"]) == {"overloaded"}


def eight_kilohertz(folder):
    path = folder / "phone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return path


def test_a_bad_recording_is_one_line_and_exit_2(target, tmp_path):
    service = target()
    done = speech(service, tmp_path, "--audio", eight_kilohertz(tmp_path))
    assert done.wait() == 2
    assert done.err.startswith("katydid: --audio ")
    assert "has a sample rate of 8000 Hz instead of 16000" in done.err
    assert done.err.count("\n") == 1
    assert service.log() == []


def test_no_websocket_is_one_line_and_exit_2(target, tmp_path):
    done = speech(target(), tmp_path, "--endpoint", "/v1/models")
    assert done.wait() == 2
    assert done.err.startswith("katydid: ")
    assert "has no WebSocket at /v1/models (200 {" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.slow
def test_a_plan_from_a_run_shows_theory_beside_what_was_measured(target, tmp_path):
    # 30 streams at once on one worker: the last is done after about 3 s.
    service = target(speech_rtf=0.1)
    assert speech(service, tmp_path, "--phase", "burst", users=30, interval=60, seconds=3).wait() in {0, 4}
    run = the_run(tmp_path / "reports")
    planned = katydid("plan", "--from", run.path, "--workers", 1, "--json", "-", folder=tmp_path)
    assert planned.wait() == 0, planned.err
    plan = json.loads(planned.out)
    assert plan["rtf"] == pytest.approx(0.1)
    assert plan["concurrency"] == 30
    beside = plan["beside_theory"]
    assert beside["streams"] == 30
    assert beside["measured"]["success"] == beside["theory"]["success"] == 1.0
    assert beside["measured"]["rtf_mean"] == pytest.approx(beside["theory"]["rtf_mean"], rel=0.2)
    assert beside["theory"]["rtf_mean"] == pytest.approx(2.85, rel=0.2)
