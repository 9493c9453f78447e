"""Plain content events are counted where they lie in a chunked body; the twin in C says the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from katydid.protocol import skim as skimming

RULE = b'data: {"id":\x02,"name":"\x01","delta":{"content":"\x03"},"stop":null}\n\n'
TWINS = [skimming.skim, *([skimming.compiled] if skimming.compiled else [])]
twins = pytest.mark.parametrize("skim", TWINS, ids=["python", "c"][: len(TWINS)])


RUNS = [skimming.run, *([skimming.compiled_run] if skimming.compiled_run else [])]
runs = pytest.mark.parametrize("run", RUNS, ids=["python", "c"][: len(RUNS)])


def event(text, ident="7", name="n", before=""):
    return f'data: {{"id":{ident},"name":"{name}",{before}"delta":{{"content":"{text}"}},"stop":null}}\n\n'.encode()


def chunk(body, size=None):
    return b"%s\r\n%s\r\n" % (size or b"%x" % len(body), body)


PLAIN = chunk(event("word"))


@twins
def test_plain_events_are_passed_over(skim):
    data = PLAIN + chunk(event("\\n \\u00e4")) + chunk(event("ü" * 300, "123"))
    assert skim(data, 0, RULE) == (
        len(data),
        3,
        sum(len(part) for part in (event("word"), event("\\n \\u00e4"), event("ü" * 300, "123"))),
    )


@twins
def test_it_begins_where_it_is_told_to(skim):
    assert skim(b"what was before" + PLAIN, 15, RULE) == (15 + len(PLAIN), 1, len(event("word")))
    assert skim(PLAIN, len(PLAIN), RULE) == (len(PLAIN), 0, 0)


@twins
@pytest.mark.parametrize("size", [b"%X", b"%06x"])
def test_sizes_may_be_written_as_the_standard_allows(skim, size):
    data = chunk(event("word"), size % len(event("word")))
    assert skim(data, 0, RULE) == (len(data), 1, len(event("word")))


EVENTS = {
    "a text with every escape": (event('\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D'), True),
    "a long text": (event("x" * 5000), True),
    "another number": (event("a", "123456789012345678"), True),
    "a number below zero": (event("a", "-5"), True),
    "no name": (event("a", name=""), True),
    "another name": (event("a", name="ä b"), True),
    "an empty text": (event(""), False),
    "a member before the text": (event("a", before='"error":{"m":"x"},'), False),
    "a member between": (event('a"},"error":{"m":"x'), False),
    "a member behind the text": (event('a","more":"b'), False),
    "an escape that is none": (event("a\\x"), False),
    "an escape that is cut": (event("a\\u12"), False),
    "an escape alone": (event("\\x"), False),
    "an escape at the end": (event("a\\"), False),
    "a control character": (event("a\x1f"), False),
    "a CR": (event("a\r"), False),
    "a line break": (event("a\n"), False),
    "a number with a zero in front": (event("a", "07"), False),
    "a number of nineteen digits": (event("a", "1234567890123456789"), False),
    "a fraction": (event("a", "1.5"), False),
    "no number": (event("a", ""), False),
    "a sign alone": (event("a", "-"), False),
    "a null": (event("a", "null"), False),
    "a name with an escape": (event("a", name="\\n"), False),
    "another end": (event("a").replace(b"null", b'"length"'), False),
    "a role": (b'data: {"id":7,"delta":{"role":"assistant"},"stop":null}\n\n', False),
    "done": (b"data: [DONE]\n\n", False),
    "two events": (event("a") * 2, False),
    "half an event": (event("a")[:20], False),
    "an event and a half": (event("a") + event("b")[:20], False),
    "a comment before it": (b": ping\n\n" + event("a"), False),
    "two choices": (event('a"},"x":{"delta":{"content":"b'), False),
    "another key": (event("a").replace(b"id", b"ID"), False),
    "the beginning alone": (RULE[:12], False),
    "no text behind its quote": (event("a")[: event("a").index(b'a"}')], False),
}


@twins
@pytest.mark.parametrize(("body", "plain"), EVENTS.values(), ids=EVENTS)
def test_an_event_is_plain_where_it_differs_in_the_holes_alone(skim, body, plain):
    data = chunk(body)
    assert skim(data, 0, RULE) == ((len(data), 1, len(body)) if plain else (0, 0, 0))
    assert skim(PLAIN + data + PLAIN, 0, RULE)[1] == (3 if plain else 1)


@runs
@pytest.mark.parametrize(("body", "plain"), EVENTS.values(), ids=EVENTS)
def test_events_without_chunks_are_passed_over_alike(run, body, plain):
    first, last = event("first"), event("last")
    whole = run(body, 0, RULE) == (len(body), 1)
    assert whole == plain
    position, events = run(first + body + last, 0, RULE)
    assert (events, position) == (3, len(first + body + last)) if plain else events in {1, 2, 3, 4} and position > 0


FRAMES = {
    "the last chunk": b"0\r\n\r\n",
    "an extension": chunk(event("a"), b"%x;name=value" % len(event("a"))),
    "a size that is too small": chunk(event("a"), b"%x" % (len(event("a")) - 1)),
    "a size that is too large": chunk(event("a"), b"%x" % (len(event("a")) + 1)),
    "a size of nine digits": chunk(event("a"), b"%09x" % len(event("a"))),
    "no size": chunk(event("a"), b" "),
    "LF alone": chunk(event("a")).replace(b"\r\n", b"\n"),
    "a chunk that is not there whole": PLAIN[:-1],
    "the size alone": PLAIN[:4],
}
ODD = FRAMES | {name: chunk(body) for name, (body, plain) in EVENTS.items() if not plain}


@twins
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_odd_is_left_with_all_behind_it(skim, odd):
    assert skim(PLAIN * 2 + odd + PLAIN, 0, RULE)[:2] == (2 * len(PLAIN), 2)


EDGES = {
    "a hole alone": (b"x", b"\x03", True),
    "a hole alone, and nothing": (b"", b"\x01", False),
    "holes that meet": (b"7x", b"\x02\x03", True),
    "a text that takes what the next hole needs": (b"ab", b"\x03\x03", False),
    "an ending that lies in the front": (b'h"me\n', b'h"me\n\x03e\n', False),
    "no hole": (b"abc", b"abc", True),
    "a hole at the end": (b"ab", b"a\x01", True),
    "a body that is shorter than the rule": (b"a", b"abc\x03", False),
}


@twins
@pytest.mark.parametrize(("body", "rule", "plain"), EDGES.values(), ids=EDGES)
def test_marks_that_meet(skim, body, rule, plain):
    whole = chunk(body)
    assert skim(whole, 0, rule) == ((len(whole), 1, len(body)) if plain else (0, 0, 0))


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
    assert skimming.compiled(data, position, RULE) == skimming.skim(data, position, RULE)
    assert skimming.compiled_run(data, position, RULE) == skimming.run(data, position, RULE)


SMALL_RULES = [b'h"\x03"e\n', b'h"\x01"\x03"e\n', b"h\x02\x03e\n", b'"\x03"\x01"', b"\x03\n"]
tokens = st.sampled_from([b"h", b'"m', b'm"', b"e\n", b"x", b'"', b"\n", b"\\n", b"\\", b"0", b"12", b"-", b"\x01"])
bodies = st.lists(tokens, max_size=6).map(b"".join)
framed = st.builds(lambda text: chunk(b'h"' + text + b"e\n"), bodies) | st.builds(chunk, bodies.filter(bool))


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@settings(max_examples=400)
@given(st.lists(framed, max_size=8).map(b"".join), st.sampled_from(SMALL_RULES))
def test_both_twins_say_the_same_where_marks_lie_close_together(data, rule):
    assert skimming.compiled(data, 0, rule) == skimming.skim(data, 0, rule)
    assert skimming.compiled_run(data, 0, rule) == skimming.run(data, 0, rule)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@pytest.mark.parametrize("twin", ["compiled", "compiled_run"])
@pytest.mark.parametrize("position", [-1, 8])
def test_no_byte_outside_the_data_is_read(twin, position):
    with pytest.raises(ValueError):
        getattr(skimming, twin)(b"7 bytes", position, RULE)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@pytest.mark.parametrize("args", [(), ("text", 0, RULE), (b"data", "0", RULE), (b"data", 0, None), (b"data", 0, "r")])
def test_wrong_arguments_are_refused(args):
    for twin in (skimming.compiled, skimming.compiled_run):
        with pytest.raises(TypeError):
            twin(*args)


@pytest.mark.skipif(skimming.compiled is None, reason="no compiler here")
@pytest.mark.parametrize("rule", [b"", b"a\x02" * (skimming.MOST_HOLES + 1)], ids=["empty", "too many holes"])
def test_a_rule_that_is_none_is_refused(rule):
    with pytest.raises(ValueError):
        skimming.compiled(b"data", 0, rule)
