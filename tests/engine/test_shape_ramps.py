"""Users of a load shape that adds a few each second come as a ramp: each with its first request, evenly spaced."""

import time
from types import SimpleNamespace

import gevent
import pytest
from locust import LoadTestShape

from katydid.engine.options import RunOptions
from katydid.engine.run_info import BATCH_WIRE_NAME, STAGE_WIRE_NAME
from katydid.engine.spawning import Spawning, foresight, pulses, shape_at_first
from katydid.load.schedule import Phase


class Few(LoadTestShape):
    """Five more each second."""

    def tick(self):
        return 5 * (1 + int(self.get_run_time())), 100


class Once(LoadTestShape):
    """All at once."""

    def tick(self):
        return 50, 50


class Counting(LoadTestShape):
    """Goes by its own answers, and says them."""

    def __init__(self):
        super().__init__()
        self.answers = [0]

    def tick(self):
        self.answers[0] += 1
        print(self.answers)
        return 5 * self.answers[0], 5


class ByUsers(LoadTestShape):
    """Goes by the users that there are."""

    def tick(self):
        return self.get_current_user_count() + 5, 5


class Patient(Few):
    def tick(self):
        gevent.sleep(1.0)
        return super().tick()


class Acting(Few):
    def tick(self):
        if self.get_run_time() > 10:
            self.runner.quit()
        return super().tick()


class Uncopied(Few):
    def __init__(self):
        super().__init__()
        self.endless = (n for n in range(10))


def options(**more):
    return RunOptions(**more)


@pytest.mark.parametrize(
    ("shape", "answer"),
    [(Few, (35, 100.0)), (Once, (50, 50.0)), (Counting, (5, 5.0)), (ByUsers, (15, 5.0))],
)
def test_what_a_shape_will_answer_is_foreseen(shape, answer):
    assert foresight(shape())(6.0, 10) == answer


def test_a_shape_that_counts_its_answers_is_not_disturbed_and_not_heard(capsys):
    shape = Counting()
    foresee = foresight(shape)
    assert [foresee(float(at), 0) for at in range(3)] == [(5, 5.0), (10, 5.0), (15, 5.0)]
    assert shape.answers == [0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("shape", [Patient, Uncopied, Acting])
def test_what_a_shape_does_beside_answering_is_not_done_beforehand(shape):
    began = time.monotonic()
    assert foresight(shape())(30.0, 0) is None
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    ("shape", "asked", "begins"),
    [
        (Few, {}, (Phase.SPAWN, 5.0)),
        (Few, {"phase": "spread"}, (Phase.SPREAD, None)),
        (Few, {"interval": 0.0}, (Phase.SPREAD, None)),
        (Once, {}, (Phase.SPREAD, None)),
        (Uncopied, {}, (Phase.SPREAD, None)),
    ],
)
def test_how_a_shape_begins_is_known_before_its_run(shape, asked, begins):
    assert shape_at_first(options(**asked), shape()) == begins


def test_an_even_grid_for_a_shape_that_is_a_ramp_is_told_as_what_it_is():
    spread = options(phase="spread")
    assert pulses(spread, 0, None, Few())
    assert not pulses(spread, 0, None, Once())
    assert not pulses(options(), 0, None, Few())


class Runtime(SimpleNamespace):
    """The runtime of the only process; `wire` is what its users learn of their batch."""

    def __init__(self, shape, **asked):
        parsed = SimpleNamespace()
        super().__init__(
            is_master=False,
            options=options(**asked),
            environment=SimpleNamespace(parsed_options=parsed, shape_class=shape),
            noted={},
            now=lambda: 0.0,
        )
        self.note = self.noted.update

    def spacing(self):
        return getattr(self.environment.parsed_options, BATCH_WIRE_NAME)["spacing"]


def second(spawning, shape, seconds, users, there):
    """So many users more, at a second of the run; how they are spaced."""
    shape.start_time = time.perf_counter() - seconds
    assert spawning.dispatch(users, 100.0, there) == 100.0, "Locust spawns as the shape says"
    spawning.batch({"local": there + users})
    return spawning._runtime.spacing()


def test_users_are_evenly_spaced_from_the_first_second_on():
    shape = Few()
    runtime = Runtime(shape)
    spawning = Spawning(runtime)
    spaced = [second(spawning, shape, at, 5, 5 * at) for at in range(40)]
    assert spaced == [pytest.approx(0.2)] * 40
    assert runtime.noted == {"phase": "spawn", "ramp_per_s": 5.0}


def test_the_ramp_is_called_what_it_was_at_first():
    shape = Few()
    runtime = Runtime(shape)
    spawning = Spawning(runtime)
    second(spawning, shape, 0, 5, 0)
    assert second(spawning, shape, 1, 2, 5) == pytest.approx(0.5)
    assert runtime.noted["ramp_per_s"] == 5.0


def test_users_that_are_there_at_once_have_their_places_on_the_grid():
    runtime = Runtime(Once())
    spawning = Spawning(runtime)
    assert second(spawning, runtime.environment.shape_class, 0, 50, 0) == 0.0
    assert runtime.noted == {}


def test_stages_are_no_ramp_however_many_there_are():
    shape = Few()
    runtime = Runtime(shape)
    setattr(runtime.environment.parsed_options, STAGE_WIRE_NAME, {"number": 0})
    spawning = Spawning(runtime)
    assert second(spawning, shape, 0, 5, 0) == 0.0


def test_the_phase_that_is_asked_for_holds_for_shapes_too():
    shape = Few()
    runtime = Runtime(shape, phase="spread")
    spawning = Spawning(runtime)
    assert second(spawning, shape, 0, 5, 0) == 0.0
