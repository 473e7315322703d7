"""Views of a frame source: windows of it, smaller frames."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import FrameSource
from pavas_sdk.data.frames import (
    SourceFacts,
    SourceView,
    Window,
    WindowSource,
    bounded,
    fingerprint,
)
from pavas_sdk.testing import moving_discs


@pytest.fixture(scope="module")
def clip():
    return moving_discs(1, frames=50)


class Cut(SourceView):
    """A part of a file that says where it begins."""

    start_s = 2.5
    warnings = ("damaged",)


def test_a_window_is_a_source(clip):
    window = WindowSource(clip.source, Window(start_s=0.4, end_s=1.2))
    assert isinstance(window, FrameSource)
    assert window.duration_s == pytest.approx(0.8)
    part = window.read()
    assert part.times_s[0] == pytest.approx(0.0, abs=1e-9)
    assert len(part) == 20
    np.testing.assert_array_equal(part.frames[0], clip.video.frames[10])
    at = window.frames_at([0.1, 0.2])
    np.testing.assert_allclose(at.times_s, [0.1, 0.2])
    np.testing.assert_array_equal(at.frames[0], clip.video.frames[12])
    assert window.read(0.2, 0.4, max_side=32).width == 32
    assert (window.height, window.width) == (48, 64)
    assert window.source.endswith("#t=0.400,1.200")
    assert window.time_scale == 1.0
    assert window.frame_rate_hz == pytest.approx(25.0)


def test_a_window_tells_what_the_whole_knows_on_its_own_clock(clip):
    window = WindowSource(clip.source, Window(start_s=0.41, end_s=0.61))
    # the frame of 0.40 s is the one shown at 0.41 s
    np.testing.assert_allclose(window.frame_times_s, [0.0, 0.03, 0.07, 0.11, 0.15, 0.19])
    np.testing.assert_allclose(window.shown_times_s([0.0, 0.1], 10.0), [0.0, 0.1])
    part = WindowSource(Cut(clip.source), Window(start_s=0.5, end_s=1.0))
    assert part.start_s == 3.0
    assert part.warnings == ("damaged",)
    part = WindowSource(part, Window(start_s=0.25, end_s=0.5))
    assert part.start_s == 3.25


def test_a_view_is_a_source_and_changes_nothing(clip):
    view = SourceView(clip.source)
    assert isinstance(view, FrameSource)
    assert isinstance(view, SourceFacts)
    np.testing.assert_array_equal(view.read(0.2, 0.4).frames, clip.source.read(0.2, 0.4).frames)
    np.testing.assert_array_equal(
        view.frames_at([0.2], max_side=32).frames, clip.source.frames_at([0.2], max_side=32).frames
    )
    assert view.start_s == 0.0
    assert fingerprint(view) == fingerprint(clip.source)


def test_a_large_video_is_shown_smaller(clip):
    whole = clip.source
    assert bounded(whole, 64) == (whole, None)
    source, note = bounded(whole, 32)
    assert "64 x 48 pixels" in note
    assert "at most 32 x 24 (max_side)" in note
    assert (source.height, source.width) == (48, 64)
    assert source.read(0.0, 0.1).width == 32
    assert source.read(0.0, 0.1, max_side=16).width == 16
    assert source.frames_at([0.0], max_side=64).width == 32
    assert fingerprint(source) == fingerprint(clip.source)
    np.testing.assert_array_equal(source.frame_times_s, clip.source.frame_times_s)


def test_a_window_has_a_fingerprint_of_its_own(clip):
    whole = WindowSource(clip.source, Window(start_s=0.0, end_s=clip.source.duration_s))
    one = WindowSource(clip.source, Window(start_s=0.0, end_s=1.0))
    same = WindowSource(clip.source, Window(start_s=0.0, end_s=1.0))
    assert fingerprint(one) == fingerprint(same)
    assert len({fingerprint(one), fingerprint(whole), fingerprint(clip.source)}) == 3
