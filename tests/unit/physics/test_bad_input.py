"""Too many objects, too many pixels, one frame, black frames: answered, and said."""

from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import MaskTrack, MovingObject, Video
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import Segmenter
from pavas_sdk.media import MemorySource
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.testing import BrightDetector, DensityMassEstimator, WallReconstructor

COUNT = 40
SIZES = [3 + (7 * k) % COUNT for k in range(COUNT)]  # all different, in no order


def picture(frames=6, height=64, width=96):
    return Video(
        frames=np.full((frames, height, width, 3), 60, dtype=np.uint8),
        times_s=np.arange(frames) / 25,
    )


class Crowd(BrightDetector):
    """Forty objects; with or without boxes."""

    boxes = True

    def detect(self, video, *, prompt="", rng):
        return [
            MovingObject(
                object_id=100 + k,
                label=f"thing {k}",
                box=(0.0, 0.0, SIZES[k] / 64, 0.5) if self.boxes else None,
                box_time_s=0.0 if self.boxes else None,
            )
            for k in range(COUNT)
        ]


class CrowdWithoutBoxes(Crowd):
    boxes = False


class CrowdSegmenter(Segmenter):
    """Object k covers SIZES[k] columns."""

    asked = ()

    def segment(self, video, objects, *, rng):
        type(self).asked = tuple(entry.object_id for entry in objects)
        clip = video.read()
        tracks = {}
        for entry in objects:
            masks = np.zeros(clip.frames.shape[:3], dtype=bool)
            masks[:, 10:20, : SIZES[entry.object_id - 100]] = True
            tracks[entry.object_id] = MaskTrack(
                object_id=entry.object_id,
                masks=masks,
                times_s=clip.times_s,
                scores=np.ones(len(clip), dtype=np.float32),
            )
        return tracks


def crowd(detector, **options):
    return PhysicsEstimator(
        moving_object_detector=detector,
        segmenter=CrowdSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
        **options,
    )


@pytest.mark.parametrize("detector", [Crowd, CrowdWithoutBoxes])
@pytest.mark.parametrize("limit", [1, 16])
def test_the_largest_are_kept_and_the_rest_named(detector, limit):
    result = crowd(detector(), max_objects=limit).estimate(MemorySource(picture()))
    order = sorted(range(COUNT), key=lambda k: -SIZES[k])
    kept = {100 + k for k in order[:limit]}
    assert {entry.object_id for entry in result.physics} == kept
    assert set(result.masks) == kept
    assert all(entry.mass_kg is not None for entry in result.physics)
    (note,) = [note for note in result.physics.notes if "max_objects" in note]
    assert note.startswith(f"40 moving objects were found; the {limit} largest are kept")
    for k in order[limit:]:
        assert f"{100 + k} (thing {k})" in note
    # with boxes, the segmenter is not even asked about the others
    assert (set(CrowdSegmenter.asked) == kept) == detector.boxes


def test_the_default_cap():
    result = crowd(Crowd()).estimate(MemorySource(picture()))
    assert len(result.physics) == 16
    assert len(crowd(Crowd(), max_objects=40).estimate(MemorySource(picture())).physics) == COUNT


def test_a_large_video_is_scaled_down_and_said():
    seen = []

    class Looks(BrightDetector):
        def detect(self, video, *, prompt="", rng):
            seen.append((video.width, video.height))
            seen.append(video.read().frames.shape[1:3])
            seen.append(video.frames_at([0.0], max_side=32).frames.shape[1:3])
            return super().detect(video, prompt=prompt, rng=rng)

    video = picture(frames=2, height=2160, width=3840)
    estimator = PhysicsEstimator(moving_object_detector=Looks())
    physics = estimator.estimate(MemorySource(video)).physics
    assert physics.notes == (
        (
            "the video has 3840 x 2160 pixels; physics was estimated from frames of at most "
            "1920 x 1080 (max_side)"
        ),
    )
    # "metres per pixel of the video" keeps its meaning; the frames are small
    assert seen == [(3840, 2160), (1080, 1920), (18, 32)]
    small = estimator.estimate(MemorySource(picture())).physics
    assert small.notes == ()


@pytest.mark.parametrize("name", ["one frame", "black", "grey"])
def test_nothing_to_see_is_an_answer(name):
    video = picture(frames=1 if name == "one frame" else 20)
    if name == "black":
        video = replace(video, frames=np.zeros_like(video.frames))
    result = PhysicsEstimator().estimate(MemorySource(video))
    assert len(result.physics) == 0
    assert result.masks == {}
    assert str(result.physics) == "no moving object"


@pytest.mark.parametrize("options", [{"max_objects": 0}, {"max_side": 8}])
def test_impossible_limits(options):
    with pytest.raises(ConfigurationError):
        PhysicsEstimator(**options)
