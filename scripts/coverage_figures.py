"""The two figures that the tests are held to: lines of src/, and branches of core/. Used by scripts/coverage.sh.

`coverage report` mixes lines and branches where both are measured, so it can hold a run to neither alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> int:
    """Print both figures; 1 where one is below what is asked for."""
    parser = argparse.ArgumentParser(description="Lines of src/ and branches of core/ that the tests cover.")
    parser.add_argument("--lines", type=float, default=95.0, help="percent of src/ that must be covered")
    parser.add_argument("--core-branches", type=float, default=100.0, help="percent of core/ that must be covered")
    options = parser.parse_args()
    files = _measured()
    lines = _percent(files, "covered_lines", "num_statements")
    core = {path: summary for path, summary in files.items() if "/core/" in Path(path).as_posix()}
    branches = _percent(core, "covered_branches", "num_branches")
    print(f"lines of src/: {lines:.1f} % (at least {options.lines:g} %)")
    print(f"branches of core/: {branches:.1f} % (at least {options.core_branches:g} %)")
    return int(lines < options.lines or branches < options.core_branches)


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
