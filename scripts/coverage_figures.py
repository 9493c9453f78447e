"""Check two coverage figures: lines of src/, and branches of the pure packages. Used by scripts/coverage.sh.

`coverage report` combines lines and branches if both are measured, so it cannot enforce either of them alone.
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
    """Print both figures; return 1 if one is too low."""
    parser = argparse.ArgumentParser(
        description="Check coverage: lines of src/, and branches of the pure packages (model/, protocol/, load/)."
    )
    parser.add_argument("--lines", type=float, default=95.0, help="percent of the lines of src/ that must be covered")
    parser.add_argument(
        "--pure-branches", type=float, default=100.0, help="percent of the pure branches that must be covered"
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
    """Return coverage's summary of each file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", path], check=True)  # noqa: S603 - a fixed command
        return {name: each["summary"] for name, each in json.loads(path.read_text())["files"].items()}


def _percent(files: dict[str, dict[str, Any]], part: str, whole: str) -> float:
    return 100.0 * sum(each[part] for each in files.values()) / sum(each[whole] for each in files.values())


if __name__ == "__main__":
    sys.exit(main())
