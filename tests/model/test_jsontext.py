"""The one place where JSON is written: what is not JSON is refused by its path, or null on the wire."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from katydid.model.jsontext import json_bytes, json_text

NONE_OF_JSON = [math.nan, math.inf, -math.inf, np.float64("nan"), np.float32("inf"), pd.NaT, pd.NA]


@pytest.mark.parametrize("value", NONE_OF_JSON, ids=repr)
@pytest.mark.parametrize(
    ("within", "path"),
    [
        (lambda value: value, "the value"),
        (lambda value: {"resilience": {"events": [{"detail": "x"}, {"detail": value}]}}, "resilience.events.1.detail"),
        (lambda value: (1, [value]), "1.0"),
    ],
)
def test_a_document_with_a_number_that_is_none_is_refused_and_says_where(value, within, path):
    with pytest.raises(ValueError, match=rf"^{path} is .* not JSON") as refusal:
        json_text(within(value))
    assert "\n" not in str(refusal.value)


def test_what_numpy_and_python_have_beyond_json_is_written_as_what_it_is():
    value = {
        "count": np.int64(3), "share": np.float32(0.5), "yes": np.bool_(1), "where": Path("a/b"),
        "when": datetime(2026, 11, 1, tzinfo=UTC), "pair": (1, 2),
    }  # fmt: skip
    assert json.loads(json_text(value)) == {
        "count": 3, "share": 0.5, "yes": True, "where": "a/b", "when": "2026-11-01 00:00:00+00:00", "pair": [1, 2],
    }  # fmt: skip


def test_a_document_is_indented_and_keeps_other_than_ascii():
    assert json_text({"a": ["é"]}) == '{\n  "a": [\n    "é"\n  ]\n}'


def test_a_message_is_compact_and_what_json_cannot_say_is_null_in_it():
    assert (
        json_bytes({"text": "é", "score": math.nan, "limit": [math.inf]})
        == '{"text":"é","score":null,"limit":[null]}'.encode()
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"count": 2**64, "score": math.nan, "pair": (1,)}, '{"count":18446744073709551616,"score":null,"pair":[1]}'),
        ({"half \ud800": ["\udfff", "😀"]}, '{"half \ufffd":["\ufffd","😀"]}'),
    ],
    ids=["a number beyond 64 bits", "half a surrogate pair"],
)
def test_a_message_has_what_the_fast_writer_does_not_take(value, written):
    assert json_bytes(value) == written.encode()


def _nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [{1j: 1}, {"a": object()}, _nested(5000), 10**5000], ids=["key", "type", "depth", "size"]
)
def test_what_no_message_can_say_is_one_kind_of_error(value):
    with pytest.raises(TypeError):
        json_bytes({"a": [{"b": value}]})
