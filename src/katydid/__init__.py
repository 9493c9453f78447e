"""Katydid: load testing for services that answer slowly, in pieces, or in turns.

The package is read in the order in which data flows: `users` run the load and record samples,
`store` keeps them, `analysis` summarises and compares, `report` shows. `core` is what they all
speak; it knows no clock, no socket and no file.
"""

__version__ = "0.1.0"
