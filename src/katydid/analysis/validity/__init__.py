"""Whether a run is valid: did the generator produce the load that was asked for, and measure it correctly?

A table of rules, each with its limit and the reason for the limit. A run that violates a rule is invalid, because its
numbers may be the generator's and not the target's; some rules only warn, and leave it valid. A stop by the failure
threshold is neither: it is a result. Validity says nothing about how good the target is.

This module has the table; `rule` has the types, and the other modules have the checks by topic.
"""

import pandas as pd

from katydid.analysis.validity import clocks, generator, load, prompts
from katydid.analysis.validity.rule import Rule, Run, has_plan, watched
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Finding, Severity
from katydid.model.metrics.declared import catalogue_of
from katydid.model.workload import workloads_of

__all__ = ["RULES", "Finding", "Rule", "Run", "Severity", "findings", "rules_for", "unchecked"]

RULES = (
    Rule("data", "at least 1 request", "no verdict without data", load.no_data),
    Rule(
        "generator_cpu",
        "each process uses or waits for ≤ 80 % of a core in the median, and ≥ 95 % in at most 5 % of the seconds",
        "a busier process queues requests in its event loop, and that time would count as the target's",
        generator.cpu,
        watched,
    ),
    Rule(
        "event_loop",
        "> 100 ms late in at most 5 % of the seconds",
        "without kernel timestamps, every time includes the delay; with them, it only delays starts",
        generator.loop_lag,
        watched,
    ),
    Rule(
        "blocked",
        "each process's event loop blocked for ≤ 1.5 % of the time (the sum of lags over 5 ms and of gaps in the "
        "monitor; 0.1 s is allowed, and 1 ms per user if all users start together)",
        "requests due in that time were sent late or not at all, and answers were read late",
        generator.blocked,
        watched,
    ),
    Rule(
        "late_starts",
        "≤ 1 % of the starts late by more than 50 ms, or 1 % of the interval, although the user was free",
        "the load was not the one that was asked for",
        generator.late_by_us,
        generator.has_schedule,
    ),
    Rule(
        "achieved_load",
        "within 2 % of the offered load, less the starts that slow answers delayed",
        "lost users leave a lighter load than was asked for",
        load.achieved,
        has_plan,
    ),
    Rule(
        "users_lost",
        "≤ 2 % of the users' time lost to users that ended before the run did",
        "the remaining users send less than was asked for",
        load.users_lost,
        load.users_stay,
    ),
    Rule(
        "users_changed",
        "the number of users does not change during the run",
        "statistics over two loads describe neither",
        load.users_changed,
    ),
    Rule(
        "pool",
        "at a rate, ≤ 1 % of the requests without a free user when due",
        "the target got fewer requests than the rate asks for, and later",
        load.pool,
    ),
    Rule(
        "audio_pace",
        "≤ 1 % of the audio chunks sent more than 20 ms late (p99 ≤ 20 ms)",
        "a recogniser that gets its audio late looks slow",
        generator.audio_late,
        column="sent_chunks",
    ),
    Rule(
        "server_rtf",
        "the recogniser's own RTF from 0.001 to 1,000",
        "any other value is in the wrong unit, and a plan of workers would be off by as much",
        clocks.implausible_rtf,
        column="server_rtf",
    ),
    Rule(
        "blame",
        "no failure caused by the generator or the configuration",
        "it would count as the target's",
        load.not_the_target,
    ),
    Rule("workers", "no worker and no row lost", "the missing requests may be the slow ones", load.lost),
    Rule(
        "silences",
        "each worker stays in touch with the master",
        "a silent worker has lost its network or stalled, and that time would count as the target's",
        load.silent,
    ),
    Rule(
        "other_settings",
        "every worker has the run's options, files and version",
        "a worker with others sends a different load",
        load.other_settings,
    ),
    Rule(
        "refused_messages",
        "every message from a worker is of a known kind",
        "rows in rejected messages are missing",
        load.refused,
    ),
    Rule(
        "input_lengths",
        "mean prompt length within 2 % of the lengths drawn; a warning up to 10 %",
        "longer or shorter prompts are different work",
        prompts.input_lengths,
        column="target_input_tokens",
    ),
    Rule(
        "output_lengths",
        "mean answer length within 2 % of the lengths drawn; a warning up to 10 %",
        "versions whose answers differ in length do not do the same work",
        prompts.output_lengths,
        column="target_output_tokens",
    ),
    Rule(
        "sending",
        "≤ 1 % of the requests take more than 50 ms to send",
        "TTFT starts at the request's first byte, so it includes the sending",
        prompts.slow_sending,
        column="send_ms",
    ),
    Rule(
        "warm_cache",
        "≤ 1 % of the input tokens of unique prompts from the target's prefix cache, beyond its template and what the "
        "prompts share; for other prompts, and for a trace from 5 % beyond what its prompts share, a warning",
        "a prompt that the target has seen before costs it almost nothing",
        prompts.warm_cache,
        column="prompt_tokens",
    ),
    Rule(
        "repeated_prompts",
        "if the target does not report cached tokens: no prompt of a file repeats, and repeats have no lower TTFT",
        "a warm cache then shows only in the times",
        prompts.repeated,
        column="prompt_id",
    ),
    Rule(
        "unfinished",
        "≤ 0.5 % of the requests aborted",
        "mostly slow requests are aborted, so leaving them out flatters the target",
        load.unfinished,
    ),
    Rule(
        "resent",
        "≤ 1 % of the requests sent again",
        "each cost a new connection or a new key, which users with keep-alive and lasting keys would not pay for",
        load.sent_again,
    ),
    Rule(
        "ttft_bound",
        "≤ 5 % of the TTFTs are upper bounds; more are only a warning if the event loop is on time (worst lag per "
        "second ≤ 5 ms in the median)",
        "the other TTFTs are exact; a late event loop causes bounds itself, by reading several chunks at once",
        clocks.bounded,
    ),
    Rule(
        "stream",
        "most streamed answers begin before the last tenth of their time",
        "otherwise a buffer held the stream back, and the TTFT is the time of the whole answer",
        clocks.buffered,
    ),
    Rule(
        "times",
        "no negative times",
        "if the clock is that wrong, the other times are wrong too",
        clocks.negative,
    ),
    Rule(
        "timestamps",
        "taken by the kernel",
        "otherwise they include the generator's own delays",
        clocks.user_time,
        lambda run: run.manifest.timestamp_source is not None,
    ),
    Rule(
        "clock",
        "wall clock within 50 ms of the monotonic one",
        "logs of several machines are matched by it",
        clocks.clock_step,
        lambda run: len(run.monitor) > 0,
    ),
    Rule(
        "ramp",
        "in a ramp, each user sends its first request when it is spawned",
        "users that wait for their place in the interval start together with others",
        load.ramp,
    ),
    Rule(
        "users_at_stop",
        "a ramp, if the failure threshold stops the run",
        "without one, all users are there at the first failure, whatever the target's capacity",
        load.all_at_once,
    ),
    Rule(
        "warm_up", "the run outlasts its warm-up", "otherwise the statistics include cold caches", load.inside_warm_up
    ),
    Rule(
        "declared",
        "every metric that the workload declares can be read",
        "a metric that is left out is in no table, and no limit judges it",
        load.declarations,
    ),
    Rule("end", "the run came to its end", "otherwise the last samples are missing", load.how_it_ended),
)


def rules_for(frame: pd.DataFrame, manifest: Manifest | None = None) -> list[Rule]:
    """The rules for a run with these samples, and if the manifest is given, its workload's own rules.

    A rule whose code is not available here is in the list as one that could not be checked.
    """
    manifest = manifest or Manifest.read({})
    own = {rule.name: rule for record in workloads_of(manifest) for rule in record.rules}
    absent = [name for name in catalogue_of(manifest).rules if name not in own]
    rules = (*RULES, *own.values(), *map(_elsewhere, absent))
    return [
        rule for rule in rules if rule.column is None or (rule.column in frame and frame[rule.column].notna().any())
    ]


def _elsewhere(name: str) -> Rule:
    """A stand-in for a workload's rule whose code is not available here."""
    why = "the locustfile that defines it is not here"
    remedy = "make the report where the run was made"
    finding = Finding("warning", f"the workload's own rule {name} could not be checked: {why}", remedy)
    return Rule(name, "a rule of the workload's own", why, lambda _: finding, lambda _: False)


def findings(run: Run) -> list[Finding]:
    """All findings of the rules, those that make the run invalid first."""
    found = [
        Finding(finding.severity, finding.message, finding.remedy, rule.name)
        for rule in rules_for(run.frame, run.manifest)
        if (finding := rule.check(run)) is not None
    ]
    return sorted(found, key=lambda f: f.severity)


def unchecked(run: Run) -> list[str]:
    """Names of the rules that could not be checked for want of data."""
    return [rule.name for rule in rules_for(run.frame, run.manifest) if not rule.possible(run)]
