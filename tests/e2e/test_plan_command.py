"""`katydid plan` as people type it."""

import json

import pytest

from katydid.cli import main
from runfolders import change_samples, write_run


def test_json_on_standard_output_is_that_alone(capsys):
    assert main(["plan", "--concurrency", "500", "--rtf", "0.1", "--utilisation", "0.7", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    plan = json.loads(out)
    assert (plan["workers"], plan["wait_p95_s"]) == (72, 0.0)
    assert plan["utilisation"] == pytest.approx(50 / 72)
    assert plan["wait_probability"] == pytest.approx(0.0022, abs=0.0001)
    assert "72 workers for 500 streams" in err


def test_durations_and_shares_have_units(capsys):
    words = ["plan", "--concurrency", "50", "--rtf", "0.1", "--json", "-"]
    written = (["--utilisation", "70%", "--audio", "2500ms", "--max-wait", "1s", "--time-out", "1m"],
               ["--utilisation", "0.7", "--audio", "2.5", "--max-wait", "1", "--time-out", "60"])  # fmt: skip
    told = [(main([*words, *more]), capsys.readouterr().out) for more in written]
    assert told[0] == told[1]


def test_a_page_with_the_picture_is_written(tmp_path, capsys):
    page = tmp_path / "plan.html"
    assert main(["plan", "--concurrency", "500", "--rtf", "0.1", "--html", str(page)]) == 0
    assert "<svg" in page.read_text()
    assert str(page) in capsys.readouterr().out


def test_the_queue_that_only_grows_is_null_in_json(capsys):
    assert main(["plan", "--concurrency", "500", "--rtf", "0.1", "--workers", "20", "--json", "-"]) == 0
    choices = {c["workers"]: c for c in json.loads(capsys.readouterr().out)["choices"]}
    assert choices[20]["wait_p95_s"] is None


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "needs --concurrency and --rtf"),
        (["--concurrency", "5"], "needs --rtf"),
        (["--concurrency", "5", "--rtf", "0"], "--rtf 0 must be more than 0"),
        (["--concurrency", "5", "--rtf", "x"], "invalid float value"),
        (["--concurrency", "5", "--rtf", "0.1", "--workers", "0"], "--workers 0 must be from 1 to 100000"),
        (["--concurrency", "5", "--rtf", "0.1", "--workers", "9" * 400], "9… must be from 1 to 100000"),
        (["--concurrency", "5", "--rtf", "0.1", "--time-out", "nan"], "--time-out nan must be more than 0"),
        (["--concurrency", "5", "--rtf", "0.1", "--time-out", "inf"], "--time-out inf must be from 1e-09 to 1e+09"),
        (["--concurrency", "5", "--rtf", "1e-310"], "--rtf 1e-310 must be from 1e-09"),
        (["--concurrency", "5", "--rtf", "0.1", "--utilisation", "1e-300"], "needs more than 100,000 workers: raise"),
        (["--concurrency", "5", "--rtf", "0.1", "--max-wait", "nan"], "--max-wait nan must be 0 or more"),
        (["--concurrency", "5", "--rtf", "0.1", "--html", "/"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(words, complaint, capsys):
    assert main(["plan", *words]) == 2
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert err.startswith("katydid: ")
    assert complaint in err


def spoken(frame, server_rtf):
    return frame.assign(status=101, audio_ms=1000.0, server_rtf=server_rtf, rtf=1.0, final_latency_ms=1.0)


@pytest.mark.parametrize(("rtf", "code"), [(0.257, 0), (0.00029, 2)])
def test_a_plan_from_a_run_takes_its_factor_where_it_can_be_one(tmp_path, capsys, rtf, code):
    run = write_run(tmp_path, users=4, cycles=5, failing=0.0, options={"audio_chunk": 100.0, "audio_speed": 1.0})
    change_samples(run, lambda frame: spoken(frame, rtf))
    words = ["plan", "--from", str(run.path), "--concurrency", "500"]
    assert main(words) == code
    out, err = capsys.readouterr()
    if code:
        assert "an RTF of 0.00029, which is implausible" in err
        assert main([*words, "--rtf", "0.257"]) == 0
        out = capsys.readouterr().out
    assert "184 workers for 500 streams of RTF 0.257" in out
