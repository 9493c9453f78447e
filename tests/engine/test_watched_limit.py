"""What /metrics and the tab of the page call the limit is the run's own, not what a search makes of the option."""

from types import SimpleNamespace

import pytest

from katydid.engine.live.observability import Watch
from katydid.engine.options import RunOptions
from katydid.engine.run_info import RunInfo

LIMIT = ("katydid_failure_threshold", "Failed requests that end the run; 0 for none")


@pytest.fixture
def watch():
    """Of `katydid capacity`: the option ends a hold, and nothing ends the run."""
    runtime = SimpleNamespace(
        environment=SimpleNamespace(parsed_options=SimpleNamespace(metrics_port=None)),
        stopper=SimpleNamespace(active=True, failures=7),
        runner=SimpleNamespace(user_count=3),
        options=RunOptions(failure_threshold=5),
        info=RunInfo(origin=0.0, origin_wall=0.0, boot="", users=None, workers=1, model="m", warm_up=0.0),
    )
    return Watch(runtime, SimpleNamespace(watchers=[], report_path=None), None)


def test_in_prometheus(watch):
    assert watch._state()[LIMIT] == 0.0


def test_in_the_tab(watch):
    watch.figures = SimpleNamespace(rows=lambda **facts: [facts])
    (told,) = watch._rows()
    assert (told["failures"], told["threshold"]) == (7, 0)
