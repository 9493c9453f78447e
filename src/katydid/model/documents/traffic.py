"""`katydid learn --json`: statistics of the traffic in a log and in a test run. Pure."""

from katydid.model.documents.base import Document, Part


class Spread(Part, kw_only=True, frozen=True):
    """The spread of lengths, in tokens or turns."""

    mean: float
    p50: float
    p95: float


class HourlyRate(Part, kw_only=True, frozen=True):
    """The mean rate in one hour of the day, 0 to 23 in UTC, over all days with requests in that hour."""

    hour: int
    per_s: float


class Traffic(Part, kw_only=True, frozen=True):
    """Statistics of traffic.

    Attributes:
        requests: number of requests.
        seconds: time from the first request to the last.
        rate_per_s: mean rate.
        peak_per_s: rate in the busiest minute.
        rate_by_hour: rate by hour of the day; empty if the time of day is unknown.
        cv: coefficient of variation of the gaps between requests, standard deviation / mean; 1 is Poisson, more is
            bursty. Over more than an hour, the mean over parts, so that the daily rise and fall do not count as bursts.
        input, output: tokens per request; null if they were not counted.
        turns: requests per conversation; null if no conversations are known.
        prefix_share: share of the input tokens that a prefix cache had, or could have had; null if unknown.
    """

    requests: int
    seconds: float
    rate_per_s: float
    peak_per_s: float
    rate_by_hour: list[HourlyRate]
    cv: float | None
    input: Spread | None
    output: Spread | None
    turns: Spread | None
    prefix_share: float | None


class Difference(Part, kw_only=True, frozen=True):
    """One statistic of a test and of the real traffic.

    Attributes:
        name: name of the statistic.
        test: its value in the test.
        traffic: its value in the log.
        differs: true if they differ by more than a fifth, or a share by more than 10 percentage points.
    """

    name: str
    test: float | None
    traffic: float | None
    differs: bool


class Learning(Document, kw_only=True, frozen=True):
    """The content of `katydid learn --json`.

    Attributes:
        log: path of the log.
        trace: path of the written trace; null if none was written.
        left_out: number of log entries that are not answered requests, by reason.
        traffic: statistics of the log.
        test: statistics of the run that the log was compared with; null without one.
        differences: comparison of the two.
        verdict: the result in one sentence.
    """

    schema_version: int
    log: str
    trace: str | None
    left_out: dict[str, int]
    traffic: Traffic
    test: Traffic | None
    differences: list[Difference]
    verdict: str
