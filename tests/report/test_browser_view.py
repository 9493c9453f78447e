"""The page in a real browser: nothing asked for, nothing complained about, nothing to scroll sideways."""

import pytest

from browser import Browser
from katydid.report.model import Column, Section, Table
from katydid.report.run import render_run
from synthetic import HOSTILE, material_of, synthetic_run


@pytest.fixture(scope="module")
def browser():
    with Browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    run = synthetic_run(detail=HOSTILE * 2, version="v" * 120, lost_workers=["w9"])
    path = tmp_path_factory.mktemp("page") / "report.html"
    figures = tuple(Column(f"Figure {number}", lambda _: "12,345 tok/s") for number in range(8))
    columns = (Column("Stage", str), *figures, Column("Result", lambda _: "broken: duration.p95, " * 4, leads=True))
    text = ["See `katydid plan --concurrency 40`.", f"{'spread ' * 11}--version-label and --shared-prefix " * 9]
    stages = Section("stages", "Stages", text, [Table("", columns, [1, 2])])
    path.write_text(render_run(material_of(run), [stages]), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_a_page_loads_alone_and_never_scrolls_sideways(browser, address, width, dark):
    page = browser.open(address, width=width, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.requests == [address]
    assert page.problems == []


@pytest.mark.parametrize("width", [400, 1400])
def test_every_cell_is_seen_whole_and_no_word_stands_on_two_lines(browser, address, width):
    page = browser.open(address, width=width)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.split_words() == []
    assert page.hidden_cells(width) == []
    assert page.texts_over_another() == []


def test_on_a_narrow_screen_a_cell_has_its_columns_name_and_tiles_leave_no_hole(browser, address):
    page = browser.open(address, width=400)
    label = "getComputedStyle(document.querySelector('td[data-label=\"p95\"]'), '::before').content"
    assert page.evaluate(label).startswith('"p95')
    tiles = page.evaluate(
        "[...document.querySelectorAll('.tiles div')].reduce((rows, d) => { const b = d.getBoundingClientRect();"
        " (rows[b.top] ||= []).push(b.right); return rows; }, {})"
    )
    assert len({round(max(rights)) for rights in tiles.values()}) == 1


def test_it_is_dark_where_the_reader_wants_it_dark(browser, address):
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = (browser.open(address, dark=dark).evaluate(paper) for dark in (False, True))
    assert sum(map(int, light[4:-1].split(","))) > 600
    assert sum(map(int, dark[4:-1].split(","))) < 150


def test_without_javascript_everything_is_there_but_the_buttons(browser, address):
    page = browser.open(address, javascript=False)
    nodes = page.command("DOM.getDocument", depth=1)["root"]["nodeId"]

    def count(selector):
        return len(page.command("DOM.querySelectorAll", nodeId=nodes, selector=selector)["nodeIds"])

    assert count("table") >= 6
    assert count("figure svg path.line") > 8
    assert count("figure button") == 0


def press(page, kind, x, y):
    page.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_a_pointer_is_told_the_values_a_drag_zooms_and_a_button_puts_it_back(browser, address):
    page = browser.open(address, width=1400)
    page.evaluate("document.querySelector('figure[data-chart=load]').scrollIntoView({block: 'center'})")
    figure = "document.querySelector('figure[data-chart=load]')"
    left, top, width, height = page.evaluate(
        f"(() => {{ const r = {figure}.querySelector('.plot').getBoundingClientRect();"
        " return [r.left, r.top, r.width, r.height]; })()"
    )
    ticks = (
        f"[...{figure}.querySelectorAll('.across, .zoom-tick')]"
        ".filter((t) => t.checkVisibility()).map((t) => t.textContent)"
    )
    whole = page.evaluate(ticks)
    press(page, "mouseMoved", left + width / 2, top + height / 2)
    told = page.evaluate(f"{figure}.querySelector('.tip').textContent").split("\n")
    assert told[0].startswith("1:0")
    assert [line.partition(":")[0] for line in told[1:]] == ["offered", "started", "completed", "failed"]
    press(page, "mousePressed", left + width * 0.4, top + height / 2)
    press(page, "mouseMoved", left + width * 0.7, top + height / 2)
    press(page, "mouseReleased", left + width * 0.7, top + height / 2)
    zoomed = page.evaluate(ticks)
    assert zoomed != whole
    assert all(tick.startswith(("45", "50", "5", "1:")) for tick in zoomed)
    page.evaluate(f"{figure}.querySelector('button').click()")
    assert page.evaluate(ticks) == whole
    assert page.problems == []
    assert page.requests == [address]


def test_a_line_is_switched_off_by_its_legend_with_the_keyboard_too(browser, address):
    page = browser.open(address, width=1400)
    shown = "document.querySelector('figure[data-chart=load] path.third').checkVisibility()"
    flip = (
        "document.querySelectorAll('figure[data-chart=load] .legend li')[1]"
        ".dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"
    )
    assert page.evaluate(shown)
    page.evaluate(flip)
    assert not page.evaluate(shown)
    page.evaluate(flip)
    assert page.evaluate(shown)


def test_the_policy_stops_a_script_that_is_not_ours(browser, address):
    page = browser.open(address)
    page.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1'; "
        "document.body.append(s); })()"
    )
    assert page.evaluate("window.evil") is None
    assert "Content Security Policy" in " ".join(page.problems)
