"""A comparison as a page, in Markdown and on a terminal: the same words, and nothing in them is markup."""

import json
import re

import pytest

from browser import Browser
from folders import write_version
from katydid.cli import main
from katydid.report.render.markdown import escaped
from katydid.report.verdict import percent
from schemas import misfits
from synthetic import HOSTILE

LUCK = (0.01, -0.01, 0.005, -0.005, 0.0)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Every output of one comparison: a version 20 % faster than the one before."""
    root = tmp_path_factory.mktemp("reports")
    write_version(root, "old", LUCK, step=2)
    write_version(root, "new", LUCK, first_minute=1, step=2, slower=-0.2)
    files = {kind: root / f"c.{kind}" for kind in ("html", "json", "markdown")}
    code = main(["compare", str(root / "old"), str(root / "new"), *(f"--{k}={f}" for k, f in files.items())])
    assert code == 0
    return {kind: file.read_text(encoding="utf-8") for kind, file in files.items()} | {"root": root}


def test_all_outputs_say_the_same_sentence(outputs, capsys):
    assert main(["compare", str(outputs["root"] / "old"), str(outputs["root"] / "new")]) == 0
    sentence = capsys.readouterr().out.splitlines()[0]
    assert sentence.startswith("FASTER. new is faster than old: time to first token, p50 \u221220")
    assert sentence in outputs["html"]
    assert sentence in outputs["markdown"]


def test_the_json_has_the_keys_that_others_rely_on(outputs):
    comparison = json.loads(outputs["json"])
    assert comparison["verdict"] == "faster"
    keys = ["name", "base", "new", "change", "low", "high", "verdict", "primary", "smallest_detectable", "runs_needed"]
    assert all(key in metric for metric in comparison["metrics"] for key in keys)


def test_json_on_standard_output_is_that_alone(outputs, capsys):
    root = outputs["root"]
    assert main(["compare", str(root / "old"), str(root / "new"), "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["verdict"] == "faster"
    assert misfits("comparison", json.loads(out)) == []
    assert err.startswith("FASTER.")


def test_markdown_has_a_table_that_marks_what_decides(outputs):
    assert "| Service time, p50\u00a0&#42; | " in outputs["markdown"]


@pytest.mark.parametrize("text", ["a|b", "@team", "https://evil.example", "www.evil.example", "<img src=x>", "`code`"])
def test_markdown_of_strangers_is_inert(text):
    shown = escaped(text)
    assert not any(mark in shown for mark in ("|", "@", "://", "www.", "<", "`"))


def test_only_runs_of_which_there_are_several_were_made_in_turns(outputs, capsys):
    root = outputs["root"]
    interleave = "The runs were interleaved."
    assert interleave in outputs["markdown"]
    assert main(["compare", str(root / "old" / "run-0"), str(root / "new" / "run-0"), "--markdown", "-"]) == 0
    assert interleave not in capsys.readouterr().out


def test_a_hostile_version_stays_text(tmp_path):
    for number, name in enumerate(("old", "new")):
        write_version(tmp_path, name, LUCK[:1], first_minute=number)
        manifest = tmp_path / name / "run-0" / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": HOSTILE + name}))
    page = tmp_path / "c.html"
    assert main(["compare", str(tmp_path / "old"), str(tmp_path / "new"), "--html", str(page)]) == 0
    body = page.read_text(encoding="utf-8").partition("<script>")[0]
    assert "<img" not in body
    assert "\u202e" not in body
    assert "&lt;img src=x" in body


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_loads_alone_and_never_scrolls_sideways(outputs, width, dark):
    page_file = outputs["root"] / "c.html"
    with Browser() as chromium:
        page = chromium.open(page_file.as_uri(), width=width, dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.requests == [page_file.as_uri()]
        assert page.problems == []


def test_on_a_narrow_screen_the_first_primary_is_read_without_scrolling(outputs):
    with Browser() as chromium:
        page = chromium.open((outputs["root"] / "c.html").as_uri(), width=400)
        assert page.split_words() == []
        assert page.hidden_cells(400) == []
        row = "document.querySelector('#metrics ~ .scroll tbody tr')"
        assert page.evaluate(f"{row}.querySelector('td.leads').getBoundingClientRect().bottom") < 800
        told = page.evaluate(f"{row}.innerText")
        for words in ("Time to first token, p50", "faster", "232\u00a0ms", "186\u00a0ms", "\u221220"):
            assert words in told
        labels = page.evaluate(f"[...{row}.querySelectorAll('td')].map((cell) => cell.dataset.label)")
        assert labels[:2] == ["old", "new"]
        ticks = "[...document.querySelectorAll('.forest .tick')].map((tick) => tick.getBoundingClientRect().height)"
        assert min(page.evaluate(ticks)) > 10


def test_the_page_leads_to_its_runs_reports_and_says_how_it_was_made(outputs, tmp_path):
    root = outputs["root"]
    (root / "old" / "run-0" / "report.html").write_text("the run's own")
    page = tmp_path / "deep" / "c.html"
    assert main(["compare", str(root / "old"), str(root / "new"), "--html", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    (link,) = re.findall(r'<a href="([^"#]+)">', text)
    assert (page.parent / link).read_text() == "the run's own"
    assert f"katydid compare {root / 'old'} {root / 'new'} --html {page}" in re.sub("<[^>]*>", "", text)


def test_the_page_is_small_and_has_a_forest_plot_without_a_script(outputs):
    assert len(outputs["html"].encode()) < 150_000
    body = outputs["html"].partition("<script>")[0]
    assert body.count('<line class="reach main"') >= 4
    assert "All metrics, with the smallest detectable change" in body


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{root}/old", "{root}/none"], 2, "no such folder"),
        (["{root}", "{root}/new"], 2, "several versions (new, old)"),
        (["{root}/old"], 2, "required: NEW"),
        (["{root}/old", "{root}/new", "--json", "-", "--markdown", "-"], 2, "standard output"),
        (["{root}/old", "{root}/new", "--history", "{root}/none"], 2, "has no runs in it"),
        (["{root}/old", "{root}/new", "--html", "/dev/null/x.html"], 2, "cannot be written"),
    ],
)
def test_bad_input_gets_one_line(outputs, capsys, arguments, code, message):
    try:
        got = main(["compare", *(a.format(root=outputs["root"]) for a in arguments)])
    except SystemExit as exit_:
        got = exit_.code
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert got == code
    assert message in last


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.0, "0.0\u00a0%"), (0.0123, "+1.2\u00a0%"), (-0.126, "\u221213\u00a0%"), (12.0, "+1,200\u00a0%")],
)
def test_changes_have_a_sign_and_two_digits(fraction, text):
    assert percent(fraction) == text
