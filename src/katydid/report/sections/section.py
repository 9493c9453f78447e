"""A part of a report that only some workloads have: words, tables and pictures, however they are shown.

The page, the terminal and Markdown render the same section. Texts are plain: who shows them makes them
harmless. Knows no workload.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from katydid.report.chart import Chart


@dataclass(frozen=True, slots=True)
class Material:
    """What a section is made of.

    Attributes:
        frame: samples with derived columns, one row a request.
        monitor: one row a second and process.
    """

    manifest: dict[str, Any]
    summary: dict[str, Any]
    frame: pd.DataFrame
    monitor: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; the first cell of a row names it.

    Attributes:
        words: columns (by index) that hold words rather than figures, and so are aligned left.
        bad: (row, column) of cells that say that something failed.
        in_terminal: short enough for a terminal too; a page folds the others up.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[int] = frozenset()
    bad: frozenset[tuple[int, int]] = frozenset()
    in_terminal: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it.

    Attributes:
        key: names it in its page; a short word.
        text: sentences, each a paragraph.
    """

    key: str
    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
