"""Draw the layers of src/katydid into CONTRIBUTING.md and the page on the architecture, out of the imports.

python scripts/layers.py           # after packages or imports have changed
python scripts/layers.py --check   # exits with 1 where the picture is not up to date
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
    """Each package or top-level module of katydid, with those that it imports."""
    graph = grimp.build_graph(ROOT, cache_dir=None)
    rooms = sorted(child.removeprefix(f"{ROOT}.") for child in graph.find_children(ROOT))
    found: dict[str, set[str]] = {room: set() for room in rooms if not room.startswith("_")}
    for module in graph.modules:
        importer = _room(module)
        if importer in found:
            found[importer] |= {_room(other) for other in graph.find_modules_directly_imported_by(module)}
    return {room: (others & found.keys()) - {room} for room, others in found.items()}


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def levels(rooms: dict[str, set[str]]) -> list[list[str]]:
    """The highest first: a room stands above all that it imports.

    Raises:
        ValueError: imports go round in a circle.
    """
    height: dict[str, int] = {}
    while len(height) < len(rooms):
        ready = [room for room, others in rooms.items() if room not in height and others <= height.keys()]
        if not ready:
            raise ValueError(f"imports go round in a circle: {sorted(rooms.keys() - height.keys())}")
        for room in ready:
            height[room] = 1 + max((height[other] for other in rooms[room]), default=-1)
    top = max(height.values())
    return [sorted(room for room in rooms if height[room] == level) for level in range(top, -1, -1)]


def picture(rooms: dict[str, set[str]]) -> str:
    """The fenced text: a line for each package, with what it imports; a blank line between two levels."""
    floors = levels(rooms)
    order = [room for floor in floors for room in floor]
    width = max(map(len, order))
    blocks = [
        "\n".join(
            f"{room:<{width}}  → {', '.join(other for other in order if other in rooms[room])}" if rooms[room] else room
            for room in floor
        )
        for floor in floors
    ]
    return "```text\n" + "\n\n".join(blocks) + "\n```\n"


def main(arguments: Sequence[str]) -> int:
    """Write the picture into each page, or see whether it is up to date there."""
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
