"""Plain content events are counted where they lie in a chunked body; the twin in C says the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from katydid.core import skimming

RULE = (b'data: {"id":', b'"delta":{"content":"', b'"},"stop":null}\n\n', 2)
TWINS = [skimming.skim, *([skimming.compiled] if skimming.compiled else [])]
twins = pytest.mark.parametrize("skim", TWINS, ids=["python", "c"][: len(TWINS)])


def event(text, ident="7"):
    return f'data: {{"id":{ident},"delta":{{"content":"{text}"}},"stop":null}}\n\n'.encode()


def chunk(body, size=None):
    return b"%s\r\n%s\r\n" % (size or b"%x" % len(body), body)


PLAIN = chunk(event("word"))


@twins
def test_plain_events_are_passed_over(skim):
    data = PLAIN + chunk(event("\\n \\u00e4")) + chunk(event("ü" * 300, "123"))
    assert skim(data, 0, *RULE) == (
        len(data),
        3,
        sum(len(part) for part in (event("word"), event("\\n \\u00e4"), event("ü" * 300, "123"))),
    )


@twins
def test_it_begins_where_it_is_told_to(skim):
    assert skim(b"what was before" + PLAIN, 15, *RULE) == (15 + len(PLAIN), 1, len(event("word")))
    assert skim(PLAIN, len(PLAIN), *RULE) == (len(PLAIN), 0, 0)


@twins
@pytest.mark.parametrize("size", [b"%X", b"%06x"])
def test_sizes_may_be_written_as_the_standard_allows(skim, size):
    data = chunk(event("word"), size % len(event("word")))
    assert skim(data, 0, *RULE) == (len(data), 1, len(event("word")))


ODD = {
    "a role": chunk(b'data: {"id":7,"delta":{"role":"assistant"},"stop":null}\n\n'),
    "an empty text": chunk(event("")),
    "an end": chunk(b'data: {"id":7,"delta":{"content":"x"},"stop":"length"}\n\n'),
    "done": chunk(b"data: [DONE]\n\n"),
    "the last chunk": b"0\r\n\r\n",
    "two events in a chunk": chunk(event("a") * 2),
    "half an event": chunk(event("a")[:20]),
    "an event and a half": chunk(event("a") + event("b")[:20]),
    "a comment before it": chunk(b": ping\n\n" + event("a")),
    "two choices": chunk(event('a"},"x":{"delta":{"content":"b')),
    "a CR": chunk(event("a\r")),
    "a line break": chunk(event("a\n")),
    "an extension": chunk(event("a"), b"%x;name=value" % len(event("a"))),
    "a size that is too small": chunk(event("a"), b"%x" % (len(event("a")) - 1)),
    "a size that is too large": chunk(event("a"), b"%x" % (len(event("a")) + 1)),
    "a size of nine digits": chunk(event("a"), b"%09x" % len(event("a"))),
    "no size": chunk(event("a"), b" "),
    "LF alone": chunk(event("a")).replace(b"\r\n", b"\n"),
    "a chunk that is not there whole": PLAIN[:-1],
    "the size alone": PLAIN[:4],
    "another head": chunk(event("a").replace(b"id", b"ID")),
    "head and ending that overlap": chunk(RULE[0]),
}


@twins
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_is_left_with_all_behind_it(skim, odd):
    assert skim(PLAIN * 2 + odd + PLAIN, 0, *RULE)[:2] == (2 * len(PLAIN), 2)


EDGES = {
    "a marker at the very beginning": (b'"x', (b"", b'"', b"", 0), 1),
    "nothing between head and ending": (b'h"mxe\n', (b'h"m', b'"m', b"xe\n", 1), 1),
    "an ending that lies in the head": (b'h"me\n', (b'h"me\n', b'"m', b"e\n", 1), 0),
    "a marker with nothing behind it": (b'hx"m', (b"h", b'"m', b'"m', 0), 0),
    "a text that is one quote": (b'h"m"', (b"h", b'"m', b"", 0), 0),
    "a marker right behind the marker": (b'h"m"m', (b"h", b'"m', b"", 0), 0),
    "a second marker at the end": (b'h"mx"m', (b"h", b'"m', b"", 0), 0),
}


@twins
@pytest.mark.parametrize(("body", "rule", "events"), EDGES.values(), ids=EDGES)
def test_marks_that_meet(skim, body, rule, events):
    whole = chunk(body)
    assert skim(whole, 0, *rule) == ((len(whole), 1, len(body)) if events else (0, 0, 0))


pieces = st.one_of(
    st.just(PLAIN),
    st.builds(lambda text: chunk(event(text)), st.text(max_size=20)),
    st.sampled_from(list(ODD.values())),
    st.binary(max_size=12),
)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@given(st.lists(pieces, max_size=6).map(b"".join), st.data())
@example(PLAIN, None)
def test_both_twins_say_the_same(data, choices):
    position = choices.draw(st.integers(0, len(data))) if choices else 0
    cut = choices.draw(st.integers(0, len(data))) if choices else len(data)
    data = data[:cut]
    position = min(position, len(data))
    assert skimming.compiled(data, position, *RULE) == skimming.skim(data, position, *RULE)


SMALL_RULES = [(b"h", b'"m', b"e\n", 1), (b"h", b'm"', b'"e\n', 1), (b"h", b'"m', b'"me\n', 1), (b"", b'"', b"", 0)]
tokens = st.sampled_from([b"h", b'"m', b'm"', b"e\n", b"x", b'"', b"\n", b"\r", b"m"])
bodies = st.lists(tokens, max_size=6).map(b"".join)
framed = st.builds(lambda text: chunk(b'h"m' + text + b"e\n"), bodies) | st.builds(chunk, bodies.filter(bool))


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@settings(max_examples=400)
@given(st.lists(framed, max_size=8).map(b"".join), st.sampled_from(SMALL_RULES))
def test_both_twins_say_the_same_where_marks_lie_close_together(data, rule):
    assert skimming.compiled(data, 0, *rule) == skimming.skim(data, 0, *rule)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@pytest.mark.parametrize("position", [-1, 8])
def test_no_byte_outside_the_data_is_read(position):
    with pytest.raises(ValueError):
        skimming.compiled(b"7 bytes", position, *RULE)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@pytest.mark.parametrize("args", [(), ("text", 0, *RULE), (b"data", "0", *RULE), (b"data", 0, *RULE[:3], None)])
def test_wrong_arguments_are_refused(args):
    with pytest.raises(TypeError):
        skimming.compiled(*args)
