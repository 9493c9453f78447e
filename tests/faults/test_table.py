"""The table of the forty faults is whole, shown by tests, and current."""

from faultkinds import APART, KINDS, cases_of, workloads
from faulttable import DOCUMENT, FAULTS, document, missing_tests


def on_the_wire():
    return {fault.number for fault in FAULTS if any("test_wire.py" in test for test in fault.shown)}


def test_all_forty_are_there():
    assert [fault.number for fault in FAULTS] == list(range(1, 41))


def test_each_is_shown_by_tests_that_exist():
    assert all(fault.shown for fault in FAULTS)
    assert missing_tests() == []


def test_each_that_the_wire_shows_has_cases_there():
    assert on_the_wire() == {case.fault for kind in KINDS for case in kind.cases}


def test_each_is_dealt_to_every_workload_or_does_not_apply_for_a_reason():
    dealt = {(fault, workload) for fault in on_the_wire() for workload in cases_of(fault)}
    assert dealt.isdisjoint(APART)
    assert dealt | set(APART) == {(fault, workload) for fault in on_the_wire() for workload in workloads()}


def test_no_two_cases_of_a_run_have_the_same_name():
    for kind in KINDS:
        names = [case.name for case in kind.cases]
        assert len(names) == len(set(names)), kind


def test_the_document_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python scripts/fault_table.py"
