"""Whether a test is like the traffic that it stands for: their figures side by side, and a verdict. Pure."""

from collections.abc import Sequence

from katydid.model.documents.traffic import Difference, Spread, Traffic
from katydid.model.formatting import fraction, or_dash, significant

PREFIX_SHARE = "prefix share"
_ALIKE, _SHARE_ALIKE = 0.2, 0.1
"""Of the larger figure, and of all input tokens: what is off by more differs."""


def differences(test: Traffic, traffic: Traffic) -> list[Difference]:
    """A run's figures beside those of the traffic that it stands for, what makes a test another one first."""
    pairs = {
        "CV of the gaps": (test.cv, traffic.cv),
        "input tokens, mean": (_mean(test.input), _mean(traffic.input)),
        "input tokens, p95": (_p95(test.input), _p95(traffic.input)),
        "output tokens, mean": (_mean(test.output), _mean(traffic.output)),
        "output tokens, p95": (_p95(test.output), _p95(traffic.output)),
        "turns, mean": (_mean(test.turns), _mean(traffic.turns)),
    }
    found = [Difference(name=name, test=a, traffic=b, differs=_differs(a, b)) for name, (a, b) in pairs.items()]
    a, b = test.prefix_share, traffic.prefix_share
    far = a is not None and b is not None and abs(a - b) > _SHARE_ALIKE
    found.append(Difference(name=PREFIX_SHARE, test=a, traffic=b, differs=far))
    rate = Difference(name="requests/s, mean", test=test.rate_per_s, traffic=traffic.rate_per_s, differs=False)
    return [*found, rate]


def said(value: float | None, name: str) -> str:
    """A figure of a difference, as a table shows it."""
    return or_dash(value, fraction if name == PREFIX_SHARE else significant)


def verdict_on(found: Sequence[Difference]) -> str:
    """Whether the test is like the traffic, in one sentence; its rate is the test's own choice."""
    unlike = [each for each in found if each.differs]
    if not unlike:
        return "Your test is like your traffic in all that both say."
    told = [f"{each.name} {said(each.test, each.name)} against {said(each.traffic, each.name)}" for each in unlike]
    return f"Your test is not your traffic: {', '.join(told)}."


def _p95(spread: Spread | None) -> float | None:
    return None if spread is None else spread.p95


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean


def _differs(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > _ALIKE * max(one, other)
