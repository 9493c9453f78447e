"""Write docs/reference/ from the tables, parsers, types and docstrings of the code.

python scripts/reference           # after a change of an option, a metric, a rule or a column
python scripts/reference --check   # exits with 1, and lists the pages, if some are not up to date
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from asking import commands, options, target, workloads
from face import python
from finding import errors, files, metrics, thresholds, validity
from schema import documents, schemas

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
_MADE = "<!-- Made from the code by scripts/reference: change it there. -->\n"

PAGES: dict[str, Callable[[], str]] = {
    page.__name__: page
    for page in (commands, options, workloads, metrics, errors, files, validity, thresholds, target, python, documents)
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages and schemas, or with --check only compare them."""
    stale = []
    made = {f"{name}.md": _MADE + page().rstrip() + "\n" for name, page in PAGES.items()}
    for name, content in (made | schemas()).items():
        file = REFERENCE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text(encoding="utf-8") != content:
            stale.append(file.relative_to(ROOT).as_posix())
            if "--check" not in arguments:
                file.write_text(content, encoding="utf-8")
    if "--check" in arguments and stale:
        print(f"not up to date: {', '.join(stale)}; run: python scripts/reference", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
