"""The documentation's site: builds without a complaint, is what the code says, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from browser import Browser
from serving import serving

ROOT = Path(__file__).resolve().parents[2]
PICTURE_LIMIT = 200_000
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*?\ssrc\s*=\s*["']?(?P<source>[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*?\shref\s*=\s*["']?(?P<link>[^"'\s>]+)"""
    r"""|(?:url\(|@import\s+)\s*["']?(?P<style>[^"')\s]+)""",
    re.IGNORECASE,
)


def run(*command):
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # Not --quiet: it hides the warnings that --strict is about, and the build passes whatever they are.
    done = run(sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder))
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def loaded_by(text):
    return [next(filter(None, found.groups())) for found in _LOADED.finditer(text)]


def test_the_reference_is_what_the_code_says():
    done = run(sys.executable, "scripts/reference", "--check")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_page_is_in_the_site(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_no_page_and_no_style_loads_anything_from_another_host(site):
    elsewhere = {
        (path.name, address)
        for path in site.rglob("*")
        if path.suffix in {".html", ".css"}
        for address in loaded_by(path.read_text(encoding="utf-8"))
        if re.match(r"(?:https?:)?//", address)
    }
    assert elsewhere == set()


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/a.js"></script>',
        "<img alt='' src=//cdn.example/a.png>",
        '<link rel="stylesheet" href="https://fonts.example/css">',
        "@import 'https://fonts.example/css'",
        "a{background:url(https://cdn.example/a.png)}",
    ],
)
def test_what_would_be_loaded_is_found(text):
    assert [address for address in loaded_by(text) if "//" in address] == [loaded_by(text)[0]]


@pytest.fixture
def served(site):
    """Its address."""
    handler = partial(QuietHandler, directory=site)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


SEARCH = """
new Promise(found => {
  const input = document.querySelector("input.md-search__input")
  document.querySelector("#__search").click()
  input.focus()
  input.value = "ttft_bound"
  input.dispatchEvent(new KeyboardEvent("keyup", {bubbles: true}))
  input.dispatchEvent(new Event("input", {bubbles: true}))
  const look = setInterval(() => {
    const links = [...document.querySelectorAll(".md-search-result__link")].map(link => link.href)
    if (links.length) { clearInterval(look); found(links) }
  }, 50)
})
"""


def test_a_browser_finds_pages_by_their_words_and_asks_nobody_else(served):
    with Browser() as browser:
        page = browser.open(f"{served}/index.html")
        assert f"{served}/reference/files.html" in {link.partition("?")[0] for link in page.evaluate(SEARCH)}
        assert [address for address in page.requests if not address.startswith((served, "data:", "blob:"))] == []
        assert page.problems == []


def test_pictures_are_small():
    large = [path.name for path in (ROOT / "docs").rglob("*.png") if path.stat().st_size > PICTURE_LIMIT]
    assert large == []
