"""Conversations of a trace: what each request says of what was said before."""

import pytest

from katydid.load.made.calibration import Calibration
from katydid.load.traces.files import collected, records
from katydid.load.traces.prompts import Talks, TracedPrompts
from katydid.model.sample import ErrorClass, Sample

CHAIN = "time,input,output,session\n0,100,20,a\n1,200,20,a\n2,350,20,a\n3,50,5,\n"
TREE = "time,input,output,session,parent\n0,100,20,a,\n1,200,20,a,1\n1,300,20,a,1\n"

HASHED = '{{"timestamp": {at}, "input_length": {tokens}, "output_length": 2, "hash_ids": [1], "session_id": "x"}}\n'


class Replayed:
    """A replay whose target counts a word for a token, and answers with so many words as were asked for."""

    def __init__(self, data=CHAIN):
        self.trace = collected(records([data.encode()]))
        self.prompts = TracedPrompts(1, self.trace)
        self.prompts.calibration = Calibration(source="target")
        self.prompts.prepare()
        self.talks = Talks(self.trace, self.prompts)

    def send(self, number, *, fails=False, counts=True):
        """One request: its facts and its messages."""
        facts = self.talks.facts(number)
        asked = self.talks.messages(0, number, self.prompts.plan(0, number))
        sample = Sample(request_id="r", user=0, iteration=0, worker="w", name="n", scheduled_ms=0.0)
        if fails:
            sample.fail(ErrorClass.RESET)
        if counts:
            sample.prompt_tokens, sample.completion_tokens = words(asked), self.trace.outputs[number]
        self.talks.heard(number, sample, " ".join(["answer"] * self.trace.outputs[number]))
        return facts, asked


def words(messages):
    return sum(len(message["content"].split()) for message in messages)


def test_a_request_says_what_was_said_before_and_is_as_long_as_it_was():
    run = Replayed()
    sent = [run.send(number)[1] for number in range(4)]
    assert [words(asked) for asked in sent] == [100, 200, 350, 50]
    assert [len(asked) for asked in sent] == [1, 3, 5, 1]
    assert sent[2][:3] == sent[1]
    assert sent[1][1] == {"role": "assistant", "content": " ".join(["answer"] * 20)}


def test_its_row_says_where_in_its_conversation_it_is():
    run = Replayed()
    assert [run.send(number)[0] for number in range(4)] == [
        {"session_id": "a", "turn": 1, "history_tokens": 0},
        {"session_id": "a", "turn": 2, "history_tokens": 120},
        {"session_id": "a", "turn": 3, "history_tokens": 220},
        {},
    ]


def test_branches_of_a_conversation_go_on_from_the_same_answer():
    run = Replayed(TREE)
    sent = [run.send(number)[1] for number in range(3)]
    assert sent[1][:2] == sent[2][:2]
    assert [words(asked) for asked in sent] == [100, 200, 300]


def test_only_what_was_answered_goes_on():
    run = Replayed()
    assert not run.talks.goes_on(0)
    run.send(0)
    assert run.talks.goes_on(0)
    failed = Replayed()
    failed.send(0, fails=True)
    assert not failed.talks.goes_on(0)


def test_a_conversation_that_did_not_grow_begins_anew():
    run = Replayed("time,input,output,session\n0,100,20,a\n1,80,20,a\n")
    run.send(0)
    _, asked = run.send(1)
    assert (len(asked), words(asked)) == (1, 80)


def test_a_target_that_counts_nothing_is_sent_the_history_all_the_same():
    run = Replayed()
    run.send(0, counts=False)
    facts, asked = run.send(1, counts=False)
    assert (len(asked), facts["history_tokens"]) == (3, None)


def test_what_is_over_is_forgotten():
    run = Replayed()
    for number in range(4):
        run.send(number)
    assert (run.talks._after, run.talks._asked, run.talks._facts) == ({}, {}, {})


@pytest.mark.parametrize(
    "data",
    [
        '{"timestamp": 0, "prompt": "a", "session": "x"}\n{"timestamp": 1, "prompt": "b", "session": "x"}\n',
        HASHED.format(at=0, tokens=9) + HASHED.format(at=1, tokens=30),
    ],
)
def test_what_the_trace_says_itself_holds(data):
    run = Replayed(data)
    assert not run.talks.keeps(0)
    assert run.talks.facts(1) == {"session_id": "x", "turn": 2, "history_tokens": None}


def test_without_a_trace_there_are_none():
    prompts = Replayed().prompts
    talks = Talks(None, prompts)
    assert (talks.facts(3), talks.keeps(3), talks.goes_on(3)) == ({}, False, False)
