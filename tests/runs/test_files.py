"""Files that people name: read with a limit, and without waiting for ever."""

import os

import pytest

from katydid.model.errors import ConfigError
from katydid.runs.files import MIB, read_named


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * MIB)
    assert read_named(tmp_path / "file", MIB) == b"x" * MIB


def test_a_device_without_an_end_is_refused():
    with pytest.raises(ConfigError, match="is larger than 1 MiB"):
        read_named("/dev/zero", MIB)


def test_a_pipe_that_nobody_writes_into_is_empty(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read_named(tmp_path / "pipe", MIB) == b""
