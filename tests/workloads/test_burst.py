"""What summary.json says of bursts."""

import numpy as np
import pandas as pd
import pytest

from documents import manifest_with, summary_with
from katydid.analysis.derived import with_derived
from katydid.analysis.validity import Run
from katydid.dialects import dialect
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass, Sample
from katydid.report.model import Material
from katydid.runs.rows import RowBuffer, decode, sample_schema
from katydid.workloads.burst import BurstOptions
from katydid.workloads.burst.analysis import burst_summary
from katydid.workloads.burst.contradictions import ROLE, Role
from katydid.workloads.burst.section import burst_section
from katydid.workloads.burst.user import BurstService, _StreamOrWhole


def request(user, waited, *, burst=0, error=None, detail="", start=0.5, connect=None):
    release = burst * 60_000.0
    sample = Sample(str(user), user, burst, "local", "/", release, start_ms=release + start, connect_ms=connect)
    sample.late_ms, sample.duration_ms = start, waited - start
    sample.extra["waited_ms"] = waited
    if error:
        sample.duration_ms = None
        sample.fail(error, detail)
    return sample


def summary(*samples):
    rows = RowBuffer(sample_schema({"waited_ms": float, ROLE: str}))
    for sample in samples:
        rows.append(sample)
    frame = with_derived(decode(rows.drain()).to_pandas(), manifest_with())
    return burst_summary(Run(frame, pd.DataFrame(), manifest_with(), None, (0.0, 1.0)))


ONE_AT_A_TIME = [request(user, 7800.0 * (user + 1)) for user in range(3)] + [
    request(user, 30_000.0, error=ErrorClass.TIMEOUT) for user in range(3, 10)
]


def test_a_row_a_user_with_its_response_time_and_outcome():
    found = summary(*ONE_AT_A_TIME)
    assert [row.user for row in found["per_user"]] == list(range(10))
    assert found["per_user"][1].response_ms == 15_600
    assert found["per_user"][1].served_from_ms == 7800
    assert [row.status for row in found["per_user"]] == ["completed"] * 3 + ["timeout"] * 7


def test_shares_peak_and_spread_of_a_burst():
    samples = [request(user, 1000.0, start=user / 10) for user in range(4)]
    samples.append(request(4, 900.0, start=50.0, connect=49.0))
    (row,) = summary(*samples)["bursts"]
    assert row.completion_share == 1.0
    assert row.connected_before == 4
    assert row.start_spread_ms == pytest.approx(0.3), "of those that were connected"
    assert (row.peak_in_flight, row.recovery_ms) == (5, 1000.0)


def test_a_burst_with_time_outs_has_not_recovered():
    (row,) = summary(*ONE_AT_A_TIME)["bursts"]
    assert row.recovery_ms is None
    assert row.timeout_share == pytest.approx(0.7)


def test_what_is_refused_at_once_is_rejected_and_what_fails_late_is_not():
    samples = [request(user, 7800.0) for user in range(4)]
    samples += [request(user, 5.0, error=ErrorClass.OVERLOADED) for user in range(4, 8)]
    samples += [request(8, 7000.0, error=ErrorClass.RESET), request(9, 5.0, error=ErrorClass.HTTP_4XX)]
    found = summary(*samples)
    assert [row.status for row in found["per_user"]][4:] == ["rejected"] * 4 + ["failed"] * 2


def test_a_burst_after_one_with_leftovers_is_not_diagnosed():
    """The service still works for users that have gone."""
    random = np.random.default_rng(0)
    second = [request(user, float(t), burst=1) for user, t in enumerate(random.uniform(100, 29_000, 10))]
    assert "one at a time" in summary(*ONE_AT_A_TIME, *second)["diagnosis"]


def beside(role, user, waited):
    sample = request(user, waited, burst=1)
    sample.extra[ROLE] = str(role)
    return sample


def test_what_is_asked_beside_the_bursts_is_in_the_diagnosis_and_in_no_row():
    probes = [beside(Role.BEFORE, 0, 900.0), beside(Role.AFTER, 0, 800.0)]
    probes += [beside(Role.SMALLER, user, 800.0 + user) for user in range(5)]
    found = summary(*(request(user, 800.0 + user) for user in range(10)), *probes)
    assert (len(found["per_user"]), len(found["bursts"])) == (10, 1)
    assert found["concurrency"].verdict == "all at once"
    assert (found["concurrency"].alone_before_ms, found["concurrency"].alone_after_ms) == (900.0, 800.0)


# What is sent


def asked(**options):
    service = BurstService(BurstOptions(**options), "http://127.0.0.1:9")
    return service.ask(Sample("r", 0, 0, "local", "/", 0.0), (0, 0))


def test_a_path_alone_is_a_get_and_with_a_body_a_post(tmp_path):
    file = tmp_path / "ask.json"
    file.write_text('{"message": "hello"}')
    plain, posted = asked(burst_path="/bridge"), asked(burst_path="/bridge", burst_body=f"@{file}")
    assert (plain.method, plain.body) == ("GET", b"")
    assert (posted.method, posted.path, posted.body) == ("POST", "/bridge", b'{"message": "hello"}')
    assert posted.all_headers()["Content-Type"] == "application/json"
    assert asked(burst_path="/bridge", burst_body="hello").all_headers()["Content-Type"] == "text/plain"
    own = asked(burst_path="/bridge", burst_body="<a/>", header="Content-Type=text/xml")
    assert own.all_headers()["Content-Type"] == "text/xml"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"burst_body": "{}"}, "give the path too"),
        ({"burst_path": "/b", "burst_body": "@no/such"}, "cannot be read"),
        ({"burst_path": "/b", "burst_body": "@/dev/zero"}, "is larger than 64 MiB: name another file"),
    ],
)
def test_a_body_that_cannot_be_sent_is_told_before_any_load(options, told):
    with pytest.raises(ConfigError, match=told):
        asked(**options)


def test_a_body_is_in_no_manifest():
    assert BurstOptions(burst_path="/b", burst_body="my secret").shown()["burst_body"] == "9 bytes"


def answered(body, api="openai"):
    answer = _StreamOrWhole(dialect(api).stream_parser("fast"))
    for byte in (body[:5], body[5:]):
        answer.feed(byte, 1.0)
    answer.finish()
    return answer


@pytest.mark.parametrize("api", ["openai", "ollama", "anthropic"])
def test_an_apis_request_may_be_answered_in_one_piece(api):
    assert answered(b'{"answer": "all of it"}', api).verdict() is None


@pytest.mark.parametrize("body", [b'{"error": {"message": "no"}}', b"<html>", b"", b'data: {"choices": []}\n\n'])
def test_what_is_no_whole_answer_is_what_the_stream_says_it_is(body):
    assert answered(body).verdict() is not None


def test_a_stream_is_read_as_ever():
    text = b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
    answer = answered(text * 3 + b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
    assert (answer.verdict(), answer.chunks) == (None, 3)


# What is told


def test_users_who_could_not_connect_ahead_are_named():
    found = summary(*(request(user, 1000.0, connect=40.0 if user > 6 else None) for user in range(10)))
    section = burst_section(Material(manifest_with(), summary_with(found), pd.DataFrame(), pd.DataFrame()))
    (told,) = [text for text in section.text if "7 of 10 users connected" in text]
    assert "backlog" in told


def test_the_beginning_says_what_a_burst_is_and_when_the_next_comes():
    alone = BurstOptions(burst_probes="off").course
    assert alone == "1 burst: one request per user, all at the same moment, timeout 30 s"
    assert BurstOptions().course.startswith(f"{alone}; probes: one request alone before and after")
    assert BurstOptions(bursts=3).course.startswith("3 bursts, one every 40 s: ")
