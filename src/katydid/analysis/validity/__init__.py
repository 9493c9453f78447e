"""Whether a run is valid: did the generator do what it was asked to, and see what happened?

One table of rules, each with its limit, the reason for the limit, and what to do. A run that breaks one
is invalid: its numbers may be the generator's, not the target's. A warning leaves it valid. That the
failure threshold ended a run is neither: it is a result. Knows nothing about how good the numbers are.

This is the table; what the rules look at lies in `rule`, their checks by theme in the other modules.
"""

import pandas as pd

from katydid.analysis.validity import clocks, generator, load, prompts, stalls
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
        "each process uses or waits for ≤ 80 % of a core in the median, ≥ 95 % in at most 5 % of the seconds",
        "beyond that its event loop queues, and the queueing would be booked as the target's",
        generator.cpu,
        watched,
    ),
    Rule(
        "event_loop",
        "> 100 ms late in at most 5 % of the seconds",
        "without kernel timestamps a busy loop is in every time; with them it only delays starts",
        generator.loop_lag,
        watched,
    ),
    Rule(
        "blocked",
        "each process's event loop blocked for ≤ 1.5 % of the time (lags over 5 ms added up, and holes in the monitor; "
        "up to 0.1 s, and 1 ms a user where all start together, are nothing)",
        "what it would have sent meanwhile was not sent, and what came was read late",
        stalls.blocked,
        watched,
    ),
    Rule(
        "late_starts",
        "≤ 1 % of the starts late by more than 50 ms, or 1 % of the interval, with their user free",
        "the load was not the one that was asked for",
        generator.late_by_us,
        generator.has_schedule,
    ),
    Rule(
        "achieved_load",
        "within 2 % of the offered load, less what slow answers held up",
        "users that were lost leave a lighter load than was asked for",
        load.achieved,
        has_plan,
    ),
    Rule(
        "users_lost",
        "≤ 2 % of the users' time lost to users that ended before the run did",
        "what is left of them sends less than was asked for",
        load.users_lost,
        load.users_stay,
    ),
    Rule(
        "users_changed",
        "the number of users stays as it was asked for",
        "figures of two loads are those of neither",
        load.users_changed,
    ),
    Rule(
        "pool",
        "of a rate, ≤ 1 % of the requests without a free user when they were due",
        "the target got fewer requests than the rate says, and later",
        load.pool,
    ),
    Rule(
        "audio_pace",
        "≤ 1 % of the chunks of audio sent more than 20 ms late (p99 ≤ 20 ms)",
        "a recogniser that gets its audio late looks slow",
        generator.audio_late,
        column="sent_chunks",
    ),
    Rule(
        "server_rtf",
        "RTF that the recogniser names from 0.001 to 1,000",
        "beyond that its unit was mistaken, and a plan of workers would be off by as much",
        clocks.implausible_rtf,
        column="server_rtf",
    ),
    Rule(
        "blame",
        "no failure of the generator or the configuration",
        "it would count as the target's",
        generator.not_the_target,
    ),
    Rule("workers", "no worker and no row lost", "what is missing may be what was slow", generator.lost),
    Rule(
        "silences",
        "each worker in touch with the master",
        "one that cannot be heard has lost its network or stands still, and books that as the target's",
        generator.silent,
    ),
    Rule(
        "other_settings",
        "workers with the run's options, files and version",
        "what a worker was started with is not what it does, or what it does is another load",
        generator.other_settings,
    ),
    Rule(
        "refused_messages",
        "every message of a worker is one that workers send",
        "rows that were refused are missing",
        generator.refused,
    ),
    Rule(
        "input_lengths",
        "prompts within 2 % of the lengths that were drawn for them, in the mean; a warning up to 10 %",
        "longer or shorter prompts are other work",
        prompts.input_lengths,
        column="target_input_tokens",
    ),
    Rule(
        "output_lengths",
        "answers within 2 % of the lengths that were drawn for them, in the mean; a warning up to 10 %",
        "versions whose answers differ in length do not do the same work",
        prompts.output_lengths,
        column="target_output_tokens",
    ),
    Rule(
        "sending",
        "≤ 1 % of the requests take more than 50 ms to be sent",
        "TTFT begins with a request's first byte, and has the sending in it",
        prompts.slow_sending,
        column="send_ms",
    ),
    Rule(
        "warm_cache",
        "of unique prompts ≤ 1 % of the input tokens from the target's prefix cache, beyond its template and what the "
        "prompts share; of others, and of a trace's 5 % beyond what these share, a warning",
        "a prompt that the target has seen before costs it next to nothing",
        prompts.warm_cache,
        column="prompt_tokens",
    ),
    Rule(
        "repeated_prompts",
        "where the target does not say what came from its cache, no prompt of a file twice, and no TTFT of a repeat "
        "sooner",
        "a warm cache shows in the times alone then",
        prompts.repeated,
        column="prompt_id",
    ),
    Rule(
        "unfinished",
        "≤ 0.5 % of the requests cut off",
        "those that are cut off are the slow ones: leaving them out flatters the target",
        load.unfinished,
    ),
    Rule(
        "resent",
        "≤ 1 % of the requests sent again",
        "each cost a new connection or a new key, which users with keep-alive and keys that last would not pay for",
        load.sent_again,
    ),
    Rule(
        "ttft_bound",
        "≤ 5 % of the TTFTs upper bounds; more are a warning where the event loop is on time (worst lag of a second "
        "≤ 5 ms in the median)",
        "the others are exact; a late event loop makes bounds itself, by reading several chunks at once",
        clocks.bounded,
    ),
    Rule(
        "stream",
        "most streamed answers begin before the last tenth of their time",
        "else the TTFT is the time of a whole answer, which a buffer on the way held back",
        clocks.buffered,
    ),
    Rule(
        "times",
        "no time of a request below zero",
        "a clock that is off by that much is off in the other times too",
        clocks.negative,
    ),
    Rule(
        "timestamps",
        "taken by the kernel",
        "else the generator's own delays are in them",
        clocks.user_time,
        lambda run: run.manifest.timestamp_source is not None,
    ),
    Rule(
        "clock",
        "wall clock within 50 ms of the monotonic one",
        "logs of several machines match by it",
        clocks.clock_step,
        lambda run: len(run.monitor) > 0,
    ),
    Rule(
        "ramp",
        "in a ramp, first requests as users are spawned",
        "users that wait for a place that has gone by start together with others",
        load.ramp,
    ),
    Rule(
        "users_at_stop",
        "a ramp, where the failure threshold stops the run",
        "else all are there at the first failure, whatever the target holds",
        load.all_at_once,
    ),
    Rule("warm_up", "the run outlasts its warm-up", "cold caches are in the statistics else", load.inside_warm_up),
    Rule(
        "declared",
        "every metric that the workload declares can be read",
        "what is left out is in no table, and no limit judges it",
        load.declarations,
    ),
    Rule("end", "the run came to its end", "what came last is missing else", load.how_it_ended),
)


def rules_for(frame: pd.DataFrame, manifest: Manifest | None = None) -> list[Rule]:
    """The rules for a run with these samples; with its manifest, those of its workload too.

    A rule that the run's workload had where it was made, and that is not known here, could not be checked.
    """
    manifest = manifest or Manifest.read({})
    own = {rule.name: rule for record in workloads_of(manifest) for rule in record.rules}
    absent = [name for name in catalogue_of(manifest).rules if name not in own]
    rules = (*RULES, *own.values(), *map(_elsewhere, absent))
    return [
        rule for rule in rules if rule.column is None or (rule.column in frame and frame[rule.column].notna().any())
    ]


def _elsewhere(name: str) -> Rule:
    """In the place of a rule whose code is not here."""
    why = "the file that says what it asks for is not here"
    finding = Finding("warning", f"the workload's own rule {name} could not be checked: {why}", "report the run there")
    return Rule(name, "a rule of the workload's own", why, lambda _: finding, lambda _: False)


def findings(run: Run) -> list[Finding]:
    """Everything that the rules find, the invalid first."""
    found = [
        Finding(finding.severity, finding.message, finding.remedy, rule.name)
        for rule in rules_for(run.frame, run.manifest)
        if (finding := rule.check(run)) is not None
    ]
    return sorted(found, key=lambda f: f.severity)


def unchecked(run: Run) -> list[str]:
    """Names of the rules that the run has no data for."""
    return [rule.name for rule in rules_for(run.frame, run.manifest) if not rule.possible(run)]
