"""Traces of 10,000 requests in each form, as the target sees them: lengths, instants, shared prefixes.

The target's own log is the truth.
"""

import json
from random import Random

import numpy as np
import pytest

from running import katydid, the_run

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REQUESTS, SPEED, PER_SECOND = 10_000, 10.0, 25.0


def requests():
    """Arrivals, inputs, outputs and hash ids, of which half begin with one of ten blocks."""
    dice, at = Random(6), 0.0
    for number in range(REQUESTS):
        at += dice.expovariate(PER_SECOND)
        yield at, dice.randint(60, 200), dice.randint(2, 8), number % 10 if number % 2 else 100 + number


def mooncake():
    for at, asked, answer, block in requests():
        yield json.dumps({"timestamp": 1000 * at, "input_length": asked, "output_length": answer, "hash_ids": [block]})


def burstgpt():
    yield "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
    yield from (f"{at},m,{asked},{answer},{asked + answer},API log" for at, asked, answer, _ in requests())


def azure():
    yield "TIMESTAMP,ContextTokens,GeneratedTokens"
    for at, asked, answer, _ in requests():
        yield f"{np.datetime64('2023-11-16T18:00') + np.timedelta64(round(at * 1e6), 'us')},{asked},{answer}"


def messages():
    for at, asked, answer, _ in requests():
        said = [{"role": "user", "content": " ".join(["word"] * asked)}]
        yield json.dumps({"timestamp": 1000 * at, "messages": said, "output_length": answer})


def ours():
    yield "time,input,output,session,parent"
    yield from (f"{at},{asked},{answer},," for at, asked, answer, _ in requests())


@pytest.mark.parametrize("form", [mooncake, burstgpt, azure, messages, ours])
def test_a_trace_arrives_as_it_was_written(target, tmp_path, form):
    file = tmp_path / "trace"
    file.write_text("\n".join(form()), encoding="utf-8")
    service = target(ttft=0.02, chunk_interval=0.002, chunks=4, prefix_cache=50_000_000)
    words = ("--trace", file, "--trace-speed", SPEED, "--users", 500, "--failure-threshold", 0)
    done = katydid("run", "stream", "--host", service.url, *words, folder=tmp_path)
    assert done.wait(150) in {0, 4}, done.out + done.err  # on a busy machine it is not valid; what follows holds still
    run = the_run(tmp_path / "reports")
    assert run.manifest["ended"] == "completed"
    rows = run.samples.set_index("request_id")
    seen = [line for line in service.log() if line["request_id"] in rows.index]
    assert len(seen) == len(rows) == REQUESTS
    asked = list(requests())
    order = rows["scheduled_ms"].sort_values(kind="stable").index
    told = {line["request_id"]: line for line in seen}
    lengths = [(told[name]["prompt_tokens"], told[name]["completion_tokens"]) for name in order]
    assert lengths == [(inputs, outputs) for _, inputs, outputs, _ in asked]
    due = np.array([at - asked[0][0] for at, *_ in asked]) / SPEED
    arrived = np.array([told[name]["received_mono_ns"] for name in order]) / 1e9
    late = arrived - arrived[0] - due
    assert np.median(np.abs(late - np.median(late))) < 0.01
    scheduled = rows.loc[order, "scheduled_ms"].to_numpy() - run.manifest["arrivals_begin_ms"]
    assert np.abs(scheduled - 1000.0 * due).max() < 0.01
    if form is mooncake:
        cached = np.array([told[name]["cached_tokens"] for name in order])
        shares = np.array([block < 10 for *_, block in asked])
        assert (cached[shares][20:] >= 48).mean() > 0.9, "blocks that came before begin the prompt"
        assert (cached[~shares] < 16).all()
