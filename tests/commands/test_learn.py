"""`katydid learn`: what it writes and prints."""

import json

import pytest

from katydid.cli import main
from katydid.model.documents.traffic import Learning
from runfolders import write_run

LINES = [
    {"startTime": 1_700_000_000 + 2 * at, "prompt_tokens": 900, "completion_tokens": 30, "session_id": f"user-{at % 5}"}
    for at in range(50)
]


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "litellm.jsonl"
    file.write_text("starting up\n" + "".join(f"{json.dumps(line)}\n" for line in LINES), encoding="utf-8")
    return file


def test_the_trace_and_the_profile(log, tmp_path, capsys):
    trace = tmp_path / "trace.csv"
    assert main(["learn", str(log), "-o", str(trace)]) == 0
    rows = trace.read_text(encoding="utf-8").splitlines()
    assert rows[:2] + rows[-1:] == ["time,input,output,session,parent", "0,900,30,1,", "98,900,30,5,45"]
    said = capsys.readouterr().out
    assert "50 requests in 98 s" in said
    assert "Left out 1 entry of the log: 1 with no JSON" in said
    assert "user-" not in said + trace.read_text(encoding="utf-8")


def test_json_alone_on_standard_output(log, capsys):
    assert main(["learn", str(log), "--json"]) == 0
    found = Learning.parse(capsys.readouterr().out.encode())
    assert (found.traffic.requests, found.traffic.turns.mean, found.test) == (50, 10.0, None)
    assert found.left_out == {"no JSON": 1}


def test_against_a_run(log, tmp_path, capsys):
    run = write_run(tmp_path / "run")
    assert main(["learn", str(log), "--against", str(run.path), "--json", "-"]) == 0
    found = Learning.parse(capsys.readouterr().out.encode())
    assert found.test is not None
    assert found.verdict.startswith("Your test ")
    assert "CV of the gaps" in {each.name for each in found.differences}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.jsonl"], 2, "none.jsonl: no such file or directory"),
        (["LOG", "-o", "-", "--json", "-"], 2, "both want standard output"),
        (["LOG", "--against", "nowhere"], 4, "nowhere"),
        (["LOG", "-o", "."], 2, ". cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(log, capsys, words, code, message):
    assert main(["learn", *(str(log) if word == "LOG" else word for word in words)]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
