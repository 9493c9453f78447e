"""Pages with charts in a real browser: whole without a script, alone, and no text over text, in every width."""

import pytest

from browser import Browser
from chartpages import chart_kinds, chart_page

LARGEST = 150_000

TEXTS = """
[...document.querySelectorAll("figure > svg")].flatMap((svg) => {
  const whole = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter((text) => getComputedStyle(text).display !== "none");
  const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
  const cut = boxes.filter(([, b]) => b.left < whole.left - 1 || b.right > whole.right + 1
    || b.top < whole.top - 1 || b.bottom > whole.bottom + 1).map(([text]) => `cut off: ${text}`);
  const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5
    && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  return cut.concat(boxes.flatMap(([text, a], i) => boxes.slice(i + 1).filter(([, b]) => meet(a, b))
    .map(([other]) => `${text} over ${other}`)));
})
"""
CONTRAST = """
(() => {
  const of = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3;
  const paper = of(getComputedStyle(document.querySelector("figure")).backgroundColor);
  return Math.min(...["path.line", "text.tick"].map((name) => {
    const style = getComputedStyle(document.querySelector(`figure svg ${name}`));
    return Math.abs(of(name.startsWith("path") ? style.stroke : style.fill) - paper);
  }));
})()
"""


@pytest.fixture(scope="module")
def browser():
    with Browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    kinds = chart_kinds()
    files = {kind: folder / f"{kind.replace(' ', '-')}.html" for kind in kinds}
    for kind, file in files.items():
        file.write_text(chart_page(kinds[kind]), encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def addresses(files):
    return {kind: file.as_uri() for kind, file in files.items()}


@pytest.mark.parametrize("width", [400, 1400])
def test_every_kind_of_page_is_whole_without_javascript_and_no_text_stands_over_another(browser, addresses, width):
    for kind, address in addresses.items():
        page = browser.open(address, width=width, dark=width == 400, javascript=False)
        page.command("Emulation.setScriptExecutionDisabled", value=False)  # the page has loaded without its own
        assert page.evaluate(TEXTS) == [], kind
        assert page.evaluate("document.documentElement.scrollWidth") <= width, kind
        assert page.problems == [], kind
        assert page.requests == [address]


@pytest.mark.parametrize("night", [False, True])
def test_lines_and_texts_stand_out_from_their_paper(browser, addresses, night):
    assert browser.open(addresses["run"], dark=night).evaluate(CONTRAST) > 50


def test_a_small_run_has_a_small_page(files):
    assert {kind: file.stat().st_size for kind, file in files.items() if file.stat().st_size >= LARGEST} == {}


def test_in_print_charts_keep_two_columns_and_every_key_of_the_legend(browser, addresses):
    page = browser.open(addresses["run"], width=700)
    page.command("Emulation.setEmulatedMedia", media="print")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.charts')).gridTemplateColumns.split(' ').length") == 2
    )
    assert page.evaluate(
        "[...document.querySelectorAll('.key')].every((key) => key.getBoundingClientRect().width > 10)"
    )
    assert page.evaluate("getComputedStyle(document.querySelector('figure button')).display") == "none"
    assert page.evaluate(TEXTS) == []
