"""More than two versions: each compared with the first, all together one family of tests.

The chance that equal versions are called different is that of one comparison, shared in equal parts (Bonferroni), so
that ten versions are not ten times as often called different. Knows nothing about how it is shown.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from msgspec.structs import asdict

from katydid.analysis.comparison.compare import compare_runs
from katydid.analysis.comparison.estimates import RunData
from katydid.model.documents.base import SCHEMA_VERSION
from katydid.model.documents.comparison import CompareSettings, Comparisons, Verdict, VersionComparison
from katydid.runs.folder import RunFolder

WORST_FIRST = (
    Verdict.INVALID, Verdict.SLOWER, Verdict.MIXED, Verdict.CANNOT_TELL, Verdict.FASTER, Verdict.NO_DIFFERENCE,
)  # fmt: skip


def compare_several(
    base: Sequence[RunData],
    others: Sequence[Sequence[RunData]],
    *,
    settings: CompareSettings | None = None,
    histories: Sequence[Sequence[RunFolder]],
) -> Comparisons:
    """Each of the other versions against the first.

    Args:
        base: the runs of the first.
        others: those of each other version.
        settings: what is looked for, in all comparisons together.
        histories: earlier runs for each comparison.
    """
    settings = settings or CompareSettings()
    share = replace(settings, family_alpha=settings.family_alpha / len(others))
    found = [
        compare_runs(base, other, settings=share, history=history)
        for other, history in zip(others, histories, strict=True)
    ]
    names = _names(["+".join(comparison.sides[1].versions) for comparison in found])
    return Comparisons(
        schema_version=SCHEMA_VERSION,
        verdict=min((comparison.verdict for comparison in found), key=WORST_FIRST.index),
        comparisons=[VersionComparison(**asdict(each), version=name) for each, name in zip(found, names, strict=True)],
    )


def _names(versions: Sequence[str]) -> list[str]:
    """What each is called: by its version, with its place where several have the same."""
    alike = Counter(versions)
    return [f"{name} ({place})" if alike[name] > 1 else name for place, name in enumerate(versions, 2)]
