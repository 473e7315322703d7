"""Videos as programs hold them: every form shows the same pictures at the same times."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pavas_sdk.data import Video
from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.media import MemorySource, as_source, write_video

FPS = 20.0
FRAMES = np.random.default_rng(0).integers(0, 256, (10, 24, 32, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    video = Video(frames=FRAMES, times_s=np.arange(10) / FPS)
    return write_video(tmp_path / "clip.mp4", video)


FORMS = {
    "array": FRAMES,
    "array, channels first": FRAMES.transpose(0, 3, 1, 2),
    "floats": FRAMES.astype(np.float32) / 255.0,
    "doubles": FRAMES / 255.0,
    "tensor": torch.from_numpy(FRAMES),
    "tensor, channels first": torch.from_numpy(FRAMES).permute(0, 3, 1, 2),
    "tensor of floats": torch.from_numpy(FRAMES).float().requires_grad_() / 255.0,
    "pictures": [Image.fromarray(frame) for frame in FRAMES],
    "a tuple of pictures": tuple(Image.fromarray(frame) for frame in FRAMES),
}


@pytest.mark.parametrize("form", FORMS)
def test_frames_of_every_form_are_the_same_video(form):
    source = as_source(FORMS[form], fps=FPS)
    video = source.read()
    np.testing.assert_array_equal(video.frames, FRAMES)
    np.testing.assert_allclose(video.times_s, np.arange(10) / FPS)
    assert source.duration_s == pytest.approx(0.5)
    assert source.source is None


def test_bfloat16_tensors_are_read():
    source = as_source(torch.full((2, 16, 16, 3), 0.5, dtype=torch.bfloat16), fps=2)
    assert (source.read().frames == 128).all()


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (FRAMES.astype(np.int16), "int16; expected uint8"),
        (FRAMES.astype(np.float32), r"0 to 255; expected 0 to 1 .*frames / 255"),
        (FRAMES / 127.5 - 1.0, r"\(frames \+ 1\) / 2"),
        (np.full(FRAMES.shape, np.nan), "expected 0 to 1"),
        (FRAMES[0], "np.stack"),
        (FRAMES[..., 0], "grey pictures"),
        (FRAMES[None], r"list\(frames\)"),
        (np.concatenate([FRAMES, FRAMES[..., :1]], -1), "without transparency"),
        (FRAMES.transpose(3, 0, 1, 2), "channels first"),
        (FRAMES[:0], "at least one frame"),
        ([Image.new("RGB", (32, 24)), Image.new("RGB", (24, 32))], "different sizes"),
    ],
)
def test_what_is_no_video_is_refused_with_what_to_type(frames, said):
    with pytest.raises(InputError, match=said):
        as_source(frames, fps=FPS)


def test_frames_need_a_clock_and_a_clock_is_not_given_twice():
    with pytest.raises(InputError, match="fps=25"):
        as_source(FRAMES)
    video = Video(frames=FRAMES, times_s=np.arange(10) / FPS)
    for held in (video, MemorySource(video)):
        with pytest.raises(InputError, match="has its own times"):
            as_source(held, fps=FPS)
    with pytest.raises(InputError, match="fps"):
        as_source(FRAMES, fps=0.0)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(0, 20), max_size=5),
    kind=st.sampled_from([np.uint8, np.float32, np.int64, np.bool_]),
)
def test_any_array_is_a_video_or_a_typed_error(shape, kind):
    try:
        source = as_source(np.zeros(shape, kind), fps=FPS)
    except (InputError, MediaError):
        return
    assert source.read().frames.shape[-1] == 3


def test_bytes_files_and_containers_are_read_where_they_are(file):
    wanted = as_source(file).read().frames
    data = file.read_bytes()
    memory = io.BytesIO(data)
    memory.seek(7)
    for form in (data, memory):
        source = as_source(form)
        np.testing.assert_array_equal(source.read().frames, wanted)
        assert source.source is None
    assert memory.tell() == 7
    with (
        file.open("rb") as opened,
        av.open(str(file)) as container,
        av.open(io.BytesIO(data)) as inner,
    ):
        opened.seek(5)
        assert as_source(opened).source == str(file)
        assert opened.tell() == 5
        assert as_source(container).source == str(file)
        np.testing.assert_array_equal(as_source(inner).read().frames, wanted)
    assert as_source(data, fps=10.0).duration_s == pytest.approx(1.0)


def test_an_open_file_that_was_replaced_is_read_itself(file):
    with file.open("rb") as opened:
        wanted = as_source(file).read().frames
        file.unlink()
        source = as_source(opened)
        np.testing.assert_array_equal(source.read().frames, wanted)
        assert source.source is None


def test_the_copy_of_bytes_goes_with_the_source(file):
    source = as_source(file.read_bytes())
    copy = source._path
    assert copy.is_file()
    del source
    assert not copy.parent.exists()


def test_what_is_nothing_of_that_is_refused(file):
    with file.open(encoding="latin-1") as text:
        assert as_source(text).source == str(file)
    with pytest.raises(InputError, match="opened as text"):
        as_source(io.StringIO("no video"))
    with pytest.raises(MediaError, match="the bytes that were given"):
        as_source(b"no video")
    with pytest.raises(InputError, match="cannot read frames from int"):
        as_source(5)
