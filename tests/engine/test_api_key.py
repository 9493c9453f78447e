"""The key, from the environment, a file however that was saved, or a command; and another one after it."""

import time

import gevent
import pytest

from katydid.engine.sender import api_key as module
from katydid.engine.sender.api_key import KEY, KEY_COMMAND, KEY_FILE, ApiKey, fetch_ahead, find_key
from katydid.model.errors import ConfigError
from katydid.model.redact import Redactor


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.delenv(KEY_FILE, raising=False)
    monkeypatch.delenv(KEY_COMMAND, raising=False)


def api_key():
    return find_key()[0].value


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


def test_a_command_prints_it(monkeypatch):
    monkeypatch.setenv(KEY_COMMAND, "echo ' sk-1 '; echo told >&2")
    assert api_key() == "sk-1"


def test_what_is_set_itself_comes_before_a_file_and_a_file_before_a_command(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_COMMAND, "echo sk-command")
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "key"))
    (tmp_path / "key").write_text("sk-file")
    assert api_key() == "sk-file"
    monkeypatch.setenv(KEY, "sk-1")
    assert api_key() == "sk-1"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo sk-secret >&2; exit 3", "exited with code 3"),
        ("true", "printed nothing"),
        ("no-such-command-here", "exited with code 127"),
        ("printf 'sk-secret\\nsk-2'", "has a line end"),
        ("printf 'sk-secret\\377'", "has a line end or a non-ASCII character"),
        ("sleep 5 & sleep 5", "has not exited within 0.2 s"),
    ],
)
def test_a_command_that_prints_no_key_is_told_in_one_line_without_what_it_said(monkeypatch, command, said):
    monkeypatch.setenv(KEY_COMMAND, command)
    monkeypatch.setattr(module, "COMMAND_TIME", 0.2 if "sleep" in command else 10.0)
    began = time.monotonic()
    with pytest.raises(ConfigError, match=said) as refused:
        find_key()
    assert str(refused.value).startswith(f"{KEY_COMMAND}: ")
    assert "sk-" not in str(refused.value)
    assert time.monotonic() - began < 4, "what the command has started was waited for"


def test_a_worker_runs_it_at_its_start_and_not_in_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_COMMAND, f"echo x >> {tmp_path}/calls; echo sk-$(wc -l < {tmp_path}/calls)")
    fetch_ahead()
    assert (tmp_path / "calls").read_text() == "x\n"
    assert [api_key(), api_key()] == ["sk-1", "sk-2"], "it serves one run: the next has a key of its own"


class Source:
    """Gives keys one after the other, each after a while."""

    def __init__(self, *keys):
        self.keys, self.asked = list(keys), 0

    def read(self):
        self.asked += 1
        gevent.sleep(0.01)
        key = self.keys[0] if len(self.keys) == 1 else self.keys.pop(0)
        if key is None:
            raise ConfigError("no key")
        return key


def renewed_by(users, key, refused):
    jobs = [gevent.spawn(key.renew, refused) for _ in range(users)]
    gevent.joinall(jobs)
    return {job.value for job in jobs}


def test_of_many_users_one_renews_it_and_all_have_the_new_one():
    source = Source("sk-2", "sk-3")
    key = ApiKey("sk-1", "here", source.read)
    assert renewed_by(50, key, "sk-1") == {""}
    assert (key.value, source.asked, key.known) == ("sk-2", 1, ["sk-1", "sk-2"])


def test_a_new_key_is_masked_and_told_without_being_shown():
    redactor, told = Redactor(["sk-1111"]), []
    key = ApiKey("sk-1111", "here", lambda: "sk-2222")
    key.watch(redactor, told.append)
    key.renew("sk-1111")
    assert redactor.text("sk-1111 sk-2222") == "[redacted] [redacted]"
    assert told == ["the target rejected the API key: renewed from here"]


@pytest.mark.parametrize(
    ("gives", "why"), [("sk-1", "here still gives the same key"), (None, "no key")], ids=["the same", "none"]
)
def test_a_source_without_another_key_is_asked_once_by_all_who_wait(gives, why):
    source = Source(gives)
    assert renewed_by(50, ApiKey("sk-1", "here", source.read), "sk-1") == {why}
    assert source.asked == 1


def test_and_again_after_a_while(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0.0)
    key = ApiKey("sk-1", "here", Source("sk-1", "sk-2").read)
    assert key.renew("sk-1") == "here still gives the same key"
    assert key.renew("sk-1") == ""


def test_a_new_key_that_is_refused_at_once_is_not_renewed_at_once():
    source = Source("sk-2", "sk-3")
    key = ApiKey("sk-1", "here", source.read)
    assert [key.renew("sk-1"), key.renew("sk-2")] == ["", "the renewed key was rejected too"]
    assert source.asked == 1


def test_a_key_of_a_variable_is_never_another():
    key = ApiKey("sk-1")
    assert not key.renewable
    assert key.renew("sk-1").startswith(f"{KEY} is read once: ")


def test_a_file_that_has_changed_is_read_again(tmp_path, monkeypatch):
    file = tmp_path / "a.key"
    file.write_text("sk-1")
    monkeypatch.setenv(KEY_FILE, str(file))
    key, _ = find_key()
    file.write_text("sk-2\n")
    assert (key.renew("sk-1"), key.value) == ("", "sk-2")
