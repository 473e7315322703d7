"""Stills are told from videos by their content."""

from __future__ import annotations

import pytest
from PIL import Image

from pavas_sdk.media import is_picture, write_video
from pavas_sdk.testing import moving_discs


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.gif", "x.bmp", "x.tiff", "x.ppm"])
def test_a_still(tmp_path, name):
    Image.new("RGB", (20, 20)).save(tmp_path / name)
    assert is_picture(tmp_path / name)
    (tmp_path / name).rename(tmp_path / "renamed.mp4")
    assert is_picture(tmp_path / "renamed.mp4")


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.png"])
def test_an_animation_is_none(tmp_path, name):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100)
    assert not is_picture(tmp_path / name)


def test_a_phones_two_views_are_one_picture(tmp_path):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "x.mpo", save_all=True, append_images=frames[1:])
    (tmp_path / "x.mpo").rename(tmp_path / "x.jpg")
    assert is_picture(tmp_path / "x.jpg")


def test_what_is_no_picture(tmp_path):
    write_video(tmp_path / "x.mp4", moving_discs(1, frames=3, height=32, width=32).video)
    (tmp_path / "x.txt").write_text("hello")
    assert not is_picture(tmp_path / "x.mp4")
    assert not is_picture(tmp_path / "x.txt")
    assert not is_picture(tmp_path / "gone.png")
    assert not is_picture(tmp_path)


def test_a_damaged_file_is_what_its_name_says(tmp_path):
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert is_picture(tmp_path / "x.png")
