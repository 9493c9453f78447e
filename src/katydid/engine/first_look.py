"""The one look at a target before its load: does it speak what the URL says, and can it do what is asked for?"""

from katydid.engine.services.base import NoAnswerError, Service
from katydid.model.errors import ConfigError
from katydid.model.redact import COMPLAINT_LIMIT, Redactor
from katydid.protocol.target_url import TargetUrl, read_target_url
from katydid.transport.scheme import Spoken, look_for_tls, speaks_tls


def first_look(service: Service, host: str, ca_file: str | None) -> str:
    """Look at the target, and leave nothing open; the model that requests will ask for.

    Args:
        service: made for this look.
        host: URL of the target, as it was given.
        ca_file: certificates to trust.

    Raises:
        ConfigError: it cannot be loaded so; without a secret in it.
    """
    try:
        return _look(service, host, ca_file)
    except ConfigError as error:  # has the target's words in it
        raise ConfigError(Redactor(service.secrets()).text(str(error), COMPLAINT_LIMIT)) from None
    finally:
        service.close()


def _look(service: Service, host: str, ca_file: str | None) -> str:
    try:
        url = read_target_url(host)
    except ConfigError:  # a service of somebody's own may be named in another way
        return service.preflight()
    if url.tls:
        _need_tls(url, ca_file)
    try:
        return service.preflight()
    except NoAnswerError:
        if not url.tls and speaks_tls(url.url):
            raise ConfigError(f"{url.url} speaks TLS: give --host {url._replace(tls=True).url}") from None
        raise


def _need_tls(url: TargetUrl, ca_file: str | None) -> None:
    """Within seconds, where the look itself would wait as long as a request may.

    Raises:
        ConfigError: the port speaks no TLS.
    """
    spoken = look_for_tls(url.url, ca_file)
    if spoken is Spoken.HTTP:
        raise ConfigError(f"{url.url} speaks no TLS: give --host {url._replace(tls=False).url}")
    if spoken is Spoken.OTHER:
        raise ConfigError(f"{url.url} speaks no TLS, and no HTTP: correct the port in --host")
    if spoken is Spoken.NOTHING:
        raise ConfigError(f"{url.url} takes connections but does not answer in TLS: see whether it is healthy")
