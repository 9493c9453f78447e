"""Draw the layers of src/katydid, computed from its imports, into CONTRIBUTING.md and the architecture page.

python scripts/layers.py           # after packages or imports have changed
python scripts/layers.py --check   # exits with 1 if the picture is not up to date
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import grimp

TREE = Path(__file__).resolve().parents[1]
PAGES = ("CONTRIBUTING.md", "docs/explanation/architecture.md")
BEGIN, END = "<!-- layers: begin -->\n", "<!-- layers: end -->\n"
ROOT = "katydid"


def imports() -> dict[str, set[str]]:
    """Return each package or top-level module of katydid, with those that it imports."""
    graph = grimp.build_graph(ROOT, cache_dir=None)
    packages = sorted(child.removeprefix(f"{ROOT}.") for child in graph.find_children(ROOT))
    found: dict[str, set[str]] = {package: set() for package in packages if not package.startswith("_")}
    for module in graph.modules:
        importer = _package(module)
        if importer in found:
            found[importer] |= {_package(other) for other in graph.find_modules_directly_imported_by(module)}
    return {package: (others & found.keys()) - {package} for package, others in found.items()}


def _package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def levels(packages: dict[str, set[str]]) -> list[list[str]]:
    """Return the levels, the highest first: a package is above all that it imports.

    Raises:
        ValueError: there is an import cycle.
    """
    height: dict[str, int] = {}
    while len(height) < len(packages):
        ready = [name for name, others in packages.items() if name not in height and others <= height.keys()]
        if not ready:
            raise ValueError(f"there is an import cycle: {sorted(packages.keys() - height.keys())}")
        for name in ready:
            height[name] = 1 + max((height[other] for other in packages[name]), default=-1)
    top = max(height.values())
    return [sorted(name for name in packages if height[name] == level) for level in range(top, -1, -1)]


def picture(packages: dict[str, set[str]]) -> str:
    """Return the picture: a line for each package with its imports, and a blank line between two levels."""
    order = [name for level in levels(packages) for name in level]
    width = max(map(len, order))

    def line(name: str) -> str:
        imported = ", ".join(other for other in order if other in packages[name])
        return f"{name:<{width}}  → {imported}" if imported else name

    blocks = ["\n".join(map(line, level)) for level in levels(packages)]
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def main(arguments: Sequence[str]) -> int:
    """Write the picture into each page, or with --check only compare it."""
    drawn, code = picture(imports()), 0
    for name in PAGES:
        text = (TREE / name).read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        made = before + BEGIN + drawn + END + after
        if made == text:
            continue
        if "--check" in arguments:
            print(f"{name}: the layers are not up to date; run: python scripts/layers.py", file=sys.stderr)
            code = 1
        else:
            (TREE / name).write_text(made, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
