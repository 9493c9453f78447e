"""One request of a trace, in any known format. Does not open files.

    timestamp, input_length, output_length, hash_ids       Mooncake's JSON; milliseconds
    Timestamp, Request tokens, Response tokens              BurstGPT's CSV; seconds
    TIMESTAMP, ContextTokens, GeneratedTokens               Azure's CSV; dates
    timestamp, messages                                     OpenAI's messages; as Mooncake's, or a date
    time, input, output, session, parent                    Katydid's own CSV; seconds, or dates

Mooncake: https://github.com/kvcache-ai/Mooncake (FAST'25 traces). BurstGPT: https://github.com/HPMLL/BurstGPT. Azure:
https://github.com/Azure/AzurePublicDataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from katydid.load.lengths import MOST
from katydid.load.prompts.entry import CONVERSATIONS, Prompt, prompt_of, whole_number
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import quoted

TIMES = ("timestamp", "time", "created_time", "created_at", "created", "start_time")
"""Names of the time column; the first one present counts, as for the columns below."""
INPUTS = ("input", "input_length", "input_tokens", "request tokens", "contexttokens", "prompt_tokens")
OUTPUTS = ("output", "output_length", "output_tokens", "response tokens", "generatedtokens", "completion_tokens")
SESSIONS = ("session", "session_id", "session id")
PARENT = "parent"
HASHES = "hash_ids"
TEXTS = (*CONVERSATIONS, "prompt", "text_input", "text")
KNOWN = frozenset({*TIMES, *INPUTS, *OUTPUTS, *SESSIONS, PARENT})
"""Table columns that are read."""

_IN_MILLISECONDS = frozenset({"timestamp", "created_time"})
"""Times in milliseconds in JSON, as in Mooncake's traces; in tables they are in seconds."""
_EPOCH_S, _EPOCH_MS = 1e9, 1e11
"""Numbers at or above these are seconds, or milliseconds, since 1970; no trace is that long."""
_LATEST = 1e14
_MOST_ID = 2**64


@dataclass(frozen=True, slots=True)
class Record:
    """One request.

    Attributes:
        time: seconds from an arbitrary origin.
        input_tokens, output_tokens: None if not in the file.
        session: id of its conversation; None if it is not part of one.
        parent: number, from 1, of the request in the file that it follows; None = the one before it in its session.
        hash_ids: ids of the blocks that its prompt begins with; requests with equal ids share these blocks.
        prompt: its messages; None if only lengths are known.
    """

    time: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    session: str | None = None
    parent: int | None = None
    hash_ids: tuple[int, ...] = ()
    prompt: Prompt | None = None


def record_of(value: object, number: int, *, table: bool) -> Record:
    """Convert an entry of a file to a request.

    Args:
        value: a JSON value or a table row.
        number: entry number in the file, from 1.
        table: True for a table row, whose values are text.

    Raises:
        ConfigError: the entry is not a request; the message does not say where it is.
        Skipped: the request has no question.
    """
    if not isinstance(value, dict):
        raise ConfigError("is not a request: give an object with a timestamp")
    says = not table and value.keys() & set(TEXTS)
    session = _first(value, SESSIONS)[1]
    return Record(
        _time(value, table=table),
        _tokens(value, INPUTS),
        _tokens(value, OUTPUTS),
        None if session is None else str(session),
        _parent(value.get(PARENT), number),
        _hash_ids(value.get(HASHES)),
        prompt_of(value, number) if says else None,
    )


def seconds_of(value: Any, *, milliseconds: bool = False) -> float:
    """Convert a number or an ISO 8601 date to seconds; a date without a time zone is in UTC.

    Args:
        value: a JSON value, or text from a table.
        milliseconds: True if numbers too small for a date are in milliseconds.

    Raises:
        ValueError: the value is not a time.
    """
    if type(value) not in {int, float, str}:
        raise ValueError(value)
    try:
        number = float(value)
    except ValueError:
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError:
        raise ValueError(value) from None
    if not abs(number) <= _LATEST:
        raise ValueError(value)
    if number >= _EPOCH_S:
        milliseconds = number >= _EPOCH_MS
    return number / 1000.0 if milliseconds else number


def _time(value: Mapping[str, object], *, table: bool) -> float:
    name, said = _first(value, TIMES)
    if said is None:
        raise ConfigError(f"has no time: add {TIMES[0]} or {TIMES[1]}")
    try:
        return seconds_of(said, milliseconds=not table and name in _IN_MILLISECONDS)
    except (ValueError, OverflowError):
        raise ConfigError(f"{name} is {quoted(str(said))}: give a number or a date like 2024-05-10T00:00:09Z") from None


def _first(value: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, object]:
    """Return the first of `names` whose value is not empty, and the value."""
    for name in names:
        if (said := value.get(name)) is not None and said != "":
            return name, said
    return names[0], None


def _tokens(value: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    name, said = _first(value, names)
    return None if said is None else whole_number(name, said, MOST)


def _parent(said: object, number: int) -> int | None:
    if said is None or said == "":
        return None
    if number == 1:
        raise ConfigError(f"{PARENT} is {quoted(str(said))}: no request comes before the first")
    return whole_number(PARENT, said, number - 1, least=1)


def _hash_ids(said: object) -> tuple[int, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not all(type(each) is int and 0 <= each < _MOST_ID for each in said):
        raise ConfigError(f"{HASHES} is not a list of whole numbers")
    return tuple(said)
