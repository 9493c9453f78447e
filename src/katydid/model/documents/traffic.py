"""`katydid learn --json`: what traffic is like, that of a log and that of a run. Pure."""

from katydid.model.documents.base import Document, Part


class Spread(Part, kw_only=True, frozen=True):
    """Lengths, in tokens or turns."""

    mean: float
    p50: float
    p95: float


class HourlyRate(Part, kw_only=True, frozen=True):
    """The mean rate in an hour of the day, from 0 to 23, in UTC; over all days that have requests in it."""

    hour: int
    per_s: float


class Traffic(Part, kw_only=True, frozen=True):
    """What requests are like.

    Attributes:
        requests: how many there are.
        seconds: from the first to the last.
        rate_per_s: in the mean.
        peak_per_s: in the busiest minute.
        rate_by_hour: over the day; empty where the time of day is not known.
        cv: of the gaps between requests, standard deviation over mean; 1 is Poisson, more comes in bursts. Of more than
            an hour the mean over its parts, so that a day's rise and fall is not taken for bursts.
        input, output: tokens; null where nobody counted them.
        turns: requests of a conversation; null where none are known.
        prefix_share: of the input tokens, those that a prefix cache had or could have had; null where nobody knows.
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
    """A figure of a test beside that of the traffic that it stands for.

    Attributes:
        name: of the figure.
        differs: by more than a fifth, or 10 percentage points of a share.
    """

    name: str
    test: float | None
    traffic: float | None
    differs: bool


class Learning(Document, kw_only=True, frozen=True):
    """The content of `katydid learn --json`.

    Attributes:
        log: its file.
        trace: the file that was written; null where none was asked for.
        left_out: entries of the log that are no answered request, by the reason.
        traffic: of the log.
        test: of the run that it was compared with; null without one.
        differences: of the two.
        verdict: in one sentence.
    """

    schema_version: int
    log: str
    trace: str | None
    left_out: dict[str, int]
    traffic: Traffic
    test: Traffic | None
    differences: list[Difference]
    verdict: str
