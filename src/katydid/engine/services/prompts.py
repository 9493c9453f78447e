"""Load a run's prompts: the built-in ones, or a file's. `load.prompts` knows the file formats.

Parquet rows are read a few at a time, so that a file cannot fill the memory by what it unpacks to.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from katydid.load.prompts.collection import Entry, Prompts, collected
from katydid.load.prompts.entry import CONVERSATIONS, KNOWN, TEXTS
from katydid.load.prompts.files import READERS, plain, unpacked
from katydid.model.errors import ConfigError, os_words
from katydid.runs.files import open_named

MOST_AT_ONCE = 16 * 2**20
"""Approximate maximum bytes of rows in memory: with a dictionary, each row may be as long as all of its texts."""
_MOST_ROWS = 1024
_PAGE_BUFFER = 2**20
_LARGE, _MOST_RATIO = 64 * 2**20, 50
"""A column larger than this (bytes) and compressed better than text can be is a decompression bomb."""
_DAMAGED = (pa.ArrowException, ArithmeticError, LookupError, OSError, TypeError, ValueError)
"""Raised by pyarrow for damaged files."""
_PIECE = 2**16
_TABLE = ".parquet"
_BUILT_IN = """\
Explain how a rainbow forms to a curious child.
Write a short story about a lighthouse keeper and a lost sailor.
List ten ways to save water at home and say why each matters.
Describe the taste of an orange to somebody who has never eaten one.
Compare travelling by train with travelling by car over a long distance.
Give step by step instructions for repotting a house plant.
Summarise the life of a star from its birth to its end.
Write a letter to a friend about the first day in a new town.
Explain what inflation is and how it changes the price of bread.
Invent a game for four players that needs only a pencil and paper.
Describe a busy market square early in the morning.
Explain why the sea is salty and lakes mostly are not.
Write a dialogue between a gardener and a snail about lettuce.
Give advice to somebody who has to speak in public for the first time.
Explain the difference between weather and climate with examples.
Describe how bread is made, from the field to the table.
Write a poem of four stanzas about the night train.
Explain how a bicycle stays upright when it moves.
List the things to think about before adopting a dog.
Describe the view from a mountain hut during a storm.
Explain how vaccines teach the body to defend itself.
Write a recipe for a vegetable soup and explain every step.
Describe the work of a clockmaker two hundred years ago.
Explain what happens when you type an address into a web browser.
"""


def parquet_rows(path: Path) -> Iterator[Entry]:
    """Yield each row as an object with the known columns.

    Raises:
        ConfigError: the file is damaged, or has no column of prompts.
    """
    number = 0
    try:
        with parquet.ParquetFile(path, buffer_size=_PAGE_BUFFER) as file:
            names = [name for name in file.schema_arrow.names if name.lower() in KNOWN]
            if not {name.lower() for name in names} & {*CONVERSATIONS, *TEXTS}:
                raise ConfigError(f"has no column of prompts: one of {', '.join((*CONVERSATIONS, *TEXTS))}")
            for group in range(file.num_row_groups):
                size = _rows_at_once(file.metadata.row_group(group), names)
                for batch in file.iter_batches(size, row_groups=[group], columns=names, use_threads=False):
                    for row in batch.to_pylist():
                        number += 1
                        yield "row", number, {name.lower(): value for name, value in row.items()}
    except _DAMAGED as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(f"is damaged after row {number}, or not Parquet ({why[:160]})") from None


def _rows_at_once(group: Any, names: list[str]) -> int:
    """The number of rows to read at a time, assuming that each is as long as its whole column."""
    columns = [group.column(index) for index in range(group.num_columns)]
    used = [column for column in columns if column.path_in_schema.partition(".")[0] in names]
    for column in used:
        packed, size = max(1, column.total_compressed_size), column.total_uncompressed_size
        if size > _LARGE and size / packed > _MOST_RATIO:
            raise ConfigError(f"its column {column.path_in_schema} unpacks to {size >> 20} MiB: send a part of it")
    longest = max((column.total_uncompressed_size for column in used), default=1)
    return max(1, min(_MOST_ROWS, MOST_AT_ONCE // max(1, longest)))


def load_prompts(path: str | None) -> Prompts:
    """The prompts of a file, or the built-in ones.

    Raises:
        ConfigError: the file cannot be read, has another format, or has an entry that is not a prompt.
    """
    if path is None:
        text = _BUILT_IN.encode()
        return Prompts(collected(plain([text]))[0], "built-in", hashlib.sha256(text).hexdigest())
    try:
        return _of_file(Path(path), path)
    except ConfigError as error:
        raise ConfigError(f"--prompts {path}: {error}") from None
    except OSError as error:
        raise ConfigError(f"--prompts {path}: {os_words(error)}") from None


def _of_file(path: Path, source: str) -> Prompts:
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind != _TABLE and kind not in READERS:
        known = ", ".join((*READERS, _TABLE))
        raise ConfigError(
            f"unknown type of file: use one of {known}, also compressed as .gz (.txt: one prompt per line)"
        )
    digest = hashlib.sha256()
    with open_named(path) as file:
        pieces = _hashed(file, digest)
        found = parquet_rows(path) if kind == _TABLE else READERS[kind](unpacked(pieces))
        prompts, skipped, note = collected(found)
        if kind == _TABLE:
            for _ in pieces:
                pass
    return Prompts(prompts, source, digest.hexdigest(), skipped, f"--prompts {source}: {note}" if note else "")


def _hashed(file: Any, digest: Any) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        digest.update(piece)
        yield piece
