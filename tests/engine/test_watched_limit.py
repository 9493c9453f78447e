"""What /metrics and the tab of the page call the limit is the run's own, not what a search makes of the option.

Failures are counted where there is no limit too, which nobody asks the threshold about then.
"""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from batches import rows
from katydid.engine.live.figures import LiveFigures
from katydid.engine.live.observability import Watch
from katydid.engine.options import RunOptions
from katydid.engine.run_info import RunInfo

FAILURES = ("katydid_run_failures", "Failed requests of the run, as the threshold counts")
LIMIT = ("katydid_failure_threshold", "Failed requests that end the run; 0 for none")


@pytest.fixture
def watch():
    """Of `katydid capacity`: the option ends a hold, and nothing ends the run. The threshold has counted 7 failures."""
    runtime = SimpleNamespace(
        environment=SimpleNamespace(parsed_options=SimpleNamespace(metrics_port=None, metrics_host="127.0.0.1")),
        stopper=SimpleNamespace(active=True, failures=7),
        runner=SimpleNamespace(user_count=3),
        options=RunOptions(failure_threshold=5),
        info=RunInfo(origin=0.0, origin_wall=0.0, boot="", users=None, workers=1, model="m", warm_up=0.0),
    )
    return Watch(runtime, SimpleNamespace(watchers=[], report_path=None), None)


def test_in_prometheus(watch):
    assert watch._state()[LIMIT] == 0.0


@pytest.mark.parametrize(("limit", "failures"), [(0, 2), (20, 7)])
def test_failures(watch, limit, failures):
    watch._runtime.info = replace(watch._runtime.info, failure_limit=limit)
    watch.figures = LiveFigures(late_limit_ms=50.0)
    failed = {"outcome": "failed"}
    watch.figures.add_samples(rows({}, failed, failed | {"warm_up": True}, failed | {"after_stop": True}))
    assert watch._state()[FAILURES] == failures
    (told,) = (row["whole"] for row in watch._rows() if row["figure"] == "Failures until the stop")
    assert told == (f"{failures} of {limit}" if limit else f"{failures} (no limit)")
