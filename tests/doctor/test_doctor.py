"""`katydid doctor` as people call it."""

import json
import shutil
import sys

import pytest

from katydid.cli import main
from katydid.target.process import start_target
from running import BIN, Running, free_port, katydid


def doctor(*words, folder):
    done = katydid("doctor", *words, "--json", folder=folder)
    return done.wait(), done


def test_it_tells_json_alone_on_standard_output_and_the_table_beside_it(tmp_path):
    code, done = doctor("--users", "2", folder=tmp_path)
    told = json.loads(done.out)
    assert code == (0 if told["ok"] else 4)
    assert told["plan"]["users"] == 2
    assert {check["status"] for check in told["checks"]} <= {"ok", "warning", "bad"}
    assert "descriptors" in done.err


@pytest.mark.skipif(sys.platform != "linux", reason="kernel timestamps are Linux's")
def test_kernel_timestamps_are_really_taken(tmp_path):
    _, done = doctor("--users", "2", folder=tmp_path)
    (check,) = (c for c in json.loads(done.out)["checks"] if c["name"] == "kernel timestamps")
    assert check["status"] == "ok", check
    assert "100\u00a0%" in check["found"]


@pytest.mark.skipif(not shutil.which("prlimit"), reason="prlimit sets the limit")
def test_too_few_descriptors_are_bad_before_the_run(tmp_path):
    words = ["prlimit", "--nofile=200:200", BIN / "katydid", "doctor", "--users", "500", "--json", "-"]
    done = Running(words, tmp_path)
    assert done.wait() == 4
    (check,) = (c for c in json.loads(done.out)["checks"] if c["name"] == "descriptors")
    assert check["status"] == "bad"
    assert "ulimit -n 550" in check["remedy"]


def test_a_target_is_reached_and_named_with_its_model(tmp_path):
    with start_target(ttft=0.0) as target:
        _, done = doctor("--host", target.url, folder=tmp_path)
    (check,) = (c for c in json.loads(done.out)["checks"] if c["name"] == "target")
    assert "katydid-small" in check["found"]
    assert check["status"] == "warning", "it shares this machine's cores"


@pytest.mark.parametrize("host", ["http://127.0.0.1:{port}", "nonsense"])
def test_a_target_that_is_not_there_is_the_targets_fault(tmp_path, host):
    code, done = doctor("--host", host.format(port=free_port()), folder=tmp_path)
    (check,) = (c for c in json.loads(done.out)["checks"] if c["name"] == "target")
    assert (code, check["status"]) == (4, "bad")
    assert check["remedy"]


@pytest.mark.parametrize(
    "words",
    [
        ("--users", "0"),
        ("--interval", "-1"),
        ("--interval", "soon"),
        ("--users", "many"),
        ("--api", "none"),
        ("--users", "9" * 400),
        ("--processes", "9" * 5000),
        ("--json", "/"),
    ],
)
def test_bad_input_is_one_line_and_code_2(words, capsys):
    assert main(["doctor", *words]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_interval_is_a_duration(capsys):
    main(["doctor", "--interval", "1500ms", "--json", "-"])
    assert json.loads(capsys.readouterr().out)["plan"]["interval"] == 1.5


def test_an_api_of_a_locustfiles_own_is_refused_with_the_way_to_look_at_it(capsys):
    assert main(["doctor", "--api", "tgi"]) == 2
    told = capsys.readouterr().err
    assert "'tgi' is not one of openai, openai-responses, anthropic, ollama, generic-sse" in told
    assert "use `katydid run FILE --api …`" in told


def test_an_unknown_api_of_the_environment_is_refused_too(monkeypatch, capsys):
    monkeypatch.setenv("LOAD_TEST_API", "nonsense")
    assert main(["doctor"]) == 2
    assert "nonsense" in capsys.readouterr().err
