"""Speech against a real recogniser that speaks another protocol than ours: pocketsphinx, where it is installed."""

import json
import shutil
import subprocess
import sys
import wave
from importlib.util import find_spec

import pytest

from katydid.model.sample import ErrorClass
from running import ROOT, katydid, the_run
from speaking import speak

INSTALLED = find_spec("pocketsphinx") is not None and shutil.which("espeak-ng") is not None
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="needs pocketsphinx and espeak-ng"),
]
FIELDS = "type=none,partial=last:false,final=last:true"
WORDS = {"speech_start": "none", "speech_end": "END"}
STREAMS = 12
MEASURES = ("processing=decode_ms", "processing=decode_s:s", "rtf=rtf")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A sentence, 16-bit at 16 kHz."""
    folder = tmp_path_factory.mktemp("speech")
    said = "the old house on the hill has a green door and a small garden"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-w", folder / "raw.wav", said], check=True)
    with wave.open(str(folder / "raw.wav")) as file:
        rate, pcm = file.getframerate(), memoryview(file.readframes(file.getnframes())).cast("h")
    samples = [pcm[index * rate // 16_000] for index in range(len(pcm) * 16_000 // rate)]
    path = folder / "sentence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return path


@pytest.fixture(scope="module")
def recogniser():
    """Its URL; one worker for all."""
    command = [sys.executable, ROOT / "tests" / "support" / "sphinx_service.py", str(STREAMS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


def test_a_start_message_is_refused_in_the_services_own_words(recogniser, recording):
    refused = speak(recogniser, audio=str(recording), endpoint="/", audio_speed=0.0).sample
    assert refused.error is ErrorClass.SERVER_ERROR_EVENT
    assert '"error": "unknown message"' in refused.detail


def test_the_factor_is_the_same_by_milliseconds_seconds_and_ready_made(recogniser, recording):
    factors = []
    for measure in MEASURES:
        heard = speak(
            recogniser, total=30.0, idle=20.0, audio=str(recording), endpoint="/", audio_speed=0.0,
            speech_fields=f"{FIELDS},{measure}", **WORDS,
        )  # fmt: skip
        assert heard.sample.outcome == "ok", heard.sample.detail
        assert {"old", "house", "door", "garden"} & set(heard.utterance.parser.text.split())
        factors.append(heard.server_rtf)
    assert max(factors) < 3 * min(factors), "a wrong unit is off by 1,000; a machine with other work by less"


def test_a_plan_from_a_run_is_what_one_worker_holds(recogniser, recording, tmp_path):
    """More streams at once than it can follow: what it then recognises a second is what it holds."""
    done = katydid(
        "run", "speech", "--host", recogniser, "--endpoint", "/", "--audio", recording, "--users", STREAMS, "--phase",
        "burst", "--interval", 60, "--run-time", "20s", "--warm-up", 0, "--drain", "40s", "--speech-start", "none",
        "--speech-end", "END", "--speech-fields", f"{FIELDS},processing=decode_s:s", folder=tmp_path,
    )  # fmt: skip
    assert done.wait(100) in {0, 4}, done.err  # 4 where this machine is too busy to speak in time
    run = the_run(tmp_path / "reports")
    samples = run.samples
    assert samples["outcome"].tolist() == ["ok"] * STREAMS
    assert "falls behind; needs" in done.out
    took = (samples["start_ms"] + samples["duration_ms"]).max() - samples["start_ms"].min()
    held = samples["audio_ms"].sum() / took
    planned = katydid("plan", "--from", run.path, "--workers", 1, "--utilisation", 1, "--json", "-", folder=tmp_path)
    assert planned.wait(100) == 0, planned.err
    plan = json.loads(planned.out)
    assert plan["concurrency"] == STREAMS
    assert plan["streams_per_worker"] == pytest.approx(held, rel=0.15)
