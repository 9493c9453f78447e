"""The identity of a run's sender: API key, `--header`, the login in the URL; and which targets get these secrets.

Anyone who can reach the web UI can enter a target in its form, and keys must not go there. So only the target that
the web UI was started with gets them; with `--web-login`, any target does.
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
"""In place of an origin: no target gets secrets."""
_UNSENT_LOGIN = "the login in the URL of --host is not sent: the API key or --header is, in its place"


class Identity:
    """The sender's identity in a service's requests.

    Args:
        options: the run's options.
        url: the target's URL.
        headers_of: returns the API's headers for a key.
        vendor: the API whose SDK's variables may hold the key; empty for none.

    Attributes:
        key: the API key for this target.
        credentials: the headers of every request.
        trusted: this target gets the secrets.
        note: a note for the user about the secrets; empty if there is nothing to say.

    Raises:
        ConfigError: a key or a header is invalid.
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
        """Add the login and `--header` to headers, but not the API key."""
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
    """In runs that the web UI starts, send secrets only to the target that the web UI was started with.

    Args:
        parsed: Locust's options, which it sends to its workers.
        host: the target that the web UI was started with; None if it was not given.
        api: the API whose SDK's variable names the target if `host` does not.
    """
    try:
        origin = read_target_url(host or vendors_host(api)[0]).origin
    except ConfigError:  # no valid target, so nobody gets the secrets
        origin = NO_TARGET
    setattr(parsed, SECRETS_WIRE_NAME, origin)


def _has_authorization(headers: dict[str, str]) -> bool:
    return any(name.lower() == "authorization" for name in headers)


def _no_key(vendor: str, origin: str) -> tuple[ApiKey, str]:
    variables = (KEY, KEY_FILE, KEY_COMMAND, *([VENDORS[vendor].key] if vendor in VENDORS else []))
    held = next((name for name in variables if name and os.environ.get(name, "").strip()), None)
    note = f"{held} is not sent to {origin}: start the web UI with --host {origin}, or with --web-login" if held else ""
    return ApiKey(None), note
