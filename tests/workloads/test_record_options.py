"""A workload's record names its options: in one table with those of its users' class, or a slip is told in one line."""

from dataclasses import dataclass

import pytest

from katydid.engine.options import RunOptions
from katydid.model.errors import ConfigError
from katydid.model.options import option, options_in
from katydid.model.options.quantities import count
from katydid.model.workload import WORKLOADS, Workload, register
from katydid.resources import shipped_workloads
from katydid.workloads import user_class
from katydid.workloads.batch import BatchOptions


@dataclass(frozen=True, kw_only=True)
class Own:
    depth: int = option(2, "how deep", kind=count)


@pytest.mark.parametrize("name", shipped_workloads())
def test_the_record_of_each_of_ours_names_the_options_of_its_users(name):
    assert WORKLOADS[name].options is user_class(name).options_class


def test_a_name_of_ours_is_taken_unless_it_came_later_than_a_file_that_has_it(monkeypatch):
    monkeypatch.setitem(WORKLOADS, "embed", WORKLOADS["embed"])
    mine = Workload(name="embed", user="mine:Embed")
    assert register(mine) is WORKLOADS["embed"] is mine
    with pytest.raises(ConfigError, match=r"'stream'.*: a built-in workload has this name"):
        register(Workload(name="stream", user="mine:Stream"))


def test_options_stand_beside_those_of_the_users_class():
    table = Workload(name="mine", options=Own).options_beside(BatchOptions)
    assert issubclass(table, BatchOptions)
    assert {each.name for each in options_in(table)} == {each.name for each in options_in(BatchOptions)} | {"depth"}
    assert (table().depth, table(depth=3, tries=7).tries) == (2, 7)


def test_a_subclass_of_the_users_options_is_taken_as_it_is():
    @dataclass(frozen=True, kw_only=True)
    class More(BatchOptions):
        tries: int = option(1, "another default", kind=count)

    assert Workload(name="mine", options=More).options_beside(BatchOptions) is More
    assert Workload(name="mine").options_beside(BatchOptions) is BatchOptions


@dataclass(frozen=True, kw_only=True)
class Taken:
    model: str = option("x", "one that every run has")


@dataclass(frozen=True, kw_only=True)
class OfAnother(RunOptions):
    depth: int = option(2, "how deep", kind=count)


@dataclass
class Thawed:
    depth: int = option(2, "how deep", kind=count)


@dataclass(frozen=True)
class Plain:
    depth: int = 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (Taken, "the option --model already exists: .* make the class of options a subclass of BatchOptions"),
        (OfAnother, "already exists: .* make the class of options a subclass of BatchOptions"),
        (Thawed, r"give a class with @dataclass\(frozen=True, kw_only=True\)"),
        (Plain, r"whose fields are option\(…\)"),
        (Own(), r"give a class with @dataclass\(frozen=True, kw_only=True\)"),
        (dict, r"give a class with @dataclass"),
    ],
    ids=["a name of ours", "of another base", "not frozen", "no options", "an instance", "no dataclass"],
)
def test_options_that_cannot_be_are_refused_in_one_line(options, complaint):
    with pytest.raises(ConfigError, match=complaint) as refused:
        Workload(name="mine", options=options).options_beside(BatchOptions)
    assert str(refused.value).startswith("Workload(name='mine'): ")
    assert "\n" not in str(refused.value)
