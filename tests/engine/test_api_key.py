"""The key, from the environment or a file, however that was saved."""

import pytest

from katydid.engine.services.chat import KEY, KEY_FILE, api_key
from katydid.model.errors import ConfigError


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(KEY_FILE, raising=False)


@pytest.mark.parametrize("saved", [b"sk-1", b"sk-1\n", b"\xef\xbb\xbfsk-1\r\n", b" sk-1 \n\n"])
def test_a_key_is_read_without_what_an_editor_puts_around_it(tmp_path, monkeypatch, saved):
    file = tmp_path / "a.key"
    file.write_bytes(saved)
    monkeypatch.setenv(KEY_FILE, str(file))
    assert api_key() == "sk-1"


@pytest.mark.parametrize("mark", ["", "\ufeff", " "])
def test_so_is_that_of_the_environment(monkeypatch, mark):
    monkeypatch.setenv(KEY, f"{mark}sk-1\n")
    assert api_key() == "sk-1"


@pytest.mark.parametrize(
    "saved", [b"", b"\xef\xbb\xbf\n", "sk-1".encode("utf-16"), b"sk-\xff", "sk-é".encode(), b"sk-1\nsk-2", b"sk\x00-1"]
)
def test_what_is_no_key_is_refused_in_one_line_that_names_the_file_and_not_the_key(tmp_path, monkeypatch, saved):
    file = tmp_path / "a.key"
    file.write_bytes(saved)
    monkeypatch.setenv(KEY_FILE, str(file))
    with pytest.raises(ConfigError) as refused:
        api_key()
    assert str(refused.value).startswith(f"{KEY_FILE} {file}: ")
    assert "sk" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_key_of_the_environment_that_no_header_takes_is_refused_by_its_name(monkeypatch):
    monkeypatch.setenv(KEY, "sk-1\r\nX: y")
    with pytest.raises(ConfigError, match=f"^{KEY}: "):
        api_key()
