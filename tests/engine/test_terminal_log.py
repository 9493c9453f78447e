"""Locust's log on a terminal: part of what a person reads, in lines that fit."""

import logging
from types import SimpleNamespace

import pytest

from katydid.engine.live.output import take_over_log, warning_line
from katydid.engine.live.progress import Progress

NAMES = (None, "locust", "locust.main", "locust.stats_logger")


@pytest.fixture
def log(monkeypatch):
    """Take Locust's log over as `shows_run` says, set it up, and let its main module say something."""
    for name in NAMES:
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "handlers", [])
        monkeypatch.setattr(logger, "filters", [])
        monkeypatch.setattr(logger, "disabled", False)

    def set_up(level, file):
        handler = logging.FileHandler(file) if file else logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[now] %(message)s"))
        logging.getLogger("locust").handlers = [handler]

    def say(text, *, shows_run=False, level="WARNING", file=None, by="locust.main"):
        main = SimpleNamespace(setup_logging=set_up)
        take_over_log(main, shows_run=shows_run)
        main.setup_logging(level, file)
        logging.getLogger(by).warning(text)
        for handler in logging.getLogger("locust").handlers:
            handler.close()

    return say


@pytest.mark.parametrize(("columns", "lines"), [("24", "[now] Starting the page\nwhere you are\n"), ("", None)])
def test_lines_fit_the_terminal_and_are_one_where_nobody_says_how_wide_it_is(log, capsys, monkeypatch, columns, lines):
    monkeypatch.setenv("COLUMNS", columns)
    log("Starting the page where you are")
    assert capsys.readouterr().err == (lines or "[now] Starting the page where you are\n")


def test_indented_lines_of_a_traceback_stay_as_they_are(log, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    log("Traceback:\n  File")
    assert capsys.readouterr().err == "[now] Traceback:\n  File\n"


def test_warnings_of_a_run_and_of_the_log_look_alike(log, capsys):
    log("the load is lighter", shows_run=True)
    assert capsys.readouterr().err == f"{warning_line(logging.WARNING, 'the load is lighter')}\n"


def test_a_log_of_another_level_stays_locusts(log, capsys):
    log("the load is lighter", shows_run=True, level="INFO")
    assert capsys.readouterr().err == "[now] the load is lighter\n"


def test_a_log_in_a_file_stays_locusts(log, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    log("the load is lighter", shows_run=True, file=tmp_path / "log")
    assert (tmp_path / "log").read_text() == "[now] the load is lighter\n"
    assert capsys.readouterr().err == ""


def test_locusts_tables_and_its_advice_on_shapes_are_not_printed(log, capsys):
    log("Type     Name  # reqs", by="locust.stats_logger")
    log("--run-time, --users or --spawn-rate have no impact on LoadShapes unless the shape class reads them.")
    assert capsys.readouterr().err == ""


def test_a_warning_of_our_own_looks_so_too(capsys, monkeypatch):
    monkeypatch.setattr(Progress, "enabled", True)
    progress = Progress(SimpleNamespace(), figures=lambda: None, headless=True)
    progress.warn("the load is lighter")
    assert capsys.readouterr().out == "Warning: the load is lighter\n"
