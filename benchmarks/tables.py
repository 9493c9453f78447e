"""Tables that are computed row by row. Each row has its own random numbers, so any row can be computed alone."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

Row = tuple[str, Callable[[np.random.Generator], Sequence[str]]]
"""The first cells of a row, and the function that computes its other cells."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select tables and rows."""
    parser.add_argument("--only", type=int, help="compute only this table, counted from 0 (default: all)")
    parser.add_argument("--rows", type=_slice, default=slice(None), help="FROM:TO, rows of each table (default: all)")
    parser.add_argument("--seed", type=int, default=1)


def print_tables(tables: Mapping[Sequence[str], Iterable[Row]], options: argparse.Namespace) -> None:
    """Print tables, given by their columns; each row as soon as it is computed."""
    for number, (columns, rows) in enumerate(tables.items()):
        if options.only in (None, number):
            print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
            for place, (label, cells) in list(enumerate(rows))[options.rows]:
                found = cells(np.random.default_rng([options.seed, number, place]))
                print(f"| {label} | {' | '.join(found)} |", flush=True)
            print()


def percent(share: float) -> str:
    """Format a share as a percentage; NaN as a dash."""
    return "–" if np.isnan(share) else f"{100.0 * share:.1f} %"


def _slice(text: str) -> slice:
    first, _, last = text.partition(":")
    return slice(int(first or 0), int(last) if last else None)
