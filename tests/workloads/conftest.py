"""Tests of users share one process, where every workload's options would be registered: each test begins with none."""

import pytest

from katydid.engine import options


@pytest.fixture(autouse=True)
def only_common_options(monkeypatch):
    monkeypatch.setattr(options, "_tables", [options.RunOptions])
