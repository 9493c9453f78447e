"""Requests made one by one (drawn lengths, images): build their bodies ahead of time, and calibrate prompt lengths."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from katydid.dialects.answer_parser import AnswerParser
from katydid.dialects.base import Dialect
from katydid.load.lengths import LengthOptions, read_lengths, read_shared_prefix
from katydid.load.made.calibration import Calibration, calibrated
from katydid.load.made.images import read_images
from katydid.load.made.prompts import MadePrompts, Plan
from katydid.load.made.text import WORDS, Weigh
from katydid.load.traces.prompts import TracedPrompts
from katydid.load.traces.trace import Trace
from katydid.model.errors import ConfigError
from katydid.model.formatting import plural
from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange

AHEAD = 64 * 2**20
"""Maximum bytes of bodies that a process builds ahead; beyond that, bodies are built when they are due."""
PROBES = (64, len(WORDS))
"""Words per probe: a few; and every word once, so that the mean tokens per word is that of all made text."""
STREAMS = frozenset({"text/event-stream", "application/x-ndjson"})


@dataclass(frozen=True, slots=True)
class Built:
    """A request ready to be sent."""

    plan: Plan
    body: bytes


class Making:
    """Makes the requests of one process.

    Args:
        options: the run's length options.
        seed: the run's seed.
        prompts: `--prompts`, which excludes generated prompts.
        build: builds a body from user, iteration and plan.
        made: the class that generates prompts; requests of several texts have their own.
        trace: the trace to replay.
        apart: a shared prefix is a system prompt and does not count towards the prompts' lengths.

    Attributes:
        active: requests are made one by one: with drawn lengths, or with images.

    Raises:
        ConfigError: options contradict each other, or the tokenizer cannot be loaded.
    """

    def __init__(
        self,
        options: LengthOptions,
        seed: int,
        prompts: str | None,
        build: Callable[[int, int, Plan], bytes],
        made: Callable[..., MadePrompts] = MadePrompts,
        *,
        trace: Trace | None = None,
        apart: bool = False,
    ) -> None:
        inputs = read_lengths(options.input_tokens) if options.input_tokens else None
        outputs = read_lengths(options.output_tokens) if options.output_tokens else None
        _check_trace(trace, options, prompts)
        shared = read_shared_prefix(options.shared_prefix) if options.shared_prefix else None
        if inputs and prompts:
            raise ConfigError("--input-tokens generates the prompts: leave out --prompts")
        for flag, value in (("--shared-prefix", options.shared_prefix), ("--tokenizer", options.tokenizer)):
            if value and not (inputs or (flag == "--tokenizer" and trace and trace.makes_prompts)):
                raise ConfigError(f"{flag} is for generated prompts: give --input-tokens, such as --input-tokens 1000")
        self._exact = bool(options.tokenizer)
        weigh = load_tokenizer(options.tokenizer) if options.tokenizer else None
        if trace is None or not trace.says_lengths:
            self.prompts = made(seed, inputs, outputs, shared, weigh, apart=apart)
            self.makes_prompts, self.sets_outputs = inputs is not None, outputs is not None
        else:
            self.prompts = TracedPrompts(seed, trace, weigh)
            self.makes_prompts, self.sets_outputs = trace.makes_prompts, trace.outputs is not None
        self.images = read_images(options.images) if options.images else None
        self.active = self.makes_prompts or self.sets_outputs or self.images is not None
        self._inputs, self._shared, self._apart = inputs, shared, apart
        self._build = build
        self._ready: dict[tuple[int, int], Built] = {}
        self._bytes = 0

    # During the run

    def take(self, user: int, iteration: int) -> Built:
        """The request of a user's iteration; build it now if it was not built ahead."""
        if (user, iteration) not in self._ready:
            plan = self.prompts.plan(user, iteration)
            built = self._ready[user, iteration] = Built(plan, self._build(user, iteration, plan))
            self._bytes += len(built.body)
        return self._ready[user, iteration]

    def ended(self, sample: Sample, draw: tuple[int, int]) -> None:
        """After a request: refine the calibration by its answer, and build the user's next request ahead of time.

        Args:
            sample: the request's sample.
            draw: the (user, iteration) that the request was made for. If these are not the sample's own, users take
                requests in order of arrival, and the next one is unknown.
        """
        built = self._ready.pop(draw, None)
        if built is None:
            return
        self._bytes -= len(built.body)
        if not self.makes_prompts:
            return
        if sample.prompt_tokens and sample.extra.get("turn") in {None, 1}:  # later turns have text that we did not make
            self.prompts.calibration.observe(built.plan.units, sample.prompt_tokens)
        if draw == (sample.user, sample.iteration) and self._bytes + len(built.body) <= AHEAD:
            self.take(sample.user, sample.iteration + 1)

    # Before the run

    def calibrate(self, send: Callable[[str], int | None] | None) -> str:
        """Measure how the target counts prompt tokens; return a note for the user, empty if there is nothing to say.

        Args:
            send: sends a probe's text and returns the target's token count of the whole prompt; None to send none.

        Raises:
            ConfigError: the target's template alone is longer than the prompts should be.
        """
        texts = [self.prompts.probe(number, words) for number, words in enumerate(PROBES if send else ())]
        found = [(self.prompts.units(text), send(text)) for text in texts if send]
        self.use(calibrated(found, tokenizer=self._exact).as_dict())
        least, source = math.ceil(self.prompts.least / self.prompts.texts), self.prompts.calibration.source
        if self._inputs is not None and self._inputs.mean < least:
            own = f"its template has {plural(round(self.prompts.calibration.overhead), 'token')}"
            shared = f", the shared prefix {self._shared.tokens}" if self._shared and not self._apart else ""
            raise ConfigError(
                f"--input-tokens {self._inputs}: no prompt of this target can be so short ({own}{shared}): "
                f"give {least} or more"
            )
        what = "the lengths of the trace" if self._inputs is None else "--input-tokens"
        if source == "none":
            return f"{NOT_COUNTED if send else NO_PROBES}, so {what} are counted in words: {_EXACT}"
        short = self.prompts.below(least)
        lengths = what if self._inputs is None else f"{what} {self._inputs}"
        return f"{short:.0%} of {lengths} are below the minimum {least}, and are sent with that length" if short else ""

    def use(self, calibration: Mapping[str, object]) -> None:
        """Use the calibration that preflight measured, possibly in another process."""
        self.prompts.calibration = Calibration.from_dict(calibration)
        self.prompts.prepare()
        self._ready.clear()
        self._bytes = 0


def _check_trace(trace: Trace | None, options: LengthOptions, prompts: str | None) -> None:
    """Check that no other option sets the prompts or lengths of a trace's requests.

    Raises:
        ConfigError: an option does.
    """
    if trace is None or not trace.says_lengths:
        return
    asked = {"--prompts": prompts, "--input-tokens": options.input_tokens, "--output-tokens": options.output_tokens}
    for flag, value in (asked | {"--shared-prefix": options.shared_prefix}).items():
        if value:
            raise ConfigError(f"{flag} {value}: the trace sets the lengths of its requests: leave it out")


NOT_COUNTED = "the target does not report prompt tokens"
NO_PROBES = "without --preflight request, the target's token count is unknown"
_EXACT = "give --tokenizer for exact lengths"


def counted_tokens(dialect: Dialect, exchange: Exchange, body: bytes) -> int | None:
    """The prompt tokens that an answer reports, streamed or not; None if it reports none."""
    if exchange.status != 200:
        return None
    if exchange.headers.get("content-type", "").partition(";")[0].strip().lower() in STREAMS:
        stream = dialect.stream_parser("count")
        stream.feed(body, 0.0)
        stream.finish()
        return stream.prompt_tokens
    whole = AnswerParser(dialect)
    whole.feed(body, 0.0)
    whole.finish()
    return whole.answer.prompt_tokens if whole.answer else None


def load_tokenizer(path: str) -> Weigh:
    """Load a Hugging Face tokenizer file; return a function that counts the tokens of a text.

    Raises:
        ConfigError: the file cannot be read, or the package `tokenizers` is not installed.
    """
    if not Path(path).is_file():
        raise ConfigError(f"--tokenizer {path}: is not a file: give the model's tokenizer.json")
    try:
        module: Any = import_module("tokenizers")
    except ImportError:
        raise ConfigError("--tokenizer: tokenizers is not installed: pip install katydid[tokenizer]") from None
    try:
        tokenizer = module.Tokenizer.from_file(path)
    except Exception as error:  # noqa: BLE001 - tokenizers raises plain Exception
        raise ConfigError(f"--tokenizer {path}: cannot be read ({error}): give the model's tokenizer.json") from None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
