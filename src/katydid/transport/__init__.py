"""Connections to the target: send requests, receive responses and WebSocket messages, and timestamp them."""

from katydid.transport.exchange import VERIFIED, Client, Timeouts, TlsSettings


def open_client(kind: str, url: str, timeouts: Timeouts, tls: TlsSettings = VERIFIED) -> Client:
    """Create the client that `--client` names.

    Raises:
        ConfigError: the URL, a proxy in the environment or a certificate file is unusable.
    """
    if kind == "requests":
        from katydid.transport.requests_client import RequestsClient  # noqa: PLC0415 - import only the client in use

        return RequestsClient(url, timeouts, tls)
    from katydid.transport.http import HttpClient  # noqa: PLC0415 - see above

    return HttpClient(url, timeouts, tls)
