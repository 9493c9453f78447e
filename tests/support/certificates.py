"""Certificates for tests: self-signed, made by the openssl command; also expired ones, which `req` cannot make."""

import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

_CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = {names}
"""


class Certificate(NamedTuple):
    cert: Path
    key: Path

    def context(self, clients_of: "Certificate | None" = None, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """For a server; one that takes no client without a certificate of that authority, where there is one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        if clients_of is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients_of.cert)
        if newest is not None:
            context.maximum_version = newest
        return context


def certificate(folder: Path, names: str = "IP:127.0.0.1", ends: str = "20991231235959Z") -> Certificate:
    """A certificate for these names, from the year 2000 until `ends`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").write_text(_CONFIG.format(folder=folder, names=names))
    (folder / "index").touch()
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    request = folder / "request.pem"
    subject = ["-subj", "/CN=katydid-test"]
    _openssl("req", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", made.key, "-out", request)
    _openssl(
        "ca", "-batch", "-selfsign", "-config", folder / "config", "-keyfile", made.key, "-in", request,
        "-out", made.cert, "-notext", "-startdate", "20000101000000Z", "-enddate", ends,
    )  # fmt: skip
    return made


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def certificate_authority(folder: Path) -> Certificate:
    """One that signs others."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    subject = ["-subj", "/CN=katydid-test-authority"]
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, *subject, "-keyout", made.key, "-out", made.cert
    )
    return made


def client_certificate(folder: Path, authority: Certificate) -> Certificate:
    """One that this authority has signed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    request = folder / "request.pem"
    _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=client", "-keyout", made.key, "-out", request)
    _openssl(
        "x509", "-req", "-in", request, "-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial", "-days", 2,
        "-out", made.cert,
    )  # fmt: skip
    return made
