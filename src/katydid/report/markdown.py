"""A part of a report as GitHub's Markdown, for a job's summary or a comment. Knows no run.

Texts from outside stay texts: everything in them that Markdown, HTML or GitHub could take for a sign is
written as a character reference, which none of them interprets.
"""

import re

from katydid.report.sections import Section, Table
from katydid.report.words import harmless

_SIGNS = re.compile(r"[^\w\s,%/()'+;.=-]|_|(?<=www)\.|^[-+=]|(?<=\d)[.)](?=\s|$)", re.ASCII)
"""What may mean something to Markdown; letters beyond ASCII are caught too, and let through below."""
_CALLS = "@#"
"""They call people and issues even when written as references, unless something stands between."""
_APART = "&#8288;"
"""A word joiner: no width, no break."""


def inert(text: object) -> str:
    """A text that came from outside, as one line of Markdown in which nothing is markup, a link or a mention."""
    return _SIGNS.sub(_reference, harmless(text))


def _reference(found: re.Match[str]) -> str:
    sign = found[0]
    if not sign.isascii():
        return sign
    return f"&#{ord(sign)};" + (_APART if sign in _CALLS else "")


def section_markdown(section: Section) -> str:
    """The section: a heading, its sentences, its tables; pictures are left to the page."""
    parts = [f"### {inert(section.title)}", *(inert(text) for text in section.text)]
    parts += [_table(table) for table in section.tables]
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    aligned = [":---" if index in table.words or not index else "---:" for index in range(len(table.columns))]
    rows = [
        [
            f"**{inert(cell)}**" if (number, index) in table.bad and cell else inert(cell)
            for index, cell in enumerate(row)
        ]
        for number, row in enumerate(table.rows)
    ]
    lines = [[inert(column) for column in table.columns], aligned, *rows]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{inert(table.caption)}\n\n{shown}" if table.caption else shown
