"""Whether a run is valid: did the generator produce the load that was asked for, and measure it correctly?

Each rule has a limit and the reason for the limit. A run that violates a rule is invalid, because its numbers may be
the generator's and not the target's; some rules only warn, and leave it valid. A stop by the failure threshold is
neither: it is a result. Validity says nothing about how good the target is.

This module lists the rules; `rule` has the types, and the other modules have the rules by topic.
"""

import pandas as pd

from katydid.analysis.validity import clocks, generator, load, prompts
from katydid.analysis.validity.rule import Rule, Run
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Finding, Severity
from katydid.model.metrics.declared import catalogue_of
from katydid.model.workload import workloads_of

__all__ = ["RULES", "Finding", "Rule", "Run", "Severity", "findings", "rules_for", "unchecked"]

RULES = (
    load.data,
    generator.generator_cpu,
    generator.event_loop,
    generator.blocked,
    generator.late_starts,
    load.achieved_load,
    load.users_lost,
    load.users_changed,
    load.pool,
    generator.audio_pace,
    clocks.server_rtf,
    load.blame,
    load.workers,
    load.silences,
    load.other_settings,
    load.refused_messages,
    prompts.input_lengths,
    prompts.output_lengths,
    prompts.sending,
    prompts.warm_cache,
    prompts.repeated_prompts,
    load.unfinished,
    load.resent,
    clocks.ttft_bound,
    clocks.stream,
    clocks.times,
    clocks.timestamps,
    clocks.clock,
    load.ramp,
    load.users_at_stop,
    load.warm_up,
    load.declared,
    load.end,
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
