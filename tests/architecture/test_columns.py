"""Tables are columns that know what they show: no cell has a number, and figures are written in one place."""

import ast

import pytest

from katydid.report import comparison_sections as comparison
from katydid.report.model import Cell, Column, Judgement, Section, Table
from katydid.report.render.markdown import section_markdown
from katydid.report.render.page import render
from katydid.report.render.terminal import print_section, terminal
from running import ROOT

SOURCE = ROOT / "src" / "katydid"
FILES = sorted(
    path
    for folder in ("report", "workloads", "commands")
    for path in (SOURCE / folder).rglob("*.py")
    if path.relative_to(SOURCE).as_posix() != "report/model.py"
)


def tables(path):
    """Every call that makes a table."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Table":
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_cell_is_addressed_by_its_number(path):
    for made in tables(path):
        assert not {"words", "bad"} & {keyword.arg for keyword in made.keywords}
        assert len(made.args) <= 3
        columns = made.args[1]
        texts = columns.elts if isinstance(columns, ast.Tuple | ast.List) else [columns]
        assert not any(isinstance(text, ast.Constant) for text in texts), "a heading alone: make it a Column"


@pytest.mark.parametrize(
    "path", [path for path in FILES if "render" not in path.parts], ids=lambda p: p.relative_to(SOURCE).as_posix()
)
def test_no_table_writes_figures_in_its_own_way(path):
    """What a column shows goes through the one formatter, and not through a format of its own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Column":
            formats = [each for each in ast.walk(node) if isinstance(each, ast.FormattedValue) and each.format_spec]
            assert formats == [] or path.name == "learn.py", "hours of the day"


def test_a_column_is_added_in_one_place_and_is_shown_everywhere(capsys, monkeypatch):
    """A metric's name, added to the columns of a comparison alone."""
    monkeypatch.setenv("COLUMNS", "80")
    extra = Column("Judged by", lambda look: Cell(look, judgement=Judgement.BAD))
    section = Section("k", "Looks", tables=[Table("", (*(Column("Pairs", str), extra),), ["three", "four"])])
    print_section(section, terminal())
    page = render("plan.html", (), [section], title="t")
    for text in (capsys.readouterr().out, section_markdown(section), page):
        assert text.count("Judged by") >= 1
        assert "four" in text
    assert comparison.VERDICT.leads
