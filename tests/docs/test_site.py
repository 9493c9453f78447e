"""The documentation's site: builds without a complaint, is what the code says, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from browser import Browser

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
    done = run(sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
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


def test_in_a_browser_it_asks_nobody_and_has_no_problems(site):
    with Browser() as browser:
        for name in ("index.html", "reference/options.html"):
            page = browser.open((site / name).as_uri())
            assert [address for address in page.requests if not address.startswith(("file:", "data:", "blob:"))] == []
            assert [problem for problem in page.problems if "file:" not in problem] == []


def test_pictures_are_small():
    large = [path.name for path in (ROOT / "docs").rglob("*.png") if path.stat().st_size > PICTURE_LIMIT]
    assert large == []
