"""The generator's monitor: what blocks the event loop, and what is left of it without file descriptors."""

import os
import resource
import time
from pathlib import Path

import gevent
import pytest
from gevent.monkey import get_original

from katydid.engine.monitor import generator
from katydid.engine.monitor.generator import LagProbe, Monitor
from katydid.engine.run_info import RunInfo
from katydid.runs.rows import decode

block = get_original("time", "sleep")
"""Sleeps without letting the event loop run, also where another test's import of Locust has patched `time.sleep`."""


def a_monitor():
    info = RunInfo(users=1, workers=1, model="m", warm_up=0.0).begun()
    return Monitor(info, "local", users=lambda: 1, connections=lambda: 1, in_flight=lambda: 1, whole_machine=True)


def rows_of(monitor, meanwhile, seconds=1.0):
    watching = gevent.spawn(monitor.run)
    gevent.sleep(0)
    until = time.monotonic() + seconds + 0.1
    meanwhile()
    gevent.sleep(max(0.0, until - time.monotonic()))
    watching.kill()
    return decode(monitor.buffer.drain()).to_pandas()


def blocks(times, seconds):
    for _ in range(times):
        block(seconds)
        gevent.sleep(0.02)


def test_what_blocks_the_loop_is_added_up_and_not_only_the_worst_of_it():
    rows = rows_of(a_monitor(), lambda: blocks(10, 0.04))
    assert rows["blocked_ms"].sum() >= 300
    assert rows["loop_lag_ms"].max() < 300


def test_one_long_stop_is_one_long_lag_in_one_row():
    rows = rows_of(a_monitor(), lambda: block(1.4), seconds=1.5)
    assert 1350 <= rows["blocked_ms"].sum() <= 1700
    assert rows["loop_lag_ms"].max() >= 1350


def test_a_stop_that_the_runs_end_fell_into_is_told_too():
    monitor = a_monitor()
    watching = gevent.spawn(monitor.run)
    gevent.sleep(0.05)
    block(0.5)
    watching.kill()
    assert decode(monitor.buffer.drain()).to_pandas()["blocked_ms"].sum() >= 450


def test_lags_of_a_loop_that_merely_works_are_not_blocked_time():
    now = [0.0]
    probe = LagProbe(lambda: now[0])
    try:
        for moment in (0.013, 0.024, 0.07, 0.07, 0.086):  # late by 3, 4, 40 (the grid begins anew), 0 and 6 ms
            now[0] = moment
            probe.look()
        assert probe.take() == (pytest.approx(0.04), pytest.approx(0.046))
        assert probe.take() == (0.0, 0.0)
    finally:
        probe.stop()


def test_a_suspended_machine_is_blocked_although_the_monotonic_clock_stood_still(monkeypatch):
    asleep = iter([100.0, 106.0])
    monkeypatch.setattr(generator, "suspended", lambda: next(asleep, 106.0))
    rows = rows_of(a_monitor(), lambda: None)
    assert rows["blocked_ms"].sum() == pytest.approx(6000, abs=200)


def test_the_monitor_goes_on_without_descriptors():
    def use_them_up():
        for _ in range(4000):
            try:
                taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                return

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    taken = []
    try:
        monitor = a_monitor()
        rows = rows_of(monitor, use_them_up)
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(rows) >= 1
    assert rows["memory_bytes"].min() > 1_000_000
    assert rows["cpu_percent"].notna().all()
    if Path("/proc/net/dev").exists():
        assert rows["sent_bytes"].notna().all()
        assert rows["cpu_wait_percent"].notna().all()
