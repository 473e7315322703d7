"""The clock of the MMAudio reference as a view of a source."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import Video
from pavas_sdk.data.frames import ReferenceClockSource
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import moving_discs


def source(frames, fps):
    pixels = np.zeros((frames, 16, 16, 3), np.uint8)
    return MemorySource(Video(frames=pixels, times_s=np.arange(frames) / fps))


def test_a_video_is_shortened_to_what_the_clock_covers():
    view = ReferenceClockSource(source(200, 25.0), 8.0)
    assert view.duration_s == 7.96
    assert view.read().times_s.size == 199


def test_every_tick_shows_the_first_frame_at_or_after_it():
    view = ReferenceClockSource(source(6, 5.0), 1.2)
    ticks = np.arange(5) / 8.0
    np.testing.assert_allclose(view.shown_times_s(ticks, 8.0), [0.0, 0.2, 0.4, 0.4, 0.6])


def test_behind_the_last_tick_its_last_frame_stays():
    view = ReferenceClockSource(source(6, 5.0), 1.2)
    np.testing.assert_allclose(view.shown_times_s([1.0, 5.0], 8.0), [1.0, 1.0])


def test_a_source_must_tell_its_frame_times():
    class Plain:
        """No `SourceFacts`."""

        duration_s = 2.0

    with pytest.raises(ConfigurationError, match=r"Plain does not tell .*SourceFacts"):
        ReferenceClockSource(Plain(), 2.0)


def test_a_view_of_a_source_tells_them_too():
    clip = moving_discs(1, frames=30)
    view = ReferenceClockSource(ReferenceClockSource(clip.source, 1.0), 0.8)
    assert view.duration_s <= 0.8
