"""WAV files: what is taken, and what one is told about the others."""

import struct
import wave

import pytest

from katydid.model.errors import ConfigError
from katydid.workloads.speech.audio import Audio, built_in_sound, load_audio


def wav(path, *, channels=1, width=2, rate=16_000, frames=1600):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(range(256)) * (frames * channels * width // 256 + 1))
    return path


def test_without_a_file_there_is_a_second_of_sound():
    recordings = load_audio(None)
    (audio,) = recordings.audios
    assert audio.seconds == 1.0
    assert max(struct.unpack("<16000h", audio.pcm)) > 5000
    assert audio.pcm == built_in_sound(1.0)


def test_a_file_is_taken_as_it_is(tmp_path):
    (audio,) = load_audio(str(wav(tmp_path / "a.wav"))).audios
    assert audio.pcm[:4] == bytes([0, 1, 2, 3])


def test_a_folder_is_taken_in_the_order_of_its_names(tmp_path):
    wav(tmp_path / "b.wav", frames=3200)
    wav(tmp_path / "a.WAV", frames=1600)
    (tmp_path / "notes.txt").write_text("not this")
    lengths = [audio.seconds for audio in load_audio(str(tmp_path)).audios]
    assert lengths == sorted(lengths)
    assert len(lengths) == 2


def test_users_speak_different_recordings_and_the_same_ones_again(tmp_path):
    for number in range(5):
        wav(tmp_path / f"{number}.wav")
    recordings = load_audio(str(tmp_path))
    chosen = [recordings.index(0, user, 0) for user in range(5)]
    assert sorted(chosen) == [0, 1, 2, 3, 4]
    assert chosen == [recordings.index(0, user, 0) for user in range(5)]


def test_audio_is_cut_into_chunks_and_none_is_lost():
    audio = Audio(bytes(3200 * 2 + 100))
    assert [len(chunk) for chunk in audio.chunks(100.0)] == [3200, 3200, 100]


def wave_without_sound(path):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
    return path


def truncated(path):
    data = wav(path).read_bytes()
    path.write_bytes(data[:-1000])
    return path


def cut_in_the_head(path):
    path.write_bytes(wav(path).read_bytes()[:20])
    return path


def text(path):
    path.write_text("this is no sound")
    return path


def empty_file(path):
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        pytest.param(
            lambda p: wav(p, rate=8000),
            "8000 Hz instead of 16000; convert it: ffmpeg",
            id="other rate",
        ),
        pytest.param(lambda p: wav(p, channels=2), "has 2 channels instead of 1", id="stereo"),
        pytest.param(lambda p: wav(p, width=1), "has 8-bit samples instead of 16-bit", id="8 bit"),
        pytest.param(wave_without_sound, "has no samples", id="no sound"),
        pytest.param(truncated, "is truncated: ", id="truncated"),
        pytest.param(cut_in_the_head, "is not a WAV file with PCM samples (it ends too early)", id="cut in the head"),
        pytest.param(text, "is not a WAV file", id="text"),
        pytest.param(empty_file, "is not a WAV file with PCM samples (it ends too early)", id="empty file"),
        pytest.param(lambda p: p, "no such file", id="missing"),
    ],
)
def test_a_file_that_services_do_not_take_is_refused_in_one_line(tmp_path, make, complaint):
    path = make(tmp_path / "x.wav")
    with pytest.raises(ConfigError) as refusal:
        load_audio(str(path))
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"has no \.wav file"):
        load_audio(str(tmp_path))
