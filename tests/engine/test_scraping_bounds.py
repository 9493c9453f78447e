"""The target's own metrics are read within bounds, whatever the page turns out to be."""

from katydid.engine.monitor.resource_monitor import CPU_SECONDS, MEMORY_BYTES, MOST_METRICS, ResourceMonitor
from rawserver import raw_server


def scrape(*pieces):
    def script(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", *pieces)

    with raw_server(script) as url:
        return ResourceMonitor(None, None, None, f"{url}/metrics")._scrape()


MEMORY = b"process_resident_memory_bytes 7.0\n"


def test_values_of_several_labels_are_added():
    page = b'process_cpu_seconds_total{pod="a"} 1.5\nprocess_cpu_seconds_total{pod="b"} 2\n' + MEMORY
    assert scrape(page) == {CPU_SECONDS: 3.5, MEMORY_BYTES: 7.0}


def test_what_comes_after_the_limit_is_not_read():
    line = b"# " + b"x" * 61 + b"\n"
    first = [wanted[:-1].ljust(len(line) - 1) + b"\n" for wanted in (b"process_cpu_seconds_total 1.0\n", MEMORY)]
    filling = [line * 1024] * (2 * MOST_METRICS // len(line) // 1024)
    assert MOST_METRICS % len(line) == 0
    late = b'process_cpu_seconds_total{late="yes"} 5.0\n'
    assert scrape(*first, *filling, late) == {CPU_SECONDS: 1.0, MEMORY_BYTES: 7.0}
