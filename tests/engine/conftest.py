"""Tests of users share one process, where every workload's options would be registered: each test begins with none."""

import pytest

from katydid.engine.options import RunOptions, parsing


@pytest.fixture(autouse=True)
def only_common_options(monkeypatch):
    monkeypatch.setattr(parsing, "_tables", [RunOptions])
