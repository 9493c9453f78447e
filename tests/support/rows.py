"""Samples and monitors by the row, typed as a run folder would give them."""

from typing import Any

import pandas as pd
import pyarrow as pa

from katydid.runs.rows import MonitorRow, record_schema, sample_schema

OK: dict[str, Any] = {
    "worker": "local", "name": "chat", "stage": 0, "user": 0, "iteration": 0, "request_id": "r",
    "scheduled_ms": 0.0, "start_ms": 0.0, "late_ms": 0.0, "ttft_ms": 100.0, "duration_ms": 500.0, "chunks": 10,
    "ttft_bound": False, "completion_tokens": 11, "outcome": "ok", "after_stop": False, "warm_up": False,
}  # fmt: skip
FAILED: dict[str, Any] = OK | {
    "outcome": "failed", "blame": "target", "error": "overloaded", "detail": "busy", "ttft_ms": None,
    "completion_tokens": None, "chunks": 0,
}  # fmt: skip
ABORTED: dict[str, Any] = OK | {"outcome": "aborted", "duration_ms": None, "ttft_ms": None, "completion_tokens": None}
ABANDONED: dict[str, Any] = ABORTED | {
    "outcome": "abandoned", "ttft_ms": 7.0, "chunks": 3, "abandoned_ms": 2000.0, "ended_ms": 2000.0,
}  # fmt: skip
MANIFEST: dict[str, Any] = {
    "interval_s": 1.0, "users": 1, "warm_up_s": 0.0, "ended": "run-time", "timestamp_source": "kernel",
}  # fmt: skip


def samples(*rows: dict[str, Any]) -> pd.DataFrame:
    frame: pd.DataFrame = pa.Table.from_pylist(list(rows), schema=sample_schema()).to_pandas()
    return frame


def started(at: float, late: float = 0.0, base: dict[str, Any] = OK, **more: Any) -> dict[str, Any]:
    """A request that was due at `at` and started `late` milliseconds after that."""
    return base | {"scheduled_ms": at, "start_ms": at + late, "late_ms": late} | more


def steady(count: int, interval: float = 1000.0, **more: Any) -> list[dict[str, Any]]:
    """One user on its grid."""
    return [started(i * interval, iteration=i, **more) for i in range(count)]


def monitor(seconds: int = 0, **columns: Any) -> pd.DataFrame:
    """One process, a row a second; a list gives each second its value."""
    quiet = {
        "process": "local", "users": 1, "cpu_percent": 10.0, "cpu_wait_percent": 0.0, "memory_bytes": 1,
        "sent_bytes": None, "received_bytes": None, "loop_lag_ms": 1.0, "open_connections": 1, "clock_step_ms": 0.0,
        "blocked_ms": 0.0,
    }  # fmt: skip
    rows = [
        quiet
        | {"at_ms": (i + 1) * 1000.0}
        | {name: value[i] if isinstance(value, list) else value for name, value in columns.items()}
        for i in range(seconds)
    ]
    frame: pd.DataFrame = pa.Table.from_pylist(rows, schema=record_schema(MonitorRow)).to_pandas()
    return frame
