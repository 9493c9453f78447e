"""The help of a workload's own options: all of them, none of another's, and no text that repeats the heading."""

import pytest

from running import katydid

OWN = {
    "embed": ("--inputs", "--documents"),
    "rerank": ("--documents", "--inputs"),
    "chaos": ("--chaos-at", "--storm-at"),
    "storm": ("--storm-at", "--zombies-at"),
    "zombies": ("--zombies-at", "--chaos-at"),
}


@pytest.mark.parametrize("workload", OWN)
def test_help_lists_what_the_workload_reads(workload, tmp_path):
    done = katydid("run", workload, "--help", folder=tmp_path)
    assert done.wait(60) == 0
    own, anothers = OWN[workload]
    assert own in done.out
    assert anothers not in done.out
    assert f"Options of {workload}:" in done.out
    assert f" {workload}: " not in done.out
