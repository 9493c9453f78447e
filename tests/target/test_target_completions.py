"""The target's completions, as our dialect reads them."""

import pytest
from wire import ask, post

from katydid.dialects import dialect

PATH = "/v1/completions"


@pytest.mark.parametrize(("limit", "chunks", "reason"), [(2, 2, "length"), (9, 4, "stop")])
def test_a_stream_and_a_whole_answer_say_the_same(quick, limit, chunks, reason):
    asked = {"prompt": "one two three", "messages": None, "max_tokens": limit}
    parser = dialect("completions").stream_parser("full")
    parser.feed(ask(quick, post(PATH, stream=True, stream_options={"include_usage": True}, **asked)).body, 0.0)
    parser.finish()
    assert parser.verdict() is None
    whole = dialect("completions").parse_answer(ask(quick, post(PATH, **asked)).body)
    assert whole.text == " word" * chunks
    for told in (parser, whole):
        assert (told.prompt_tokens, told.completion_tokens, told.finish_reason) == (3, chunks, reason)


def test_a_prompt_that_is_no_text_is_refused(quick):
    assert ask(quick, post(PATH, prompt=[1, 2], messages=None)).status == 400
