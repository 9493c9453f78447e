"""Sections in GitHub's Markdown, for job summaries and pull requests. Nothing in a text becomes markup."""

import re

from katydid.model.formatting import strip_control_chars
from katydid.report.model import Section, Table

_MARKUP = re.compile(r"[^\w\s,%/()'+:;.=-]|_|:(?=//)|(?<=www)\.|^[-+=]|(?<=\d)[.)](?=\s|$)", re.ASCII | re.IGNORECASE)
"""What GitHub may read as markup, a name or an address; letters beyond ASCII are found too, and let through."""
_CALLS = "@#"
"""They call people and issues even when written as references, unless something stands between."""
_APART = "&#8288;"
"""A word joiner: no width, no break."""


def escaped(text: object) -> str:
    """A text that came from outside: it names nobody, links to nothing, and ends no table."""
    return _MARKUP.sub(_reference, strip_control_chars(text))


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
    aligned = ["---" if not i or i in table.words else "---:" for i in range(len(table.columns))]
    lines = [[escaped(column) for column in table.columns], aligned]
    lines += [
        [f"**{escaped(cell)}**" if (row, i) in table.bad else escaped(cell) for i, cell in enumerate(cells)]
        for row, cells in enumerate(table.rows)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
