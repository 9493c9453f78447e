"""How a target counts made text: found by two probes, and corrected only where it is wrong beyond chance."""

import random

import pytest

from katydid.load.made.calibration import FEWEST, Calibration, calibrated


def test_two_probes_give_the_template_and_the_tokens_of_a_unit():
    found = calibrated([(72, 31 + 90), (520, 31 + 650)], tokenizer=False)
    assert (found.overhead, found.per_unit, found.source) == (pytest.approx(31), pytest.approx(1.25), "target")
    assert found.tokens(100) == 156
    assert found.units(156) == 100


@pytest.mark.parametrize(
    ("probes", "overhead", "per_unit", "source"),
    [
        ([(72, None), (520, None)], 0, 1, "none"),
        ([(72, 0), (520, None)], 0, 1, "none"),
        ([(72, 100), (520, None)], 28, 1, "target"),
        ([(72, None), (520, 600)], 80, 1, "target"),
        ([(72, 60), (520, 508)], 0, 1, "target"),
        ([(72, 100), (520, 100)], 0, 1, "none"),
        ([(72, 100), (520, 10**9)], 0, 1, "none"),
    ],
)
def test_what_is_not_counted_or_is_no_count_leaves_words_as_they_are(probes, overhead, per_unit, source):
    found = calibrated(probes, tokenizer=False)
    assert (found.overhead, found.per_unit, found.source) == (overhead, per_unit, source)


def test_with_a_tokenizer_only_the_template_is_asked_for():
    found = calibrated([(80, 111), (560, 592)], tokenizer=True)
    assert (found.overhead, found.per_unit, found.source) == (31, 1, "both")
    assert calibrated([(80, None)], tokenizer=True).source == "tokenizer"


def answered(calibration, count, tokens):
    for number in range(count):
        calibration.observe(100 + number % 7, tokens(100 + number % 7))


def test_a_unit_is_corrected_where_prompts_are_longer_than_planned():
    calibration = Calibration(30.0, 1.0, "target")
    answered(calibration, FEWEST, lambda units: round(30 + 1.1 * units))
    assert calibration.per_unit == pytest.approx(1.1, rel=0.01)
    assert calibration.corrections == 1


def test_chance_corrects_nothing_so_that_versions_that_count_alike_get_the_same_prompts():
    calibration, dice = Calibration(30.0, 1.0, "target"), random.Random(0)
    answered(calibration, 5000, lambda units: 30 + units + dice.choice((-12, -3, 0, 0, 3, 12)))
    assert calibration.corrections == 0
    assert calibration.per_unit == 1.0


def test_a_tokenizer_is_never_corrected():
    calibration = Calibration(30.0, 1.0, "both")
    answered(calibration, 200, lambda units: 2 * units)
    assert calibration.per_unit == 1.0


def test_it_travels_as_plain_values():
    calibration = Calibration(31.5, 1.25, "target")
    calibration.observe(10, 40)
    assert calibration.as_dict() == {"overhead": 31.5, "per_unit": 1.25, "source": "target"}
    assert Calibration.from_dict(calibration.as_dict()) == Calibration(31.5, 1.25, "target")
