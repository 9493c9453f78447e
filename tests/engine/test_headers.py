"""Headers that a run adds: `--header NAME=VALUE`."""

import pytest
from locust.argument_parser import get_empty_argument_parser

from katydid.engine.options import RunOptions
from katydid.engine.options.parsing import add_arguments, run_options
from katydid.engine.sender.headers import ExtraHeaders, shown_headers
from katydid.model.errors import ConfigError


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("AZURE_KEY", "s3cret-value")


def test_a_value_stands_as_it_is_or_comes_from_a_variable(key):
    headers = ExtraHeaders("X-Tenant=blue=sky\napi-key=env:AZURE_KEY\nAuthorization=Token env:AZURE_KEY")
    assert headers.values == {
        "X-Tenant": "blue=sky",
        "api-key": "s3cret-value",
        "Authorization": "Token s3cret-value",
    }


def test_values_of_variables_and_of_names_that_say_so_are_secrets(key):
    assert ExtraHeaders("X-Tenant=blue").secrets == []
    assert ExtraHeaders("X-Tenant=env:AZURE_KEY").secrets == ["s3cret-value"]
    assert "abcd" in ExtraHeaders("Authorization=Bearer abcd").secrets


def test_they_replace_ours_however_they_are_spelt(key):
    merged = ExtraHeaders("authorization=Token x").over({"Authorization": "Bearer k", "Accept": "*/*"})
    assert merged == {"authorization": "Token x", "Accept": "*/*"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api-key", "is not NAME=VALUE"),
        ("a b=c", "is not NAME=VALUE"),
        ("=c", "is not NAME=VALUE"),
        ("api-key=env:NOT_SET_AT_ALL", "the variable NOT_SET_AT_ALL is not set"),
        ("Content-Length=5", "cannot be set"),
        ("X=\x07", "printable"),
        ("X=ü", "printable"),
    ],
)
def test_what_is_no_header_is_refused_by_its_name(text, message):
    with pytest.raises(ConfigError, match=message):
        ExtraHeaders(text)


def test_a_refusal_does_not_show_the_value(key):
    with pytest.raises(ConfigError) as told:
        ExtraHeaders("api-key s3cret=s3cret-value")
    assert "s3cret-value" not in str(told.value)


def test_what_is_shown_has_names_of_variables_and_no_secret():
    text = "X-Tenant=blue\napi-key=env:AZURE_KEY\nAuthorization=Bearer abcd"
    assert shown_headers(text) == "X-Tenant=blue\napi-key=env:AZURE_KEY\nAuthorization=[redacted]"
    assert shown_headers(None) is None


def parsed(*words, **environment):
    parser = get_empty_argument_parser()
    add_arguments(parser)
    return run_options(parser.parse_args(list(words), env_vars=environment), RunOptions)


def test_the_option_may_be_repeated():
    assert parsed("--header", "A=1", "--header=B=2").header == "A=1\nB=2"
    assert parsed("--header", "A=1", LOAD_TEST_HEADER="C=3").header == "A=1"


def test_the_variable_has_a_header_a_line():
    assert parsed(LOAD_TEST_HEADER="A=1\nB=2").header == "A=1\nB=2"


def test_the_manifest_shows_options_without_their_secrets():
    shown = RunOptions(header="api-key=abcd", endpoint="/v1/x?api-version=3&key=abcd").shown()
    assert shown["header"] == "api-key=[redacted]"
    assert shown["endpoint"] == "/v1/x?api-version=3&key=[redacted]"
    assert "abcd" not in str(shown)


def test_the_manifest_shows_generic_paths_for_generic_services_alone():
    assert not any(name.startswith("sse_") for name in RunOptions().shown())
    shown = parsed("--api", "generic-sse", "--sse-content", "a.b").shown()
    assert (shown["sse_content"], shown["sse_done"]) == ("a.b", "[DONE]")
