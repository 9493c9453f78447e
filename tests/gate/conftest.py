"""Tests compare the same runs over and over."""

from reading import _runs_are_read_once  # noqa: F401 - a fixture
