"""A mix of models: how it is written, and which request asks for which."""

from collections import Counter

import pytest

from katydid.load.body import read_mix
from katydid.model.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("llama3:8b", {"llama3:8b": 1.0}),
        ("org/a,b", {"org/a,b": 1.0}),
        ("name=latest", {"name=latest": 1.0}),
        ("a=0.7,b=0.3", {"a": 0.7, "b": 0.3}),
        (" org/a=3 , org/b:q4=1", {"org/a": 0.75, "org/b:q4": 0.25}),
        ("v=1=2,b=2", {"v=1": 0.5, "b": 0.5}),
        ("a=1", {"a": 1.0}),
    ],
)
def test_a_mix_has_a_weight_for_each_model_and_a_name_is_as_it_stands(text, shares):
    found = read_mix(text)
    assert found.shares == pytest.approx(shares)
    assert found.is_mixed == (len(shares) > 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=0.7,b", "'b' has no weight"),
        ("a=0.7,b=x", "'x' has no weight|'b' has no weight"),
        ("a=0.7,b=0", "the weight of b must be more than 0"),
        ("a=0.7,b=-1", "the weight of b must be more than 0"),
        ("a=nan,b=1", "the weight of a must be more than 0"),
        ("a=inf,b=1", "the weight of a must be more than 0"),
        ("a=1,a=2", "a is named twice"),
        ("=1,b=2", "has no weight"),
        ("a=1,", "has no weight"),
    ],
)
def test_what_is_no_mix_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        read_mix(text)


def test_models_come_as_often_as_their_weights_say_and_the_same_for_both_versions():
    mix = read_mix("a=0.7,b=0.2,c=0.1")
    asked = [mix.model(3, user, turn) for user in range(100) for turn in range(100)]
    assert asked == [read_mix("a=7,b=2,c=1").model(3, user, turn) for user in range(100) for turn in range(100)]
    counted = Counter(asked)
    assert {name: counted[name] / 10_000 for name in mix.models} == pytest.approx(mix.shares, abs=0.02)
    assert asked != [mix.model(4, user, turn) for user in range(100) for turn in range(100)]
