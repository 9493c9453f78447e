"""Canaries: a target that throws our secrets back at us finds none of them in anything that a run leaves or shows."""

import base64
import json
import re
import signal
import urllib.request

import psutil
import pytest

from faultserver import Answer, fault_server, sized
from rawserver import END, SSE_HEAD, chunks
from running import free_port, katydid, locust, the_run, wait_until
from streams import DONE, ROLE, STOP, delta
from synthetic import HOSTILE
from talking import CLIENTS
from tee import tee

pytestmark = pytest.mark.e2e

KEY = "canary-KEY/1a2b3c4d5e"
HEADER = "canary+HEADER=6f7a8b"
PASSWORD = "canary:PASS%9c0d1e"
SECRETS = {"LOAD_TEST_API_KEY": KEY, "GATEWAY_TOKEN": HEADER}
BITS = (b"canary", b"CANARY", base64.b64encode(b"canary")[:8])
"""What even half of a secret would have in it."""

FORMULA = "=cmd|' /C calc'!A1"


def _error_event(text):
    return f"data: {json.dumps({'error': {'message': text}})}\n\n"


def _split(message):
    """A piece for each half of each secret."""
    return re.split(rb"(?<=canary)", message)


def echoes(*secrets):
    """Every way in which a target could give secrets back, and other things that it had better not say."""
    said = " ".join((*secrets, KEY.replace("/", r"\/")))
    return {
        "in a body": Answer(_split(sized(json.dumps({"error": {"message": said}}).encode(), b"401 No")), 0.02),
        "in a body that is not JSON": Answer(_split(sized(said.encode(), b"500 Oops", b"text/html")), 0.02),
        "cut off at the end of what is kept": Answer([sized(b"x" * 180 + b" " + KEY.encode(), b"500 Oops")]),
        "in a header": Answer([sized(b"", b"500 Oops", more=b"X-Error: %b\r\nX-Echo: %b\r\n" % (KEY.encode(), b"a"))]),
        "in a status line": Answer([sized(b"", b"500 " + said.encode())]),
        "instead of a status line": Answer([said.encode() + b"\r\n\r\n"], then="close"),
        "in a redirect": Answer([sized(b"", b"302 Found", more=b"Location: http://x/?key=%b\r\n" % KEY.encode())]),
        "in an error event over many chunks": Answer([SSE_HEAD + chunks(*_split(_error_event(said).encode())) + END]),
        "in an event that is not JSON": Answer([SSE_HEAD + chunks(b"data: {" + said.encode() + b"\n\n") + END]),
        "in an answer": Answer(
            [SSE_HEAD + chunks((ROLE + delta(said.replace("\\", "")) * 3 + STOP + DONE).encode()) + END]
        ),
        "as markup": Answer([sized(json.dumps({"error": {"message": HOSTILE}}).encode(), b"400 Bad")]),
        "as a formula": Answer([sized(json.dumps({"error": {"message": FORMULA}}).encode(), b"400 Bad")]),
    }


def arguments(host, *words, client="fast"):
    return (
        "--users", 1, "--interval", 0.02, "--failure-threshold", 0, "--warm-up", 0, "--client", client,
        "--header", "X-Gateway=env:GATEWAY_TOKEN", *words,
    )  # fmt: skip


def with_password(url):
    quoted = PASSWORD.replace("%", "%25").replace(":", "%3A")
    return url.replace("http://", f"http://me:{quoted}@")


def leaks(folder):
    """Files with a bit of a secret in them, in any case."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= 8
    return [path.name for path in files if any(bit in path.read_bytes() for bit in BITS)]


def command_lines(process):
    return " ".join(word for p in [process, *process.children(recursive=True)] for word in p.cmdline())


@pytest.mark.parametrize("client", CLIENTS)
def test_no_secret_is_in_what_a_run_leaves_says_or_shows_to_other_users(tmp_path, client):
    with fault_server(echoes(KEY, HEADER, PASSWORD)) as server:
        env = SECRETS | {"LOCUST_HOST": with_password(server.url)}
        words = arguments(server.url, client=client)
        # Cold: with a command line of its own.
        running = katydid("run", "stream", *words, folder=tmp_path, env=env, cold=True)
        wait_until(server.finished.is_set, 90, f"the end of the echoes\n{running.err}")
        assert "canary" not in command_lines(psutil.Process(running.process.pid))
        running.signal(signal.SIGINT)
        assert running.wait(30) == 4, running.err  # the redirect is the configuration's fault: before 130
    assert any(b"X-Gateway: " + HEADER.encode() in head for head in server.heads)
    assert any(b"Bearer " + KEY.encode() in head for head in server.heads)
    rows = the_run(tmp_path / "reports").samples.set_index("request_id")
    for number, name in server.dealt.items():
        assert (rows.loc[number, "outcome"] == "ok") == (name in {"well", "in an answer"}), name
    details = rows["detail"].dropna()
    assert details.str.contains("[redacted]", regex=False).sum() >= 7
    assert leaks(tmp_path) == []


def test_what_a_target_says_is_nowhere_markup_a_formula_or_a_command_of_the_terminal(tmp_path):
    with fault_server(echoes(KEY, HEADER, PASSWORD)) as server:
        running = katydid("run", "stream", *arguments(server.url), "--host", server.url, folder=tmp_path, env=SECRETS)
        wait_until(server.finished.is_set, 90, f"the end of the echoes\n{running.err}")
        running.signal(signal.SIGINT)
        assert running.wait(30) == 4, running.err  # the redirect is the configuration's fault: before 130
    run = the_run(tmp_path / "reports")
    assert HOSTILE[:20] in str(run.samples["detail"].tolist()), "kept as it was said"
    for page in ("report.html", "locust.html"):
        assert "<img src=x" not in (run.path / page).read_text(), page
    assert "\x1b" not in running.out
    assert "\u202e" not in running.out
    assert not list(tmp_path.rglob("*.csv")), "no file that a spreadsheet would take formulas from"


def test_a_hostile_list_of_models_is_inert(tmp_path):
    models = sized(json.dumps({"data": [{"id": HOSTILE + KEY}]}).encode())
    with fault_server({}, models=models) as server:
        words = ("run", "stream", *arguments(server.url), "--host", server.url, "--model", "mine", "--run-time", "2s")
        running = katydid(*words, folder=tmp_path, env=SECRETS)
        assert running.wait(30) in {0, 4}, running.err
        assert "does not list the model 'mine'" in running.out
        assert not {"\x1b", "\u202e"} & set(running.out + running.err)
        assert "canary" not in running.out + running.err


PATHS = (
    "/",
    "/stats/requests",
    "/exceptions",
    "/tasks",
    "/logs",
    "/stats/report",
    "/stats/requests/csv",
    "/stats/failures/csv",
)


def test_no_secret_is_in_the_web_page_or_between_master_and_worker(tmp_path):
    """But a password in the URL is: the page and the workers need the URL, so it is no place for one (SECURITY.md)."""
    web, bind = free_port(), free_port()
    with fault_server(echoes(KEY, HEADER)) as server, tee(bind) as line:
        started = []
        try:
            common = ("--master-bind-port", bind, "--master-bind-host", "127.0.0.1", "--web-host", "127.0.0.1")
            words = arguments(server.url, "--host", server.url, "--web-port", web, "--autostart", "--expect-workers", 1)
            started.append(locust("--master", *common, *words, folder=tmp_path / "master", env=SECRETS))
            started.append(locust("--worker", "--master-port", line.port, folder=tmp_path / "worker", env=SECRETS))
            wait_until(server.finished.is_set, 90, f"the end of the echoes\n{started[0].err}\n{started[1].err}")
            pages = {path: _get(web, path) for path in PATHS}
            assert not any("canary" in command_lines(psutil.Process(one.process.pid)) for one in started)
            _get(web, "/stop", "POST")
            wait_until(lambda: list(tmp_path.rglob("report.html")), 30, "the report")
        finally:
            for one in started:
                one.signal(signal.SIGTERM)
            for one in started:
                one.wait(30)
    assert {path for path, page in pages.items() if any(bit in page for bit in BITS)} == set()
    assert b"[redacted]" in line.seen
    assert b"/v1/chat/completions" in line.seen
    assert not any(bit in line.seen for bit in BITS)
    assert leaks(tmp_path) == []


def _get(port, path, method="GET"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()
