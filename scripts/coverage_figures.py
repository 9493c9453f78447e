"""The two figures that the tests are held to: lines of src/, and branches of what is pure. Used by scripts/coverage.sh.

`coverage report` mixes lines and branches where both are measured, so it can hold a run to neither alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_PURE = {"model", "protocol", "load"}


def main() -> int:
    """Print both figures; 1 where one is below what is asked for."""
    parser = argparse.ArgumentParser(
        description="Lines of src/ and branches of what is pure (model/, protocol/, load/) that the tests cover."
    )
    parser.add_argument("--lines", type=float, default=95.0, help="percent of src/ that must be covered")
    parser.add_argument(
        "--pure-branches", type=float, default=100.0, help="percent of what is pure that must be covered"
    )
    options = parser.parse_args()
    files = _measured()
    lines = _percent(files, "covered_lines", "num_statements")
    pure = {path: summary for path, summary in files.items() if _PURE & set(Path(path).parts)}
    branches = _percent(pure, "covered_branches", "num_branches")
    print(f"lines of src/: {lines:.1f} % (at least {options.lines:g} %)")
    print(f"branches of model/, protocol/, load/: {branches:.1f} % (at least {options.pure_branches:g} %)")
    return int(lines < options.lines or branches < options.pure_branches)


def _measured() -> dict[str, dict[str, Any]]:
    """Coverage's summary of each file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", path], check=True)  # noqa: S603 - ours
        return {name: each["summary"] for name, each in json.loads(path.read_text())["files"].items()}


def _percent(files: dict[str, dict[str, Any]], part: str, whole: str) -> float:
    return 100.0 * sum(each[part] for each in files.values()) / sum(each[whole] for each in files.values())


if __name__ == "__main__":
    sys.exit(main())
