"""A run that never was, but could have been: samples, monitor and manifest, the same for the same seed.

Its target has a slow quarter of a minute, and fails in several ways.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import katydid.workloads  # noqa: F401 - their parts of a summary and a report
from documents import manifest_with
from katydid.analysis.derived import with_derived
from katydid.analysis.summary import summarise
from katydid.model.sample import ErrorClass
from katydid.report.model import Material

HOSTILE = "</script></title><img src=x onerror=alert(1)>\x1b[31m\u202eevil & \"quoted\" 'text'"


@dataclass
class SyntheticRun:
    samples: pd.DataFrame
    monitor: pd.DataFrame
    manifest: dict[str, Any]


def synthetic_run(
    *,
    users: int = 40,
    cycles: int = 24,
    interval: float = 5.0,
    failing: float = 0.02,
    seed: int = 1,
    detail: str = "upstream said: busy",
    **manifest: Any,
) -> SyntheticRun:
    """`users` × `cycles` requests, one every `interval` seconds a user."""
    random = np.random.default_rng(seed)
    rows = users * cycles
    user = np.tile(np.arange(users), cycles)
    iteration = np.repeat(np.arange(cycles), users)
    scheduled = (iteration + user / users) * interval * 1000.0
    slow = 1.0 + 1.5 * ((scheduled > 60_000) & (scheduled < 75_000))
    ttft = random.lognormal(np.log(220.0), 0.28, rows) * slow
    tokens = random.integers(40, 90, rows)
    gap = random.lognormal(np.log(18.0), 0.12, rows) * slow
    late = np.where(random.random(rows) < 0.004, random.uniform(60, 900, rows), random.exponential(0.4, rows))
    failed = random.random(rows) < failing * slow
    kinds = [ErrorClass.OVERLOADED, ErrorClass.TIMEOUT, ErrorClass.TRUNCATED]
    error = np.array([k.value for k in kinds], dtype=object)[random.choice(3, rows, p=[0.7, 0.2, 0.1])]
    samples = pd.DataFrame(
        {
            "request_id": [f"run-{i}" for i in range(rows)],
            "user": user,
            "iteration": iteration,
            "worker": np.where(user % 2 == 0, "w1", "w2"),
            "name": "/v1/chat/completions",
            "scheduled_ms": scheduled,
            "stage": 0,
            "start_ms": scheduled + late,
            "late_ms": late,
            "connect_ms": np.where(iteration == 0, 0.6, np.nan),
            "ttft_ms": np.where(failed, np.nan, ttft),
            "ttft_bound": random.random(rows) < 0.004,
            "duration_ms": np.where(failed, ttft * 0.4, ttft + gap * (tokens - 1)),
            "read_lag_ms": random.exponential(0.3, rows),
            "chunks": np.where(failed, 0, tokens),
            "gap_mean_ms": np.where(failed, np.nan, gap),
            "gap_p99_ms": np.where(failed, np.nan, gap * 1.8),
            "gap_max_ms": np.where(failed, np.nan, gap * 2.4),
            "bytes": tokens * 180,
            "prompt_tokens": 12.0,
            "completion_tokens": np.where(failed, np.nan, tokens),
            "status": np.where(failed & (error == "overloaded"), 503, 200),
            "outcome": np.where(failed, "failed", "ok"),
            "blame": np.where(failed, "target", None),
            "error": np.where(failed, error, None),
            "detail": np.where(failed, detail, None),
            "after_stop": False,
            "warm_up": scheduled < interval * 1000.0,
        }
    )
    seconds = int(cycles * interval)
    told = {
        "schema_version": 1, "workload": "stream", "version": "v1.4.2", "host": "http://127.0.0.1:8080",
        "model": "katydid-small", "users": users, "spawn_rate": users, "interval_s": interval, "phase": "spread",
        "failure_threshold": 0, "run_time_s": float(seconds), "request_timeout_s": 60.0, "warm_up_s": interval,
        "timestamp_source": "kernel", "api": "openai", "katydid_version": "0.1.0", "cpu_count": 8, "workers": 2,
        "started_utc": "2026-11-21T07:17:07.819+00:00", "ended": "run-time", "stopped_at_ms": seconds * 1000.0,
        "lost_workers": [], "partial": False, "options": {"max_tokens": 128},
    }  # fmt: skip
    return SyntheticRun(samples, _monitor(random, seconds, users), told | manifest)


def material_of(run: SyntheticRun) -> Material:
    """What a report of the run is made of."""
    manifest = manifest_with(run.manifest)
    summary = summarise(run.samples, run.monitor, manifest)
    return Material(manifest, summary, with_derived(run.samples, manifest), run.monitor)


def _monitor(random: np.random.Generator, seconds: int, users: int) -> pd.DataFrame:
    processes = ("master", "w1", "w2")
    rows = seconds * len(processes)
    process = np.tile(processes, seconds)
    return pd.DataFrame(
        {
            "at_ms": np.repeat(np.arange(1, seconds + 1), len(processes)) * 1000.0,
            "process": process,
            "users": np.where(process == "master", 0, users // 2),
            "cpu_percent": random.uniform(8, 22, rows),
            "memory_bytes": 92 * 2**20,
            "sent_bytes": 40_000.0,
            "received_bytes": 900_000.0,
            "loop_lag_ms": random.exponential(1.5, rows),
            "open_connections": np.where(process == "master", 0, users // 2),
            "clock_step_ms": 0.01,
        }
    )
