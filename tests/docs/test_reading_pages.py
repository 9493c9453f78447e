"""What is taken for a block to be run, and what is changed while it is."""

import pytest

from pages import blocks
from standin import StandIn

SETTINGS = {"ports": {"8080": "41000"}, "served": [], "target": "http://127.0.0.1:42000", "pids": {"4711": 99}}


def read(folder, *lines):
    page = folder / "page.md"
    page.write_text("\n".join(lines))
    return blocks(page)


def test_a_block_of_shell_is_run_wherever_it_stands(tmp_path):
    (plain, indented) = read(tmp_path, "```bash", "one", "```", "- item", "", "  ```sh", "  two", "    three", "  ```")
    assert (plain.runs, plain.text, plain.line) == (True, "one\n", 2)
    assert (indented.runs, indented.text) == (True, "two\n  three\n")


def test_what_is_for_the_eye_is_not_run(tmp_path):
    found = read(tmp_path, "```console", "$ one", "```", "```text", "two", "```", "```", "three", "```")
    assert [block.runs for block in found] == [False] * 3
    assert [block.language for block in found] == ["console", "text", ""]


@pytest.mark.parametrize("between", [[], [""]])
def test_a_comment_before_a_block_is_the_reason_why_it_is_not_run(between, tmp_path):
    first, second = read(
        tmp_path, "<!-- not run: needs a moon -->", *between, "```bash", "one", "```", "```bash", "two", "```"
    )
    assert (first.runs, first.reason) == (False, "needs a moon")
    assert second.runs, "the reason is of one block alone"


def test_a_reason_without_words_is_found_out(tmp_path):
    (block,) = read(tmp_path, "<!-- not run: -->", "```bash", "one", "```")
    assert block.reason == ""


def test_a_block_with_a_title_is_a_file(tmp_path):
    (block,) = read(tmp_path, '```python title="mine.py"', "import this", "```")
    assert (block.title, block.runs) == ("mine.py", False)


@pytest.mark.parametrize(
    ("printed", "called"),
    [
        ("--host http://127.0.0.1:8080", "--host http://127.0.0.1:41000"),
        ("--host https://gateway.example/v1", "--host http://127.0.0.1:42000/v1"),
        ("--host ws://127.0.0.1:2700", "--host ws://127.0.0.1:42000"),
        ("--run-time 8m --users 500 --interval 20", "--run-time 4s --users 40 --interval 1"),
        ("-t 5s -u 20 --interval 0.5", "-t 5s -u 20 --interval 0.5"),
        ("--users=500", "--users=40"),
        ("--stages 100,200 --target-pid 4711", "--stages 4,8 --target-pid 99"),
        ("--port 8080", "--port 0"),
        ("--embedded-target=--chunks 20", "--embedded-target=--chunks 20"),
    ],
)
def test_hosts_are_ours_and_loads_are_short(printed, called):
    def words(text):
        return text.split(" ") if "embedded" not in text else [text]

    assert StandIn("katydid", SETTINGS).arguments(words(printed)) == words(called)


def test_variables_are_capped_as_options_are(monkeypatch):
    monkeypatch.setenv("LOCUST_USERS", "200")
    monkeypatch.setenv("LOCUST_HOST", "http://127.0.0.1:8080")
    monkeypatch.setenv("LOAD_TEST_INTERVAL", "0.5")
    found = StandIn("katydid", SETTINGS).environment(["run", "stream"])
    assert (found["LOCUST_USERS"], found["LOAD_TEST_INTERVAL"]) == ("40", "0.5")
    assert found["LOCUST_HOST"] == "http://127.0.0.1:41000"
