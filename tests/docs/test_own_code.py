"""The dialect and the workload that the docs print are those of the examples, and work as they are printed."""

import pytest

from pagerun import PageRun
from pages import blocks
from running import ROOT, the_run

EXAMPLES = ROOT / "examples"
PAGES = {
    "dialect.md": ("tgi.py", "custom_dialect.py"),
    "workload.md": ("follow_up.py", "custom_workload.py"),
}
ALSO = {
    "metric.md": ("embeddings.py", "embeddings.py"),
    "dialect.md": ("gemini.py", "gemini.py"),
    "workload.md": ("own_options.py", "own_options.py"),
}
"""Examples that need a server which the page does not start; tests/examples runs them."""


@pytest.mark.parametrize(("page", "files"), [*PAGES.items(), *ALSO.items()])
def test_the_page_prints_the_example(page, files):
    file, example = files
    (printed,) = (block.text for block in blocks(ROOT / "docs" / "how-to" / page) if block.title == file)
    first = '"""\n\n'  # behind the docstring, which names the file
    assert printed.partition(first)[2] == (EXAMPLES / example).read_text().partition(first)[2] != ""


def run_page(page, folder):
    reader, scratch = folder / "reader", folder / "scratch"
    reader.mkdir()
    scratch.mkdir()
    path = ROOT / "docs" / "how-to" / page
    PageRun(path, reader, scratch).run([block for block in blocks(path) if block.runs])
    return the_run(reader)


@pytest.mark.e2e
def test_the_dialect_works_as_printed_in_an_empty_folder(tmp_path):
    found = run_page("dialect.md", tmp_path)
    samples = found.samples
    assert found.manifest["api"] == "tgi"
    assert found.manifest["model"] == "small"
    assert set(samples["outcome"]) == {"ok"}, samples["detail"].dropna().unique()
    assert set(samples["chunks"]) == set(samples["completion_tokens"]) == {3}
    assert set(samples["prompt_tokens"]) == {8}


@pytest.mark.e2e
@pytest.mark.slow  # the example itself is run by tests/examples
def test_the_workload_works_as_printed_in_an_empty_folder(tmp_path):
    found = run_page("workload.md", tmp_path)
    assert found.manifest["workload"] == "follow-up"
    assert found.manifest["options"]["follow_ups"] == 2
    assert set(found.samples["name"]) == {"question 1", "question 2", "question 3"}
    assert set(found.samples["outcome"]) == {"ok"}
