"""Keeps secrets and control characters out of all text that is stored or shown. Pure."""

import base64
import html
import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit, urlunsplit

from katydid.model.jsontext import json_text
from katydid.model.oneline import one_line, without_users
from katydid.model.sample import DETAIL_LIMIT

MASK = "[redacted]"
COMPLAINT_LIMIT = 1000
"""Maximum characters of an error message about a target; leaves room for the names of its models."""
_SHORTEST = 4  # masking anything shorter would hide half of every text
_PIECE = 8
"""Any piece of a secret with this many characters is masked, because a target may quote only part of a secret."""

_LOOKS_SECRET = re.compile(
    r"\b(?:sk|rk|pk)-[A-Za-z0-9_-]{12,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=Basic )[A-Za-z0-9+/=]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)


_URL_SAFE = str.maketrans("+/", "-_")
_SECRET_NAME = re.compile(r"auth|key|token|secret|password|passwd|cookie|credential|signature|^sig$", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Return True if the name of a header, query parameter or field indicates a secret."""
    return bool(_SECRET_NAME.search(name))


def hide_query(path: str) -> str:
    """Return the path with the values of secret query parameters masked."""
    before, mark, query = path.partition("?")
    members = [member.partition("=") for member in query.split("&")]
    shown = [name + equals + (MASK if equals and is_secret_name(name) else value) for name, equals, value in members]
    return before + mark + "&".join(shown)


_ASSIGNED = re.compile(r"(?P<name>--?[\w-]+[ =]|\b\w+=)(?P<value>\"[^\"]*\"|'[^']*'|\S+)")


def hide_assigned(command: str) -> str:
    """Mask the values of secret options and variables in a command line; numbers are not secret."""

    def shown(found: re.Match[str]) -> str:
        value = found["value"]
        return found["name"] + (MASK if is_secret_name(found["name"]) and not value.isdecimal() else value)

    return _LOOKS_SECRET.sub(MASK, without_users(_USER_OPTION.sub(rf"\1{MASK}", _ASSIGNED.sub(shown, command))))


_USER_OPTION = re.compile(r"((?:^|\s)(?:-u ?|--user[ =]))(?!\d+(?::\d+)?(?:\s|$))(?:\"[^\"]*\"|'[^']*'|[^\s:]+:\S+)")
"""curl's `-u NAME:PASSWORD`; two numbers are the user and group of a container instead."""


class Redactor:
    """Masks known secrets in any common encoding, and anything that looks like a secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = set(secrets)
        self.add()

    def add(self, *secrets: str) -> None:
        """Add secrets to mask."""
        self._secrets.update(secrets)
        plain = {text for secret in self._secrets for text in (secret, unquote(secret)) if len(text) >= _SHORTEST}
        forms = {form for text in plain for form in _forms(text)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._pieces = {form[at : at + _PIECE] for text in plain for form in _encoded(text) for at in _places(form)}
        self._known = re.compile("|".join(map(_escaped_or_not, self._forms))) if forms else None

    def text(self, text: str, limit: int = DETAIL_LIMIT) -> str:
        """Return one safe line of at most `limit` characters."""
        text = one_line(text)  # first, because control characters could split a secret
        if self._known is not None:
            text = self._without_pieces(self._without_beginnings(self._known.sub(MASK, text)))
        return _LOOKS_SECRET.sub(MASK, text)[:limit]

    def _without_pieces(self, text: str) -> str:
        """Mask all pieces of secrets, also within base64 text that contains other bytes before the secret."""
        hidden = [False] * len(text)
        for at in _places(text):
            if text[at : at + _PIECE] in self._pieces:
                hidden[at : at + _PIECE] = [True] * _PIECE
        parts = groupby(zip(text, hidden, strict=True), key=itemgetter(1))
        return "".join(MASK if masked else "".join(char for char, _ in part) for masked, part in parts)

    def _without_beginnings(self, text: str) -> str:
        """Mask the beginning of a secret at the end of the text, where the text may have been cut off."""
        stem = text.rstrip("'\"")
        for form in self._forms:
            for length in range(min(len(form), len(stem)), _SHORTEST - 1, -1):
                if stem.endswith(form[:length]):
                    return stem[:-length] + MASK
        return text


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode("ascii")
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        encoded,
        encoded.rstrip("="),
        json_text(secret, ascii_only=True)[1:-1],
        html.escape(secret),
    }


def _encoded(secret: str) -> set[str]:
    """Return a secret and its base64 forms at all three byte offsets, without characters that depend on other bytes."""
    shifted = (base64.b64encode(b" " * before + secret.encode()).decode("ascii") for before in range(3))
    stems = {text.rstrip("=")[(0, 2, 3)[before] : -1] for before, text in enumerate(shifted)}
    return {secret, *stems, *(stem.translate(_URL_SAFE) for stem in stems)}


def _places(text: str) -> range:
    """Return the start indices of all pieces of a text."""
    return range(len(text) - _PIECE + 1)


def _escaped_or_not(form: str) -> str:
    """Return a pattern for a text in which special characters may be escaped with any number of backslashes."""
    return "".join(char if char.isalnum() else r"\\*" + re.escape(char) for char in form)


def query_secrets(path: str) -> list[str]:
    """Return the values of secret query parameters."""
    return [value for name, value in parse_qsl(urlsplit(path).query) if is_secret_name(name)]


def strip_credentials(url: str) -> str:
    """Return the URL without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def only_its_length(text: str) -> str:
    """Return the size of a text that may be private, such as `27 bytes`, to show instead of it."""
    size = len(text.encode())
    return f"{size} {'byte' if size == 1 else 'bytes'}"
