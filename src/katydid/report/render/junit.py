"""A gate's judgement as JUnit XML, which every CI shows: one test case per check.

A check that failed is a failure, and one that could not be judged is an error. An undecided check is skipped, with its
reason, unless the thresholds file says that it fails. Knows no file.
"""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from katydid.gate.judgement import GateCheck, GateVerdict, Judgement
from katydid.model import formatting
from katydid.model.errors import ExitCode
from katydid.model.oneline import one_line

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot contain, not even as a reference."""

_ELEMENTS = {
    GateVerdict.FAILED: "failure",
    GateVerdict.CANNOT_TELL: "skipped",
    GateVerdict.NO_DATA: "error",
    GateVerdict.INVALID: "error",
}


def junit(judgement: Judgement) -> str:
    """The XML document."""
    root = Element("testsuites", name="katydid gate")
    suite = SubElement(root, "testsuite", name=_clean(judgement.thresholds))
    made = [_case(suite, check) for check in judgement.checks]
    for counted in (root, suite):
        counted.set("tests", str(len(made)))
        for kind, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            counted.set(plural, str(made.count(kind)))
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, check: GateCheck) -> str | None:
    """Add the check's test case; return the kind of its element for a bad result, or None if it passed."""
    name = f"{check.metric}: {check.limit}"
    case = SubElement(suite, "testcase", classname=f"katydid.{check.kind}", name=_clean(name))
    kind = _ELEMENTS.get(check.verdict)
    if kind is None:
        return None
    if kind == "skipped" and check.exit_code is not ExitCode.PASSED:
        kind = "failure"
    is_ = "is at least" if check.at_least else "is"
    said = "" if check.value is None else formatting.value_only(check.metric, check.value, check.unit)
    value = f"{check.metric} {is_} {said}" if said else ""
    message = "; ".join(part for part in (value, check.reason) if part)
    told = SubElement(case, kind, message=_clean(message))
    if kind != "skipped":
        told.set("type", str(check.verdict))
    return kind


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", one_line(text))
