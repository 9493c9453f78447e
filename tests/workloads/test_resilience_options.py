"""Whom chaos, storm and zombies may be done to, and what one is told about bad options."""

import os
import subprocess
import sys

import pytest

from katydid.model.errors import ConfigError
from katydid.model.options import checked, options_in
from katydid.target.process import start_target
from katydid.workloads.resilience import StormOptions, ZombiesOptions
from katydid.workloads.resilience.chaos import ChaosOptions, ChaosService, parse_times, run_command
from katydid.workloads.resilience.user import ResilienceOptions, ResilienceService, is_local


@pytest.mark.parametrize("host", ["http://127.0.0.1:80", "http://localhost", "https://[::1]:8", "ws://127.8.8.8:1"])
def test_this_machine_is_known_by_its_address_or_its_name(host):
    assert is_local(host)


@pytest.mark.parametrize("host", ["http://10.0.0.1", "http://example.org", "http://localhost.example.org", "nothing"])
def test_any_other_is_another_machine(host):
    assert not is_local(host)


def test_another_machine_must_be_ones_own():
    with pytest.raises(ConfigError, match="confirm with --i-own-this-target"):
        ResilienceService(ResilienceOptions(), "http://192.0.2.1")
    ResilienceService(ResilienceOptions(i_own_this_target=True), "http://192.0.2.1")


def test_moments_are_seconds_in_their_order():
    assert parse_times("30, 10") == [10.0, 30.0]
    assert parse_times("1m30s,500ms, 2") == [0.5, 2.0, 90.0]


@pytest.mark.parametrize("text", ["soon", "", "10,", "-1", "inf", "nan"])
def test_moments_that_are_none_are_refused(text):
    with pytest.raises(ConfigError, match="give times of the run"):
        parse_times(text)


@pytest.fixture(scope="module")
def target():
    with start_target(speech_rtf=0.0, speech_workers=2) as running:
        yield running


def chaos(target, **options):
    service = ChaosService(ChaosOptions(**options), target.url)
    service.preflight()
    return service


def test_workers_of_the_embedded_target_are_found_and_killed(target):
    service = chaos(target)
    before = service.workers()
    assert len(before) == 2
    assert service.kill() == f"killed {before[0]}"
    while service.workers() == before:
        pass
    assert service.workers() == before[1:]


def test_a_process_is_killed_by_its_id(target):
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    chaos(target, chaos_pid=str(victim.pid)).kill()
    assert victim.wait(5) != 0


def test_a_command_kills_too(target, tmp_path):
    service = chaos(target, chaos_command=f"echo done > '{tmp_path}/proof'")
    service.kill()
    assert (tmp_path / "proof").read_text() == "done\n"


def test_a_command_that_fails_says_so():
    with pytest.raises(RuntimeError, match=r"the command failed \(3\): no luck"):
        run_command("echo no luck >&2; exit 3")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"chaos_pid": "0,7"}, "--chaos-pid 0,7: give process ids above 0"),
        ({"chaos_pid": "echo 0"}, "the command printed '0', not process ids"),
        ({"chaos_pid": ",,"}, "--chaos-pid ,,: give process ids above 0"),
        ({"chaos_pid": "999999999"}, "there is no such process"),
        ({"chaos_pid": "1"}, "is this run, its parent or process 1"),
        ({"chaos_pid": str(os.getpid())}, "is this run, its parent or process 1"),
        ({"chaos_pid": "99999999999999999999"}, "there is no such process"),
        ({"chaos_pid": "echo nobody"}, "the command printed 'nobody', not process ids"),
        ({"chaos_pid": "exit 3"}, r"the command failed \(3\)"),
        ({"chaos_pid": "7", "chaos_command": "x"}, "are mutually exclusive"),
        ({"chaos_at": "soon"}, "give times of the run"),
    ],
)
def test_what_cannot_be_killed_is_told_before_the_load(target, options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        chaos(target, **options)


@pytest.fixture
def victims():
    """Three processes that wait to be killed."""
    processes = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(3)]
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("given", ["{0},{1}", "{0}, {1}", "echo {0}; echo {1}"])
def test_several_processes_are_killed_named_or_printed_by_a_command(target, victims, given):
    first, second, spared = victims
    said = chaos(target, chaos_pid=given.format(first.pid, second.pid)).kill()
    assert said == f"killed {first.pid}, {second.pid}"
    assert [first.wait(), second.wait(), spared.poll()] == [-9, -9, None]


def test_one_that_is_gone_does_not_save_the_others(target, victims):
    first, second, _ = victims
    service = chaos(target, chaos_pid=f"{first.pid},{second.pid}")
    first.kill()
    first.wait()
    assert service.kill() == f"killed {second.pid}; could not kill {first.pid}"
    second.wait()
    with pytest.raises(OSError, match=str(second.pid)):
        service.kill()


def test_what_a_command_has_of_secrets_is_in_no_manifest(target):
    command = "true --token hunter2 http://admin:hunter2@h"
    options = {"chaos_command": command, "restart_command": command, "chaos_pid": command}
    assert "hunter2" not in str(ChaosOptions(**options).shown())
    assert chaos(target, chaos_command=command).kill() == "true --token [redacted] http://h"


@pytest.mark.parametrize(("table", "name"), [(StormOptions, "storm_clients"), (ZombiesOptions, "zombies")])
def test_more_connections_than_there_are_ports_are_refused(table, name):
    (option,) = (each for each in options_in(table) if each.name == name)
    with pytest.raises(ConfigError, match="2147483648 must be at most 100000"):
        checked(option, "2147483648")
