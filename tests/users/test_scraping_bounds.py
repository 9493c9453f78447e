"""The target's own metrics are read within bounds, whatever the page turns out to be."""

from katydid.users.surroundings import CPU_SECONDS, MOST_METRICS, Surroundings
from rawserver import raw_server


def scrape(*pieces):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", *pieces)

    with raw_server(script) as url:
        return Surroundings(None, None, None, f"{url}/metrics")._scrape()


def test_values_of_several_labels_are_added():
    assert scrape(b'process_cpu_seconds_total{pod="a"} 1.5\nprocess_cpu_seconds_total{pod="b"} 2\n') == {
        CPU_SECONDS: 3.5
    }


def test_what_comes_after_the_limit_is_not_read():
    line = b"# " + b"x" * 61 + b"\n"
    first = b"process_cpu_seconds_total 1.0".ljust(len(line) - 1) + b"\n"
    filling = [line * 1024] * (2 * MOST_METRICS // len(line) // 1024)
    assert MOST_METRICS % len(line) == 0
    assert scrape(first, *filling, b'process_cpu_seconds_total{late="yes"} 5.0\n') == {CPU_SECONDS: 1.0}
