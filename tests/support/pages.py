"""The fenced blocks of a Markdown page: shell to be run, files to be written, or neither.

A block of `bash`, `sh` or `shell` is run as printed, unless a comment `<!-- not run: reason -->` stands just before
it; `console` and `text` are for the eye. A block with a title (```python title="name.py") is a file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

SHELLS = {"bash", "sh", "shell"}
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})[ ]*(?P<info>[^`\n]*)$")
_REASON = re.compile(r"^ *<!-- not run: *(?P<reason>.*?) *-->\s*$")
_TITLE = re.compile(r'\btitle="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: where its first line of text stands in the page, from 1.
        language: the first word behind the fence.
        title: the name of the file that it is; None for none.
        reason: why it is not run; None where none is given.
    """

    line: int
    language: str
    title: str | None
    reason: str | None
    text: str

    @property
    def is_shell(self) -> bool:
        return self.language in SHELLS

    @property
    def runs(self) -> bool:
        return self.is_shell and self.reason is None


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in its order."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        first = number + 1
        until = first
        while until < len(lines) and lines[until].strip() != opened["ticks"]:
            until += 1
        indent = len(opened["indent"])
        text = "".join(line[indent:] + "\n" for line in lines[first:until])
        language, _, more = opened["info"].strip().partition(" ")
        title = _TITLE.search(more)
        found.append(Block(first + 1, language, title and title[1], _reason_above(lines, number), text))
        number = until + 1
    return found


def _reason_above(lines: list[str], fence: int) -> str | None:
    above = fence - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    reason = _REASON.match(lines[above]) if above >= 0 else None
    return reason["reason"] if reason else None
