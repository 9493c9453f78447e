"""What several files of whole runs share."""

import pytest

from katydid.target.process import start_target
from warmtarget import _targets_are_warm  # noqa: F401 - a fixture


@pytest.fixture
def target(tmp_path):
    """Start targets with a log; they stop with the test."""
    targets = []

    def start(**settings):
        targets.append(start_target(log=str(tmp_path / f"truth-{len(targets)}.jsonl"), **settings))
        return targets[-1]

    yield start
    for each in targets:
        each.stop()
