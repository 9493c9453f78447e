"""Secrets and control characters stay out of texts."""

import base64

import pytest

from katydid.model.redact import Redactor, hide_assigned, hide_query, is_secret_name, strip_credentials

SECRET = "pässword/42+x"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("curl -u admin:hunter2 http://h", "curl -u [redacted] http://h"),
        ("curl --user 'admin:hunter2' http://h", "curl --user [redacted] http://h"),
        ("curl http://admin:hunter2@h/restart", "curl http://h/restart"),
        ("docker run -u 1000:1000 image", "docker run -u 1000:1000 image"),
    ],
)
def test_a_command_is_shown_without_users_and_passwords(command, shown):
    assert hide_assigned(command) == shown


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "p%C3%A4ssword%2F42%2Bx",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
        r"p\u00e4ssword/42+x",
        r"p\u00e4ssword\/42+x",
        r"pässword\\/42\+x",
        "päss\x1b[31mword/42+x",
        "päss\x1b]0;title\x07word/42+x",
    ],
)
def test_a_secret_is_masked_however_it_is_written(form):
    assert Redactor([SECRET]).text(f"key {form} end") == "key [redacted] end"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Bearer abcdefgh12345", "Bearer [redacted]"),
        ("key sk-proj-abcdefghijkl1234 is wrong", "key [redacted] is wrong"),
        ("two\nlines\tand\x00more", "two lines and more"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        ("\u202eevil", "evil"),
        ("x" * 500, "x" * 200),
    ],
)
def test_texts_are_made_harmless(text, clean):
    assert Redactor([]).text(text) == clean


@pytest.mark.parametrize("length", range(4, len(SECRET)))
@pytest.mark.parametrize("end", ["", "'", '"'])
def test_the_beginning_of_a_secret_where_a_text_was_cut_off_is_masked(length, end):
    assert Redactor([SECRET]).text(f"key {SECRET[:length]}{end}") == "key [redacted]"


KEY = "canary-KEY/7+secret-1a2b"


@pytest.mark.parametrize("at", range(1, len(KEY) - 8))
def test_a_secret_without_its_first_characters_is_masked(at):
    assert Redactor([KEY]).text(f"key …{KEY[at:]} is wrong") == "key …[redacted] is wrong"
    assert Redactor([KEY]).text(f"key {KEY[at : at + 8]}*** is wrong") == "key [redacted]*** is wrong"


@pytest.mark.parametrize("user", ["", "u", "me", "bot", "user"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_in_base64_is_masked_whatever_stands_before_it(user, encode):
    said = Redactor([KEY]).text(f"got {encode(f'{user}:{KEY}, then more'.encode()).decode()}")
    assert "[redacted]" in said
    for shift in range(3):
        inside = encode(b" " * shift + KEY.encode()).decode()[4:-4]
        assert not any(inside[i : i + 8] in said for i in range(len(inside) - 7))


def test_words_that_a_secret_shares_with_others_stay():
    assert Redactor([KEY]).text("a secret key is missing") == "a secret key is missing"


def test_a_secret_across_the_limit_leaves_no_half():
    assert "päs" not in Redactor([SECRET]).text("x" * 195 + " " + SECRET)


def test_a_password_from_a_url_is_masked_as_it_is_meant_too():
    assert Redactor(["p%40ss%3Aword"]).text("p%40ss%3Aword is p@ss:word") == "[redacted] is [redacted]"


def test_a_quoted_secret_is_masked_as_html_has_it():
    assert Redactor(['a"b&c']).text("<p>a&quot;b&amp;c</p>") == "<p>[redacted]</p>"


def test_a_secret_too_short_to_be_one_is_left():
    assert Redactor(["a", ""]).text("a banana") == "a banana"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("http://user:pw@host:8080/x?key=1#f", "http://host:8080/x"),
        ("https://host", "https://host"),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_credentials_go_out_of_urls(url, clean):
    assert strip_credentials(url) == clean


def test_a_query_keeps_its_names_and_harmless_values():
    assert hide_query("/v1?api-version=2024-10-21&sig=abc&flag") == "/v1?api-version=2024-10-21&sig=[redacted]&flag"
    assert hide_query("/v1/messages") == "/v1/messages"


@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-Api-Key", "sig", "access_token", "Cookie"])
def test_a_name_that_says_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["X-Tenant", "api-version", "OpenAI-Organization", "design"])
def test_a_name_that_does_not(name):
    assert not is_secret_name(name)


def test_a_text_is_cut_where_it_is_asked_for_and_stripped():
    assert Redactor([]).text("  abcdef  ", limit=4) == "abcd"


def test_a_secret_of_four_characters_is_one():
    assert Redactor(["k9x2"]).text("a k9x2 b") == "a [redacted] b"
    assert Redactor(["k9x"]).text("a k9x b") == "a k9x b"


def test_the_longest_of_several_secrets_is_masked_whole():
    assert Redactor(["secret", "secret-and-more"]).text("a secret-and-more b secret c") == "a [redacted] b [redacted] c"


def test_without_secrets_a_text_keeps_its_end():
    assert Redactor([]).text("it's 'quoted'") == "it's 'quoted'"
    assert Redactor(["password"]).text("it's 'quoted'") == "it's 'quoted'"


def test_three_characters_of_a_secret_at_the_end_are_left_and_four_are_not():
    assert Redactor(["password"]).text("key pas") == "key pas"
    assert Redactor(["password"]).text("key pass") == "key [redacted]"


def test_a_secret_in_a_form_is_masked():
    assert Redactor(["a b&c d"]).text("key=a+b%26c+d&x=1") == "key=[redacted]&x=1"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/x?key=", "/x?key=[redacted]"),
        ("/x?key", "/x?key"),
        ("/x?a=b=c&token=d=e", "/x?a=b=c&token=[redacted]"),
        ("/x?a=1?key=2", "/x?a=1?key=2"),
        ("/x?", "/x?"),
    ],
)
def test_a_query_is_shown_as_it_was_but_for_secret_values(path, shown):
    assert hide_query(path) == shown


def test_a_url_keeps_its_path_alone():
    assert strip_credentials("https://u@p@host/a/b?c#d") == "https://host/a/b"


@pytest.mark.parametrize("text", ["key passX", r"key p\assword is another"])
def test_what_only_resembles_a_secret_is_left(text):
    assert Redactor(["password"]).text(text) == text


def test_a_secret_with_blanks_and_slashes_is_masked_as_a_path_has_it():
    assert Redactor(["a b/c"]).text("/x/a%20b%2Fc/y") == "/x/[redacted]/y"


def test_a_command_is_shown_without_what_its_options_and_variables_keep_secret():
    command = "HF_TOKEN=hf_abc PORT=80 serve --api-key 'a b' --auth=xy --max-tokens 128 --model m Bearer abcdefgh12"
    shown = "HF_TOKEN=[redacted] PORT=80 serve --api-key [redacted] --auth=[redacted] --max-tokens 128 --model m"
    assert hide_assigned(command) == f"{shown} Bearer [redacted]"
