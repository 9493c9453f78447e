"""The summary on a terminal and in a pipe."""

import io
import re

import pytest
from rich.console import Console

from documents import manifest_with
from katydid.analysis.summary import summarise
from katydid.report.build import Report, print_summary
from katydid.report.model import Section, Table
from synthetic import HOSTILE, synthetic_run


def printed(run, *, terminal=False, path="reports/x/report.html", sections=()):
    out = io.StringIO()
    colours = "standard" if terminal else "auto"
    console = Console(file=out, force_terminal=terminal, width=120, highlight=False, color_system=colours)
    print_summary(
        Report(
            manifest_with(run.manifest),
            summarise(run.samples, run.monitor, manifest_with(run.manifest)),
            list(sections),
        ),
        console,
        path,
    )
    return out.getvalue()


def test_it_says_the_verdict_the_numbers_and_where_the_report_is():
    text = printed(synthetic_run())
    assert text.lstrip().startswith("PASSED: 920 requests, 16 failed, TTFT p95 600\u00a0ms; run time reached.\n")
    assert "Service time" in text
    assert "overloaded" in text
    assert text.endswith("Report: reports/x/report.html\n")


def test_gaps_between_chunks_of_several_tokens_are_marked():
    run = synthetic_run()
    assert "bundled" not in printed(run)
    run.samples["chunks"] = run.samples["chunks"] // 2
    assert "Inter-chunk latency, mean (bundled: 2" in printed(run)


def test_a_pipe_gets_no_colours_and_a_terminal_does():
    assert "\x1b[" not in printed(synthetic_run())
    assert "\x1b[1;32mPASSED" in printed(synthetic_run(), terminal=True)


def test_an_invalid_run_is_red_and_says_why_and_what_to_do():
    text = printed(synthetic_run(lost_workers=["w9"]), terminal=True)
    assert "\x1b[1;31mINVALID" in text
    assert "lost (w9)" in text
    assert "see the workers' logs" in text


def test_a_text_of_the_target_cannot_paint_the_terminal():
    text = printed(synthetic_run(detail=HOSTILE + "\x07[red]boo[/red]"))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "[red]boo" in text.replace("\n", "")


def test_brackets_in_a_path_are_brackets():
    assert "reports/[v1]/report.html" in printed(synthetic_run(), path="reports/[v1]/report.html")


def test_too_few_is_said():
    assert "too few" in printed(synthetic_run(users=4, cycles=5))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (
            {"ended": "failure-threshold", "failure_threshold": 5},
            "STOPPED at the 5th failure after 120 s with 40 users: ",
        ),
        ({"ended": "interrupted"}, "INTERRUPTED after 120 s: "),
        ({"ended": "error"}, "aborted by an error"),
        ({"partial": True}, "never finished"),
        ({"ended": None}, "ended in an unknown way"),
    ],
)
def test_how_the_run_ended_is_said_in_words(manifest, words):
    assert words in printed(synthetic_run(**manifest))


def test_a_workloads_own_section_is_printed_without_its_long_tables():
    short = Table("Stages", ["stage", "result"], [["one\x1b[2J", "failed"]], bad=frozenset({(0, 1)}))
    long = Table("Everything", ["stage", "result"], [["never shown", ""]], in_terminal=False)
    text = printed(synthetic_run(), sections=[Section("stages", "By stage", ["Two of three."], [short, long])])
    assert "By stage\n  Two of three.\n" in text
    assert re.search(r"^ *one +failed$", text, re.MULTILINE)
    assert "never shown" not in text


LEAVING = {"source": "slots", "rest_ms": 900.0, "departed": [{"low_ms": 0.0, "high_ms": 12.0}]}
SENTENCE = "The target frees the slot of a client that has left within 12.0\u00a0ms."


def test_what_the_target_does_for_clients_that_have_left_stands_below_the_headline():
    run = synthetic_run()
    run.samples.loc[run.samples.index[100:150], "outcome"] = "abandoned"
    run.manifest["leaving"] = LEAVING
    text = printed(run)
    assert f"\n  {SENTENCE}\n" in text
    assert re.search(r"^PASSED: [\d,]+ requests, \d+ failed, \d+ abandoned,", text.lstrip())
