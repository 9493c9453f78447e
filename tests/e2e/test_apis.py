"""Every API in a whole run, and the ways in which gateways want their keys."""

import pytest

from katydid.dialects import DIALECTS, dialect
from katydid.dialects.base import TEXT
from katydid.target.process import start_target
from running import katydid, the_run

pytestmark = pytest.mark.e2e

SECRET = "canary-4711-key"  # what must stand in no file
OPENAI_BY_PATHS = (
    "--endpoint", "/v1/chat/completions", "--sse-content", "choices.0.delta.content",
    "--sse-body",
    '{"model":"{model}","messages":"{messages}","stream":"{stream}","stream_options":{"include_usage":true}}',
)  # fmt: skip


STREAMED = [api for api in DIALECTS if getattr(dialect(api), "answers", TEXT) == TEXT]
CHECKS = dict.fromkeys(STREAMED, "full") | {"openai-responses": "count", "ollama": "count"}


@pytest.mark.parametrize(("api", "check"), [(api, CHECKS[api]) for api in STREAMED])
def test_an_api_is_loaded_and_read_right(api, check, tmp_path):
    more = OPENAI_BY_PATHS if api == "generic-sse" else ()
    run = katydid(
        "run", "stream", "--api", api, "--check", check, *more,
        "--embedded-target=--ttft 20ms --chunks 5 --chunk-interval 5ms",
        "--users", 4, "--interval", 0.5, "--run-time", "2s", "--warm-up", 0, "--version-label", api, folder=tmp_path,
    )  # fmt: skip
    run.wait()
    samples = the_run(tmp_path).samples
    assert len(samples) >= 8, run.err
    assert set(samples["outcome"]) == {"ok"}, samples["detail"].dropna().unique()
    assert set(samples["chunks"]) == set(samples["completion_tokens"]) == {5}


def test_an_azure_style_key_and_query_reach_the_target_and_no_file(tmp_path):
    with start_target(api_key=SECRET, ttft=0.01, chunk_interval=0.0, chunks=4) as target:
        run = katydid(
            "run", "stream", "--host", target.url, "--header", "api-key=env:MY_KEY",
            "--header", f"X-Other-Token={SECRET}",
            "--endpoint", f"/v1/chat/completions?api-version=2024-10-21&sig={SECRET}",
            "--users", 2, "--interval", 0.5, "--run-time", "2s", folder=tmp_path, env={"MY_KEY": SECRET},
        )  # fmt: skip
        run.wait()
    found = the_run(tmp_path)
    assert set(found.samples["outcome"]) == {"ok"}
    assert found.manifest["endpoint"] == "/v1/chat/completions?api-version=2024-10-21&sig=[redacted]"
    assert found.manifest["options"]["header"] == "api-key=env:MY_KEY\nX-Other-Token=[redacted]"
    assert set(found.samples["name"]) == {"/v1/chat/completions"}
    for file in found.path.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name
    assert SECRET not in run.out + run.err
