"""Print how many of mutmut's changes the tests noticed, by module; used by scripts/mutation.sh.

A change survives if no test notices it, or none reaches it. A change that runs into the time limit counts as noticed,
since it made an endless loop.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mutmut.stats import status_by_exit_code

SOURCE = Path("mutants/src/katydid")
SURVIVED = frozenset({"survived", "no tests"})
UNKNOWN = frozenset({"not checked", "check was interrupted by user", "skipped", "suspicious", "segfault"})


def main() -> int:
    """Print a line per module, and the survivors. Return 1 if too few were noticed, or some were not checked."""
    parser = argparse.ArgumentParser(description="Print the results of the last mutation run.")
    parser.add_argument("--least", type=float, default=90.0, help="percent of changes that must be noticed")
    options = parser.parse_args()
    every: Counter[str] = Counter()
    survivors: list[str] = []
    print(f"{'module':<24} {'changes':>8} {'noticed':>8}")
    for module, statuses in _modules():
        found = Counter(statuses.values())
        every += found
        survivors += [name for name, status in statuses.items() if status in SURVIVED]
        if found.keys() - UNKNOWN:
            print(f"{module:<24} {found.total():>8} {_percent(found):>8}")
    print(f"{'all':<24} {every.total():>8} {_percent(every):>8}")
    print("", *(f"survived: {name}" for name in survivors), sep="\n")
    unknown = sum(every[status] for status in UNKNOWN)
    if unknown:
        print(f"{unknown} changes have not been checked: run scripts/mutation.sh again", file=sys.stderr)
    return int(bool(unknown) or _noticed(every) < options.least / 100.0 * every.total())


def _modules() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each module with the status of each of its changes."""
    for path in sorted(SOURCE.rglob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        if codes:
            module = path.relative_to(SOURCE).as_posix().removesuffix(".py.meta")
            yield module, {name: status_by_exit_code[code] for name, code in codes.items()}


def _noticed(found: Counter[str]) -> int:
    return sum(count for status, count in found.items() if status not in SURVIVED | UNKNOWN)


def _percent(found: Counter[str]) -> str:
    return f"{100.0 * _noticed(found) / found.total():.1f} %"


if __name__ == "__main__":
    sys.exit(main())
