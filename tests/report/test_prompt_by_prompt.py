"""Requests with the same prompt beside each other, on a comparison's page."""

import pandas as pd

from folders import write_version
from katydid.cli import main
from katydid.report.comparison_sections import prompts_section
from synthetic import HOSTILE

NAMES = ("v1", "v2")


def run(times, *, tokens=50.0, **more):
    """One successful request a prompt, with the service time that it had."""
    rows = {"prompt_id": list(times), "duration_ms": list(times.values()), "completion_tokens": tokens}
    return pd.DataFrame(rows | {"counted": True, "outcome": "ok"} | more)


def rows(base, new):
    (section,) = prompts_section(NAMES, [base], [new])
    return [[cell.text for cell in cells] for cells in section.tables[0].cells]


def test_prompts_are_paired_and_the_worst_comes_first():
    found = rows(run({"1": 100.0, "2": 100.0, "3": 100.0}), run({"3": 150.0, "2": 120.0, "1": 90.0}))
    assert [(row[0], row[-1]) for row in found] == [("3", "+50\u00a0%"), ("2", "+20\u00a0%"), ("1", "\u221210\u00a0%")]


def test_a_prompt_that_one_side_did_not_answer_is_left_out():
    failed = run({"2": 100.0, "3": 100.0}, outcome="failed")
    new = pd.concat([run({"1": 100.0, "9": 100.0}), failed])
    base = run({"1": 100.0, "2": 100.0, "3": 100.0, "9": 100.0})
    assert [row[0] for row in rows(base, new)] == ["1", "9"]


def test_it_says_how_many_took_longer_and_what_the_middle_one_did():
    (section,) = prompts_section(
        NAMES, [run({"1": 100.0, "2": 100.0, "3": 100.0})], [run({"1": 90.0, "2": 110.0, "3": 130.0})]
    )
    assert section.text[0].startswith(
        "Both sides answered 3 prompts. v2 took longer for 2 of them; the median change is +10\u00a0%."
    )


def test_requests_and_tokens_of_several_runs_stand_together():
    base = [run({"1": 100.0, "2": 100.0}), run({"1": 200.0, "2": 100.0}, tokens=70.0)]
    (section,) = prompts_section(NAMES, base, [run({"1": 150.0, "2": 150.0}, tokens=None)])
    told = {row[0].text: [cell.text for cell in row] for row in section.tables[0].cells}["1"]
    assert told[1:] == ["2", "1", "60", "–", "150\u00a0ms", "150\u00a0ms", "0.0\u00a0%"]


def test_only_the_ten_that_grew_most_are_shown():
    base, new = ({str(n): 100.0 + n * by for n in range(40)} for by in (0.0, 1.0))
    assert len(rows(run(base), run(new))) == 10


def test_requests_without_prompts_have_no_such_section():
    assert prompts_section(NAMES, [run({None: 100.0})], [run({None: 100.0})]) == []
    assert prompts_section(NAMES, [run({"1": 100.0}).drop(columns="prompt_id")], [run({"1": 100.0})]) == []
    assert prompts_section(NAMES, [], []) == []


def test_a_strangers_prompt_id_is_no_markup_on_the_page(tmp_path):
    for folder in (*write_version(tmp_path, "old", [0.0]), *write_version(tmp_path, "new", [0.0], first_minute=1)):
        samples = folder.samples()
        samples["prompt_id"] = [HOSTILE if user % 2 else "2" for user in samples["user"]]
        samples.to_parquet(folder.path / "samples.parquet")
    page = tmp_path / "c.html"
    assert main(["compare", str(tmp_path / "old"), str(tmp_path / "new"), "--html", str(page)]) == 0
    assert "Prompt by prompt" in page.read_text()
    assert "<img src=x" not in page.read_text()
