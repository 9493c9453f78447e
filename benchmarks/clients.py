"""The scenarios and clients that are compared: how each client is installed and started, and where it reports TTFTs.

A client runs closed loops: a fixed number of concurrent streams, each followed at once by the next. `Said` has the
TTFTs in milliseconds, by request id if the client reports ids, else as a list.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

HERE = Path(__file__).resolve().parent
DRIVERS = HERE / "drivers"
Said = dict[str, float] | list[float]
MODEL = "katydid-small"
SECONDS = 30
"""How long a client loads the target; measurements are taken in the middle."""


@dataclass(frozen=True)
class Scenario:
    """One column of the table.

    Attributes:
        streams: number of concurrent requests.
        target: settings of the embedded target.
        interval: interval of Katydid's users: a little more than an answer takes.
        requests: number of requests, for tools that need one: about as many as they send in SECONDS.
        stream: True if answers are streamed.
    """

    name: str
    title: str
    streams: int
    target: dict[str, Any]
    interval: float
    requests: int
    stream: bool = True


_PACED = {"ttft": 0.2, "chunk_interval": 0.02, "chunks": 100}

SCENARIOS = (
    Scenario("burst", "64 streams, 200 chunks as fast as possible", 64,
             {"ttft": 0.0, "chunk_interval": 0.0, "chunks": 200}, 0.001, 4_000),
    Scenario("paced200", "200 streams, 100 chunks 20 ms apart", 200, _PACED, 2.25, 2_000),
    Scenario("paced500", "500 streams, 100 chunks 20 ms apart", 500, _PACED, 2.3, 4_500),
    Scenario("paced1000", "1,000 streams, 100 chunks 20 ms apart", 1000, _PACED, 2.4, 9_000),
    Scenario("paced1600", "1,600 streams, 100 chunks 20 ms apart", 1600, _PACED, 2.4, 14_000),
    Scenario("requests", "64 connections, answers in one piece", 64, {"ttft": 0.0, "duration": 0.0, "chunks": 1},
             0.001, 20_000, stream=False),
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """The task of a client. `bin` is the folder of its commands, `folder` its own empty working directory."""

    bin: Path
    url: str
    folder: Path
    scenario: Scenario


@dataclass(frozen=True)
class Client:
    """One row of the table.

    Attributes:
        package: Python package whose version is shown; empty for none.
        requirements: name of a file in `drivers/`, without its ending; None for this repository's environment.
        command: returns the words that start it, and its environment variables.
        said: reads its TTFTs from its folder.
        whole_answers: True if it can request answers that are not streamed.
    """

    name: str
    package: str
    requirements: str | None
    command: Callable[[Start], tuple[list[str], dict[str, str]]]
    said: Callable[[Path], Said]
    whole_answers: bool = True


def _katydid(*words: str) -> Callable[[Start], tuple[list[str], dict[str, str]]]:
    def command(start: Start) -> tuple[list[str], dict[str, str]]:
        workload, scenario = "stream" if start.scenario.stream else "batch", start.scenario
        return [
            sys.executable, "-m", "katydid", "run", workload, "--host", start.url, "--users", str(scenario.streams),
            "--spawn-rate", str(scenario.streams), "--interval", str(scenario.interval), "--run-time", f"{SECONDS}s",
            "--failure-threshold", "0", "--max-tokens", "100000", "--results", "runs", "--version-label", "b", *words,
        ], {}  # fmt: skip

    return command


def _katydid_said(folder: Path) -> Said:
    (file,) = folder.rglob("samples.parquet")
    rows = pd.read_parquet(file, columns=["request_id", "ttft_ms"]).dropna()
    return dict(zip(rows["request_id"], rows["ttft_ms"], strict=True))


def _locust(driver: str) -> Callable[[Start], tuple[list[str], dict[str, str]]]:
    def command(start: Start) -> tuple[list[str], dict[str, str]]:
        streams = str(start.scenario.streams)
        environment = {"BENCH_OUT": str(start.folder / "ttft"), "BENCH_STREAM": str(int(start.scenario.stream))}
        return [
            str(start.bin / "locust"), "-f", str(DRIVERS / f"locust_{driver}.py"), "--headless", "--only-summary",
            "--host", start.url, "-u", streams, "-r", streams, "-t", f"{SECONDS}s",
        ], environment  # fmt: skip

    return command


def _locust_said(folder: Path) -> Said:
    pairs = (line.split() for line in (folder / "ttft").read_text().splitlines())
    return {identity: float(ttft) for identity, ttft in pairs}


def _floor(start: Start) -> tuple[list[str], dict[str, str]]:
    program, compiler = str(start.folder / "floor"), shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler (cc)")
    subprocess.run([compiler, "-O2", "-o", program, str(DRIVERS / "floor.c")], check=True)
    port, streams = str(urlsplit(start.url).port), str(start.scenario.streams)
    return [program, port, streams, str(SECONDS), str(int(start.scenario.stream)), str(start.folder / "ttft")], {}


def _genai_bench(start: Start) -> tuple[list[str], dict[str, str]]:
    return [
        str(start.bin / "genai-bench"), "benchmark", "--api-backend", "openai", "--api-base", start.url, "--api-key",
        "none", "--task", "text-to-text", "--api-model-name", MODEL, "--model-tokenizer", str(start.folder / "tokens"),
        "--num-concurrency", str(start.scenario.streams), "--traffic-scenario", "D(20,100000)", "--max-time-per-run",
        "1", "--max-requests-per-run", str(start.scenario.requests), "--experiment-base-dir", str(start.folder),
        "--experiment-folder-name", "out",
    ], {"HF_HUB_OFFLINE": "1"}  # fmt: skip


def _genai_bench_said(folder: Path) -> Said:
    (file,) = (folder / "out").glob("D20_*.json")
    rows = json.loads(file.read_text())["individual_request_metrics"]
    return [row["ttft"] * 1000.0 for row in rows if row["ttft"] is not None]


def _guidellm(start: Start) -> tuple[list[str], dict[str, str]]:
    stream = "" if start.scenario.stream else ",stream=false"
    return [
        str(start.bin / "guidellm"), "run", "--backend", f"kind=openai_http,target={start.url},model={MODEL}{stream}",
        "--profile", f"kind=concurrent,streams={start.scenario.streams}", "--constraint",
        f"kind=max_duration,seconds={SECONDS}", "--tokenizer", f"kind=hf_auto,model={start.folder / 'tokens'}",
        "--data", "kind=synthetic_text,prompt_tokens=20,output_tokens=100000", "--output",
        f"kind=json,path={start.folder / 'out.json'}", "--disable-progress",
    ], {"HF_HUB_OFFLINE": "1"}  # fmt: skip


def _guidellm_said(folder: Path) -> Said:
    report = json.loads((folder / "out.json").read_text())
    rows = report["benchmarks"][0]["requests"]["successful"]
    return [row["time_to_first_token_ms"] for row in rows if row["time_to_first_token_ms"] is not None]


def _aiperf(start: Start) -> tuple[list[str], dict[str, str]]:
    return [
        str(start.bin / "aiperf"), "profile", "--model", MODEL, "--url", start.url, "--endpoint-type", "chat",
        *(["--streaming"] if start.scenario.stream else []), "--concurrency", str(start.scenario.streams),
        "--benchmark-duration", str(SECONDS), "--tokenizer", str(start.folder / "tokens"), "--use-server-token-count",
        "--ui", "none", "--output-artifact-dir", str(start.folder / "out"), "--export-level", "records",
    ], {}  # fmt: skip


def _aiperf_said(folder: Path) -> Said:
    said = {}
    for line in (folder / "out" / "profile_export.jsonl").read_text().splitlines():
        row = json.loads(line)
        if first := row["metrics"].get("time_to_first_token"):
            said[row["metadata"]["x_request_id"]] = first["value"]
    return said


CLIENTS = (
    Client("C, epoll, nothing else", "", None, _floor, _locust_said),
    Client("Katydid", "katydid", None, _katydid(), _katydid_said),
    Client("Katydid, --check full", "katydid", None, _katydid("--check", "full"), _katydid_said),
    Client("Locust HttpUser, iter_lines", "locust", "locust", _locust("plain"), _locust_said),
    Client("Locust HttpUser, sseclient-py", "locust", "locust", _locust("sseclient"), _locust_said),
    Client("Locust FastHttpUser, readline", "locust", "locust", _locust("fast"), _locust_said),
    Client("genai-bench", "genai-bench", "genai-bench", _genai_bench, _genai_bench_said, whole_answers=False),
    Client("GuideLLM", "guidellm", "guidellm", _guidellm, _guidellm_said),
    Client("AIPerf", "aiperf", "aiperf", _aiperf, _aiperf_said),
)


def environment(more: dict[str, str]) -> dict[str, str]:
    """Return this process's environment, without variables that would change a run or use a proxy."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "LOAD_TEST_"))}
    return kept | {"NO_PROXY": "*", "no_proxy": "*"} | more
