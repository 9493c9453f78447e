"""A run in one sentence, with its outcome, size, times and end; and the exit code of `katydid run`.

`summary.json` (`headline`), the terminal, the pages and the gate all show this sentence. A run has one of five
outcomes, and an invalid measurement is one of them. A second sentence says what the target does for clients that left.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from katydid.analysis.capacity.estimate import capacity_answer
from katydid.model.documents.base import DocumentError
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Check, ErrorRow, Finding, Headline, LeavingFound, Outcome, Summary
from katydid.model.errors import ExitCode, worst
from katydid.model.formatting import how_it_ended, milliseconds, number, ordinal, plural, show
from katydid.model.oneline import one_line
from katydid.model.redact import hide_query
from katydid.model.sample import Blame
from katydid.model.workload import workloads_of


def headline_of(manifest: Manifest, summary: Summary) -> Headline:
    """The headline in the summary; made now if the summary is from a version without headlines."""
    told = summary.headline
    return Headline(told.outcome, one_line(told.text)) if told else headline(manifest, summary)


def headline(manifest: Manifest, summary: Summary) -> Headline:
    """Make the headline of a run.

    Args:
        manifest: of the run.
        summary: of the run, without headline; keys that older summaries lack are not needed.
    """
    outcome, sentence = next((outcome, sentence) for outcome, holds, sentence in _OUTCOMES if holds(summary))
    return Headline(outcome, one_line(sentence(manifest, summary)))


def exit_code(summary: Summary) -> ExitCode:
    """The exit code of `katydid run`.

    An interruption aborts requests, which makes the run invalid. If there is no other reason, the exit code is that
    of an interrupted run.
    """
    interrupted = summary.ended == "interrupted"
    cut_off_only = interrupted and {f.rule for f in _invalid_findings(summary)} == {"unfinished"}
    return worst(
        ExitCode.INVALID if not summary.valid and not cut_off_only else ExitCode.PASSED,
        ExitCode.GATE_FAILED if _is_failed(summary) else ExitCode.PASSED,
        ExitCode.INTERRUPTED if interrupted else ExitCode.PASSED,
    )


def generator_to_blame(summary: Summary) -> bool:
    """Return True if a run is invalid because of the generator, at least in part."""
    if summary.valid:
        return False
    found = _invalid_findings(summary)
    return not found or any(_fault(finding, summary) == _GENERATOR for finding in found)


# The outcome and its sentence


def _is_failed(summary: Summary) -> bool:
    return _none_succeeded(summary) or bool(_failed_checks(summary))


def _none_succeeded(summary: Summary) -> bool:
    """Return True if requests failed and none succeeded; aborted requests do neither."""
    counts = summary.counts
    return not counts.ok and counts.failed > 0


def _failed_checks(summary: Summary) -> list[Check]:
    """The checks that failed; checks that could not be made (`passed` is null) did not fail."""
    return [check for check in summary.checks or [] if check.passed is False]


_CLAUSE = re.compile(r"[;:] | \(")
"""Where the first clause of a finding ends."""


def _invalid(_manifest: Manifest, summary: Summary) -> str:
    """What spoiled the run, and whose fault it is; the findings and `headline_details` say the rest."""
    found = _invalid_findings(summary)
    fault = f" (the {_fault(found[0], summary)}'s fault)" if found else ""
    return f"INVALID{fault}: {why_invalid(summary)}."


def why_invalid(summary: Summary) -> str:
    """The first reason for which a run is invalid, in one clause."""
    found = _invalid_findings(summary)
    reasons = [finding.message for finding in found] or list(summary.invalid_reasons) or ["its summary says so"]
    return _CLAUSE.split(reasons[0], maxsplit=1)[0]


def headline_details(manifest: Manifest, summary: Summary) -> list[str]:
    """What the headline of an invalid run leaves out: further reasons, the figures, how it ended; else nothing."""
    if summary.valid:
        return []
    more = max(len(_invalid_findings(summary)), len(summary.invalid_reasons)) - 1
    reasons = [f"{plural(more, 'more reason')} below"] if more > 0 else []
    return [*reasons, _numbers(summary), how_it_ended(manifest, summary)]


def _failed(manifest: Manifest, summary: Summary) -> str:
    end = f"; {_numbers(summary)}, {how_it_ended(manifest, summary)}."
    if _none_succeeded(summary):
        errors = summary.errors
        # The shares include the warm-up: if they do not sum to 1, requests succeeded in the warm-up.
        after = " after the warm-up" if errors and sum(row.share for row in errors) < 1.0 - 1e-9 else ""
        return f"FAILED: no request succeeded{after}{_why(manifest, errors)}{end}"
    checks, failed = summary.checks or [], _failed_checks(summary)
    named = ", ".join(
        check.name + (f" ({plural(check.violations, 'violation')})" if check.violations else "") for check in failed
    )
    found = "".join(f"; {answer}" for answer in _answers(manifest, summary))
    return f"FAILED: {len(failed)} of {plural(len(checks), 'check')} failed: {named}{found}{end}"


def _interrupted(manifest: Manifest, summary: Summary) -> str:
    if summary.partial:
        return f"INTERRUPTED: {_numbers(summary)}; {how_it_ended(manifest, summary)}."
    return f"INTERRUPTED{_after(manifest)}: {_numbers(summary)}."


def _stopped(manifest: Manifest, summary: Summary) -> str:
    limit, counts = manifest.failure_threshold, summary.counts
    users = 0 if manifest.is_open else summary.users_at_stop or counts.users
    later = counts.failed_after_stop
    where = f" at the {ordinal(limit)} failure" if limit else " by the failure threshold"
    load = f" with {plural(int(users), 'user')}" if users else ""
    beside = f" ({number(later)} that failed later not counted)" if later else ""
    return f"STOPPED{where}{_after(manifest)}{load}: {_numbers(summary)}{beside}."


def _passed(manifest: Manifest, summary: Summary) -> str:
    found = _answers(manifest, summary)
    numbers = _counts(summary) if found else [_numbers(summary)]  # times over different loads say nothing
    return f"PASSED: {'; '.join([*found, ', '.join(numbers)])}; {how_it_ended(manifest, summary)}."


_OUTCOMES: tuple[tuple[Outcome, Callable[[Summary], bool], Callable[[Manifest, Summary], str]], ...] = (
    (Outcome.INVALID, lambda summary: not summary.valid, _invalid),
    (Outcome.FAILED, _is_failed, _failed),
    (Outcome.INTERRUPTED, lambda summary: summary.partial or summary.ended == "interrupted", _interrupted),
    (Outcome.STOPPED, lambda summary: summary.ended == "failure-threshold", _stopped),
    (Outcome.PASSED, lambda _: True, _passed),
)
"""The first that holds."""


def _answers(manifest: Manifest, summary: Summary) -> list[str]:
    """The answers that a run of this kind is made to find, such as a capacity; empty if its metrics are the answer."""
    if summary.capacity:
        return [capacity_answer(summary.capacity)]
    told = []
    for record in workloads_of(manifest):
        with suppress(DocumentError):  # the summary may be from a version without the workload's part
            told.append(record.answer(summary) if record.answer else None)
    return [answer for answer in told if answer]


def _counts(summary: Summary) -> list[str]:
    counts = summary.counts
    left = [f"{number(counts.abandoned)} abandoned"] if counts.abandoned else []
    return [plural(counts.requests, "request"), f"{number(counts.failed)} failed", *left]


def _numbers(summary: Summary) -> str:
    metrics, parts = summary.metrics, _counts(summary)
    for name, words in (("ttft.p95", "TTFT p95"), ("ttft.p50", "TTFT p50")):
        if metrics.get(name) is not None:
            parts.append(f"{words} {show(name, metrics[name], summary)}")
            break
    return ", ".join(parts)


def _after(manifest: Manifest) -> str:
    stopped = manifest.stopped_at_ms
    return f" after {stopped / 1000:.0f} s" if stopped else ""


# Whose fault

_GENERATOR, _CONFIGURATION = "generator", "configuration"
_PARTIES: dict[str | None, str] = {Blame.GENERATOR: _GENERATOR, Blame.TARGET: "target", Blame.CONFIG: _CONFIGURATION}
_CONFIGURED = frozenset({"data", "input_lengths", "output_lengths", "unfinished", "warm_cache", "warm_up"})
"""Validity rules that the configuration violates; all others are the generator's fault."""
_EXAMPLE = 120
"""The most characters of a target's error text in the sentence."""


def _invalid_findings(summary: Summary) -> list[Finding]:
    """The findings that make the run invalid; missing data come last, as they are a consequence of the others."""
    found = [finding for finding in summary.findings if finding.severity == "invalid"]
    return sorted(found, key=lambda finding: finding.rule == "data")


def _fault(finding: Finding, summary: Summary) -> str:
    if finding.rule in _CONFIGURED:
        return _CONFIGURATION
    if finding.rule == "blame":
        blamed = {row.blame for row in summary.errors}
        return _CONFIGURATION if Blame.CONFIG in blamed and Blame.GENERATOR not in blamed else _GENERATOR
    return _GENERATOR


def _why(manifest: Manifest, errors: list[ErrorRow]) -> str:
    """The most frequent failure, whose fault it is, and what to do."""
    if not errors:
        return ""
    row = errors[0]
    if row.check:
        return f" ({row.status} at {_address(manifest, row)}: {row.check})"
    example = f": {row.example[:_EXAMPLE]}" if row.example else ""
    party = f", the {_PARTIES[row.blame]}'s fault" if row.blame in _PARTIES else ""
    return f" ({row.error}{example}{party})"


def _address(manifest: Manifest, row: ErrorRow) -> str:
    """The request's full path, including that of `--host`; or the request's name, if that is not a path."""
    name = hide_query(row.name or "")
    return urlsplit(manifest.host or "").path.rstrip("/") + name if name.startswith("/") else name


# Clients that have left

COMPUTES = 0.5
"""If a slot stays taken for this share of the rest of the answer, the target is still computing it."""
SHORTEST_REST_MS = 100.0
"""If less than this is left of the answer, its end cannot be distinguished from its client's leaving."""


def leaving_found(manifest: Manifest) -> LeavingFound | None:
    """What the target does for clients that have left; None if no client was to leave."""
    record = manifest.leaving
    if record is None:
        asked = (manifest.options or {}).get("abandon") is not None
        return _unseen("it is measured only after a load that came to its end") if asked else None
    if record.why or not record.departed or record.rest_ms is None:
        return _unseen(record.why or "no client left")
    rest = record.rest_ms
    if rest < SHORTEST_REST_MS:
        return _unseen("the answers end when their clients leave: have them leave earlier")
    lows, highs = ([getattr(each, key) for each in record.departed] for key in ("low_ms", "high_ms"))
    high = None if None in highs else max(highs)
    long = [low for low in lows if low >= COMPUTES * rest]
    if 2 * len(long) > len(lows) or high is None:
        low = min(long, default=max(lows))
        text = f"The target goes on computing for clients that have left (≥ {milliseconds(low)})."
        return LeavingFound("computes", text, record.source, low, high, rest)
    text = f"The target frees the slot of a client that has left within {milliseconds(high)}."
    return LeavingFound("frees", text, record.source, min(lows), high, rest)


def _unseen(why: str) -> LeavingFound:
    return LeavingFound("unseen", f"What the target does for clients that have left could not be seen: {why}.")
