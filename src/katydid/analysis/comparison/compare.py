"""Compare two versions, or several with the first: what differs, by how much, and whether that is more than noise.

Puts the other modules together: comparability, each run's values, their differences, verdicts and reasons. Also plans
the looks at a comparison that goes on until it is decided (`katydid ab`). Starts no runs, knows nothing about reports.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from msgspec.structs import asdict
from msgspec.structs import replace as changed

from katydid.analysis.comparison.comparability import mismatches
from katydid.analysis.comparison.estimates import RunData, outcome_of, read_run
from katydid.analysis.comparison.explain import about_noise, because, largest_regression
from katydid.analysis.comparison.lengths import other_lengths
from katydid.analysis.comparison.pairing import (
    days_between,
    history_of,
    left_out,
    numbers_of,
    paired,
    partners_left_out,
)
from katydid.analysis.comparison.primaries import FAILURES, primaries
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.stops import compare_stops
from katydid.analysis.comparison.verdicts import Judged, judge_metrics, undecided_failures
from katydid.model.documents.base import SCHEMA_VERSION
from katydid.model.documents.comparison import (
    SAME_LEVEL,
    ComparedRun,
    ComparedSide,
    CompareSettings,
    Comparison,
    Comparisons,
    LookedMetric,
    LookRecord,
    Verdict,
    VersionComparison,
)
from katydid.model.metrics import AT_LENGTH
from katydid.model.metrics.declared import catalogue_of
from katydid.model.metrics.rates import USERS_AT_STOP
from katydid.model.units import Better
from katydid.runs.folder import RunFolder
from katydid.stats.sequential import Look, looks
from katydid.stats.within_run import settled_after

COMPARED = ("p50", "p90", "p95", "p99", "mean")
"""Statistics of each distribution, without the minimum and maximum, which estimate nothing."""
COMPARED_RATES = ("failure_rate", "late_share", "tokens_per_s")
COMPARED_OF_PARTS = ("ttft.p50", "ttft.p95", "tpot.p50", "duration.p50", "duration.p95", "failure_rate")
"""Metrics of each model or target, if a run uses several."""

DECIDED = frozenset(Verdict) - {Verdict.CANNOT_TELL, Verdict.INVALID}
"""Verdicts that end a comparison that goes on until it is decided."""
WORST_FIRST = (
    Verdict.INVALID, Verdict.SLOWER, Verdict.MIXED, Verdict.CANNOT_TELL, Verdict.FASTER, Verdict.NO_DIFFERENCE,
)  # fmt: skip


def compare_versions(
    base: Sequence[RunFolder],
    new: Sequence[RunFolder],
    *,
    settings: CompareSettings | None = None,
    history: Sequence[RunFolder] = (),
) -> Comparison:
    """Compare two versions by their run folders, of each at least one.

    The history's runs show the noise from run to run; those that are invalid or not comparable with the base are left
    out.

    Raises:
        NoDataError: a folder cannot be read.
    """
    sides = [[read_run(folder) for folder in side] for side in (base, new)]
    return compare_runs(*sides, settings=settings, history=history)


def compare_runs(
    base: Sequence[RunData],
    new: Sequence[RunData],
    *,
    settings: CompareSettings | None = None,
    history: Sequence[RunFolder] = (),
) -> Comparison:
    """Compare two versions by runs that have been read already; see `compare_versions`."""
    settings, sides = settings or CompareSettings(), (base, new)
    differences = mismatches(*([run.manifest for run in side] for side in sides))
    pairs = paired(base, new)
    used = [pairs.base, pairs.new]
    earlier = history_of(history, pairs.base, known={run.path for side in sides for run in side})
    earlier += [left for left in pairs.left if left]
    settled = max((settled_after([run.frame for run in side]) for side in used if side), default=0.0)
    unfit = [mismatch.text for mismatch in differences if mismatch.why]
    result = Comparison(
        schema_version=SCHEMA_VERSION,
        verdict=Verdict.INVALID,
        reasons=[*unfit, *left_out("BASE", base), *left_out("NEW", new), *partners_left_out(pairs)],
        metrics=[],
        sides=[_side(side, kept) for side, kept in zip(sides, used, strict=True)],
        differences=differences,
        outcomes=[[outcome_of(run) for run in side] for side in sides],
        history_runs=sum(len(version) for version in earlier),
        interleaved=False,
        settled_s=settled,
        settings=settings,
        largest_regression=None,
        workload=base[0].manifest.workload,
    )
    if unfit or not all(used):
        return result
    catalogue = catalogue_of(*(run.manifest for run in (*base, *new)))
    days = days_between(pairs.base, pairs.new, earlier)
    numbers = numbers_of(pairs, earlier, days, settled, catalogue)
    stops = compare_stops(pairs.base, pairs.new, settings, interleaved=pairs.interleaved, days=days)
    notes: list[str] = []
    if stops.decide:
        settings = replace(settings, primary=())
    else:
        workload, runs = str(pairs.base[0].manifest.workload), [*numbers.base, *numbers.new]
        primary, notes = primaries(settings.primary, workload, runs, catalogue)
        settings = replace(settings, primary=primary)
    if lengths := other_lengths(numbers):
        numbers = lengths.sides
        settings = replace(settings, primary=lengths.deciding(settings.primary))
        notes.append(lengths.note)
    metrics = judge_metrics(_names(numbers, settings), numbers, settings)
    if lengths:
        metrics = lengths.taken_back(metrics)
    worst, family = largest_regression(metrics), max(1, len(settings.primary))
    rows = [metric.row(settings, family if metric.primary else 1) for metric in metrics]
    if stops.decide:  # the threshold made the failures equally many on both sides, and the times are of different loads
        verdict, worst, why = stops.verdict, None, []
        rows = [changed(row, primary=False) for row in rows]
        settings = replace(settings, primary=(USERS_AT_STOP,))
    else:
        verdict = overall([metric for metric in metrics if metric.primary], metrics)
        why = because(verdict, metrics, rows, settings)
    complaints = [catalogue.complaint] if catalogue.complaint else []
    return changed(
        result,
        verdict=verdict,
        reasons=[*result.reasons, *complaints, *stops.reasons, *notes, *why, *about_noise(metrics, numbers)],
        metrics=[*stops.rows, *rows],
        interleaved=pairs.interleaved,
        settings=settings,
        largest_regression=worst and worst.name,
        declared=catalogue.as_json() if catalogue.declared else None,
    )


def overall(primary: Sequence[Judged], every: Sequence[Judged]) -> Verdict:
    """The overall verdict on the primary metrics.

    A version that fails more is slower, whatever its times. If its failures rose by half a percentage point or more,
    but within the noise, it is called neither faster nor the same.
    """
    failures = next((metric for metric in every if metric.name == FAILURES), None)
    if failures is not None and failures.verdict is Verdict.SLOWER:
        return Verdict.SLOWER
    said = {metric.verdict for metric in primary if not _only_shifted(metric, every)}
    if {Verdict.SLOWER, Verdict.FASTER} <= said:
        return Verdict.MIXED
    if Verdict.SLOWER in said:
        return Verdict.SLOWER
    undecided = undecided_failures(every)
    if Verdict.FASTER in said:
        return Verdict.CANNOT_TELL if undecided > 0 else Verdict.FASTER
    others = {metric.verdict for metric in primary if metric.name != FAILURES}
    if not undecided and (others or said) == {Verdict.NO_DIFFERENCE}:
        return Verdict.NO_DIFFERENCE
    return Verdict.CANNOT_TELL


def _only_shifted(metric: Judged, every: Sequence[Judged]) -> bool:
    """Return True if tokens are faster only because the first one is later, and the whole answer is not faster."""
    if not metric.name.startswith("tpot.") or metric.verdict is not Verdict.FASTER:
        return False
    later = any(m.name.startswith("ttft.") and m.verdict is Verdict.SLOWER for m in every)
    whole = next((m for m in every if m.name in _WHOLE and not m.reason), None)
    return later and whole is not None and whole.verdict is not Verdict.FASTER


_WHOLE = ("duration.p50", f"{AT_LENGTH['duration'].name}.p50")


def _names(sides: Sides, settings: CompareSettings) -> list[str]:
    """The metrics to compare: the primary ones, then all that at least one run on each side has."""
    catalogue = sides.catalogue
    known = [f"{d.name}.{s}" for d in catalogue.distributions if d.better is not Better.NEITHER for s in COMPARED]
    own = [metric.name for metric in catalogue.of_the_run if metric.better is not Better.NEITHER]
    own += [part.prefix + name for part in catalogue.parts for name in COMPARED_OF_PARTS]
    present = [
        name
        for name in (*known, *COMPARED_RATES, *own)
        if any(name in run.values for run in sides.base) and any(name in run.values for run in sides.new)
    ]
    return list(dict.fromkeys([*settings.primary, *present]))


def _side(side: Sequence[RunData], kept: Sequence[RunData]) -> ComparedSide:
    """One side of the comparison: its versions, and its runs with whether they count."""
    counted = {run.path for run in kept}
    return ComparedSide(
        versions=sorted({str(run.manifest.version) for run in side}),
        host=next((run.manifest.host for run in side), None),
        runs=[
            ComparedRun(
                run=run.path,
                started_utc=run.manifest.started_utc,
                requests=run.summary.counts.requests,
                counts=run.path in counted,
            )
            for run in side
        ],
    )


def compare_several(
    base: Sequence[RunData],
    others: Sequence[Sequence[RunData]],
    *,
    settings: CompareSettings | None = None,
    histories: Sequence[Sequence[RunFolder]],
) -> Comparisons:
    """Compare each of several versions with the first.

    All comparisons are one family of tests: each gets an equal part of the chance of a false alarm (Bonferroni), so
    ten equal versions are together called different no more often than one.
    """
    settings = settings or CompareSettings()
    share = replace(settings, family_alpha=settings.family_alpha / len(others))
    found = [
        compare_runs(base, other, settings=share, history=history)
        for other, history in zip(others, histories, strict=True)
    ]
    versions = ["+".join(comparison.sides[1].versions) for comparison in found]
    alike = Counter(versions)
    names = [f"{name} ({place})" if alike[name] > 1 else name for place, name in enumerate(versions, 2)]
    return Comparisons(
        schema_version=SCHEMA_VERSION,
        verdict=min((comparison.verdict for comparison in found), key=WORST_FIRST.index),
        comparisons=[VersionComparison(**asdict(each), version=name) for each, name in zip(found, names, strict=True)],
    )


def planned_looks(settings: CompareSettings, most: int, *, with_history: bool) -> list[Look]:
    """Plan the looks at a comparison that goes on until it is decided, and their levels, before the first run."""
    metrics = len({*settings.primary, FAILURES})
    return looks(most, with_history=with_history, metrics=metrics, different=settings.family_alpha, same=SAME_LEVEL)


def at_look(settings: CompareSettings, look: Look) -> CompareSettings:
    """The settings with the levels of this look."""
    return replace(settings, family_alpha=look.different, same_level=look.same)


def found_at(look: Look, comparison: Comparison) -> LookRecord:
    """The record of a look's result."""
    return LookRecord(
        pairs=look.pairs,
        level=look.different,
        level_same=look.same,
        verdict=comparison.verdict,
        metrics=[
            LookedMetric(name=m.name, change=m.change, low=m.low, high=m.high, p_value=m.p_value, verdict=m.verdict)
            for m in comparison.metrics
            if m.primary
        ],
    )
