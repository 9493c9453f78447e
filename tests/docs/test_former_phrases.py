"""Phrases that the glossary replaced do not come back, in whatever people read: pages, help, messages, docstrings."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("former_phrases.txt")
PLACES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs", "src", "locustfiles", "scripts",
          "examples", "thresholds", "deploy", "pyproject.toml", "mkdocs.yml")  # fmt: skip
TEXTS = {".md", ".py", ".sh", ".toml", ".html", ".yml", ".js", ""}


BLANK = r"\s+(?:#\s+)?"
"""Between two words; a comment's next line begins with its sign."""


def patterns():
    lines = [line.strip() for line in LIST.read_text(encoding="utf-8").splitlines()]
    phrases = [line for line in lines if line and not line.startswith("#")]
    return [phrase[1:-1] if phrase.startswith("/") else re.escape(phrase).replace(r"\ ", BLANK) for phrase in phrases]


FORMER = re.compile(rf"(?<!\w)(?:{'|'.join(patterns())})(?!\w)", re.IGNORECASE)


def read_texts():
    listed = subprocess.run(["git", "ls-files", "-z", *PLACES], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository: nobody knows what belongs to the tree")
    for name in listed.stdout.decode().split("\0"):
        file = ROOT / name
        if name and file.is_file() and file.suffix in TEXTS and "vendor" not in file.parts:
            yield name, file.read_text(encoding="utf-8")


def test_no_former_phrase_is_left():
    found = [
        f"{name}:{text.count(chr(10), 0, phrase.start()) + 1}: {phrase.group()}"
        for name, text in read_texts()
        for phrase in FORMER.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["made in turns", "made in\n# turns", "is this to be\n  believed", "May it be believed?", "is no JSON"]
)
def test_a_former_phrase_is_found_across_lines_and_whatever_its_case(text):
    assert FORMER.search(text)


@pytest.mark.parametrize("text", ["[turn for turn in turns]", "he is let into", "interleaved"])
def test_what_only_looks_like_one_is_not(text):
    assert not FORMER.search(text)
