"""The options of a run that say how long its requests are, what its prompts share, and how a cache is emptied."""

from dataclasses import dataclass

from katydid.load.lengths import lengths, shared_prefix
from katydid.model.options import Group, option


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """A part of every run's options."""

    input_tokens: str | None = option(
        None,
        "make prompts of this length, no two alike: 1000, normal(1000,200), lognormal(1000,800) or uniform(200,2000); "
        "mean and standard deviation of the target's own count (default: no made prompts)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    output_tokens: str | None = option(
        None,
        "ask for answers of this length, written as --input-tokens: by min_tokens, ignore_eos and the limit, as far "
        "as the target takes them (default: up to --max-tokens)",
        kind=lengths,
        group=Group.PROMPTS,
    )
    shared_prefix: str | None = option(
        None,
        "TOKENS[:GROUPS]: made prompts begin with so many tokens that all those of one of GROUPS groups share; part "
        "of --input-tokens, in the workload chat a system prompt beside them (default: nothing shared)",
        kind=shared_prefix,
        group=Group.PROMPTS,
    )
    before_run: str | None = option(
        None,
        "URL, or a path of the target, that gets a POST before the load, such as /reset_prefix_cache of vLLM "
        "(default: none)",
        group=Group.TARGET,
    )
    tokenizer: str | None = option(
        None,
        "tokenizer.json of the model: made prompts are exact by it, not by the target's count (default: none)",
        group=Group.PROMPTS,
    )
