"""Markdown, as a parser of GitHub's kind reads it."""

import pytest
from markdown_it import MarkdownIt

from katydid.report.gate import section
from katydid.report.model import Section, Table
from katydid.report.render.markdown import escaped, section_markdown
from synthetic import HOSTILE
from verdicts import compared, judged, judged_run

PLAIN = {"inline", "text", "softbreak", "strong_open", "strong_close"}
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def leaves(markdown):
    """Every token that is no block, with its content."""
    return [child for token in PARSER.parse(markdown) for child in token.children or []]


def cells(markdown):
    """The text of every row of every table."""
    rows, inside = [], False
    for token in PARSER.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        inside = {"th_open": True, "td_open": True}.get(token.type, inside and token.type == "inline")
        if inside and token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children))
    return rows


ATTACKS = [
    HOSTILE, "a|b|c", "a\\|b", "**bold** _it_ ~~no~~", "[x](javascript:alert(1))", "![x](http://e/x.png)", "`code`",
    "``", "<b>x</b>", "<!-- x", "&lt;b&gt;", "# heading", "- list", "1. list", "> quote", "---", "***", "$x$", "\\",
    "| a |\n| - |", "http://evil.example", "www.evil.example", "line\n\n# two", "[^1]", ":smile:", "~", "```\nfence",
    "\u2028x",
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_text_from_outside_is_text_wherever_it_stands(attack):
    shown = Section("k", attack, [attack], [Table(attack, ["a", attack], [[attack, "1"], ["2", attack]])])
    markdown = section_markdown(shown)
    assert {leaf.type for leaf in leaves(markdown)} <= PLAIN
    blocks = {token.type.removesuffix("_open") for token in PARSER.parse(markdown) if token.type.endswith("_open")}
    assert blocks <= {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td"}
    assert [len(row) for row in cells(markdown)] == [2, 2, 2]


@pytest.mark.parametrize("attack", [each for each in ATTACKS if "\n" not in each and "\x1b" not in each])
def test_and_is_still_the_same_text(attack):
    ((_, told),) = cells(section_markdown(Section("k", "t", [], [Table("", ["a", "b"], [["x", attack]])])))[1:]
    assert told.replace("\u2060", "") == attack.strip()


def test_nobody_is_called_and_no_issue_is_linked():
    assert escaped("@octocat, #12") == "&#64;&#8288;octocat, &#35;&#8288;12"


def test_letters_of_all_languages_stay_as_they_are():
    assert escaped("größer 日本語 – é") == "größer 日本語 – é"


def test_a_judgement_is_a_heading_and_a_table_with_the_worst_first():
    markdown = section_markdown(section(judged(objective={"failure_rate": "< 2%", "ttft.p95": "< 1ms"})))
    assert markdown.startswith("### FAILED. ttft.p95 is 1.00\u00a0s, limit &#60; 1ms.\n")
    header, first, *others = cells(markdown)
    assert header == ["Check", "Value", "Limit", "Verdict", "Why"]
    assert first[:4] == ["ttft.p95", "1.00\u00a0s", "< 1ms", "FAILED"]
    assert {row[3] for row in others} == {"passed"}
    assert "**FAILED**" in markdown


def test_a_comparison_shows_both_sides():
    markdown = section_markdown(section(judged(comparison=compared("slower"), compare={})))
    assert cells(markdown)[:2] == [
        ["Check", "Baseline", "Change", "Value", "Limit", "Verdict", "Why"],
        ["duration.p50", "1.00\u00a0s", "+20\u00a0%", "1.20\u00a0s", "no regression ≥ 5 % vs baseline", "FAILED",
         "slower: +20\u00a0% (+17\u00a0% to +23\u00a0%)"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("judgement", "said"),
    [
        (judged(objective={"ttft.p95": "< 2s"}), "PASSED. 1 objective met."),
        (
            judged(objective={"ttft.p95": "< 2s"}, comparison=compared("faster")),
            "PASSED. 1 objective met, against the baseline: faster.",
        ),
        (
            judged(objective={"ttft.p95": "< 2s"}, compare={}),
            "PASSED. 1 objective met; no baseline: name one with --baseline.",
        ),
        (
            judged(objective={"ttft.p95": "< 1ms", "failure_rate": "< 0.5%"}),
            "FAILED. ttft.p95 is 1.00\u00a0s, limit < 1ms (and 1 more check).",
        ),
        (
            judged(compare={}, comparison=compared("slower")),
            "FAILED. v2 is slower than v1: service time, p50 +20\u00a0% (+17\u00a0% to +23\u00a0%).",
        ),
        (
            judged(compare={}, policy={"cannot_tell": "fail"}),
            "CANNOT TELL. no baseline: name one with --baseline.",
        ),
        (
            judged(judged_run(partial=True), objective={"ttft.p95": "< 1ms"}),
            "INVALID. partial: the run never finished.",
        ),
    ],
)
def test_the_judgement_is_one_sentence(judgement, said):
    assert section(judgement).title == said
