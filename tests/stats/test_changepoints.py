"""Changes of level in a course of values: found where they are, and not where there are none."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measure_changepoints import looked_at, stream

from katydid.stats.changepoints import SHORTEST, Course, find_changes, look, pelt, penalty
from katydid.stats.inference import noise_of

SD = 0.04


def objective(values, weights, beta, changes):
    edges = [0, *changes, len(values)]
    total = beta * len(changes)
    for a, b in pairwise(edges):
        mean = np.average(values[a:b], weights=weights[a:b])
        total += float(np.sum(weights[a:b] * (values[a:b] - mean) ** 2))
    return total


def every_segmentation(count):
    for number in range(count // SHORTEST):
        for changes in combinations(range(1, count), number):
            edges = [0, *changes, count]
            if all(b - a >= SHORTEST for a, b in pairwise(edges)):
                yield list(changes)


NUMBERS = st.floats(-10, 10, allow_nan=False).map(lambda x: round(x, 3))


@settings(deadline=None)  # all segmentations of eleven numbers take a while on a busy machine
@given(
    st.lists(st.tuples(NUMBERS, st.sampled_from([0.5, 1.0, 3.0])), min_size=2, max_size=11),
    st.sampled_from([0.01, 1.0, 5.0, 30.0]),
)
def test_it_is_the_best_of_all_segmentations(pairs, beta):
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = pelt(values, weights, beta)
    best = min(objective(values, weights, beta, changes) for changes in every_segmentation(len(values)))
    assert objective(values, weights, beta, found) == pytest.approx(best, abs=1e-6)
    assert found in list(every_segmentation(len(values)))


def course(levels, *, runs=1, seed=0, day=0.0, sd=SD):
    """A version a level, each of some runs."""
    random = np.random.default_rng(seed)
    logs = random.normal(0.0, sd, (len(levels), runs)) + random.normal(0.0, day, (len(levels), 1))
    logs += np.log(np.asarray(levels, dtype=float))[:, None]
    return Course(list(logs.mean(axis=1)), [runs] * len(levels), noise_of([list(row) for row in logs]))


@pytest.mark.parametrize("runs", [1, 3])
def test_a_step_is_found_where_it_is(runs):
    assert find_changes(course([1.0] * 12 + [1.3] * 6, runs=runs)).at == [12]


def test_two_steps_are_two_changes():
    assert find_changes(course([1.0] * 10 + [1.3] * 8 + [1.0] * 8)).at == [10, 18]


def test_a_large_step_does_not_hide_a_small_one_after_it():
    assert find_changes(course([1.0] * 8 + [3.0] * 10 + [3.45] * 8, runs=3)).at == [8, 18]


def test_one_version_that_stands_out_is_no_change():
    assert find_changes(course([1.0] * 10 + [1.2] + [1.0] * 10)).at == []


def test_too_few_versions_tell_nothing():
    assert find_changes(course([1.0] * 7)) is None


def test_values_without_any_noise_change_where_they_do():
    assert find_changes(Course([0.0] * 8, [1] * 8)).at == []
    assert find_changes(Course([0.0] * 5 + [1.0] * 5, [1] * 10)).at == [5]


def test_the_less_is_known_of_the_noise_the_more_a_change_must_gain():
    assert penalty(20, 5.0) > penalty(20, 20.0) > penalty(20, 1e6)
    assert penalty(20, 1e6, chance=0.5) == pytest.approx(3 * np.log(20), rel=1e-4)


def alarms(levels, count, **of_course):
    return sum(bool(find_changes(course(levels, seed=seed, **of_course)).at) for seed in range(count))


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("day", [0.0, SD])
def test_flat_histories_are_called_changed_in_few_cases(runs, day):
    # About 1 % are; 15 of 400 would be seen in fewer than one in 100,000 trials then.
    assert alarms([1.0] * 15, 400, runs=runs, day=day) < 15


def test_a_step_of_ten_percent_is_found_within_five_versions():
    assert alarms([1.0] * 15 + [1.1] * 5, 100, runs=3, sd=0.038) >= 95


def looked(levels, *, metrics=1, **of_course):
    return look(course(levels, **of_course), metrics)


def test_a_change_is_tentative_until_the_next_version_confirms_it():
    levels = [1.0] * 12 + [1.5] * 6
    found = [looked(levels[:count], seed=3) for count in range(12, 18)]
    first = next(place for place, each in enumerate(found) if each.at)
    assert [each.confirmed for each in found[first : first + 2]] == [(False,), (True,)]


def test_the_more_metrics_are_looked_at_the_more_a_change_must_gain_to_be_confirmed():
    levels = [1.0] * 12 + [1.1] * 4
    one, many = (sum(looked(levels, seed=s, metrics=n).confirmed == (True,) for s in range(60)) for n in (1, 50))
    assert one > 1.5 * many > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_something_is_ever_confirmed_in_a_twentieth_of_flat_histories_at_most():
    random = np.random.default_rng([3, 1, 6])
    confirmed = [looked_at(stream(random, 1, 0.0))[1] for _ in range(200)]
    assert np.mean(confirmed) <= 0.05


@pytest.mark.parametrize("step", [0.5, 1.0, 5.0])
def test_a_large_step_does_not_hide_in_the_noise_that_it_makes(step):
    luck = np.tile([0.01, -0.01], 5)
    logs = luck + np.repeat([0.0, step], [6, 4])
    assert look(Course(list(logs), [1] * 10), metrics=11).confirmed == (True,)


def test_the_first_look_confirms_nothing():
    found = looked([1.0] * 4 + [2.0] * 4)
    assert (found.at, found.confirmed) == ([4], (False,))


def test_a_steady_rise_is_a_trend_and_no_step():
    found = looked(np.exp(0.02 * np.arange(20)))
    assert (found.at, found.trend.confirmed) == ([], True)
    assert found.trend.slope == pytest.approx(0.02, abs=3 * found.trend.error)


@pytest.mark.parametrize("at", [5, 10, 15])
def test_a_step_is_no_trend(at):
    found = looked([1.0] * at + [1.3] * (20 - at))
    assert (found.at, found.trend) == ([at], None)


def test_neighbours_that_resemble_each_other_do_not_hide_the_noise():
    """Versions whose noise is an autoregression of 0.5, as a machine that is slow for some days makes it."""
    calls = 0
    for seed in range(50):
        random = np.random.default_rng(seed)
        logs = [0.0]
        for step in random.normal(0.0, SD, 19):
            logs.append(0.5 * logs[-1] + step)
        found = look(Course(logs, [1] * 20), 11)
        calls += any(found.confirmed)
    assert calls <= 9  # a quarter of them by neighbours' differences alone
