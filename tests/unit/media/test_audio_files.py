from __future__ import annotations

import struct

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.data import Audio, Video
from pavas_sdk.errors import ConfigurationError, DamagedMediaError, MediaError, OutputError
from pavas_sdk.media import read_audio, write_audio, write_video

FORMATS = [
    ("a.wav", "pcm_16", 2**-16),
    ("a.wav", "pcm_24", 2**-24),
    ("a.wav", "float32", 0.0),
    ("a.flac", "pcm_16", 2**-16),
    ("a.flac", "pcm_24", 2**-24),
]


@pytest.mark.parametrize(("name", "subtype", "error"), FORMATS)
@settings(deadline=None, max_examples=25)
@given(
    count=st.sampled_from([1, 2, 1023, 4095, 4096, 4097, 5000]),
    channels=st.integers(1, 3),
    rate=st.sampled_from([8000, 16000, 22050, 44100, 48000]),
    seed=st.integers(0, 9),
)
def test_what_is_written_is_read(
    tmp_path_factory, name, subtype, error, count, channels, rate, seed
):
    path = tmp_path_factory.mktemp("sound") / name
    samples = np.random.default_rng(seed).uniform(-0.99, 0.99, (channels, count))
    audio = Audio(samples=samples, sample_rate_hz=rate)
    report = write_audio(path, audio, subtype=subtype)
    assert (report.samples, report.clipped, report.warnings) == (count, 0, ())
    back = read_audio(path)
    assert back.sample_rate_hz == rate
    assert back.samples.shape == (channels, count)
    np.testing.assert_allclose(back.samples, audio.samples, atol=error + 1e-9)


def test_sixteen_bit_is_exact_on_its_own_steps(tmp_path):
    steps = np.arange(-32768, 32768, dtype=np.float64) / 32768
    path = tmp_path / "all.wav"
    write_audio(path, Audio(samples=steps, sample_rate_hz=16000))
    np.testing.assert_array_equal(read_audio(path).samples[0], steps)
    data = path.read_bytes()
    at = data.index(b"data")
    assert struct.unpack("<I", data[at + 4 : at + 8])[0] == 2 * steps.size
    np.testing.assert_array_equal(
        np.frombuffer(data[at + 8 :], "<i2"), np.arange(-32768, 32768, dtype=np.int64)
    )


@pytest.mark.parametrize(("name", "bits"), [("a.wav", 24), ("a.flac", 24)])
def test_twenty_four_bit_files_say_so(tmp_path, name, bits):
    write_audio(
        tmp_path / name, Audio(samples=np.zeros(100), sample_rate_hz=16000), subtype="pcm_24"
    )
    with av.open(str(tmp_path / name)) as container:
        codec = container.streams.audio[0].codec_context
        assert codec.name == ("flac" if name.endswith("flac") else "pcm_s24le")
    if name.endswith("flac"):
        stream_info = (tmp_path / name).read_bytes()[8:]
        assert ((stream_info[12] & 1) << 4 | stream_info[13] >> 4) + 1 == bits


def test_quiet_sound_is_not_made_louder(tmp_path):
    quiet = Audio(samples=np.full(1000, 3 / 32768), sample_rate_hz=16000)
    write_audio(tmp_path / "quiet.wav", quiet)
    np.testing.assert_array_equal(read_audio(tmp_path / "quiet.wav").samples, quiet.samples)


@pytest.mark.parametrize("subtype", ["pcm_16", "pcm_24"])
def test_beyond_full_scale_is_limited_counted_and_logged(tmp_path, caplog, subtype):
    loud = Audio(samples=[0.5, 1.0, -1.0, 1.5, -2.0, 0.0], sample_rate_hz=16000)
    report = write_audio(tmp_path / "loud.wav", loud, subtype=subtype)
    assert report.clipped == 2
    assert "2 samples beyond full scale (peak +6.0 dBFS) were limited" in report.warnings[0]
    assert report.warnings[0] in caplog.messages
    back = read_audio(tmp_path / "loud.wav").samples[0]
    np.testing.assert_allclose(back, [0.5, 1, -1, 1, -1, 0], atol=4e-5)


def test_float_keeps_what_is_beyond_full_scale(tmp_path):
    loud = Audio(samples=[0.5, 1.5, -200.0, 1e-30], sample_rate_hz=16000)
    assert write_audio(tmp_path / "loud.wav", loud, subtype="float32").clipped == 0
    np.testing.assert_array_equal(read_audio(tmp_path / "loud.wav").samples, loud.samples)


@pytest.mark.parametrize(
    ("name", "subtype", "message"),
    [
        ("a.mp3", "pcm_16", "expected a name ending in .wav or .flac"),
        ("a", "pcm_16", "expected a name ending in"),
        ("a.flac", "float32", "cannot hold 'float32'; expected one of pcm_16, pcm_24"),
        ("a.wav", "pcm_8", "expected one of pcm_16, pcm_24, float32"),
    ],
)
def test_formats_that_do_not_exist(tmp_path, name, subtype, message):
    with pytest.raises(ConfigurationError, match=message):
        write_audio(
            tmp_path / name, Audio(samples=np.zeros(9), sample_rate_hz=16000), subtype=subtype
        )
    assert list(tmp_path.iterdir()) == []


def test_too_many_channels(tmp_path):
    with pytest.raises(OutputError, match="cannot write 9 channels"):
        write_audio(tmp_path / "a.wav", Audio(samples=np.zeros((9, 5)), sample_rate_hz=16000))


def test_resampling_on_reading(tmp_path):
    seconds = np.arange(44100) / 44100
    tone = Audio(samples=0.5 * np.sin(2 * np.pi * 440 * seconds), sample_rate_hz=44100)
    write_audio(tmp_path / "tone.wav", tone, subtype="float32")
    back = read_audio(tmp_path / "tone.wav", sample_rate_hz=16000)
    assert back.sample_rate_hz == 16000
    assert abs(back.samples.shape[1] - 16000) <= 1
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(15000) / 16000)
    np.testing.assert_allclose(back.samples[0, 500:14500], expected[500:14500], atol=2e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_sound_of_a_video(tmp_path, name):
    video = Video(frames=np.zeros((10, 32, 32, 3), np.uint8), times_s=np.arange(10) / 25)
    tone = Audio(samples=0.5 * np.sin(np.arange(6400) * 0.1), sample_rate_hz=16000)
    back = read_audio(write_video(tmp_path / name, video, tone))
    assert back.sample_rate_hz == 16000
    assert back.samples.shape == (1, 6400)  # AAC fills up its last frame; that is cut again


def test_sound_that_cannot_be_decoded(tmp_path):
    path = tmp_path / "a.flac"
    noise = np.random.default_rng(0).uniform(-1, 1, 9000)
    write_audio(path, Audio(samples=noise, sample_rate_hz=16000))
    data = path.read_bytes()
    at = data.index(b"\xff\xf8")
    path.write_bytes(data[:at] + bytes(len(data) - at))
    with pytest.raises(DamagedMediaError, match="no sound could be decoded"):
        read_audio(path)


def test_reading_text_as_sound(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("not a sound at all " * 50)
    with pytest.raises(MediaError, match="not a video or audio file"):
        read_audio(path)


@pytest.mark.parametrize("subtype", ["pcm_16", "pcm_24", "float32"])
def test_a_broadcast_wave_says_where_it_begins(tmp_path, subtype):
    audio = Audio(samples=np.sin(np.arange(4800) / 7) * 0.4, sample_rate_hz=48_000)
    path = tmp_path / "a.wav"
    write_audio(path, audio, subtype=subtype, starts_at_s=1.5)
    data = path.read_bytes()
    at = data.index(b"bext") + 8
    assert data[at + 256 : at + 265] == b"pavas-sdk"
    assert struct.unpack("<Q", data[at + 338 : at + 346]) == (72_000,)
    np.testing.assert_allclose(read_audio(path).samples, audio.samples, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "starts_at_s", "said"),
    [("a.flac", 0.0, "only a .wav"), ("a.wav", -1.0, "time of day"), ("a.wav", 1e6, "time of day")],
)
def test_time_stamps_that_cannot_be(tmp_path, name, starts_at_s, said):
    audio = Audio(samples=np.zeros(10), sample_rate_hz=16_000)
    with pytest.raises(ConfigurationError, match=said):
        write_audio(tmp_path / name, audio, starts_at_s=starts_at_s)
    assert not list(tmp_path.iterdir())
