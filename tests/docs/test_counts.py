"""Counts in sentences: "1 user", never "1 users"; a noun that is counted gets its number from `plural`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "katydid"
NOUNS = ("answer", "call", "check", "chunk", "client", "conversation", "core", "failure", "message", "request", "room",
         "row", "run", "sample", "second", "stage", "step", "stream", "token", "turn", "user", "value", "version",
         "worker")  # fmt: skip
COUNTED = re.compile(rf"[ \u00a0](?:[a-z]+ )?(?:{'|'.join(NOUNS)})(?:s\b|\(s\))")
NEVER_ONE = re.compile(r"[A-Z_]+|(?:percent|significant)\(.*|.*:[,\d]*\.[1-9]f")
"""What no plural depends on: constants, changes in percent, figures with decimals (1.0 requests)."""
NO_COUNTS = {"change", "few", "served", "rate:g", "args.new", "message.get('tool_call_id')"}
"""Expressions that are texts, or that are written otherwise where they are 1."""


def uncounted(text: str) -> Iterator[str]:
    """Expressions in f-strings that stand before the plural of a counted noun, with the noun."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                found = COUNTED.match(str(after.value))
                style = ast.unparse(value.format_spec)[2:-1] if value.format_spec else ""
                expression = ast.unparse(value.value) + (f":{style}" if style else "")
                if found and expression not in NO_COUNTS and not NEVER_ONE.fullmatch(expression):
                    yield f"{{{expression}}}{found[0]}"


def test_no_count_stands_before_a_plural_that_it_may_not_fit():
    files = sorted(SOURCE.rglob("*.py"))
    found = {str(file.relative_to(SOURCE)): list(uncounted(file.read_text(encoding="utf-8"))) for file in files}
    assert {file: texts for file, texts in found.items() if texts} == {}, "say it with `plural`"


@pytest.mark.parametrize(
    "text", ['f"{n} users"', 'f"{len(runs)} failed requests, too many"', 'f"at {users:.0f} users;"', 'f"{n} user(s)"']
)
def test_a_count_without_its_noun_is_found(text):
    assert list(uncounted(text)) != []


@pytest.mark.parametrize(
    "text", ['f"{MOST} users"', 'f"{rate:.1f} requests a second"', "f\"{plural(n, 'user')} came\""]
)
def test_what_cannot_be_one_or_is_counted_is_not(text):
    assert list(uncounted(text)) == []
