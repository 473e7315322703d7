"""Animated WebP and GIF, as Pillow writes them, and pictures with Exif data."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from small_media import picture

from pavas_sdk.data import Audio
from pavas_sdk.errors import DamagedMediaError
from pavas_sdk.media import choose_container, encode_with_sound, open_video

PICTURES = [Image.fromarray(picture(index)) for index in range(20)]
SILENCE = Audio(samples=np.zeros((1, 16000), np.float32), sample_rate_hz=16000)


def write(path, duration_ms, pictures=PICTURES, **options):
    first, *others = pictures
    first.save(path, save_all=True, append_images=others, duration=duration_ms, loop=0, **options)
    return path


@pytest.mark.parametrize("name", ["ball.webp", "ball.gif"])
def test_pictures_and_times(tmp_path, name):
    """Times between pictures differ; pictures without a time are shown as browsers do."""
    options = {"lossless": True} if name.endswith("webp") else {}
    with open_video(write(tmp_path / name, [40, 80] * 10, **options)) as video:
        assert (video.height, video.width) == (48, 64)
        wanted = np.cumsum([0, *[0.04, 0.08] * 9, 0.04])
        np.testing.assert_allclose(video.frame_times_s, wanted, atol=1e-9)
        assert video.source == str(tmp_path / name)
        off = np.abs(video.read().frames.astype(int) - np.stack([np.asarray(p) for p in PICTURES]))
        assert off.max() <= 2
    with open_video(write(tmp_path / f"untimed-{name}", 0, **options)) as video:
        assert video.frame_rate_hz == pytest.approx(10.0)


def test_a_webp_with_sound(tmp_path):
    path = write(tmp_path / "ball.webp", 40)
    choice = choose_container(path)
    assert choice.encode
    assert "webp pictures" in choice.note
    encode_with_sound(path, SILENCE, tmp_path / "out.mp4")
    with open_video(tmp_path / "out.mp4") as video:
        assert (video.frame_times_s.size, video.has_audio) == (20, True)


def test_a_file_that_was_replaced_is_read_anew(tmp_path):
    path = write(tmp_path / "ball.webp", 40)
    with open_video(path) as video:
        assert video.frame_times_s.size == 20
    write(path, 40, PICTURES[:7])
    with open_video(path) as video:
        assert video.frame_times_s.size == 7


def test_a_webp_with_transparency(tmp_path):
    clear = [entry.convert("RGBA") for entry in PICTURES]
    for entry in clear:
        entry.putalpha(Image.new("L", entry.size, 255))
    with open_video(write(tmp_path / "ball.webp", 40, clear)) as video:
        assert video.read().frames.shape == (20, 48, 64, 3)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_half_a_webp_is_a_typed_error(tmp_path, share):
    path = write(tmp_path / "ball.webp", 40)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DamagedMediaError, match="animated WebP cannot be decoded"):
        open_video(path)


@pytest.mark.parametrize(("orientation", "size"), [(1, (48, 64)), (6, (64, 48))])
def test_exif_data_which_pyav_does_not_know(tmp_path, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    PICTURES[0].save(tmp_path / "still.jpg", exif=exif)
    with open_video(tmp_path / "still.jpg") as video:
        assert (video.height, video.width) == size
