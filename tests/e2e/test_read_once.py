"""What a run sends is read from its files once: by the look at the target, which the load goes on with."""

import pytest

from katydid.target.process import start_target
from running import katydid, the_run

pytestmark = pytest.mark.e2e

COUNTED = """
import sys
import {module} as home
from katydid import {user}

read = home.{reader}


def counted(path):
    print("READ", path, file=sys.stderr, flush=True)
    return read(path)


home.{reader} = counted


class Mine({user}):
    pass
"""


def lines_with_reads(folder, target, *words, **names):
    (folder / "mine.py").write_text(COUNTED.format(**names))
    run = katydid(
        "run", "mine.py", "--host", target.url, "--users", 2, "--interval", 0.5, "--run-time", "2s", *words,
        folder=folder,
    )  # fmt: skip
    assert run.wait() == 0, run.out + run.err
    assert set(the_run(folder).samples["outcome"]) == {"ok"}
    return [line for line in run.err.splitlines() if line.startswith("READ")]


def test_prompts_are_read_once_and_their_connection_is_not_the_looks(tmp_path):
    (tmp_path / "p.txt").write_text("Name a bird.\n")
    log = tmp_path / "truth.jsonl"
    with start_target(ttft=0.01, chunk_interval=0.0, chunks=5, log=str(log)) as target:
        names = {"module": "katydid.engine.services.questions", "user": "StreamUser", "reader": "load_prompts"}
        assert lines_with_reads(tmp_path, target, "--prompts", "p.txt", **names) == ["READ p.txt"]
    first = the_run(tmp_path).samples.sort_values("start_ms").iloc[0]
    assert first["connect_ms"] > 0, "the look's own connection was closed before the load"


def test_audio_is_read_once(tmp_path):
    with start_target(speech_rtf=0.0) as target:
        names = {"module": "katydid.workloads.speech.user", "user": "SpeechUser", "reader": "load_audio"}
        assert lines_with_reads(tmp_path, target, "--audio-speed", 0, **names) == ["READ None"]
