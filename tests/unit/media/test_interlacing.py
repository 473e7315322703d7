"""Of interlaced pictures one moment is seen, at its own time; telecine leaves the film's pictures."""

from __future__ import annotations

from fractions import Fraction

import av
import av.filter
import numpy as np
import pytest

from pavas_sdk.data.frames import survey_frames
from pavas_sdk.media import open_video

HEIGHT, WIDTH = 96, 128


def moment(index):
    """(H, W, 3): a bright square, 3 pixels further right in each."""
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    left = (3 * index) % (WIDTH - 20)
    image[30:60, left : left + 16] = 220
    return image


def woven(first, second, *, top_first):
    """Two moments in one picture, the first in the even rows when the top is shown first."""
    image = first.copy()
    rows = slice(1, None, 2) if top_first else slice(0, None, 2)
    image[rows] = second[rows]
    return image


def write_interlaced(path, pictures, *, codec, top_first, pixel_format="yuv420p"):
    order = "tff" if top_first else "bff"
    options = {
        "mpeg2video": {"flags": "+ildct+ilme"},
        "libx264": {"x264-params": f"{order}=1:log=-1"},
        "prores_ks": {"flags": "+ildct+ilme"},
    }[codec]
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=WIDTH,
            height=HEIGHT,
            format=av.VideoFormat(pixel_format),
            time_base=Fraction(1, 25),
        ),
        graph.add("setfield", order),
        graph.add("buffersink"),
    ).configure()
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        stream.bit_rate = 4_000_000
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format=pixel_format)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            graph.vpush(frame)
            frame = graph.vpull()
            frame.pict_type = 0
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def moment_seen(pixels, count=64):
    """The number of the moment that a picture shows, and how far it is from it in levels."""
    away = [np.abs(pixels.astype(int) - moment(k)).mean() for k in range(count)]
    return int(np.argmin(away)), min(away)


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("tv.ts", "mpeg2video", "yuv420p"),
        ("camera.mp4", "libx264", "yuv420p"),
        ("tape.mov", "prores_ks", "yuv422p10le"),
    ],
)
def test_the_field_that_is_shown_first_is_seen(tmp_path, name, codec, pixel_format, top_first):
    path = tmp_path / name
    pictures = [woven(moment(2 * k), moment(2 * k + 1), top_first=top_first) for k in range(15)]
    write_interlaced(path, pictures, codec=codec, top_first=top_first, pixel_format=pixel_format)
    with open_video(path) as video:
        assert (
            sum("interlaced" in note and "shown first was taken" in note for note in video.warnings)
            == 1
        )
        whole = video.read()
        assert np.allclose(whole.times_s, np.arange(15) / 25)
        assert whole.frames.shape == (15, HEIGHT, WIDTH, 3)
        for k, pixels in enumerate(whole.frames):
            seen, away = moment_seen(pixels)
            assert seen == 2 * k
            assert away < 4  # both moments in one are further from either
        # the same pixels however a window is reached
        assert np.array_equal(video.read(0.4, 0.6).frames, whole.frames[10:15])
        small = video.read(max_side=64).frames
        assert small.shape == (15, 48, 64, 3)


def test_pictures_that_are_not_interlaced_stay_as_they_are(tmp_path):
    """An encoder that may interlace and was given whole pictures: each row is its own."""
    path = tmp_path / "whole.mkv"
    rows = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rows[::2] = 200
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(rows, format="rgb24").reformat(format="yuv444p")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with open_video(path) as video:
        pixels = video.read().frames[0].astype(int)
    assert pixels[0::2].mean() > 190
    assert pixels[1::2].mean() < 10


def test_telecine_leaves_the_pictures_of_the_film(tmp_path):
    """24 pictures per second over 30 frames: fields of 2 and 3, two of five frames mixed of two."""
    path = tmp_path / "film.ts"
    film = [moment(k) for k in range(24)]
    fields = [image for k, image in enumerate(film) for _ in range(2 + k % 2)]
    frames = [
        woven(fields[2 * k], fields[2 * k + 1], top_first=True) for k in range(len(fields) // 2)
    ]
    assert len(frames) == 30
    write_interlaced(path, frames, codec="mpeg2video", top_first=True)
    with open_video(path) as video:
        seen = [moment_seen(pixels) for pixels in video.read().frames]
        survey = survey_frames(video)
    assert max(away for _, away in seen) < 4
    assert [index for index, _ in seen] == [
        4 * (k // 5) + (0, 1, 1, 2, 3)[k % 5] for k in range(30)
    ]
    assert np.flatnonzero(survey.repeated).tolist() == list(range(2, 30, 5))
    assert "6 of 30 frames show the one before once more" in survey.notes()[0]
