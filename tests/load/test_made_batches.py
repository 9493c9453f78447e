"""Made requests of several texts: each as long as drawn, none that begins as another, and probes of the same form."""

import pytest

from katydid.load.lengths import read_lengths, read_shared_prefix
from katydid.load.made.calibration import Calibration
from katydid.load.made.prompts import MadeBatches, MadePrompts
from katydid.load.made.text import OPENING

OVERHEAD = 40


def made(inputs="200", texts=4, shared=None, weigh=None, overhead=0.0, **more):
    prefix = read_shared_prefix(shared) if shared else None
    prompts = MadeBatches(3, read_lengths(inputs), None, prefix, weigh, texts=texts, **more)
    prompts.calibration = Calibration(overhead=overhead)
    return prompts


def lines_of(prompts, user=0, iteration=0):
    return prompts.text(user, iteration, prompts.plan(user, iteration).units).split("\n")


@pytest.mark.parametrize("inputs", ["200", "normal(200,50)", "uniform(1,900)", "lognormal(20,60)"])
def test_the_lengths_of_the_texts_are_those_drawn_and_their_sum_is_that_of_the_request(inputs):
    prompts = made(inputs, texts=7)
    for iteration in range(30):
        plan = prompts.plan(5, iteration)
        found = [len(line.split()) for line in lines_of(prompts, 5, iteration)]
        drawn = prompts._lengths(5, iteration)
        assert sum(found) == plan.units == plan.input_tokens == sum(drawn)
        assert all(abs(got - wanted) <= 1 for got, wanted in zip(found, drawn, strict=True))


def test_what_the_target_adds_is_that_of_the_whole_request():
    prompts = made("100", texts=4, overhead=OVERHEAD)
    plan = prompts.plan(0, 0)
    assert (plan.input_tokens, plan.units) == (400, 400 - OVERHEAD)
    assert {len(line.split()) for line in lines_of(prompts)} == {90}


def test_no_text_begins_as_another_and_both_versions_get_the_same():
    prompts = made("normal(60,20)", texts=5, query=True)
    found = [line for user in range(8) for turn in range(8) for line in lines_of(prompts, user, turn)]
    begins = [" ".join(line.split()[:OPENING]) for line in found]
    assert len(set(begins)) == len(begins) == 8 * 8 * 6
    assert lines_of(made("normal(60,20)", texts=5, query=True), 3, 2) == lines_of(prompts, 3, 2)


def test_a_query_stands_before_its_documents_and_has_eight_words():
    query, *documents = lines_of(made("50", texts=3, query=True))
    assert len(query.split()) == OPENING
    assert len(documents) == 3
    assert sum(len(text.split()) for text in (query, *documents)) == 150


def test_one_text_without_a_query_is_a_prompt_like_any():
    alone, single = MadePrompts(3, read_lengths("normal(80,10)"), None), made("normal(80,10)", texts=1)
    for user in range(5):
        plan = alone.plan(user, 7)
        assert single.plan(user, 7) == plan
        assert single.text(user, 7, plan.units) == alone.text(user, 7, plan.units)


def test_texts_are_never_shorter_than_what_they_share():
    prompts = made("5", texts=3, shared="20:1")
    lines = lines_of(prompts)
    assert prompts.least == 3 * 21
    assert len({" ".join(line.split()[:20]) for line in lines}) == 1


@pytest.mark.parametrize("texts", [1, 3, 64, 2048])
def test_probes_have_as_many_lines_as_requests_and_two_lengths(texts):
    prompts = made(texts=texts, query=True)
    short, long = prompts.probe(0, 64), prompts.probe(1, 508)
    for probe in (short, long):
        lines = probe.split("\n")
        assert len(lines) == len(set(lines)) == texts + 1
        assert prompts.units(probe) == len(probe.split())
    assert prompts.units(long) > prompts.units(short) or texts > 508


def test_a_tokenizer_weighs_each_line_by_itself():
    def heavy(text):
        return sum(2 if len(word) > 6 else 1 for word in text.split()) + (text.split()[0] != "the")

    prompts = made("80", texts=4, weigh=heavy)
    assert sum(map(heavy, lines_of(prompts))) == 320
