"""Speech in a report: whether the service keeps up, how many workers it needs, and its queue over time."""

import numpy as np
import pandas as pd

from katydid.analysis.advice import UTILISATION
from katydid.analysis.derived import ends_ms, of_the_load, values_of
from katydid.analysis.series import bin_width
from katydid.analysis.speech_theory import REFUSED, RunFacts, is_plausible, run_facts
from katydid.model.documents.summary import Summary
from katydid.model.errors import ConfigError
from katydid.model.formatting import fraction, number, plural, significant
from katydid.report.model import Bars, Chart, Line, Material, Section, Style
from katydid.stats.queueing import servers_for

FALLS_BEHIND = 1.25
"""A service with this mean real-time factor or more falls behind; it leaves 0.25 s for the result of 1 s of audio."""


def speech_section(material: Material) -> Section | None:
    """Return the section, or None if no audio was sent."""
    frame = material.frame
    if "audio_ms" not in frame or not frame["audio_ms"].notna().any():
        return None
    load = frame[of_the_load(frame)]
    facts = _facts(load, material)
    texts = [_pace(material, facts), _refused(load), _queue(load)]
    return Section(
        "speech", "Real-time factor and queue", list(filter(None, texts)), charts=_over_time(frame, load), answer=True
    )


def _facts(load: pd.DataFrame, material: Material) -> RunFacts | None:
    try:
        return run_facts(load, material.manifest)
    except ConfigError:  # no stream was accepted, or the run is of an older version
        return None


def speech_answer(summary: Summary) -> str | None:
    """Return the real-time factor and its verdict; None if no stream had a final result."""
    rtf = summary.measured("rtf.mean")
    if rtf is None:
        return None
    verdict = "falls behind" if rtf.value >= FALLS_BEHIND else "keeps up with speech"
    return f"RTF {significant(rtf.value)} (mean of {plural(summary.counts.ok, 'stream')}): {verdict}"


def _pace(material: Material, facts: RunFacts | None) -> str:
    """The verdict, and the number of workers needed."""
    rtf, answer = material.summary.measured("rtf.mean"), speech_answer(material.summary)
    if rtf is None or answer is None:
        return "No stream had a final result."
    return f"{answer}; {_workers(facts, behind=rtf.value >= FALLS_BEHIND)}."


def _workers(facts: RunFacts | None, *, behind: bool) -> str:
    if facts is None or facts.rtf is None:
        return "the target reports no processing time: use `katydid plan --rtf` to find how many workers it needs"
    if not is_plausible(facts.rtf):
        return "the number of workers it needs is unknown, since the RTF that the target reports is implausible"
    needed = servers_for(facts.concurrency * facts.rtf, UTILISATION)
    return (
        f"{'it needs' if behind else 'its streams need'} {plural(needed, 'worker')} with RTF {significant(facts.rtf)} "
        f"for {plural(facts.concurrency, 'concurrent stream')} at {fraction(UTILISATION)} utilisation"
    )


def _refused(load: pd.DataFrame) -> str:
    rejected = int(load["error"].isin(REFUSED).sum())
    return f"{number(rejected)} of {plural(len(load), 'stream')} rejected (503, 429)." if rejected else ""


def _queue(load: pd.DataFrame) -> str:
    pending = values_of(load, "queue_pending_max")
    if not len(pending):
        return ""
    return (
        f"The target reported a queue of up to {plural(pending.max(), 'chunk')} "
        f"(median over streams: {significant(float(np.median(pending)))})."
    )


def _over_time(frame: pd.DataFrame, load: pd.DataFrame) -> list[Chart]:
    """Chart the real-time factor and queue of the streams that ended in each time bin, with rejections below."""
    ends = ends_ms(frame).fillna(frame["start_ms"]).fillna(frame["scheduled_ms"]).clip(lower=0.0) / 1000.0
    width = bin_width(float(ends.max()), len(load))
    bins = int(ends.max() // width) + 1
    where = (ends // width).astype(int)
    rtf, queue = (
        load.groupby(where.loc[load.index])[column].agg(how).reindex(range(bins)).astype(np.float64)
        for column, how in (("rtf", "mean"), ("queue_pending_max", "max"))
    )
    middles = ((np.arange(bins) + 0.5) * width).tolist()
    lines = [
        Line(label, style, list(zip(middles, course.tolist(), strict=True)), right)
        for label, style, course, right in (
            ("RTF, mean", Style.MAIN, rtf, False),
            ("longest queue reported", Style.SECOND, queue, True),
        )
        if course.notna().any()
    ]
    refused = np.bincount(where[frame["error"].isin(REFUSED)], minlength=bins)
    bars = []
    if refused.any():
        edges = [index * float(width) for index in range(bins + 1)]
        bars = [Bars("rejected (503, 429)", Style.BAD, edges, (refused / width).tolist(), lane=True, unit="/s")]
    if not lines and not bars:
        return []
    return [
        Chart(
            "speech-course",
            "RTF, queue and rejections over time",
            "Mean real-time factor, and the largest number of waiting chunks that the target reported, of the streams "
            f"that ended in each {width:g} s.",
            "×",
            right_unit="chunks",
            lines=lines,
            bars=bars,
        )
    ]
