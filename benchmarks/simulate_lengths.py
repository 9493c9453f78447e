"""Are verdicts right if the sides' answers differ in length? Simulated pairs of versions, judged by the real code.

A request's time is a time to its first token plus a time per token. Which of 24 prompts it sends determines the length
of its answer, ± 30 %. Each run also has a random effect on all of its times. Simulated are equal versions whose answers
differ in length by chance, versions with longer answers, and versions that are slower as well. They are judged as
non-streamed answers, by p50 and p95 of the service time, since streams have better metrics: TTFT and time per token.

    python benchmarks/simulate_lengths.py   # 1,000 pairs per figure, some minutes: the table of docs/verdicts.md
    python benchmarks/simulate_lengths.py --pairs 100
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from katydid.analysis.comparison.compare import overall
from katydid.analysis.comparison.estimates import Estimates, answer_lengths
from katydid.analysis.comparison.lengths import other_lengths
from katydid.analysis.comparison.primaries import FAILURES, WHOLE_ANSWERS
from katydid.analysis.comparison.sides import Sides
from katydid.analysis.comparison.verdicts import judge_metrics
from katydid.analysis.request_times import RequestTimes
from katydid.model.documents.comparison import CompareSettings, Verdict
from katydid.model.documents.manifest import Manifest
from katydid.model.metrics import DISTRIBUTIONS

PROMPTS, TOKENS, WITHIN = 24, 100.0, 0.3
TTFT, TPOT = 300.0, 20.0
LUCK = 0.025
HISTORY = 10
TRUTHS = (0.0, 0.1, 0.2, 0.4)
DURATION = next(each for each in DISTRIBUTIONS if each.name == "duration")
MANIFEST = Manifest.read({"workload": "batch"})
SETTINGS = CompareSettings(primary=(*WHOLE_ANSWERS, FAILURES))


@dataclass(frozen=True)
class Answers:
    """How long answers are.

    Attributes:
        variation: coefficient of variation of the answers' lengths over prompts; 0 if all have the same length.
        longer: fraction by which the new version's answers are longer.
        requests: requests per run.
        same: True if all runs send the same prompts.
    """

    variation: float = 0.8
    longer: float = 0.0
    requests: int = 240
    same: bool = True

    @property
    def name(self) -> str:
        """The label of the row."""
        prompts = "same prompts in all runs" if self.same else "different prompts in each run"
        varied = f"vary by {self.variation:.0%}" if self.variation else "are of one length"
        longer = f", the new version's are {self.longer:.0%} longer" if self.longer else ""
        return f"{self.requests} requests, {prompts}, answers {varied}{longer}"


ANSWERS = (
    Answers(same=False),
    Answers(),
    Answers(requests=1200, same=False),
    Answers(requests=1200),
    Answers(requests=1200, longer=0.03),
    Answers(requests=1200, longer=0.3),
    Answers(requests=1200, longer=1.0),
    Answers(variation=0.0, longer=0.03),
    Answers(variation=0.0, longer=0.3),
)


@dataclass(frozen=True)
class Cell:
    """Shares of the pairs. `adjusted` is the share that was judged at equal length."""

    different: float
    slower: float
    same: float
    adjusted: float


def cell(answers: Answers, runs: int, truth: float, *, pairs: int, random: np.random.Generator) -> Cell:
    """Judge many pairs of versions with `runs` runs per side; the new version is slower by `truth`."""
    found, adjusted = [], 0
    for _ in range(pairs):
        prompts = _prompts(answers, random)

        def some(count: int, slower: float = 0.0, longer: float = 0.0, of: np.ndarray = prompts) -> list[Estimates]:
            return [_run(answers, of, slower, longer, random) for _ in range(count)]

        base, new = some(runs), some(runs, truth, answers.longer)
        sides, settings = Sides(base, new, [some(HISTORY)], True, lambda _: None), SETTINGS
        lengths = other_lengths(sides)
        if lengths:
            sides, settings = lengths.sides, replace(settings, primary=lengths.deciding(settings.primary))
        metrics = judge_metrics(settings.primary, sides, settings)
        found.append(overall(metrics, metrics))
        adjusted += lengths is not None
    shares = [sum(each in told for each in found) / pairs for told in _TOLD]
    return Cell(*shares, adjusted / pairs)


_TOLD: Sequence[set[Verdict]] = (
    {Verdict.SLOWER, Verdict.FASTER, Verdict.MIXED},
    {Verdict.SLOWER},
    {Verdict.NO_DIFFERENCE},
)


def _prompts(answers: Answers, random: np.random.Generator) -> np.ndarray:
    """Draw the number of tokens of the answer to each prompt."""
    sigma = np.log1p(answers.variation**2) ** 0.5
    return np.asarray(TOKENS * np.exp(random.normal(-(sigma**2) / 2.0, sigma, PROMPTS)))


def _run(answers: Answers, prompts: np.ndarray, slower: float, longer: float, random: np.random.Generator) -> Estimates:
    count = answers.requests
    lengths = prompts if answers.same else _prompts(answers, random)
    sent = np.arange(count) % PROMPTS
    within = random.normal(0.0, WITHIN, count) if answers.variation else np.zeros(count)
    tokens = np.maximum(1.0, np.round(lengths[sent] * (1.0 + longer) * np.exp(within)))
    luck = (1.0 + slower) * np.exp(random.normal(0.0, LUCK))
    ttft, tpot = (mean * np.exp(random.normal(0.0, sd, count)) for mean, sd in ((TTFT, 0.5), (TPOT, 0.12)))
    rows = pd.DataFrame(
        {
            "outcome": "ok",
            "start_ms": 0.0,
            "error": None,
            "duration_ms": luck * (ttft + tokens * tpot),
            "completion_tokens": tokens,
            "prompt_id": sent if answers.same else None,
        }
    )
    requests = RequestTimes(rows, MANIFEST)
    known = requests.known(DURATION)
    assert known is not None  # noqa: S101 - every request has a service time
    return Estimates(
        values={FAILURES: 0.0},
        ok=count,
        failed=0,
        requests=count,
        episodes=0,
        users_at_stop=None,
        lengths=answer_lengths(requests),
    ).with_times({"duration": known})


COLUMNS = (
    "answers", "runs per side", "compared at equal length", "equal: called different", "equal: no difference",
    "10 % slower: found", "20 % slower: found", "40 % slower: found",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Simulate answers that differ in length; count the verdicts.")
    parser.add_argument("--pairs", type=int, default=1000, help="pairs per figure (default: 1000)")
    parser.add_argument(
        "--rows", type=int, nargs="*", default=range(len(ANSWERS)), help="only these kinds of answers (default: all)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for row in options.rows:
        for runs in (1, 3, 5):
            random = np.random.default_rng([options.seed, row, runs])
            cells = [cell(ANSWERS[row], runs, truth, pairs=options.pairs, random=random) for truth in TRUTHS]
            shares = (cells[0].adjusted, cells[0].different, cells[0].same, *(each.slower for each in cells[1:]))
            told = " | ".join(f"{100 * share:.1f} %" for share in shares)
            print(f"| {ANSWERS[row].name.replace('%', ' %')} | {runs} | {told} |", flush=True)


if __name__ == "__main__":
    main()
