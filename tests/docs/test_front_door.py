"""README and CONTRIBUTING: short, and true about where things are."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
ARCHITECTURE = ROOT / "docs" / "explanation" / "architecture.md"
MUTATION = ROOT / "docs" / "mutation.md"
MOST_LINES = 130
_PATH = re.compile(r"`((?:src|tests|scripts|locustfiles|thresholds|benchmarks|docs)/[\w./*-]*)`")
_LINK = re.compile(r"\]\(([\w./-]+)(?:#[\w-]+)?\)")


def test_readme_is_short_and_names_no_source_file():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert "src/" not in text


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=lambda page: page.name)
def test_every_path_and_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    named = {*_PATH.findall(text), *_LINK.findall(text)}
    assert named
    assert {name for name in named if not list(ROOT.glob(name.rstrip("/")))} == set()


def test_every_module_that_the_architecture_names_is_there():
    named = set(re.findall(r"`(\w+/\w+\.py|\w+/\w+/\w+\.py)`", ARCHITECTURE.read_text(encoding="utf-8")))
    assert len(named) >= 6
    assert {name for name in named if not (ROOT / "src" / "katydid" / name).is_file()} == set()


def test_every_module_of_the_mutation_figures_is_there():
    rows = re.findall(r"^\| .*?`(\w+(?:/\w+)+)` \|", MUTATION.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 20
    assert {name for name in rows if not (ROOT / "src" / "katydid" / f"{name}.py").is_file()} == set()


def test_what_is_mutated_and_the_tests_of_it_are_there():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    named = [*settings["only_mutate"], *settings["pytest_add_cli_args_test_selection"]]
    assert {name for name in named if not list(ROOT.glob(name))} == set()


def test_the_picture_of_the_layers_is_what_the_imports_say():
    checked = subprocess.run(
        [sys.executable, ROOT / "scripts" / "layers.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")
