"""`katydid calibrate` end to end, at a load that tells nothing about the machine."""

import json

import pytest

from katydid.cli import main
from running import katydid

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_it_compares_what_was_reported_with_what_the_target_did(tmp_path):
    done = katydid("calibrate", "--loads", "10", "--time", "3s", "--json", folder=tmp_path)
    code = done.wait()
    told = json.loads(done.out)
    (load,) = told["one_process"]["loads"]
    assert code == (0 if load["faithful"] else 4)
    assert told["one_process"]["highest_faithful"] == (10 if load["faithful"] else None)
    assert load["users"] == 10
    assert 10 <= load["requests"] <= 30, "each user one every 0.9 s, for 2 s after the warm-up"
    assert load["unmatched"] == 0
    assert load["ttft"]["count"] + round(load["bound_share"] * load["requests"]) == load["requests"]
    assert abs(load["arrival"]["p50"]) < 5
    assert 0 < load["us_per_chunk"] < 10_000
    assert {limit["name"] for limit in told["limits"]} >= {"TTFT error, p99", "duration error, p99"}
    assert "10 users, 1 process, 3 s" in done.err, "progress"
    assert not list(tmp_path.glob("**/manifest.json")), "its runs are no runs of the user's"


@pytest.mark.parametrize("words", [("--loads", "0"), ("--loads", "ten"), ("--time", "1s"), ("--time", "soon")])
def test_bad_input_is_one_line_and_code_2(words, capsys):
    assert main(["calibrate", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1
