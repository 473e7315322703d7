"""What a file declares is applied, or said: dynamic range, streams, pixel shapes."""

from __future__ import annotations

import struct

import av
import numpy as np
import pytest
from small_media import picture, write_small

from pavas_sdk.errors import MediaError
from pavas_sdk.media import choose_container, open_video, read_audio
from pavas_sdk.media.tone_mapping import HDR_TRANSFERS, tone_mapped


@pytest.mark.parametrize(("transfer", "white"), [(16, 0.5807), (18, 0.75)])
def test_tone_mapping(transfer, white):
    """Reference white is nearly white, black is black, and more light never is less bright."""
    codes = np.rint(np.linspace(0, 1, 256) * 65535).astype(np.uint16)
    grey = tone_mapped(np.repeat(codes[None, :, None], 3, axis=2), transfer)[0]
    values = grey[:, 0].astype(int)
    assert np.abs(values - grey[:, 1]).max() <= 1
    assert values[0] == 0
    assert (np.diff(values) >= 0).all()
    assert values[round(white * 255)] == pytest.approx(246, abs=4)
    assert values[-1] == 255


def high_range(path, transfer, code):
    """Two levels: ``code`` on the left, 0.3 on the right."""
    name = {16: "smpte2084", 18: "arib-std-b67"}[transfer]
    options = {
        "x265-params": f"log-level=none:colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    }
    image = np.full((48, 64, 3), round(0.3 * 65535), np.uint16)
    image[:, :32] = round(code * 65535)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx265", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        stream.codec_context.color_trc = transfer
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(image, format="rgb48le")
            file.mux(stream.encode(frame.reformat(format="yuv420p10le", dst_colorspace=9)))
        file.mux(stream.encode(None))


@pytest.mark.parametrize(("transfer", "code"), [(16, 0.5807), (18, 0.75)])
def test_high_dynamic_range_is_tone_mapped_and_said(tmp_path, transfer, code):
    path = tmp_path / "hdr.mp4"
    high_range(path, transfer, code)
    with open_video(path) as video:
        pixels = video.read().frames[0].astype(int)
        assert pixels[24, 10] == pytest.approx(246, abs=5)
        assert pixels[24, 50].max() < 90
        (note,) = video.warnings
    assert f"high dynamic range ({HDR_TRANSFERS[transfer]})" in note


def two_streams(path, *, default=None):
    """A small card at 1 frame per second, and a larger picture at 25."""
    with av.open(str(path), "w") as file:
        small, large = (file.add_stream("libx264", rate=rate) for rate in (1, 25))
        for stream, (height, width) in ((small, (48, 64)), (large, (96, 128))):
            stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        if default is not None:
            for index, stream in enumerate((small, large)):
                stream.disposition = 1 if index == default else 0
        for index in range(50):
            for stream, size, every in ((small, (48, 64), 25), (large, (96, 128), 1)):
                if index % every == 0:
                    image = picture(index, *size)
                    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                    file.mux(stream.encode(frame.reformat(format="yuv420p")))
        for stream in (small, large):
            file.mux(stream.encode(None))


@pytest.mark.parametrize("default", [None, 0, 1])
def test_of_two_pictures_the_larger_with_more_frames_is_taken(tmp_path, default):
    path = tmp_path / "two.mkv"
    two_streams(path, default=default)
    with open_video(path) as video:
        assert (video.width, video.height) == (128, 96)
        assert video.frame_times_s.size == 50
        assert any("2 picture streams: stream 1 (128 x 96)" in text for text in video.warnings)
    assert choose_container(path).suffix == ".mkv"


def test_pixels_that_are_not_square(tmp_path):
    from fractions import Fraction

    path = tmp_path / "wide.mkv"
    write_small(path, "libx264", "yuv420p", sample_aspect_ratio=Fraction(4, 3))
    with open_video(path) as video:
        assert (video.width, video.height) == (85, 48)
        assert video.read().frames.shape[1:3] == (48, 85)
        assert any("1.333 times as wide as high" in text for text in video.warnings)


@pytest.mark.parametrize("channels", [0, 9, 65535])
def test_a_wav_of_impossible_channels_is_a_typed_error(tmp_path, channels):
    path = tmp_path / "odd.wav"
    body = struct.pack("<HHIIHH", 1, channels, 16000, 32000 * channels % 2**32, 2, 16)
    data = b"\0" * 3200
    chunks = b"fmt " + struct.pack("<I", 16) + body + b"data" + struct.pack("<I", 3200) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    try:
        sound = read_audio(path)
    except MediaError:
        return
    assert sound.channels == channels


def test_a_damaged_transport_stream_is_read_or_refused(tmp_path):
    """A stream that its tables do not name appears in the middle."""
    path = tmp_path / "whole.ts"
    write_small(path, "mpeg2video", "yuv420p", frames=50, size=(96, 128))
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = np.frombuffer(content, np.uint8).copy()
        flips = rng.integers(0, data.size, data.size // 400)
        data[flips] = rng.integers(0, 256, flips.size)
        damaged = tmp_path / "damaged.ts"
        damaged.write_bytes(data.tobytes())
        try:
            with open_video(damaged) as video:
                video.check()
        except MediaError:
            continue
