"""What the fuzzer began with, and what it once found, holds today too."""

from pathlib import Path

import pytest

from fuzztargets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus(name):
    files = sorted((CORPUS / name).iterdir())
    assert files
    for file in files:
        TARGETS[name](file.read_bytes())


def test_no_corpus_is_without_a_target():
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
