"""JSON as its standard has it: Python's reader takes NaN and Infinity, others do not."""

import json


def strictly(text):
    """The value; NaN and Infinity are not JSON."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(word):
    raise AssertionError(f"{word} is not JSON")
