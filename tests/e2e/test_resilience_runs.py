"""Chaos, storm and zombies end to end, against the embedded target; its log is the truth."""

import re
import sys

import pytest

from running import katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def run(workload, target, folder, *words, users=5, seconds=7):
    load = ("--users", users, "--interval", 0.5, "--audio-speed", 4, "--run-time", f"{seconds}s", "--warm-up", "0")
    done = katydid("run", workload, "--host", target.url, *load, *words, folder=folder)
    assert done.wait() in {0, 4}, done.err  # 4 where this machine is too busy to speak in time
    return the_run(folder / "reports"), done.out


def test_chaos_measures_the_outage_that_the_targets_log_has(target, tmp_path):
    service = target(speech_rtf=0.01)
    post = f"import urllib.request as u; u.urlopen(u.Request('{service.url}/speech/workers', method='POST'))"
    words = ("--chaos-at", 2, "--restart-command", f'{sys.executable} -c "{post}"', "--restart-after", 1)
    found, out = run("chaos", service, tmp_path, *words)
    rows = [row for row in service.log() if row["path"] == "worker"]
    assert [row["outcome"] for row in rows] == ["started", "died", "started"]
    down = (rows[2]["received_mono_ns"] - rows[1]["received_mono_ns"]) / 1e9
    told = found.summary["resilience"]
    assert told["outage_s"] == pytest.approx(down, abs=0.5)
    assert 0.5 <= told["recovery_s"] <= down + 1.0
    assert [event["what"] for event in told["events"]] == ["kill", "restart"]
    lost = [row for row in service.log() if row["outcome"] == "broken_off"]
    assert told["failed_requests"] == len(lost)
    assert all(check["passed"] for check in found.summary["checks"]), found.summary["checks"]
    assert "Chaos: workers were killed" in out
    assert "the gateway survived" in (found.path / "report.html").read_text()


def test_a_storm_is_let_in_up_to_the_limit_and_no_client_more(target, tmp_path):
    service = target(speech_connections=40, speech_rtf=0.0)
    storm = ("--storm-at", 2, "--storm-clients", 80, "--storm-hold", 1, "--storm-expect", 40)
    found, _ = run("storm", service, tmp_path, *storm, "--interval", 10, "--phase", "spawn", users=1, seconds=5)
    told = found.summary["resilience"]
    assert (told["accepted"], told["rejected"], told["failed_otherwise"]) == (40, 40, 0)
    samples = found.samples
    assert samples["role"].value_counts().to_dict() == {"storm": 80}
    assert found.summary["counts"]["requests"] == 1, "its clients are no requests of the load"
    refused = [row for row in service.log() if row["status"] == 503]
    assert len(refused) == 40


def test_2000_clients_and_room_for_1000(target, tmp_path):
    """The load speaks together every 10 s: before the storm, while the house is full, and afterwards."""
    service = target(speech_connections=1000, speech_rtf=0.01)
    storm = ("--storm-at", 13, "--storm-clients", 2000, "--storm-hold", 11, "--storm-expect", 1000)
    found, out = run("storm", service, tmp_path, *storm, "--interval", 10, "--phase", "burst", seconds=34)
    told, samples = found.summary["resilience"], found.samples
    clients = samples[samples["role"] == "storm"]
    assert (clients["outcome"] == "ok").sum() == 1000
    assert (clients["error"] == "overloaded").sum() == 1000
    load = samples[samples["role"].isna()].sort_values("start_ms")
    assert load["error"].fillna("").to_list() == [""] * 10 + ["overloaded"] * 5 + [""] * 5
    assert (told["load_meanwhile"], told["load_turned_away"], told["load_failed"]) == (5, 5, 0)
    assert all(check["passed"] for check in found.summary["checks"]), found.summary["checks"]
    assert re.search(r"of these, rejected \(503, 429\)\s+5", out)
    assert sum(row["status"] == 503 for row in service.log()) == 1005


def test_zombies_are_held_beside_the_load(target, tmp_path):
    service = target(speech_rtf=0.0)
    found, out = run("zombies", service, tmp_path, "--zombies-at", 2, "--zombies", 60, seconds=6)
    told = found.summary["resilience"]
    assert (told["held"], told["refused_or_dropped"]) == (60, 0)
    assert service.stats()["peak_connections"] >= 60
    assert re.search(r"no more failures in the normal load beside the( zombies)?\s+met", out)  # the row may be wrapped


def test_another_machine_is_left_alone_in_one_line_and_exit_2(tmp_path):
    done = katydid("run", "storm", "--host", "http://192.0.2.1", "-t", "2s", folder=tmp_path)
    assert done.wait() == 2
    assert done.err.startswith("katydid: http://192.0.2.1 is not on this machine: if you own it, confirm with --i-own")
    assert done.err.count("\n") == 1
