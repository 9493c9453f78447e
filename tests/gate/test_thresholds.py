"""A thresholds file: what it may say, and the one line that it gets where it is wrong."""

from pathlib import Path

import pytest

from katydid.gate.thresholds import Policy, read_limit, read_percent, read_thresholds
from katydid.model.documents.comparison import CompareSettings
from katydid.model.errors import ConfigError
from katydid.model.metrics import METRICS
from katydid.model.units import Unit
from katydid.resources import resource_folder, thresholds_file


def written(folder, text):
    path = folder / "limits.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


WHOLE = """
[objective]
"ttft.p95" = "< 1.5s"
"failure_rate" = "<= 2.9%"
"requests_per_s" = "> 20/s"
[compare]
primary = ["ttft.p50"]
min_change = "3%"
same_within = "7.5%"
[policy]
family_alpha = 0.01
cannot_tell = "fail"
stopped_early = "warn"
"""


def test_everything_that_a_file_may_say_is_read(tmp_path):
    read = read_thresholds(written(tmp_path, WHOLE))
    assert [(o.metric, o.limit.operator, o.limit.value) for o in read.objectives] == [
        ("ttft.p95", "<", 1500.0),
        ("failure_rate", "<=", 0.029),
        ("requests_per_s", ">", 20.0),
    ]
    assert read.wants_comparison
    assert (read.settings.primary, read.settings.min_change, read.settings.same_within) == (("ttft.p50",), 0.03, 0.075)
    assert read.settings.family_alpha == 0.01
    assert (read.cannot_tell, read.stopped_early) == (Policy.FAIL, Policy.WARN)


def test_what_a_file_does_not_say_has_defaults(tmp_path):
    read = read_thresholds(written(tmp_path, '[objective]\n"ttft.p95" = "< 1s"'))
    assert not read.wants_comparison
    assert read.settings == CompareSettings()
    assert (read.cannot_tell, read.stopped_early) == (Policy.WARN, Policy.FAIL)


def test_a_mark_that_some_editors_put_before_the_text_is_read_over(tmp_path):
    assert read_thresholds(written(tmp_path, b"\xef\xbb\xbf" + KEPT.encode())).objectives


def test_a_metric_may_stand_without_quotes(tmp_path):
    (objective,) = read_thresholds(written(tmp_path, '[objective]\nttft.p95 = "< 1s"')).objectives
    assert objective.metric == "ttft.p95"


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("< 1.5s", Unit.MS, 1500.0),
        ("<200ms", Unit.MS, 200.0),
        (" <=  2 min ", Unit.MS, 120_000.0),
        ("< 1m30s", Unit.MS, 90_000.0),
        ("< 1h", Unit.MS, 3_600_000.0),
        ("<500us", Unit.MS, 0.5),
        ("< 2.9ms", Unit.MS, 2.9),
        ("< 1%", Unit.FRACTION, 0.01),
        (">= 99.5 %", Unit.FRACTION, 0.995),
        ("> 20/s", Unit.PER_SECOND, 20.0),
        ("<= 0%", Unit.FRACTION, 0.0),
    ],
)
def test_a_limit_is_a_comparison_a_number_and_a_unit(text, unit, value):
    assert read_limit(text, unit).value == value


def test_a_percentage_is_the_same_number_as_a_quotient_of_counts():
    assert read_limit("<= 2.9%", Unit.FRACTION).keeps(29 / 1000)
    assert not read_limit("< 2.9%", Unit.FRACTION).keeps(29 / 1000)
    assert read_percent("0.1%") == 1 / 1000


@pytest.mark.parametrize(
    ("limit", "kept", "broken"),
    [("< 2s", 1999.9, 2000.0), ("<= 2s", 2000.0, 2000.1), ("> 2s", 2000.1, 2000.0), (">= 2s", 2000.0, 1999.9)],
)
def test_only_what_the_sign_says_is_within_a_limit(limit, kept, broken):
    assert read_limit(limit, Unit.MS).keeps(kept)
    assert not read_limit(limit, Unit.MS).keeps(broken)


def test_what_is_no_number_keeps_no_limit():
    assert not any(read_limit(f"{sign} 1s", Unit.MS).keeps(float("nan")) for sign in ("<", "<=", ">", ">="))


WRITTEN = {
    Unit.MS: "< 1s", Unit.FRACTION: "< 1%", Unit.PER_SECOND: "< 1/s", Unit.TOKENS_PER_SECOND: "< 1 tok/s",
    Unit.RATIO: "< 0.8", Unit.COUNT: "< 3"
}  # fmt: skip


@pytest.mark.parametrize("unit", Unit)
def test_every_unit_can_be_limited_and_refuses_another_one(unit):
    assert read_limit(WRITTEN[unit], unit).value > 0
    with pytest.raises(ConfigError, match=r"has the unit \"stone\", but the metric is measured in"):
        read_limit("< 1 stone", unit)


def test_every_metric_takes_a_limit_in_its_unit(tmp_path):
    assert all(read_limit(WRITTEN[metric.unit], metric.unit) for metric in METRICS.values())


OBJECTIVE = "[objective]\n"
KEPT = OBJECTIVE + '"ttft.p95" = "< 1s"\n'
WRONG = {
    "no text": (b"\xff\xfe\x00", " is not UTF-8 text: save it in UTF-8"),
    "empty": ("", " has no limits: add a section [objective] or [compare]"),
    "an empty objective": (OBJECTIVE, " has no limits: add a section [objective] or [compare]"),
    "an unknown section": (
        '[objectives]\n"ttft.p95" = "< 1s"\n',
        ': there is no section "objectives": did you mean objective?',
    ),
    "a key outside of sections": (
        'cannot_tell = "fail"\n',
        ': there is no section "cannot_tell": choose one of objective, compare, policy',
    ),
    "a section that is none": (
        'objective = "ttft"\n',
        ": objective is not a section: write [objective] on a line of its own",
    ),
    "an unknown metric": (
        OBJECTIVE + '"ttft.p59" = "< 1s"',
        ': [objective] "ttft.p59": there is no such metric: did you mean ttft.p99 or ttft.p95 or ttft.p90?',
    ),
    "a metric unlike any": (
        OBJECTIVE + '"happiness" = "< 1s"',
        ': [objective] "happiness": there is no such metric: a run\'s summary.json lists the metrics',
    ),
    "a metric's first half": (
        OBJECTIVE + '"ttft" = "< 1s"',
        ': [objective] "ttft": there is no such metric: did you mean ttft.p99 or ttft.p95 or ttft.p90?',
    ),
    "twice, once without quotes": (
        KEPT + 'ttft.p95 = "< 2s"\n',
        ': [objective] "ttft.p95" is given twice: keep one',
    ),
    "a number": (
        OBJECTIVE + '"ttft.p95" = 1500',
        (
            ': [objective] "ttft.p95": 1500 is an invalid limit: write a comparison, a number and a unit in '
            'quotes, such as "< 1.5s or < 200ms"'
        ),
    ),
    "no comparison": (
        OBJECTIVE + '"ttft.p95" = "1.5s"',
        (
            ': [objective] "ttft.p95": "1.5s" is an invalid limit: write <, <=, > or >=, a number and a unit, '
            'such as "< 1.5s or < 200ms"'
        ),
    ),
    "another comparison": (
        OBJECTIVE + '"ttft.p95" = "= 1.5s"',
        (
            ': [objective] "ttft.p95": "= 1.5s" is an invalid limit: write <, <=, > or >=, a number and a '
            'unit, such as "< 1.5s or < 200ms"'
        ),
    ),
    "no unit": (
        OBJECTIVE + '"ttft.p95" = "< 1500"',
        (
            ': [objective] "ttft.p95": "< 1500" has no unit, but the metric is measured in time: write it '
            'as in "< 1.5s or < 200ms"'
        ),
    ),
    "no unit for a share": (
        OBJECTIVE + '"failure_rate" = "< 1"',
        ': [objective] "failure_rate": "< 1" has no unit, but the metric is measured in percent: write it as in "< 1%"',
    ),
    "a time for a share": (
        OBJECTIVE + '"failure_rate" = "< 1s"',
        (
            ': [objective] "failure_rate": "< 1s" has the unit "s", but the metric is measured in '
            'percent: write it as in "< 1%"'
        ),
    ),
    "a share for a time": (
        OBJECTIVE + '"ttft.p95" = "< 1%"',
        (
            ': [objective] "ttft.p95": "< 1%" has the unit "%", but the metric is measured in time: write '
            'it as in "< 1.5s or < 200ms"'
        ),
    ),
    "a time for a rate": (
        OBJECTIVE + '"requests_per_s" = "> 20 s"',
        (
            ': [objective] "requests_per_s": "> 20 s" has the unit "s", but the metric is measured in '
            'events per second: write it as in "> 20/s"'
        ),
    ),
    "an unknown unit": (
        OBJECTIVE + '"ttft.p95" = "< 1 fortnight"',
        (
            ': [objective] "ttft.p95": "< 1 fortnight" has the unit "fortnight", but the metric is '
            'measured in time: write it as in "< 1.5s or < 200ms"'
        ),
    ),
    "below zero": (
        OBJECTIVE + '"ttft.p95" = "< -1s"',
        (
            ': [objective] "ttft.p95": "< -1s" is an invalid limit: write <, <=, > or >=, a number and a '
            'unit, such as "< 1.5s or < 200ms"'
        ),
    ),
    "never kept": (
        OBJECTIVE + '"failure_rate" = "< 0%"',
        ': [objective] "failure_rate": "< 0%" can never be met: choose another number',
    ),
    "never violated": (
        OBJECTIVE + '"failure_rate" = "<= 100%"',
        ': [objective] "failure_rate": "<= 100%" can never be violated: choose another number',
    ),
    "a contradiction": (
        OBJECTIVE + '"ttft.p50" = "> 2s"\n"ttft.p95" = "< 1s"',
        ': [objective] "ttft.p50" = "> 2s" contradicts "ttft.p95" = "< 1s": ttft.p50 is never more than ttft.p95',
    ),
    "a contradiction at the limit": (
        OBJECTIVE + '"ttft.p50" = ">= 1s"\n"ttft.p95" = "< 1s"',
        ': [objective] "ttft.p50" = ">= 1s" contradicts "ttft.p95" = "< 1s": ttft.p50 is never more than ttft.p95',
    ),
    "an unknown key of compare": (
        '[compare]\nmin_chang = "5%"',
        ': [compare]: there is no "min_chang": did you mean min_change?',
    ),
    "an unknown primary": (
        '[compare]\nprimary = ["duration.p96"]',
        (
            ': [compare] primary: there is no metric "duration.p96": did you mean duration.p99 or '
            "duration.p95 or duration.p90?"
        ),
    ),
    "a primary without direction": (
        '[compare]\nprimary = ["late.p95"]',
        ': [compare] primary: "late.p95" has no better direction: choose another metric',
    ),
    "a primary twice": (
        '[compare]\nprimary = ["ttft.p50", "ttft.p50"]',
        ": [compare] primary: a metric is given twice: keep one",
    ),
    "no primary": (
        "[compare]\nprimary = []",
        ': [compare] primary: give a list of metrics, such as ["duration.p50", "duration.p95"]',
    ),
    "a primary that is no list": (
        '[compare]\nprimary = "ttft.p50"',
        ': [compare] primary: give a list of metrics, such as ["duration.p50", "duration.p95"]',
    ),
    "a change without percent": (
        "[compare]\nmin_change = 0.05",
        ': [compare] min_change: 0.05 is not a percentage: write it in quotes, such as "5%"',
    ),
    "a change in milliseconds": (
        '[compare]\nmin_change = "5ms"',
        ': [compare] min_change: "5ms" is not a percentage: write it in quotes, such as "5%"',
    ),
    "no difference without percent": (
        "[compare]\nsame_within = 0.1",
        ': [compare] same_within: 0.1 is not a percentage: write it in quotes, such as "5%"',
    ),
    "false alarms as a text": (
        KEPT + '[policy]\nfamily_alpha = "2%"',
        ": [policy] family_alpha: '2%' is not a false-alarm rate: choose a number above 0 and at most 0.2",
    ),
    "a change wider than no difference": (
        '[compare]\nmin_change = "20%"\nsame_within = "10%"',
        (
            ": [compare] min_change 0.2 and same_within 0.1 contradict each other: choose 0 ≤ min_change ≤ "
            "same_within < 1 (as fractions), and same_within above 0"
        ),
    ),
    "an unknown policy": (
        KEPT + '[policy]\ncannot_tell = "ignore"',
        ': [policy] cannot_tell: \'ignore\' is not a policy: choose "warn" or "fail"',
    ),
    "an unknown policy for runs that were stopped": (
        KEPT + "[policy]\nstopped_early = 1",
        ': [policy] stopped_early: 1 is not a policy: choose "warn" or "fail"',
    ),
    "an unknown key of policy": (
        KEPT + "[policy]\nalpha = 0.02",
        ': [policy]: there is no "alpha": choose one of family_alpha, cannot_tell, stopped_early',
    ),
    "too many false alarms": (
        KEPT + "[policy]\nfamily_alpha = 0.5",
        ": [policy] family_alpha: 0.5 is not a false-alarm rate: choose a number above 0 and at most 0.2",
    ),
    "no false alarms at all": (
        KEPT + "[policy]\nfamily_alpha = 0",
        ": [policy] family_alpha: 0 is not a false-alarm rate: choose a number above 0 and at most 0.2",
    ),
    "a truth for a number": (
        KEPT + "[policy]\nfamily_alpha = true",
        ": [policy] family_alpha: True is not a false-alarm rate: choose a number above 0 and at most 0.2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_gets_one_line_with_its_name_the_key_and_what_to_do(tmp_path, name):
    text, message = WRONG[name]
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read_thresholds(path)
    assert str(error.value) == f"{path}{message}"


@pytest.mark.parametrize("text", ["[objective\n", KEPT + '"ttft.p95" = "< 2s"\n'], ids=["malformed", "a key twice"])
def test_what_is_no_toml_is_told_in_the_words_of_the_reader(tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read_thresholds(path)
    said = str(error.value).removeprefix(f"{path} is not TOML: ")
    assert "(at line" in said
    assert said == said.lower()


@pytest.mark.parametrize(
    "limits",
    [
        ("< 2s", "< 1s"),
        ("> 2s", "> 1s"),
        ("< 1s", "> 2s"),
        ("> 1s", "< 2s"),
        (">= 1s", "<= 1s"),
    ],
)
def test_limits_that_leave_room_for_each_other_may_stand_together(tmp_path, limits):
    text = OBJECTIVE + "".join(
        f'"ttft.{name}" = "{limit}"\n' for name, limit in zip(("p50", "p95"), limits, strict=True)
    )
    assert len(read_thresholds(written(tmp_path, text)).objectives) == 2


@pytest.mark.parametrize("limits", [("> 1s", "< 1s"), ("> 1s", "<= 1s"), (">= 1s", "< 1s"), (">= 1.1s", "<= 1s")])
def test_limits_that_leave_no_room_contradict_each_other_in_whichever_order_they_stand(tmp_path, limits):
    lines = [f'"ttft.{name}" = "{limit}"\n' for name, limit in zip(("min", "max"), limits, strict=True)]
    for text in ("".join(lines), "".join(reversed(lines))):
        with pytest.raises(ConfigError, match="contradicts"):
            read_thresholds(written(tmp_path, OBJECTIVE + text))


def test_the_edges_of_what_a_comparison_may_be_asked_for(tmp_path):
    text = '[compare]\nmin_change = "%s"\nsame_within = "%s"\n[policy]\nfamily_alpha = %s'
    for within in (("0%", "99.9%", "0.2"), ("10%", "10%", "0.0001")):
        assert read_thresholds(written(tmp_path, text % within)).wants_comparison
    for beyond in (("0%", "100%", "0.1"), ("0%", "0%", "0.1"), ("0%", "10%", "0.201")):
        with pytest.raises(ConfigError):
            read_thresholds(written(tmp_path, text % beyond))


def test_a_whole_number_of_false_alarms_is_refused_and_a_share_is_a_float(tmp_path):
    assert read_thresholds(written(tmp_path, KEPT + "[policy]\nfamily_alpha = 0.2")).settings.family_alpha == 0.2
    with pytest.raises(ConfigError, match="1 is not a false-alarm rate"):
        read_thresholds(written(tmp_path, KEPT + "[policy]\nfamily_alpha = 1"))


def test_a_file_with_a_comparison_alone_judges_by_it_with_the_usual_settings(tmp_path):
    read = read_thresholds(written(tmp_path, "[compare]\n"))
    assert (read.objectives, read.wants_comparison, read.settings) == ((), True, CompareSettings())


def test_where_it_was_read_is_known(tmp_path):
    path = written(tmp_path, KEPT)
    assert read_thresholds(path).source == str(path)


def test_a_device_without_an_end_is_no_thresholds_file():
    with pytest.raises(ConfigError, match="/dev/zero is larger than 1 MiB: name a thresholds file"):
        read_thresholds(Path("/dev/zero"))


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5000])
def test_what_the_reader_itself_chokes_on_is_no_toml(tmp_path, text):
    (tmp_path / "file.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"file\.toml is not TOML: "):
        read_thresholds(tmp_path / "file.toml")


def test_a_folder_is_no_thresholds_file(tmp_path):
    with pytest.raises(ConfigError, match=r"; name a thresholds file$"):
        read_thresholds(tmp_path)


@pytest.mark.parametrize("text", ["<1s", "<  1s", "\t< 1 s\n"])
def test_a_limit_is_quoted_as_it_was_written_without_the_blanks_around_it(text):
    assert read_limit(text, Unit.MS).text == text.strip()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none.toml: no such file or directory; name a thresholds file"):
        read_thresholds(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(resource_folder("thresholds").glob("*.toml")), ids=lambda path: path.name)
def test_every_file_that_we_ship_can_be_read(path):
    assert read_thresholds(path).objectives


def test_a_workload_names_the_file_that_we_ship_unless_there_is_such_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert thresholds_file("stream") == resource_folder("thresholds") / "stream.toml"
    (tmp_path / "stream").touch()
    assert str(thresholds_file("stream")) == "stream"
    assert str(thresholds_file("other")) == "other"
