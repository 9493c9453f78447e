import pytest

from katydid.target.process import start_target
from warmtarget import _targets_are_warm  # noqa: F401 - a fixture


@pytest.fixture
def start(tmp_path):
    """Start targets, fast ones unless told otherwise, with a log; they stop with the test."""
    targets = []

    def starting(**settings):
        quick = {"ttft": 0.0, "chunk_interval": 0.0, "chunks": 4, "log": str(tmp_path / f"truth-{len(targets)}.jsonl")}
        targets.append(start_target(**quick | settings))
        return targets[-1]

    yield starting
    for target in targets:
        target.stop()


@pytest.fixture(scope="module")
def quick():
    """A target without any limit or fault, shared by a module's tests."""
    with start_target(ttft=0.0, chunk_interval=0.0, chunks=4) as target:
        yield target
