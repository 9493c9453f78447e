"""A command line parser whose errors are one line, with a suggestion."""

import argparse
import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from katydid.model.errors import ConfigError

ALIKE = 0.75
"""Minimum similarity, in [0, 1], for suggesting a word; `rate` and `master` have 0.6."""
_MISSING = "the following arguments are required"

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction["OneLineParser"]  # noqa: SLF001 - what `add_subparsers` returns
else:
    Commands = argparse.Action

_UNKNOWN = re.compile(r"^unrecognized arguments: (-\S*?)(?=[=\s]|$)")
_CHOICE = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)$")


class WholeWords(argparse.HelpFormatter):
    """Breaks lines of help and usage only at spaces."""

    def add_usage(self, usage: str | None, *more: Any, **named: Any) -> None:
        """See argparse, which would not wrap a usage that is passed to it."""
        if usage is not None:
            usage = self._filled(usage, self._width - len(_USAGE), " " * len(_USAGE)).lstrip()
        super().add_usage(usage, *more, **named)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return self._filled(text, width, "").splitlines()

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return self._filled(text, width, indent)

    def _filled(self, text: str, width: int, indent: str) -> str:
        wrapper = TextWrapper(width, indent, indent, break_on_hyphens=False, break_long_words=False)
        return wrapper.fill(" ".join(text.split()))


_USAGE = "usage: "


class OneLineParser(argparse.ArgumentParser):
    """An `ArgumentParser` that raises an error instead of exiting, and does not accept abbreviated options.

    Raises:
        ConfigError: from `parse_args`; the message says what is wrong.
    """

    def __init__(self, **settings: Any) -> None:
        usual: dict[str, Any] = {"allow_abbrev": False, "formatter_class": WholeWords}
        super().__init__(**usual | settings)
        self.words: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: object = None) -> Any:
        """Keep the words for `error`: an unknown option is the likelier cause of missing arguments."""
        self.words = list(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise a ConfigError; called by argparse."""
        given = (word.partition("=")[0] for word in self.words if word.startswith("--"))
        unknown = [option for option in given if option not in ("--", *self._option_string_actions)]
        if message.startswith(_MISSING) and unknown:
            message = f"unrecognized arguments: {unknown[0]}"
        if message.startswith("unrecognized arguments"):
            message = without_values(message)
        meant = did_you_mean_in(message, self._option_string_actions)
        raise ConfigError(f"{self.prog.removeprefix('katydid ')}: {message}{meant or ';'} see {self.prog} --help")


def without_values(complaint: str) -> str:
    """Mask the values of secret options in a message about unknown options."""
    from katydid.model.redact import hide_assigned  # noqa: PLC0415 - most commands have no errors

    return hide_assigned(complaint)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean …?` with the most similar known word; empty if none is similar."""
    likeness, best = max(((_likeness(word, each), each) for each in known), default=(0.0, ""))
    return f": did you mean {best}?" if likeness >= ALIKE else ""


def _likeness(word: str, other: str) -> float:
    """Return the similarity in [0, 1]; it is 1 for words that differ by one letter or by the order of their letters."""
    one, two = word.strip("-").lower(), other.strip("-").lower()
    if len(one) == len(two) > 1 and (sorted(one) == sorted(two) or sum(map(str.__ne__, one, two)) == 1):
        return 1.0
    return SequenceMatcher(None, one, two).ratio()


def did_you_mean_in(complaint: str, options: Iterable[str]) -> str:
    """Return a suggestion for an error message of argparse about an unknown option or an invalid choice."""
    if unknown := _UNKNOWN.search(complaint):
        return did_you_mean(unknown[1], (option for option in options if option.startswith("--")))
    if choice := _CHOICE.search(complaint):
        return did_you_mean(choice[1], (each.strip("' ") for each in choice[2].split(",")))
    return ""
