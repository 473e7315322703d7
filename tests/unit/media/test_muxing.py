from __future__ import annotations

import av
import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, MediaError, OutputExistsError
from pavas_sdk.media import mux, open_video, read_audio

RATE = 16_000


def click(at_s: float = 0.5, seconds: float = 1.2, rate: int = RATE, channels: int = 1) -> Audio:
    """A short tone at a known time."""
    samples = np.zeros((channels, round(seconds * rate)), np.float32)
    start = round(at_s * rate)
    samples[:, start : start + rate // 80] = 0.9 * np.sin(np.arange(rate // 80) * 0.5)
    return Audio(samples=samples, sample_rate_hz=rate)


def picture_packets(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(video=0) if p.size]


def first_time(path, kind: str) -> float:
    with av.open(str(path)) as container:
        return next(container.decode(**{kind: 0})).time


def heard_at(path) -> float:
    """When the click begins, on the clock of the pictures."""
    sound = read_audio(path)
    index = int(np.argmax(np.abs(sound.mono) > 0.3))
    return index / sound.sample_rate_hz + first_time(path, "audio") - first_time(path, "video")


SOURCES = {
    "plain mp4": ("a.mp4", "libx264", {"bf": "0"}),
    "mp4 with B-frames": ("a.mp4", "libx264", {"bf": "3"}),
    "mkv with B-frames": ("a.mkv", "libx264", {"bf": "3"}),
    "mov mpeg4": ("a.mov", "mpeg4", {}),
    "avi mpeg4": ("a.avi", "mpeg4", {}),
    "webm vp9": ("a.webm", "libvpx-vp9", {}),
}
# H.264 in AVI and MPEG-TS is framed in another way and has to be framed anew
REFRAMED = {
    "avi with B-frames": ("a.avi", "libx264", {"bf": "2"}),
    "transport stream": ("a.ts", "libx264", {"bf": "2"}),
}


@pytest.mark.parametrize("kind", [*SOURCES, *REFRAMED])
@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_pictures_are_copied_and_sound_fits(clips, numbers, kind, out):
    name, codec, options = {**SOURCES, **REFRAMED}[kind]
    source = clips.make(name, 30, codec=codec, **options)
    target = clips.folder / out
    fits = {"webm": {"libvpx-vp9"}, "mov": {"libx264", "mpeg4"}}.get(out[4:])
    if fits is not None and codec not in fits:
        with pytest.raises(MediaError, match=r"cannot hold; choose a name ending in "):
            mux(source, click(), target)
        assert not target.exists()
        return
    report = mux(source, click(), target)
    if kind in SOURCES:
        assert picture_packets(target) == picture_packets(source)
    assert report.video_packets == 30
    before, after = open_video(source), open_video(target)
    np.testing.assert_array_equal(after.read().frames, before.read().frames)
    np.testing.assert_allclose(after.read().times_s, np.arange(30) / 25, atol=2e-3)
    assert after.duration_s == pytest.approx(report.video_duration_s, abs=2e-3)
    one_frame = 1024 / RATE
    assert abs(read_audio(target).duration_s - after.duration_s) <= one_frame
    assert heard_at(target) == pytest.approx(0.5, abs=2e-3)
    assert sorted(p.name for p in clips.folder.iterdir()) == sorted([name, out])


@pytest.mark.parametrize(
    ("out", "codec", "exact"),
    [
        ("out.mp4", "aac", False),
        ("out.mp4", "alac", True),
        ("out.mp4", "flac", True),
        ("out.mp4", "opus", False),
        ("out.mov", "alac", True),
        ("out.mov", "pcm", True),
        ("out.mkv", "flac", True),
        ("out.mkv", "opus", False),
        ("out.mkv", "aac", False),
        ("out.mkv", "pcm", True),
    ],
)
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (48_000, 2)])
def test_codecs_rates_and_channels(clips, out, codec, exact, rate, channels):
    source = clips.make("a.mp4", 30)
    sound = click(rate=rate, channels=channels)
    report = mux(source, sound, clips.folder / out, audio_codec=codec)
    back = read_audio(clips.folder / out)
    assert back.channels == channels
    assert back.sample_rate_hz == report.audio_rate_hz
    assert report.audio_rate_hz == (48_000 if codec == "opus" else rate)
    assert heard_at(clips.folder / out) == pytest.approx(0.5, abs=2e-3)
    if exact:
        np.testing.assert_allclose(back.samples, sound.samples, atol=2**-15)


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("out", ["out.mp4", "out.mov", "out.mkv"])
def test_rotation_is_kept(clips, name, out):
    phone = clips.make("phone.mp4", 10, rotation=90)
    source = phone if name == "in.mp4" else clips.remux(phone, name)
    mux(source, click(), clips.folder / out)
    file = open_video(clips.folder / out)
    assert file.rotation_deg == 90
    np.testing.assert_array_equal(file.read().frames, open_video(phone).read().frames)


@pytest.mark.parametrize("out", ["out.mp4", "out.mov"])
def test_an_edit_list_is_kept(clips, numbers, out):
    """A clip that was cut without encoding again: frames before the cut stay hidden."""
    whole = clips.make("whole.mp4", 30, g="300", bf="2")
    cut = clips.folder / "cut.mp4"
    with av.open(str(whole)) as given, av.open(str(cut), "w") as output:
        stream = given.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if packet.size:
                shift = round(0.4 / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = copied
                output.mux(packet)
    source = open_video(cut)
    assert numbers(source.read().frames) == list(range(10, 30))
    mux(cut, click(), clips.folder / out)
    file = open_video(clips.folder / out)
    assert numbers(file.read().frames) == list(range(10, 30))
    assert picture_packets(clips.folder / out) == picture_packets(cut)
    assert file.duration_s == pytest.approx(0.8)
    assert read_audio(clips.folder / out).duration_s == pytest.approx(0.8, abs=0.064)
    assert heard_at(clips.folder / out) == pytest.approx(0.5, abs=2e-3)


def test_variable_frame_rate_is_kept(clips):
    times = [0.0, 0.04, 0.3, 0.31, 0.9, 1.0]
    source = clips.make("v.mkv", times, bf="2")
    for out in ("out.mp4", "out.mkv"):
        mux(source, click(), clips.folder / out)
        np.testing.assert_allclose(open_video(clips.folder / out).read().times_s, times, atol=2e-3)


def test_a_late_start_is_moved_to_zero(clips):
    source = clips.make("late.mp4", np.arange(25) / 25 + 2.0)
    mux(source, click(), clips.folder / "out.mp4")
    assert first_time(clips.folder / "out.mp4", "video") == 0.0
    assert heard_at(clips.folder / "out.mp4") == pytest.approx(0.5, abs=2e-3)


def test_a_clock_that_restarts_is_repaired(clips, numbers):
    part = clips.remux(clips.make("a.mp4", 20, g="5"), "part.ts")
    twice = clips.folder / "twice.ts"
    twice.write_bytes(part.read_bytes() * 2)
    report = mux(twice, click(seconds=1.6), clips.folder / "out.mp4")
    file = open_video(clips.folder / "out.mp4")
    assert numbers(file.read().frames) == list(range(20)) * 2
    assert file.warnings == ()
    assert any("run backwards" in text for text in report.warnings)


def test_a_gap_that_was_closed_for_reading_is_closed_in_the_copy(clips, numbers):
    times = np.concatenate([np.arange(10) / 25, np.arange(10) / 25 + 3600.0])
    report = mux(clips.make("a.mkv", times, bf="2"), click(), clips.folder / "out.mp4")
    assert report.video_duration_s == pytest.approx(0.8, abs=0.01)
    file = open_video(clips.folder / "out.mp4")
    assert file.duration_s == pytest.approx(0.8, abs=0.01)
    assert numbers(file.read().frames) == list(range(20))


def test_a_truncated_video(clips, numbers):
    source = clips.make("a.mp4", 50, noise=35, g="10")
    cut = clips.cut(clips.remux(source, "fast.mp4", movflags="faststart"), 0.6)
    report = mux(cut, click(), clips.folder / "out.mp4")
    file = open_video(clips.folder / "out.mp4")
    assert 0.8 < file.duration_s < 1.6
    assert report.video_duration_s == pytest.approx(open_video(cut).duration_s)
    assert abs(read_audio(file.source).duration_s - file.duration_s) <= 0.13


def test_existing_sound_is_replaced(clips):
    source = clips.make("talking.mp4", 30, sound_s=1.2)
    mux(source, click(), clips.folder / "out.mp4")
    with av.open(str(clips.folder / "out.mp4")) as container:
        assert [s.type for s in container.streams] == ["video", "audio"] or [
            s.type for s in container.streams
        ] == ["audio", "video"]
    assert heard_at(clips.folder / "out.mp4") == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize("seconds", [0.2, 1.2, 5.0])
def test_short_sound_is_filled_with_silence_and_long_sound_cut(clips, caplog, seconds):
    source = clips.make("a.mp4", 30)
    report = mux(source, click(0.1, seconds), clips.folder / "out.mkv")
    assert read_audio(clips.folder / "out.mkv").duration_s == pytest.approx(1.2)
    assert report.silence_s == pytest.approx(max(0.0, 1.2 - seconds))
    assert report.cut_s == pytest.approx(max(0.0, seconds - 1.2))
    assert bool(report.warnings) == bool(caplog.messages) == (seconds > 1.2)


def test_sound_that_begins_later(clips):
    source = clips.make("a.mp4", 30)
    report = mux(source, click(0.1, 0.4), clips.folder / "out.mp4", offset_s=0.6)
    assert heard_at(clips.folder / "out.mp4") == pytest.approx(0.7, abs=2e-3)
    assert report.silence_s == pytest.approx(0.8)
    for offset in (-1.0, float("nan"), 1.2):
        with pytest.raises(ConfigurationError, match="offset_s"):
            mux(source, click(), clips.folder / "other.mp4", offset_s=offset)


def test_existing_output_is_kept_and_the_source_may_be_replaced(clips):
    source = clips.make("a.mp4", 30)
    before = source.read_bytes()
    with pytest.raises(OutputExistsError):
        mux(source, click(), source)
    assert source.read_bytes() == before
    packets = picture_packets(source)
    mux(source, click(), source, overwrite=True)
    assert picture_packets(source) == packets
    assert heard_at(source) == pytest.approx(0.5, abs=2e-3)


@pytest.mark.parametrize(
    ("out", "codec", "message"),
    [
        ("out.wav", None, r"cannot write video to 'out\.wav': expected a name ending in \.mp4"),
        ("out.avi", None, "expected a name ending in"),
        ("out.mp4", "mp3", "mp4 files cannot hold 'mp3' sound here; expected one of aac, alac"),
        ("out.webm", "flac", "webm files cannot hold 'flac' sound here; expected one of opus"),
    ],
)
def test_containers_and_codecs_that_do_not_fit(clips, out, codec, message):
    source = clips.make("a.mp4", 5)
    with pytest.raises(ConfigurationError, match=message):
        mux(source, click(), clips.folder / out, audio_codec=codec)
    assert [p.name for p in clips.folder.iterdir()] == ["a.mp4"]
