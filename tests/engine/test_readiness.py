"""A target that is not ready yet: waited for as long as the person wants, or told at once."""

import json
import os
import signal

import pytest

from katydid.dialects import dialect
from katydid.engine.services import readiness
from katydid.engine.services.base import NoAnswerError, NotReadyError
from katydid.engine.services.preflight import choose_model, try_request
from katydid.engine.services.readiness import interruptible, when_ready
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass
from katydid.transport.exchange import Exchange

HOST = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(readiness, "PAUSE", 0.005)


class Looks:
    """A look that fails so, one time after the other, and then finds the model."""

    def __init__(self, *failures):
        self.failures, self.looks = list(failures), 0

    def __call__(self):
        self.looks += 1
        if self.failures:
            raise self.failures.pop(0)
        return "m"


def test_it_is_waited_for_and_each_new_reason_is_told_once():
    look, told = Looks(NoAnswerError("refused"), NoAnswerError("refused"), NotReadyError("503")), []
    assert when_ready(look, 300.0, told.append) == "m"
    assert told == [f"waiting up to 5m for the target: {why}" for why in ("refused", "503")]
    assert look.looks == 4


@pytest.mark.parametrize("error", [NoAnswerError("refused"), NotReadyError("503")])
def test_without_patience_the_first_look_decides(error):
    look, told = Looks(error), []
    with pytest.raises(type(error)):
        when_ready(look, 0.0, told.append)
    assert (look.looks, told) == (1, [])


def test_at_its_end_the_last_reason_is_told():
    with pytest.raises(ConfigError, match=r"^the target was not ready within --wait-ready 20ms: refused$"):
        when_ready(Looks(*[NoAnswerError("refused")] * 100), 0.02, lambda _: None)


def test_what_time_does_not_mend_is_told_at_once():
    look = Looks(ConfigError("no such model"))
    with pytest.raises(ConfigError, match="no such model"):
        when_ready(look, 300.0, lambda _: None)
    assert look.looks == 1


def test_a_signal_ends_the_wait_as_an_interruption_and_later_means_what_it_did():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as left, interruptible():
        os.kill(os.getpid(), signal.SIGTERM)
    assert left.value.code == 130
    assert signal.getsignal(signal.SIGTERM) is before


class Answers:
    def __init__(self, status=None, error=None):
        self.status, self.error = status, error

    def send(self, _request, _parser, exchange):
        exchange.status = self.status
        if self.error:
            exchange.fail(self.error, "so")


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("wanted", [None, "m"])
def test_a_list_that_is_not_served_yet_is_waited_for(status, wanted):
    with pytest.raises(NotReadyError, match=f"is not ready yet \\({status}\\)"):
        choose_model(Answers(status), dialect("openai"), HOST, wanted, (), patient=True)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_so_is_the_first_request_unless_nobody_is_patient(status):
    def ask(*, patient):
        body = json.dumps({"model": "m"}).encode()
        exchange = Exchange(status=status)
        return try_request(lambda _: exchange, lambda _: body, host=HOST, own=frozenset(), note="", patient=patient)

    with pytest.raises(NotReadyError):
        ask(patient=True)
    assert "the load starts anyway" in ask(patient=False)[1]


@pytest.mark.parametrize("error", [ErrorClass.CONNECT, ErrorClass.DNS])
def test_a_target_that_does_not_answer_may_do_so_later_and_a_bad_certificate_stays_bad(error):
    with pytest.raises(NoAnswerError):
        choose_model(Answers(error=error), dialect("openai"), HOST, "m", ())
    with pytest.raises(ConfigError) as refused:
        choose_model(Answers(error=ErrorClass.TLS), dialect("openai"), HOST, "m", ())
    assert type(refused.value) is ConfigError
