"""The real recogniser behind the speech service, with speech that is made here; where both are installed."""

import json
import shutil
import struct
import subprocess
import wave
from importlib.util import find_spec

import pytest
import websocket
from wire import eventually, get

from katydid.model.errors import ConfigError
from katydid.target.settings import TargetSettings

installed = find_spec("pocketsphinx") is not None
needs_both = pytest.mark.skipif(
    not installed or shutil.which("espeak-ng") is None, reason="needs pocketsphinx and espeak-ng"
)


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Some words, as 16-bit samples at 16 kHz."""
    path = tmp_path_factory.mktemp("speech") / "words.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "130", "-w", str(path), "the old house"], check=True)
    with wave.open(str(path)) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    samples = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    count = len(samples) * 16_000 // rate
    return struct.pack(f"<{count}h", *(samples[index * rate // 16_000] for index in range(count)))


def talk(target, pcm):
    line = websocket.create_connection(f"ws://127.0.0.1:{target.port}/speech", timeout=30)
    for start in range(0, len(pcm), 3200):
        line.send_binary(pcm[start : start + 3200])
    line.send('{"type": "stop"}')
    said = []
    while message := line.recv():
        said.append(json.loads(message))
    line.shutdown()  # its `close` leaves the socket open where the server has closed first
    return said


@needs_both
def test_words_are_recognised(start, speech):
    target = start(speech_recogniser="pocketsphinx")
    *partials, final = talk(target, speech)
    assert partials
    assert final["type"] == "final"
    assert {"old", "house"} & set(final["text"].split()), final["text"]
    assert final["processing_ms"] > 0


@needs_both
def test_streams_of_one_worker_do_not_hear_each_other(start, speech):
    target = start(speech_recogniser="pocketsphinx")
    alone = talk(target, speech)[-1]["text"]
    other = websocket.create_connection(f"ws://127.0.0.1:{target.port}/speech", timeout=30)
    other.send_binary(bytes(32_000))
    assert talk(target, speech)[-1]["text"].split()[-1] == alone.split()[-1]
    other.shutdown()
    eventually(lambda: get(target, "/speech/workers")["pending"] == 0)
    assert talk(target, speech)[-1]["type"] == "final"


@pytest.mark.skipif(installed, reason="pocketsphinx is installed")
def test_without_the_package_one_is_told_what_to_install():
    with pytest.raises(ConfigError, match=r"pip install katydid\[speech\]"):
        TargetSettings(speech_recogniser="pocketsphinx")


def test_a_recogniser_that_there_is_not_is_refused():
    with pytest.raises(ConfigError, match="is not one of pretend, pocketsphinx"):
        TargetSettings(speech_recogniser="whisper")
