"""Tables that are made row by row: each row has random numbers of its own, so that any may be made alone."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

Row = tuple[str, Callable[[np.random.Generator], Sequence[str]]]
"""What a row begins with, and what finds its other cells."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What says which rows are made."""
    parser.add_argument("--only", type=int, help="one of the tables, counted from 0 (default: all)")
    parser.add_argument("--rows", type=_slice, default=slice(None), help="FROM:TO, rows of each table (default: all)")
    parser.add_argument("--seed", type=int, default=1)


def print_tables(tables: Mapping[Sequence[str], Iterable[Row]], options: argparse.Namespace) -> None:
    """The tables by their columns; each row as soon as it is there."""
    for number, (columns, rows) in enumerate(tables.items()):
        if options.only in (None, number):
            print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
            for place, (label, cells) in list(enumerate(rows))[options.rows]:
                found = cells(np.random.default_rng([options.seed, number, place]))
                print(f"| {label} | {' | '.join(found)} |", flush=True)
            print()


def percent(share: float) -> str:
    """A dash where there is none."""
    return "–" if np.isnan(share) else f"{100.0 * share:.1f} %"


def _slice(text: str) -> slice:
    first, _, last = text.partition(":")
    return slice(int(first or 0), int(last) if last else None)
