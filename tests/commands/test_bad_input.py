"""Bad input: one line on what to do, exit 2, nothing sent but the one look, and no folder left."""

import time

import pytest

from katydid.target.process import start_target
from running import katydid, locust, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    with start_target(log=str(tmp_path_factory.mktemp("target") / "truth.jsonl")) as running:
        yield running


CASES = {
    "no host": ((), r"no target: give its URL with --host or LOCUST_HOST"),
    "a host that is not a URL": (("--host", "localhost:80"), "is not a URL: give http://HOST:PORT"),
    "a host with a query": (
        ("--host", "http://127.0.0.1:1/v1?key=hunter2"),
        "--host has a query: move it to --endpoint",
    ),
    "a host with a blank in it": (("--host", "http://127.0.0.1 :1"), "has a blank or control character in it"),
    "an endpoint with a blank in it": (("--host", "URL", "--endpoint", "/a b"), "write it percent-encoded"),
    "an unreachable host": (("--host", "http://127.0.0.1:1"), "does not answer (Connection refused): start it"),
    "a misspelt option": (
        ("--host", "URL", "--intervall", "3"),
        "katydid: unrecognized arguments: --intervall: did you mean --interval?",
    ),
    "two workloads": (("batch", "--host", "URL"), "katydid: 'batch' is one workload too many: give one workload"),
    "a missing prompts file": (("--host", "URL", "--prompts", "none.txt"), "--prompts none.txt: no such file"),
    "prompts of another kind": (("--host", "URL", "--prompts", "/dev/null"), "use one of .txt"),
    "a path that is too long": (("--host", "URL", "--prompts", "x" * 300 + ".txt"), "file name too long"),
    "a rate that is no number": (("--host", "URL", "--rate", "nan"), "--rate nan is not a number"),
    "a rate without an end": (("--host", "URL", "--rate", "1e309"), "--rate inf must be"),
    "bytes that are no text": (
        ("--host", "URL", "--version-label", "\udcff"),
        "--version-label is not UTF-8 text",
    ),
    "a port that is none": (("--host", "URL", "--metrics-port=-1"), "--metrics-port -1 must be a port"),
    "a negative interval": (("--host", "URL", "--interval=-1"), "--interval -1 must not be negative"),
    "an interval that is not a number": (("--host", "URL", "--interval", "soon"), "--interval"),
    "a negative threshold": (
        ("--host", "URL", "--failure-threshold=-1"),
        "--failure-threshold -1 must not be negative",
    ),
    "results that cannot be written": (
        ("--host", "URL", "--results", "/dev/null/x"),
        "--results /dev/null/x: not a dir",
    ),
    "a log that cannot be written": (("--host", "URL", "--logfile", "/dev/null/x"), "/dev/null/x cannot be written: "),
    "an unknown model": (
        ("--host", "URL", "--model", "gpt-9"),
        "(404 The model 'gpt-9' does not exist); the target does not list the model 'gpt-9': it has katydid-small",
    ),
    "a field of the body without a value": (("--host", "URL", "--body", "top_p"), "--body 'top_p' is not KEY=VALUE"),
    "a field of the body that the workload says": (("--host", "URL", "--body", "stream=false"), "--body stream: "),
    "an unknown API": (("--host", "URL", "--api", "soap"), "--api"),
    "an endpoint that is no path": (("--host", "URL", "--endpoint", "chat"), "is not a path"),
    "a missing certificate file": (("--host", "https://127.0.0.1:1", "--ca-file", "none.pem"), "--ca-file none.pem"),
    "a ramp of nothing": (("--host", "URL", "--ramp=-1"), "--ramp -1 must not be negative"),
    "two spawn rates": (
        ("--host", "URL", "--ramp", "10", "--spawn-rate", "5"),
        "--ramp 10 and --spawn-rate 5 contradict each other: give one of them",
    ),
    "a ramp into a burst": (
        ("--host", "URL", "--ramp", "10", "--phase", "burst"),
        "--ramp 10: all users of this run",
    ),
    "fewer users than none": (("--host", "URL", "--users", "-5"), "--users -5 must be from 1 to 1000000"),
    "no users": (("--host", "URL", "--users", "0"), "--users 0 must be from 1 to 1000000"),
    "more users than there can be": (("--host", "URL", "--users", "9" * 20), "must be from 1 to 1000000"),
    "a run time of nothing": (("--host", "URL", "--run-time", "0s"), "--run-time must be from 1s to 8760h"),
    "a warm-up that leaves nothing to measure": (
        ("--host", "URL", "--warm-up", "1h"),
        "--warm-up 3600s leaves nothing of --run-time 5s to measure: shorten the warm-up, or lengthen the run",
    ),
    "a run time that no timer holds": (
        ("--host", "URL", "--run-time", "99999999999999h"),
        "--run-time must be from 1s to 8760h",
    ),
    "more tokens than a server can count": (
        ("--host", "URL", "--max-tokens", "9" * 20),
        "--max-tokens 99999999999999999999 must be at most 2147483647",
    ),
    "a number of hundreds of digits": (("--host", "URL", "--seed", "9" * 400), "must be from -2"),
    "an endpoint that is not ASCII": (("--host", "URL", "--endpoint", "/é"), "write it percent-encoded"),
    "a label that no folder can have": (("--host", "URL", "--version-label", "v" * 300), "--version-label"),
    "a drain without an end": (("--host", "URL", "--drain", "inf"), "--drain inf must be finite"),
    "an interval without an end": (("--host", "URL", "--interval", "inf"), "--interval inf must be finite"),
    "a TTFT that may be seconds or milliseconds": (
        ("--embedded-target=--ttft 200",),
        "200 has no unit: write 200ms or 200s",
    ),
    "bad options with many processes": (("--host", "URL", "--processes", "2", "--interval=-1"), "--interval -1"),
}


AHEAD = 3
"""Cases that are under way at a time: each is mostly the start of Python."""


@pytest.fixture(scope="module")
def case(target, tmp_path_factory):
    """Gives the process of a case and its folder; the next ones are started with it."""
    names, started = list(CASES), {}

    def give(name):
        for each in names[names.index(name) :][:AHEAD]:
            if each not in started:
                words = [target.url if word == "URL" else word for word in CASES[each][0]]
                folder = tmp_path_factory.mktemp("case")
                started[each] = katydid("run", "stream", "-t", "5s", *words, folder=folder), folder
        return started[name]

    yield give
    for running, _ in started.values():
        running.wait(30)


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_exit_2(target, case, name):
    _, message = CASES[name]
    done, folder = case(name)
    assert done.wait(30) == 2, done.err
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not list(folder.rglob("manifest.json"))
    assert target.stats()["requests"] == 0
    assert target.log() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--users", "-5"), "--users -5 must be"),
        (("--run-time", "0s"), "--run-time must be"),
        (("--run-time", "99999999999999h"), "--run-time must be"),
        (("--version-label", "v" * 300), "--version-label"),
    ],
)
def test_locust_itself_complains_of_the_same_in_one_line(target, tmp_path, words, message):
    done = locust("--headless", "--host", target.url, "-t", "5s", *words, folder=tmp_path)
    assert done.wait(30) == 2, done.err
    (line,) = [line for line in done.err.splitlines() if "INFO/locust.main" not in line]  # Locust's own log
    assert message in line
    assert not list(tmp_path.rglob("manifest.json"))


def test_https_to_a_port_without_tls_is_told_within_seconds(target, tmp_path):
    began = time.monotonic()
    done = katydid("run", "stream", "--host", target.url.replace("http:", "https:"), "-t", "5s", folder=tmp_path)
    assert done.wait(30) == 2, done.err
    assert time.monotonic() - began < 15
    assert "does not speak TLS: give --host http://" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_key_file_that_is_not_there(target, tmp_path):
    env = {"LOAD_TEST_API_KEY_FILE": "none.key"}
    done = katydid("run", "stream", "--host", target.url, "-t", "1s", folder=tmp_path, env=env)
    assert done.wait(30) == 2
    assert "LOAD_TEST_API_KEY_FILE none.key: cannot be read" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (:\n", "SyntaxError: invalid syntax (own.py, line 1)"),
        ("x = 1\0", "SyntaxError: source code string cannot contain null bytes"),
        ("import no_such_module\n", "own.py, line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("\nraise RuntimeError('boom')\n", "own.py, line 2: RuntimeError: boom"),
        ("import sys\nsys.exit(3)\n", "own.py, line 2: it exits (3)"),
        ("import json\njson.loads('{')\n", "own.py, line 2: JSONDecodeError: "),
        ("from katydid import StreamUser\nclass U(StreamUser):\n    options_class = 3\n", "own.py, line 2: "),
    ],
)
def test_a_locustfile_that_cannot_be_loaded_is_its_writers_to_mend(tmp_path, text, said):
    (tmp_path / "own.py").write_text(text)
    done = katydid("run", "own.py", "--host", "http://127.0.0.1:1", folder=tmp_path)
    assert done.wait(30) == 2, done.err
    assert done.err.startswith("katydid: the locustfile cannot be loaded: ")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_bad_input_leaves_no_worker_behind(tmp_path):
    done = katydid("run", "stream", "--host", "http://127.0.0.1:1", "--processes", "2", folder=tmp_path)
    assert done.wait(30) == 2

    def all_gone():
        try:
            done.signal_all(0)
        except ProcessLookupError:
            return True
        return False

    wait_until(all_gone, 10, "the end of the workers")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("run",), 2, "no workload"),
        (("run", "nope"), 2, "there is no workload 'nope': use one of batch, "),
        (("run", "nope.py"), 2, "nope.py: no such locustfile; correct its path"),
        (("run", "stream", "--embeded-target"), 2, "did you mean --embedded-target?"),
        (("nope",), 2, "there is no command 'nope'"),
        (("report", "."), 4, "is not a run folder"),
        (("target", "--ttft", "200"), 2, "200 has no unit: write 200ms or 200s"),
        (("target", "--jitter", "3"), 2, "--jitter 3 must be at most 1"),
        (("target", "--fail", "nope=1"), 2, "'nope' is not one of"),
    ],
)
def test_commands_complain_in_one_line(tmp_path, words, code, message):
    done = katydid(*words, folder=tmp_path)
    assert done.wait(30) == code
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("report", "--help"), ("target", "--help")])
def test_help_is_there_with_an_example(tmp_path, words):
    done = katydid(*words, folder=tmp_path)
    assert done.wait(30) == 0
    assert "example:" in done.out


def test_the_help_of_run_has_katydids_and_locusts_options(tmp_path):
    done = katydid("run", "--help", folder=tmp_path)
    done.wait(30)
    for option in ("--interval", "--failure-threshold", "--embedded-target", "--users", "--processes"):
        assert option in done.out
    assert "LOAD_TEST_INTERVAL" in done.out
