"""Sections in GitHub's Markdown, for job summaries and pull requests. Nothing in a text becomes markup."""

import re

from katydid.model.oneline import one_line
from katydid.report.model import Judgement, Section, Table

_MARKUP = re.compile(r"[^\w\s,%/()'+:;.=-]|_|:(?=//)|(?<=www)\.|^[-+=]|(?<=\d)[.)](?=\s|$)", re.ASCII | re.IGNORECASE)
"""What GitHub may read as markup, a name or an address; letters beyond ASCII are found too, and let through."""
_CALLS = "@#"
"""They call people and issues even when written as references, unless something stands between."""
_APART = "&#8288;"
"""A word joiner: no width, no break."""


def escaped(text: object) -> str:
    """A text that came from outside: it names nobody, links to nothing, and ends no table."""
    return _MARKUP.sub(_reference, one_line(text))


def _reference(found: re.Match[str]) -> str:
    sign = found[0]
    if not sign.isascii():
        return sign
    return f"&#{ord(sign)};" + (_APART if sign in _CALLS else "")


def section_markdown(section: Section) -> str:
    """A section: heading, sentences, tables. Charts are for pages."""
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
