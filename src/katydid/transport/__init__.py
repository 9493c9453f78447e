"""What puts bytes on the wire and takes them off it: the only place that takes timestamps."""

from katydid.transport.exchange import VERIFIED, Client, Timeouts, TlsSettings


def open_client(kind: str, url: str, timeouts: Timeouts, tls: TlsSettings = VERIFIED) -> Client:
    """The client that `--client` names.

    Raises:
        ConfigError: the URL, a proxy of the environment or a certificate file is unusable.
    """
    if kind == "requests":
        from katydid.transport.requests_client import RequestsClient  # noqa: PLC0415 - only who asks for it pays for it

        return RequestsClient(url, timeouts, tls)
    from katydid.transport.http import HttpClient  # noqa: PLC0415 - see above

    return HttpClient(url, timeouts, tls)
