"""Which failure an exception of the operating system is, and what a person is told."""

import errno
import os
import socket
import ssl

import pytest

from katydid.model.sample import ErrorClass
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


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPIPE])
def test_what_happens_on_the_way_to_the_target_is_its(number):
    assert classify(system(number), connecting=True)[0] is ErrorClass.CONNECT
    assert classify(system(number), connecting=False)[0] is ErrorClass.RESET


@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.EACCES, errno.EINVAL, 4242])
@pytest.mark.parametrize("connecting", [True, False])
def test_an_errno_that_is_not_known_to_be_the_targets_is_the_generators(number, connecting):
    kind, said = classify(system(number), connecting=connecting)
    assert kind.blame == "generator"
    assert os.strerror(number) in said


@pytest.mark.parametrize("number", [socket.EAI_SYSTEM, socket.EAI_MEMORY])
def test_a_name_that_this_machine_could_not_look_up_is_not_the_configurations(number):
    kind, _ = classify(socket.gaierror(number, "System error"), connecting=True)
    assert kind.blame == "generator"


def test_a_name_is_not_unknown_where_there_was_no_descriptor_to_look_it_up(monkeypatch):
    def none_left(_fd):
        raise system(errno.EMFILE)

    monkeypatch.setattr(os, "dup", none_left)
    kind, said = classify(socket.gaierror(socket.EAI_NONAME, "unknown"), connecting=True)
    assert (kind, "ulimit -n" in said) == (ErrorClass.OUT_OF_DESCRIPTORS, True)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EBUSY])
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
