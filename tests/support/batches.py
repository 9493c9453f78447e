"""Batches of rows as a run drains them."""

from dataclasses import fields

from katydid.engine.live.figures import Batch
from katydid.model.sample import Sample
from katydid.runs.rows import MonitorRow, RowBuffer, record_schema, sample_schema

USUAL = {
    "request_id": "r", "user": 0, "iteration": 0, "worker": "local", "name": "/v1/chat", "scheduled_ms": 0.0,
    "start_ms": 0.0, "late_ms": 0.0, "ttft_ms": 100.0, "gap_max_ms": 20.0, "duration_ms": 500.0,
}  # fmt: skip
MONITOR = {
    "at_ms": 0.0, "process": "local", "users": 4, "cpu_percent": 50.0, "cpu_wait_percent": None, "memory_bytes": 1000,
    "sent_bytes": None,
    "received_bytes": None, "loop_lag_ms": 2.0, "open_connections": 3, "clock_step_ms": 0.0,
}  # fmt: skip


def rows(*changes):
    """Samples, each with what is different about it."""
    buffer = RowBuffer(sample_schema())
    for change in changes:
        buffer.append(Sample(**(USUAL | change)))
    return Batch(buffer.drain())


def monitor_rows(*changes):
    buffer = RowBuffer(record_schema(MonitorRow))
    for change in changes:
        row = dict.fromkeys((column.name for column in fields(MonitorRow)), None) | MONITOR | change
        buffer.append(MonitorRow(**row))
    return Batch(buffer.drain())
