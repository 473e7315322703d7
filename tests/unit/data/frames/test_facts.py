"""A source that tells nothing beside its frames has defaults; all its frames are its fingerprint."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import FrameSource, SourceFacts
from pavas_sdk.data.frames import Window, WindowSource, facts_of, fingerprint
from pavas_sdk.media import open_video, write_video
from pavas_sdk.testing import moving_discs


class Plain:
    """A third party's source: what `FrameSource` asks for and no more."""

    source, frame_rate_hz, height, width, time_scale = "a camera", 25.0, 48, 64, 1.0

    def __init__(self, whole):
        self.duration_s = whole.duration_s
        self.read, self.frames_at = whole.read, whole.frames_at


class Clocked(Plain, SourceFacts):
    """One that knows one thing more."""

    frame_times_s = np.asarray([0.0, 0.04])


@pytest.fixture(scope="module")
def clip():
    return moving_discs(1, frames=70)


def test_a_source_that_tells_nothing_has_the_defaults(clip):
    source = Plain(clip.source)
    assert isinstance(source, FrameSource)
    facts = facts_of(source)
    assert (facts.start_s, facts.warnings, facts.frame_times_s) == (0.0, (), None)
    np.testing.assert_array_equal(facts.shown_times_s([0.1, 0.2], 8.0), [0.1, 0.2])
    assert facts.fingerprint() is None
    window = WindowSource(source, Window(start_s=0.4, end_s=1.2))
    assert (window.start_s, window.warnings, window.frame_times_s) == (0.4, (), None)


def test_a_source_tells_what_it_knows_and_has_defaults_for_the_rest(clip):
    facts = facts_of(Clocked(clip.source))
    assert facts.frame_times_s.tolist() == [0.0, 0.04]
    assert (facts.start_s, facts.warnings) == (0.0, ())


def test_all_frames_of_a_source_are_read_for_its_fingerprint(clip):
    other = moving_discs(1, frames=70, hidden=(60, 61))  # behind the first two seconds
    assert fingerprint(Plain(clip.source)) == fingerprint(Plain(clip.source))
    assert fingerprint(Plain(clip.source)) != fingerprint(Plain(other.source))
    assert fingerprint(Plain(clip.source)) == fingerprint(Clocked(clip.source))


def test_a_file_tells_where_its_part_begins(clip, tmp_path):
    path = write_video(tmp_path / "a.mp4", clip.video)
    with open_video(path, start_s=0.4) as video:
        assert facts_of(video) is video
        assert facts_of(video).start_s == 0.4
        assert WindowSource(video, Window(start_s=1.0, end_s=2.0)).start_s == 1.4
