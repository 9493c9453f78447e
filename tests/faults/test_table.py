"""The table of the forty faults is whole, shown by tests, and current."""

from faultbook import WIRE
from faulttable import DOCUMENT, FAULTS, document, missing_tests


def test_all_forty_are_there():
    assert [fault.number for fault in FAULTS] == list(range(1, 41))


def test_each_is_shown_by_tests_that_exist():
    assert all(fault.shown for fault in FAULTS)
    assert missing_tests() == []


def test_each_that_the_wire_shows_has_cases_there():
    dealt = {case.fault for cases, _ in WIRE.values() for case in cases}
    by_wire = {fault.number for fault in FAULTS if any("test_wire.py" in test for test in fault.shown)}
    assert by_wire == dealt


def test_the_document_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python scripts/fault_table.py"
