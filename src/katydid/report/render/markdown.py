"""Renders sections in GitHub Markdown, for job summaries and pull requests. Texts cannot become markup."""

import re

from katydid.model.oneline import one_line
from katydid.report.model import Judgement, Section, Table

_MARKUP = re.compile(r"[^\w\s,%/()'+:;.=-]|_|:(?=//)|(?<=www)\.|^[-+=]|(?<=\d)[.)](?=\s|$)", re.ASCII | re.IGNORECASE)
"""What GitHub may read as markup, a mention or a URL; non-ASCII letters match too, but are kept."""
_CALLS = "@#"
"""They mention people and issues even as character references, unless another character follows."""
_APART = "&#8288;"
"""A word joiner, which has no width and allows no break."""


def escaped(text: object) -> str:
    """A text from outside, escaped so that it cannot mention, link or break a table."""
    return _MARKUP.sub(_reference, one_line(text))


def _reference(found: re.Match[str]) -> str:
    sign = found[0]
    if not sign.isascii():
        return sign
    return f"&#{ord(sign)};" + (_APART if sign in _CALLS else "")


def section_markdown(section: Section) -> str:
    """A section's heading, text and tables; charts are only on the page."""
    parts = [f"### {escaped(section.title)}", *(escaped(text) for text in section.text)]
    return "\n\n".join([*parts, *(_table(table) for table in section.tables)])


def _table(table: Table) -> str:
    names, *others = table.shown
    aligned = ["---", *("---" if column.unit is None else "---:" for column in others)]
    lines = [[escaped(column.name) for column in (names, *others)], aligned]
    lines += [
        [f"**{escaped(cell.text)}**" if cell.judgement is Judgement.BAD else escaped(cell.text) for cell in cells]
        for cells in table.cells
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
