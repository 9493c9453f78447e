"""Charts of rows: a bar a user."""

from katydid.report.model import Chart, Rows, Span, Style
from katydid.report.render.svg import draw

HOSTILE_NAME = "<img src=x>"


def picture(names=("User 1", "User 2"), spans=None):
    spans = spans or [Span(0, 0.0, 7.8, Style.MAIN), Span(1, 0.0, 7.8, Style.QUIET), Span(1, 7.8, 15.6, Style.MAIN)]
    return Chart("k", "Waiting", "A bar a user.", "", rows=Rows(list(names), spans, [(Style.MAIN, "being served")]))


def test_every_row_has_its_name_and_its_bars_with_their_times():
    drawn = str(draw(picture()))
    assert drawn.count("<title>") == 2
    assert "User 2: 0 to 7.8 s, 7.8 to 15.6 s" in drawn
    assert [drawn.count(f'<path class="fill-{style}"') for style in ("main", "quiet")] == [1, 1]
    assert "being served" in drawn


def test_a_name_is_never_markup():
    assert "<img" not in str(draw(picture(names=(HOSTILE_NAME, HOSTILE_NAME))))


def test_a_picture_gets_taller_with_its_rows_but_not_without_end():
    def height(count):
        drawn = str(draw(picture([f"User {i}" for i in range(count)], [Span(0, 0.0, 1.0, Style.MAIN)])))
        return float(drawn.partition("viewBox=")[2].split('"')[1].split()[3])

    assert height(2) < height(20) < height(200) < 700


def test_a_burst_of_many_users_stays_small():
    spans = [
        Span(row, at, at + 0.5, style) for row in range(200) for at, style in ((0.0, Style.QUIET), (0.5, Style.MAIN))
    ]
    drawn = str(draw(picture([f"User {row}" for row in range(200)], spans)))
    assert drawn.count("h-") == len(spans)
    assert len(drawn) < 20_000
