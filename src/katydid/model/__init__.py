"""Shared types: samples, documents, metrics, options, errors. Pure: no clocks, sockets or files."""
