"""Each service that refuses fields of ours, in a run of the command that the how-to prints, without another option."""

import pytest

from running import katydid, the_run
from strict import ADAPTED, strict_services

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BRIEF = {"LOCUST_USERS": "4", "LOCUST_RUN_TIME": "2s", "LOAD_TEST_INTERVAL": "0.5"}


@pytest.fixture(scope="module")
def services():
    with strict_services() as url:
        yield url


@pytest.mark.parametrize("name", ADAPTED)
def test_it_is_loaded_without_another_option(services, tmp_path, name):
    run_ = katydid(
        "run", "stream", "--host", f"{services}/{name}/v1", "--model", "m", folder=tmp_path, env=BRIEF
    )  # fmt: skip
    assert run_.wait() == 0, run_.out + run_.err
    run = the_run(tmp_path / "reports")
    renamed, left_out = ADAPTED[name]
    assert run.manifest["adapted"] == {"renamed": renamed, "left_out": left_out}
    assert set(run.samples["outcome"]) == {"ok"}
    assert len(run.samples) >= 8
    assert run.summary["valid"]
