"""Whether requests were as planned: of the requested length, sent without delay, and new to the prefix cache."""

import math

import numpy as np
import pandas as pd

from katydid.analysis.validity.rule import Run, rule
from katydid.analysis.validity.tokens import (
    Own,
    cache_found,
    cached_and_all,
    lengths_found,
    tells_of_cache,
    without_history,
)
from katydid.model.documents.summary import Finding, Severity, TokenLengths
from katydid.model.formatting import fraction, milliseconds, number, plural

_OFF, _FAR_OFF = 0.02, 0.10
_SLOW_MS, _SLOW_SHARE = 50.0, 0.01
_BEYOND_TRACE = 0.05
_SURE = 0.001
_LEAST_SOONER = 0.1


@rule(
    "mean prompt length within 2 % of the lengths drawn; a warning up to 10 %",
    "longer or shorter prompts are different work",
    column="target_input_tokens",
)
def input_lengths(run: Run) -> Finding | None:
    found = lengths_found(run.counted)
    return _off("prompts", found.input if found else None, "set --tokenizer to the model's tokenizer.json")


@rule(
    "mean answer length within 2 % of the lengths drawn; a warning up to 10 %",
    "versions whose answers differ in length do not do the same work",
    column="target_output_tokens",
)
def output_lengths(run: Run) -> Finding | None:
    found = lengths_found(run.counted)
    remedy = "the target does not enforce lengths: leave out --output-tokens, or set a field that does with --body"
    return _off("answers", found.output if found else None, remedy)


def _off(what: str, lengths: TokenLengths | None, remedy: str) -> Finding | None:
    if lengths is None or abs(lengths.off) <= _OFF:
        return None
    severity: Severity = "invalid" if abs(lengths.off) > _FAR_OFF else "warning"
    how = "longer" if lengths.off > 0 else "shorter"
    return Finding(
        severity,
        f"{what} were {fraction(abs(lengths.off))} {how} than asked for: on average "
        f"{plural(round(lengths.realised_mean), 'token')}, not {number(round(lengths.asked_mean))}, in "
        f"{plural(lengths.requests, 'request')}",
        remedy,
    )


@rule(
    "≤ 1 % of the requests take more than 50 ms to send",
    "TTFT starts at the request's first byte, so it includes the sending",
    column="send_ms",
)
def sending(run: Run) -> Finding | None:
    sent = run.counted["send_ms"].dropna()
    slow = sent > _SLOW_MS
    if slow.sum() <= _SLOW_SHARE * len(sent):
        return None
    return Finding(
        "warning",
        f"sending {fraction(slow.mean())} of the requests took more than {_SLOW_MS:.0f} ms (at most "
        f"{milliseconds(sent.max())}), which is in their TTFT",
        "check whether the target reads requests promptly, and whether the network is fast enough for their size",
    )


_WARM = 0.01
_BY_CHANCE = 2
"""Tokens that unique prompts may share by chance: among many, some begin with the same word."""
_RESET = "reset it with --before-run URL, restart the target, or use another --seed"
_UNIQUE = "send unique prompts with --input-tokens, or a file with more of them"


@rule(
    "≤ 1 % of the input tokens of unique prompts from the target's prefix cache, beyond its template and what the "
    "prompts share; for other prompts, and for a trace from 5 % beyond what its prompts share, a warning",
    "a prompt that the target has seen before costs it almost nothing",
    column="prompt_tokens",
)
def warm_cache(run: Run) -> Finding | None:
    if not tells_of_cache(run.counted):
        return None
    rows = without_history(run.counted[run.counted["outcome"] == "ok"])
    if (run.manifest.options or {}).get("input_tokens") is not None:
        share = _unmeant_share(rows, Own.of(run.manifest))
        if share is None or share <= _WARM:
            return None
        return Finding(
            "invalid",
            f"unique prompts met a warm cache: {fraction(share)} of the input tokens came from the target's prefix "
            "cache, which has seen them in an earlier run",
            _RESET,
        )
    found = cache_found(rows, run.manifest)
    if found is None or found.hit_rate <= _WARM:
        return None
    if run.manifest.trace is not None and run.manifest.get("prompts") == "made":
        return _more_than_the_trace_shares(found.beyond_template, run.manifest.trace_shared or 0.0)
    said = f"warm cache: {fraction(found.hit_rate)} of the input tokens came from the target's prefix cache"
    return Finding("warning", said, f"{_UNIQUE}, or {_RESET}")


def _more_than_the_trace_shares(cached: float, shared: float) -> Finding | None:
    """Tokens from the cache beyond those in blocks that the trace's own prompts share."""
    if cached <= shared + _BEYOND_TRACE:
        return None
    return Finding(
        "warning",
        f"warm cache: {fraction(cached)} of the input tokens came from the target's prefix cache, but only "
        f"{fraction(shared)} are in blocks that earlier requests of the trace had",
        _RESET,
    )


def _unmeant_share(rows: pd.DataFrame, own: Own) -> float | None:
    """The cached share of the tokens after the beginning that all prompts share; None if there are no such tokens."""
    _, cached, prompt = cached_and_all(rows)
    begins = own.template + own.shared
    beyond, rest = cached - begins, np.clip(prompt - begins, 0.0, None).sum()
    return float(beyond[beyond > _BY_CHANCE].sum() / rest) if rest else None


@rule(
    "if the target does not report cached tokens: no prompt of a file repeats, and repeats have no lower TTFT",
    "a warm cache then shows only in the times",
    column="prompt_id",
)
def repeated_prompts(run: Run) -> Finding | None:
    if cache_found(run.counted, run.manifest) is not None:
        return None
    told = run.frame[run.frame["prompt_id"].notna() & (run.frame["outcome"] == "ok")]
    order = without_history(told).sort_values("start_ms")
    again = order.duplicated("prompt_id")
    if not again.any():
        return None
    sooner = _sooner(order[order["counted"] & ~again], order[order["counted"] & again])
    if sooner is not None:
        said = f"prompts that had been sent before got their first token {fraction(sooner)} sooner"
        return Finding("warning", f"warm cache, probably: {said}", _UNIQUE)
    if (run.manifest.options or {}).get("prompts") is None:
        return None
    said = f"{plural(len(order), 'request')} with {plural(order['prompt_id'].nunique(), 'prompt')}"
    return Finding(
        "warning", f"prompts repeat: {said}; the target does not report what came from its prefix cache", _UNIQUE
    )


def _sooner(first: pd.DataFrame, later: pd.DataFrame) -> float | None:
    """The fraction by which repeats have a lower TTFT than first sendings, the median over prompts; None if not.

    Uses a sign test over prompts: the median of a prompt's repeats against its first sending.
    """
    pairs = pd.DataFrame(
        {"first": first.set_index("prompt_id")["ttft_ms"], "later": later.groupby("prompt_id")["ttft_ms"].median()}
    ).dropna()
    below = int((pairs["later"] < pairs["first"]).sum())
    chance = sum(math.comb(len(pairs), k) for k in range(below, len(pairs) + 1)) / 2 ** len(pairs)
    if pairs.empty or chance > _SURE:
        return None
    sooner = 1.0 - float((pairs["later"] / pairs["first"]).median())
    return sooner if sooner >= _LEAST_SOONER else None
