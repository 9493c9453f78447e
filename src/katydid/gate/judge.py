"""Judges runs: takes thresholds, summaries and a comparison, and returns a judgement. Pure.

Missing data never passes: a missing value, too few requests or an invalid run makes the verdict invalid. Knows no
file and no report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from katydid.analysis.comparison.comparability import another_load
from katydid.analysis.comparison.primaries import FAILURES
from katydid.analysis.comparison.verdicts import NO_SUCCESS
from katydid.analysis.headline import generator_to_blame, headline_of
from katydid.analysis.summary import RunResult
from katydid.gate.judgement import CheckKind, GateCheck, GateVerdict, Judgement
from katydid.gate.thresholds import Limit, Objective, Policy, Thresholds
from katydid.model.documents.comparison import BothSides, ComparedMetric, ComparedPoints, Comparison, Verdict
from katydid.model.documents.summary import Measured, Outcome
from katydid.model.formatting import format_change, plural, value_only
from katydid.model.metrics import split_name, whole_name
from katydid.model.metrics.declared import Catalogue, described
from katydid.model.metrics.rates import OF_AN_INTERVAL, OF_DUE_TIMES, FlatMetric
from katydid.model.units import Unit


def judge(
    thresholds: Thresholds,
    runs: Sequence[RunResult],
    comparison: Comparison | None = None,
    baseline: Sequence[RunResult] = (),
) -> Judgement:
    """Judge one version's runs.

    Args:
        thresholds: the limits.
        runs: all runs of the version; at least one.
        comparison: the comparison of these runs with a baseline; None without a baseline.
        baseline: the baseline's runs; they give the baseline values of objectives that the comparison does not have.
    """
    catalogue = thresholds.catalogue
    checks = [
        _valid(runs),
        _ended(runs, thresholds.stopped_early),
        *(
            _beside(_objective(objective, runs, catalogue), comparison, baseline, catalogue)
            for objective in thresholds.objectives
        ),
        *_compared(thresholds, comparison),
    ]
    return Judgement(
        tuple(checks),
        thresholds.source,
        tuple(run.name for run in runs),
        comparison,
        headlines=_headlines(runs),
        doubtful=any(
            generator_to_blame(run.summary) or run.summary.partial or _other_load(runs[0], run) for run in runs
        ),
    )


def _headlines(runs: Sequence[RunResult]) -> tuple[str, ...]:
    """The headline of a single run; of several runs, the headlines of those that did not pass."""
    found = [(run, headline_of(run.manifest, run.summary)) for run in runs]
    if len(runs) == 1:
        return (found[0][1].text,)
    return tuple(f"{run.name}: {told.text}" for run, told in found if told.outcome is not Outcome.PASSED)


def unreadable(thresholds: Thresholds, runs: Sequence[str], reason: str) -> Judgement:
    """The judgement if a run cannot be read."""
    check = GateCheck(CheckKind.RUN, "valid", _VALID_LIMIT, GateVerdict.NO_DATA, reason)
    return Judgement((check,), thresholds.source, tuple(runs))


_VALID_LIMIT = "valid measurement"


def _valid(runs: Sequence[RunResult]) -> GateCheck:
    reasons = [text for run in runs for text in _invalid_reasons(run, named=len(runs) > 1)]
    reasons += [text for run in runs[1:] if (text := _other_load(runs[0], run))]
    verdict = GateVerdict.INVALID if reasons else GateVerdict.PASSED
    if reasons and any(not run.summary.counts.requests for run in runs):
        verdict = GateVerdict.NO_DATA
    notes = reasons or dict.fromkeys(text for run in runs for text in run.summary.warnings)
    return GateCheck(CheckKind.RUN, "valid", _VALID_LIMIT, verdict, "; ".join(notes))


def _invalid_reasons(run: RunResult, *, named: bool) -> Iterator[str]:
    summary = run.summary
    reasons = list(summary.invalid_reasons)
    if summary.partial:
        reasons.append("partial: the run never finished")
    if not summary.counts.requests and not reasons:
        reasons.append("no data: no request was recorded")
    if not summary.valid and not reasons:
        reasons.append("the run is marked as invalid")
    return (f"{run.name}: {reason}" if named else reason for reason in reasons)


def _other_load(first: RunResult, run: RunResult) -> str:
    """Why a run is not a repeat of the first one, so that a median of both would be meaningless; else empty."""
    why = another_load(first.manifest, run.manifest)
    return f"{run.name} is not a repeat of {first.name}: {why}" if why else ""


def _ended(runs: Sequence[RunResult], policy: Policy) -> GateCheck:
    stopped = sum(run.summary.ended == "failure-threshold" for run in runs)
    verdict, reason = GateVerdict.PASSED, ""
    if stopped:
        which = f"{stopped} of {plural(len(runs), 'run')} were" if len(runs) > 1 else "the run was"
        reason = f"{which} stopped by the failure threshold; later requests are not judged"
    if stopped and policy is Policy.FAIL:
        verdict = GateVerdict.FAILED
        reason += "; if so many failures are acceptable, raise --failure-threshold or set stopped_early under [policy]"
    return GateCheck(CheckKind.RUN, "ended", "not stopped early", verdict, reason)


def _objective(objective: Objective, runs: Sequence[RunResult], catalogue: Catalogue) -> GateCheck:
    metric, limit = objective.metric, objective.limit
    unit = catalogue.metrics[metric].unit
    values = [found for run in runs if (found := run.summary.measured(metric)) is not None]
    if len(values) < len(runs):
        why = _missing(metric, runs, len(values))
        return GateCheck(CheckKind.OBJECTIVE, metric, limit.text, GateVerdict.NO_DATA, why, unit=unit)
    kept_by_run = [_kept(limit, each) for each in values]
    middle = sorted(values, key=lambda each: (each.value, each.at_least))
    value = middle[len(middle) // 2 if limit.is_upper else (len(middle) - 1) // 2]
    return GateCheck(
        CheckKind.OBJECTIVE,
        metric,
        limit.text,
        _kept(limit, value),
        "; ".join(_notes(metric, value, kept_by_run, unit)),
        value=value.value,
        values=tuple(each.value for each in values) if len(values) > 1 else (),
        at_least=value.at_least,
        unit=unit,
    )


def _kept(limit: Limit, found: Measured) -> GateVerdict:
    """Judge a value; a value known only as a lower bound can violate an upper limit or meet a lower one, no more."""
    kept = limit.keeps(found.value)
    if found.at_least and kept == limit.is_upper:
        return GateVerdict.NO_DATA
    return GateVerdict.PASSED if kept else GateVerdict.FAILED


def _notes(metric: str, value: Measured, kept_by_run: Sequence[GateVerdict], unit: Unit) -> Iterator[str]:
    """Notes on a value: how it was chosen from several runs, and whether it is only a lower bound."""
    if len(kept_by_run) > 1:
        middle = "the median" if len(kept_by_run) % 2 else "the worse of the two middle values"
        yield f"{middle} of {plural(len(kept_by_run), 'run')}"
        broken = sum(verdict is GateVerdict.FAILED for verdict in kept_by_run)
        if 0 < broken < len(kept_by_run):
            yield f"too close to call: {broken} of {plural(len(kept_by_run), 'run')} beyond the limit"
    if value.at_least:
        yield f"at least {value_only(metric, value.value, unit)}: it falls among timed-out or aborted requests"


def _beside(
    check: GateCheck, comparison: Comparison | None, baseline: Sequence[RunResult], catalogue: Catalogue
) -> GateCheck:
    """The check with the baseline's value beside it, if the two sides are comparable."""
    if comparison is None or comparison.verdict is Verdict.INVALID:
        return check
    row = next((row for row in comparison.metrics if row.name == check.metric and row.base is not None), None)
    return replace(check, compared=row or _beside_baseline(check, baseline, catalogue.metrics[check.metric]))


def _beside_baseline(check: GateCheck, baseline: Sequence[RunResult], metric: FlatMetric) -> BothSides | None:
    """The check's value beside the median of the baseline's runs; None if the baseline lacks the metric."""
    values = [found.value for run in baseline if (found := run.summary.measured(check.metric)) is not None]
    if not values or check.value is None:
        return None
    base, new, share = median(values), check.value, metric.unit is Unit.FRACTION
    return BothSides(
        name=check.metric,
        base=base,
        new=new,
        change=new / base - 1.0 if base else None,
        low=None,
        high=None,
        bound=None,
        verdict=None,
        primary=False,
        points=ComparedPoints(change=100.0 * (new - base), low=None, high=None, detectable=None) if share else None,
        label=metric.label,
        unit=metric.unit,
        better=metric.better,
    )


def _missing(metric: str, runs: Sequence[RunResult], present: int) -> str:
    """Why a metric has no value, and what to do."""
    where = f" in {len(runs) - present} of {plural(len(runs), 'run')}" if len(runs) > 1 else ""
    few = next((text for run in runs if (text := run.summary.too_few.get(metric))), None)
    if few:
        return f"{few} requests{where}: run longer, or limit a lower quantile"
    name = split_name(whole_name(metric))[0]
    if name in OF_DUE_TIMES and any(run.manifest.is_closed for run in runs):
        return (
            f"no value{where}: the metric counts from due times, which a closed loop does not have: remove this limit, "
            "or run with --interval or --rate"
        )
    if name in OF_AN_INTERVAL and any(run.manifest.is_open for run in runs):
        return f"no value{where}: with --rate, no interval defines what is in time: limit duration.p95 or response.p95"
    return f"no value{where}: no successful request has this value, or the workload does not measure it"


_COMPARED = {
    Verdict.FASTER: GateVerdict.PASSED,
    Verdict.NO_DIFFERENCE: GateVerdict.PASSED,
    Verdict.SLOWER: GateVerdict.FAILED,
    Verdict.MIXED: GateVerdict.FAILED,
    Verdict.CANNOT_TELL: GateVerdict.CANNOT_TELL,
    Verdict.INVALID: GateVerdict.INVALID,
}


def _compared(thresholds: Thresholds, comparison: Comparison | None) -> Iterator[GateCheck]:
    limit = f"no regression ≥ {100 * thresholds.settings.min_change:.3g} % vs baseline"
    policy = thresholds.cannot_tell
    if comparison is None:
        if thresholds.wants_comparison:
            reason = "no baseline: name one with --baseline"
            yield GateCheck(CheckKind.COMPARISON, "comparison", limit, GateVerdict.CANNOT_TELL, reason, doubt=policy)
        return
    whole = _COMPARED[comparison.verdict]
    rows = [] if whole is GateVerdict.INVALID else [row for row in comparison.metrics if row.primary]
    checks = [
        GateCheck(
            CheckKind.COMPARISON,
            row.name,
            limit,
            _compared_verdict(row, whole),
            _change_in_words(row),
            value=row.new,
            compared=row,
            doubt=policy,
            unit=described(row).unit,
        )
        for row in rows
    ]
    yield from checks
    if whole not in {check.verdict for check in checks}:
        yield GateCheck(CheckKind.COMPARISON, "comparison", limit, whole, "; ".join(comparison.reasons), doubt=policy)


def _compared_verdict(row: ComparedMetric, whole: GateVerdict) -> GateVerdict:
    """A metric's verdict: one that a side lacks does not pass, and a few failures alone raise no doubt."""
    if None in (row.base, row.new):
        # If all requests failed, the failures are the finding, not the missing times.
        told = whole is GateVerdict.FAILED and row.reason == NO_SUCCESS
        return GateVerdict.CANNOT_TELL if told else GateVerdict.NO_DATA
    verdict = _COMPARED[row.verdict]
    overlooked = row.name == FAILURES and verdict is GateVerdict.CANNOT_TELL and whole is GateVerdict.PASSED
    return GateVerdict.PASSED if overlooked else verdict


def _change_in_words(row: ComparedMetric) -> str:
    """The change in words: `slower: +12 % (+8.1 % to +17 %)`."""
    text = row.verdict.replace("_", " ")
    change, low, high = format_change(row)
    if change is not None:
        text += f": {change}"
    if low is not None and high is not None:
        text += f" ({low} to {high})"
    if row.reason:
        text += f": {row.reason}"
    elif row.verdict is Verdict.CANNOT_TELL and row.runs_needed:
        if row.smallest_detectable is None:
            text += "; one run per side does not show the noise between runs"
        text += f"; about {plural(row.runs_needed, 'run')} per side would decide"
    return text
