"""Complaints: one line, with an end, and without secrets."""

import pytest

from katydid.model.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("http://user:hunter2@h/x", "http://h/x"),
        ("http://user:hunter2@2@h", "http://h"),
        ("http:/user:hunter2@h/x", "http:/h/x"),  # as a path of it is shown
        ("see https://h/a@b and me@h", "see https://h/a@b and me@h"),
    ],
)
def test_no_password_of_a_url_is_quoted(typed, told):
    assert str(ConfigError(f"--stages '{typed}': give numbers")) == f"--stages '{told}': give numbers"


def test_a_long_one_keeps_its_beginning_and_what_to_do():
    said = str(ConfigError(f"--prompts {'x' * 5000}: correct the path"))
    assert len(said) == 2001
    assert said.startswith("--prompts xxx")
    assert said.endswith("xxx: correct the path")
