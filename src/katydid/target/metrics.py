"""The embedded target's `/metrics`: what it is doing at this moment, in Prometheus' text format."""

import time

import psutil

KIND = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the format."""
RUNNING = "katydid_target_requests_running"
WAITING = "katydid_target_requests_waiting"

_process = psutil.Process()


def exposition(*, running: int, waiting: int) -> str:
    """The page.

    Args:
        running: requests that have a slot, those of clients that have left among them.
        waiting: requests in the queue.
    """
    figures = (
        (RUNNING, "gauge", "Requests that have a slot.", running),
        (WAITING, "gauge", "Requests that wait for a slot.", waiting),
        ("process_cpu_seconds_total", "counter", "CPU time of the process.", time.process_time()),
        ("process_resident_memory_bytes", "gauge", "Memory of the process.", _process.memory_info().rss),
    )
    return "".join(
        f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}\n" for name, kind, text, value in figures
    )
