"""Generated prompts: as long as planned, alike for every version, and none with another's beginning."""

from itertools import pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katydid.load.lengths import SharedPrefix, read_lengths
from katydid.load.made.calibration import Calibration
from katydid.load.made.prompts import MadePrompts
from katydid.load.made.text import OPENING, WORDS, MadeText, opening


def made(inputs="200", seed=0, calibration=None, **more):
    prompts = MadePrompts(seed, read_lengths(inputs), None, **more)
    prompts.calibration = calibration or Calibration()
    return prompts


def texts(prompts, users=20, iterations=20):
    return [
        prompts.text(user, iteration, prompts.plan(user, iteration).units)
        for user in range(users)
        for iteration in range(iterations)
    ]


def in_common(one, other):
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one.split(), other.split(), strict=False))))


def heavy(text):
    """A tokenizer that takes some words for two tokens, and a text's first word for one more."""
    words = text.split()
    return sum(2 if len(word) > 6 else 1 for word in words) + (words[0] != "the")


def test_a_text_has_as_many_words_as_planned():
    prompts = made("uniform(1,3000)")
    for number in range(60):
        plan = prompts.plan(number, number)
        assert len(prompts.text(number, number, plan.units).split()) == plan.units == plan.input_tokens


def test_it_follows_from_the_seed_the_user_and_the_iteration_alone():
    again = made()
    assert texts(made()) == texts(again) == texts(again)
    assert not set(texts(made())) & set(texts(made(seed=1)))


def test_no_prompt_begins_as_another_does():
    found = sorted(texts(made("normal(200,50)")))
    shared = [in_common(one, other) for one, other in pairwise(found)]
    assert max(shared) < OPENING
    assert sum(shared) / len(shared) <= 1.0  # of neighbours in the alphabet, that is of the most alike ones


@given(st.sets(st.integers(0, 2**64 - 1), min_size=2, max_size=20))
def test_every_number_has_an_opening_of_its_own(numbers):
    assert len({opening(number) for number in numbers}) == len(numbers)


def test_probes_begin_as_no_request_does():
    prompts = made()
    probes = [prompts.probe(0, 64), prompts.probe(1, len(WORDS))]
    assert in_common(*probes) < 3
    assert all(in_common(probe, text) < 3 for probe in probes for text in texts(prompts))
    assert sorted(probes[1].split()[OPENING:]) == sorted(WORDS)
    assert prompts.units(probes[0]) == OPENING + 64


@pytest.mark.parametrize("tokens", [1, 5, OPENING, 33, 700, 40_000])
def test_with_a_tokenizer_the_text_has_exactly_so_many_tokens(tokens):
    prompts = made(str(tokens), weigh=heavy)
    for user in range(12):
        plan = prompts.plan(user, 0)
        assert heavy(prompts.text(user, 0, plan.units)) in {tokens, *([tokens + 1, tokens + 2] if tokens < 3 else [])}


@given(st.integers(0, 2**15 - 1), st.integers(0, 70_000))
def test_a_piece_of_text_is_as_long_as_asked_wherever_it_begins(start, units):
    assert len(TEXT.cut(start, units).split()) == units


TEXT = MadeText(0)


def test_the_template_and_the_tokens_of_a_word_are_allowed_for():
    prompts = made("1000", calibration=Calibration(31.0, 1.25, "target"))
    assert prompts.plan(0, 0).units == round((1000 - 31) / 1.25)
    assert prompts.plan(0, 0).input_tokens == 1000


def test_a_prompt_is_never_shorter_than_the_template_and_what_it_shares():
    prompts = made("uniform(1,400)", calibration=Calibration(30.5, 1.0, "target"), shared=SharedPrefix(100))
    planned = [prompts.plan(user, 0) for user in range(100)]
    assert min(plan.input_tokens for plan in planned) == prompts.least == 132
    assert min(plan.units for plan in planned) > 100


def test_groups_share_a_prefix_of_their_own_and_nothing_more():
    prompts = made("200", shared=SharedPrefix(150, 2))
    found = texts(prompts, 30, 4)
    groups = {}
    for text in found:
        groups.setdefault(" ".join(text.split()[:150]), []).append(text)
    assert sorted(len(group) for group in groups.values()) == pytest.approx([60, 60], abs=20)
    assert in_common(*groups) < 3
    for group in groups.values():
        assert max(in_common(group[0], other) for other in group[1:]) < 150 + 3
    assert {len(text.split()) for text in found} == {200}


def test_a_prefix_stays_the_same_words_where_a_unit_is_corrected():
    prompts = made("400", shared=SharedPrefix(300))
    before = prompts.text(0, 0, prompts.plan(0, 0).units)
    prompts.calibration = Calibration(0.0, 1.2, "target")
    after = prompts.text(1, 0, prompts.plan(1, 0).units)
    assert in_common(before, after) == 250


def test_answers_have_lengths_of_their_own_also_where_prompts_are_not_made():
    prompts = MadePrompts(0, None, read_lengths("normal(64,10)"))
    plans = [prompts.plan(user, 0) for user in range(50)]
    assert {plan.input_tokens for plan in plans} == {None}
    assert len({plan.output_tokens for plan in plans}) > 5
    assert plans == [MadePrompts(0, None, read_lengths("normal(64,10)")).plan(user, 0) for user in range(50)]
