"""Which failure an exception of the operating system is, and what a person is told."""

import errno
import os
import socket
import ssl

import pytest

from katydid.core.sample import ErrorClass
from katydid.transport.failure import classify


def system(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "connecting", "kind", "said"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            True,
            ErrorClass.DNS,
            "the host's name cannot be resolved: unknown",
        ),
        (TimeoutError(), True, ErrorClass.CONNECT, "timed out"),
        (TimeoutError(), False, ErrorClass.TIMEOUT, "timed out"),
        (system(errno.ECONNREFUSED), True, ErrorClass.CONNECT, os.strerror(errno.ECONNREFUSED)),
        (system(errno.ECONNRESET), True, ErrorClass.CONNECT, os.strerror(errno.ECONNRESET)),
        (system(errno.ECONNRESET), False, ErrorClass.RESET, os.strerror(errno.ECONNRESET)),
        (system(errno.EPIPE), False, ErrorClass.RESET, os.strerror(errno.EPIPE)),
        (OSError("no number"), False, ErrorClass.RESET, "no number"),
        (ValueError("a bug"), False, ErrorClass.OTHER, "ValueError: a bug"),
    ],
)
def test_each_exception_has_a_class_and_a_text(error, connecting, kind, said):
    assert classify(error, connecting=connecting) == (kind, said)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("connecting", [True, False])
def test_descriptors_that_ran_out_are_the_generators_fault_with_a_remedy(number, connecting):
    kind, said = classify(system(number), connecting=connecting)
    assert (kind, "ulimit -n" in said) == (ErrorClass.OUT_OF_DESCRIPTORS, True)


def test_ports_that_ran_out_are_the_generators_fault_with_a_remedy():
    kind, said = classify(system(errno.EADDRNOTAVAIL), connecting=True)
    assert (kind, "keep connections alive" in said) == (ErrorClass.OUT_OF_PORTS, True)


def test_a_certificate_that_is_not_trusted_says_why():
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    said = "TLS: the target's certificate is not trusted: self-signed certificate"
    assert classify(error, connecting=True) == (ErrorClass.TLS, said)


def test_a_handshake_that_fails_says_openssls_reason():
    error = ssl.SSLError(1, "long text")
    error.reason = "WRONG_VERSION_NUMBER"
    assert classify(error, connecting=True) == (ErrorClass.TLS, "TLS: WRONG_VERSION_NUMBER")
