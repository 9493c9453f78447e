"""What commands print on a terminal of 80 columns: whole words, no line that is longer, and nothing left out."""

import itertools
import json
import shutil
from contextlib import nullcontext, suppress
from functools import cache

import pandas as pd
import pytest
from rich.cells import cell_len

from documents import capacity_found, capacity_step, manifest_with, summary_with
from folders import write_version
from katydid.cli import main
from katydid.commands import COMMANDS
from katydid.commands.pairs.runs import Runs
from katydid.doctor import facts
from katydid.report.capacity import capacity_section
from katydid.report.model import Material, Section, Table
from katydid.report.render.terminal import print_section, say, terminal
from katydid.report.render.wrapping import wrapped
from runfolders import write_run

STANDS_ALONE = {"Metric", "Check", "Version", "check"}
"""Headings above what names a row, which needs none where rows are stacked."""
WIDE, NARROW = 1000, 80
PAIRED = {"users": 4, "cycles": 6}
FAILED = {"failing": 0.1, "detail": "upstream connect error or disconnect before headers, reset reason: overflow"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three versions of a workload, and runs with failures beside them; a thresholds file and a log."""
    root = tmp_path_factory.mktemp("reports")
    luck = (0.01, -0.01, 0.005)
    for number, version in enumerate(("a-version-with-a-long-name", "v2", "v3")):
        write_version(root, version, luck, first_minute=number, step=3, slower=0.3 * number, users=8, cycles=6)
    write_run(root / "runs", **FAILED)
    (root / "limits.toml").write_text(
        '[objective]\n"ttft.p95" = "< 1ms"\nfailure_rate = "< 0.1%"\n[compare]\nprimary = ["ttft.p50"]\n'
    )
    line = {"startTime": 1_700_000_000, "prompt_tokens": 900, "completion_tokens": 30}
    (root / "log.jsonl").write_text("".join(f"{json.dumps(line | {'startTime': 2 * n})}\n" for n in range(9)))
    return root


LOADING = {"run", "web", "capacity"}
"""Their help is a long one, of Locust's options too: see `tests/commands/test_run_help.py`."""
PRINTED = {
    "compare": "compare {root}/a-version-with-a-long-name {root}/v2 --html {root}/c.html",
    "compare several": "compare {root}/a-version-with-a-long-name {root}/v2 {root}/v3",
    "gate": "gate {root}/v2 --thresholds {root}/limits.toml --baseline {root}/a-version-with-a-long-name",
    "gate, only read": "gate --thresholds {root}/limits.toml --only-read",
    "history": "history {root}",
    "report": "report {run}",
    "plan": "plan --concurrency 500 --rtf 0.1",
    "doctor": "doctor --users 100000",
    "learn": "learn {root}/log.jsonl --against {run}",
    "ab": "ab http://127.0.0.1:1 http://127.0.0.1:2 --max-pairs 2 --results {root}/made",
    "bisect": "bisect --base http://127.0.0.1:1 --new http://127.0.0.1:2 --max-pairs 2 --results {root}/made -- true",
    "no command": "--help",
    **{f"help of {name}": f"{name} --help" for name in COMMANDS if name not in LOADING},
    "an unknown command": "lits",
    "a folder without runs": "compare {root}/nowhere-at-all {root}/v2",
    "an unknown option": "gate {root}/v2 --thresholds {root}/limits.toml --a-long-option-that-nobody-knows --another",
    "two hosts that are one": "ab http://127.0.0.1:1 http://127.0.0.1:1 --max-pairs 3 --results {root}/made",
    "a load that cannot be": "plan --concurrency 500",
    "no workload": "run",
}
"""What is printed without a load; `tests/e2e/test_every_page.py` has the rest."""


@pytest.fixture(params=PRINTED)
def printed(request, root, capsys, monkeypatch):
    """What a command prints on so many columns."""
    (run,) = (root / "runs").glob("*/*/*/")
    words = PRINTED[request.param].format(root=root, run=run).split()

    monkeypatch.setattr(facts, "gather", cache(facts.gather))  # a busy machine is another at the next look

    def at(columns):
        made = itertools.count()
        monkeypatch.setattr(Runs, "make", lambda _, side: write_run(root / "made", side, number=next(made), **PAIRED))
        monkeypatch.setattr(Runs, "beside", nullcontext)
        shutil.rmtree(root / "made", ignore_errors=True)
        monkeypatch.setenv("COLUMNS", str(columns))
        with suppress(SystemExit):  # of help
            main(words)
        text = "".join(capsys.readouterr())
        assert text
        return text

    return at


def test_no_line_is_longer_and_no_word_is_broken_or_lost(printed):
    narrow = printed(NARROW)
    assert too_long(narrow, NARROW) == []
    assert words_of(printed(WIDE)) - words_of(narrow) <= STANDS_ALONE


def too_long(text, width):
    """Lines that are, apart from those of an address or a path."""
    return [line for line in text.splitlines() if cell_len(line) > width and "/" not in line]


def words_of(text):
    """Those of letters."""
    return {word.strip(":,()") for word in text.split() if any(map(str.isalpha, word))}


def test_a_primary_metric_is_read_at_one_glance(root, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(NARROW))
    main(["compare", str(root / "a-version-with-a-long-name"), str(root / "v2")])
    text = capsys.readouterr().out
    row = text[text.index("Service time, p50\u00a0*") :].partition("Service time, p95")[0]
    for told in ("Verdict: ", "a-version-with-a-long-name: 1.37\u00a0s", "v2: 1.77\u00a0s", "interval): +2"):
        assert told in row


STEPS = [capacity_step(), capacity_step(held=True, broken=()), capacity_step(users=12345)]
CAPACITY = capacity_section(
    Material(
        manifest_with(),
        summary_with(
            {
                "capacity": capacity_found(
                    steps=[capacity_step(), capacity_step(held=True, broken=()), capacity_step(users=12345)]
                )
            }
        ),
        pd.DataFrame(),
        pd.DataFrame(),
    )
)


@pytest.mark.parametrize("width", [24, 40, 80, 100, 120])
def test_a_table_that_is_too_wide_is_stacked_with_nothing_left_out(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    print_section(CAPACITY, terminal())
    text = capsys.readouterr().out
    assert too_long(text, width) == []
    assert text.count("violated:") == 2
    assert text.count(" met") >= 1
    assert ("p95: 805" in text) is (width < 120)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_words_of_a_table_stand_on_several_lines_before_it_is_stacked(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    long = "as many words as it takes to fill a line"
    table = Table("", ("Check", "Why"), [("one", long), ("another", "short")], frozenset({1}))
    print_section(Section("k", "t", (), [table]), terminal())
    out = capsys.readouterr().out
    assert too_long(out, width) == []
    assert ("Why: as" in out) is (width == 20)


def test_a_number_stays_with_its_unit_and_a_path_in_one_piece():
    assert wrapped("it took 12.3\u00a0ms", 11) == ["it took", "12.3\u00a0ms"]
    assert wrapped("of 88 % in it", 5) == ["of", "88 %", "in it"]
    assert wrapped("at 5 summits", 7) == ["at 5", "summits"]
    assert wrapped("see reports/stream/v1/report.html there", 12) == ["see", "reports/stream/v1/report.html", "there"]
    assert wrapped("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_in_a_pipe_a_sentence_is_one_line_unless_the_width_is_given(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    say(terminal(), "word " * 60)
    monkeypatch.setenv("COLUMNS", "80")
    say(terminal(), "word " * 60)
    assert [len(line) > NARROW for line in capsys.readouterr().out.splitlines()] == [True] + [False] * 4
