"""Who sends a run's requests: the API key, the headers of `--header`, the login in the URL; and which target gets them.

A target that somebody typed into the web page's form is nobody whom the keys were meant for: whoever reaches the page
chooses it. So only the target that the page was started with gets them, or, behind `--web-login`, any.
"""

import base64
import os
from argparse import Namespace
from collections.abc import Callable

from katydid.engine.options import RunOptions
from katydid.engine.run_info import SECRETS_WIRE_NAME
from katydid.engine.sender.api_key import KEY, KEY_COMMAND, KEY_FILE, ApiKey, find_key
from katydid.engine.sender.credentials import Credentials
from katydid.engine.sender.headers import ExtraHeaders, without_secrets
from katydid.engine.sender.sdk_environment import VENDORS, vendors_host
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import TargetUrl, read_target_url

NO_TARGET = "none"
"""In the place of an origin: no target gets a secret."""
_UNSENT_LOGIN = "the login in the URL of --host is not sent: the API key or --header is, in its place"


class Identity:
    """What the requests of a service say of who sends them.

    Args:
        options: of the run.
        url: of the target.
        headers_of: the API's headers with a key.
        vendor: API whose SDK's variables may hold the key; empty for none.

    Attributes:
        key: that the target is given.
        credentials: the headers of every request.
        trusted: this target gets the secrets.
        note: what a person should know of them; empty for nothing.

    Raises:
        ConfigError: a key or a header cannot be sent.
    """

    def __init__(
        self, options: RunOptions, url: TargetUrl, headers_of: Callable[[str | None], dict[str, str]], vendor: str = ""
    ) -> None:
        self.trusted = options.secrets_for in {None, url.origin}
        self.key, self.note = find_key(vendor, url.url) if self.trusted else _no_key(vendor, url.origin)
        self._extra = ExtraHeaders(options.header if self.trusted else without_secrets(options.header))
        login = f"{url.user}:{url.password}" if url.user or url.password else ""
        self._basic = base64.b64encode(login.encode()).decode("ascii") if login else ""
        self._password = url.password
        if self._basic and _has_authorization(self._extra.over(headers_of(self.key.value))):
            self.note = "; ".join(filter(None, (self.note, _UNSENT_LOGIN)))
        self.credentials = Credentials(self.key, lambda key: self._with_login(headers_of(key)), self._extra)

    def without_key(self, headers: dict[str, str]) -> dict[str, str]:
        """The headers of a request that gets no API key, and these with them."""
        return self._extra.over(self._with_login(headers))

    def _with_login(self, headers: dict[str, str]) -> dict[str, str]:
        if not self._basic or _has_authorization(headers):
            return headers
        return headers | {"Authorization": f"Basic {self._basic}"}

    @property
    def secrets(self) -> list[str]:
        """Texts that must never be shown."""
        known = (*self.key.known, self._password, self._basic, *self._extra.secrets)
        return [secret for secret in known if secret]


def keep_secrets(parsed: Namespace, host: str | None, api: str) -> None:
    """Have runs that the page starts give secrets to the target of its start alone; in all processes.

    Args:
        parsed: Locust's options, which it sends to its workers.
        host: of the start; None where none was given.
        api: the one whose SDK's variable may name the target instead.
    """
    try:
        origin = read_target_url(host or vendors_host(api)[0]).origin
    except ConfigError:  # what it is not given, nobody gets; a start with it is refused
        origin = NO_TARGET
    setattr(parsed, SECRETS_WIRE_NAME, origin)


def _has_authorization(headers: dict[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _no_key(vendor: str, origin: str) -> tuple[ApiKey, str]:
    variables = (KEY, KEY_FILE, KEY_COMMAND, *([VENDORS[vendor].key] if vendor in VENDORS else []))
    held = next((name for name in variables if name and os.environ.get(name, "").strip()), None)
    note = f"{held} is not sent to {origin}: start the page with --host {origin}, or with --web-login" if held else ""
    return ApiKey(None), note
