"""Videos longer than the window: blended windows, one physics, flat memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from pavas_sdk.data import Video
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import MemorySource
from pavas_sdk.pipelines import flow
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def short_windows():
    return tiny_pipeline(window_s=1.0, overlap_s=0.25)


@pytest.fixture(scope="module")
def long_clip():
    return moving_discs(1, frames=110, width=160)


def test_a_long_video_runs_in_windows(short_windows, long_clip):
    seen = []
    hook = short_windows.transformer.register_forward_pre_hook(
        lambda module, args: seen.append(tuple(args[0].shape))
    )
    try:
        out = short_windows(long_clip.video, physics="none", generator=seeded())
    finally:
        hook.remove()
    windows = short_windows.plan_windows(long_clip.video.duration_s)
    assert len(windows) == 6
    assert seen == [(2, 32, 8)] * 6 * 3  # windows times steps, both branches together
    assert out.audio.samples.shape == (1, 70400)
    assert np.isfinite(out.audio.samples).all()


def test_windows_are_repeatable_to_the_bit(short_windows, long_clip):
    first, second = (
        short_windows(long_clip.video, physics="none", generator=seeded()).audio.samples
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_making_conditions_anew_changes_nothing(short_windows, long_clip, monkeypatch):
    def latents():
        return short_windows(
            long_clip.video, physics="none", generator=seeded(), output_type="latent"
        ).audio

    anew = latents()  # six windows: more than are kept
    monkeypatch.setattr(flow, "_KEPT_WINDOWS", 99)
    assert torch.equal(anew, latents())


def test_a_window_sees_its_own_part_of_the_video(short_windows, long_clip):
    """Where only the first window looks, the sound of a longer video begins like a shorter one's."""
    windows = short_windows.plan_windows(long_clip.video.duration_s)
    source = MemorySource(long_clip.video)
    with torch.no_grad():
        parts = [short_windows.encode_video(source, window) for window in windows]
    starts = [part.times_s[0] for part in parts]
    np.testing.assert_allclose(starts, [window.start_s for window in windows])
    middle = long_clip.video.duration_s / 2  # the disc turns round there
    assert sum(part.times_s[0] <= middle <= part.times_s[-1] for part in parts) in (1, 2)


def test_a_change_of_the_end_does_not_reach_the_beginning(short_windows, long_clip):
    frames = long_clip.video.frames.copy()
    frames[-20:] = 255 - frames[-20:]
    changed = Video(
        frames=frames,
        times_s=long_clip.video.times_s,
        end_s=long_clip.video.end_s,
        source="changed",
    )
    before, after = (
        short_windows(
            video, physics="none", generator=seeded(), output_type="latent", num_inference_steps=1
        ).audio
        for video in (long_clip.video, changed)
    )
    assert torch.equal(before[:64], after[:64])
    assert not torch.equal(before[-10:], after[-10:])


def test_physics_is_estimated_once_for_the_whole_clip(long_clip):
    from pavas_sdk import PhysicsEstimator
    from pavas_sdk.testing import (
        BrightDetector,
        BrightSegmenter,
        DensityMassEstimator,
        WallReconstructor,
    )

    calls = []

    class Counting(BrightDetector):
        def detect(self, video, *, prompt="", rng):
            calls.append(video.duration_s)
            return super().detect(video, prompt=prompt, rng=rng)

    estimator = PhysicsEstimator(
        moving_object_detector=Counting(),
        segmenter=BrightSegmenter(),
        reconstructor=WallReconstructor(),
        mass_estimator=DensityMassEstimator(),
    )
    pipe = tiny_pipeline(window_s=1.0, overlap_s=0.25, physics_estimator=estimator)
    out = pipe(long_clip.video, generator=seeded())
    assert calls == [pytest.approx(4.4)]
    assert out.physics.duration_s == pytest.approx(4.4)


class _Endless:
    """Pictures made when they are asked for: a long video that lies nowhere."""

    source, frame_rate_hz, height, width, time_scale = None, 25.0, 48, 64, 1.0

    def __init__(self, duration_s):
        self.duration_s = duration_s

    def frames_at(self, times_s, *, max_side=None):
        del max_side
        times = np.asarray(times_s)
        frames = np.zeros((times.size, 48, 64, 3), dtype=np.uint8)
        frames[:, 20:30] = (40 + 20 * (times % 3))[:, None, None, None]
        return Video(frames=frames, times_s=times)

    def read(self, start_s=0.0, end_s=None, *, fps=None, max_side=None):
        end = self.duration_s if end_s is None else end_s
        return self.frames_at(np.arange(start_s, end, 1 / (fps or 25.0)), max_side=max_side)


@pytest.mark.slow
def test_python_memory_does_not_grow_with_the_length():
    pipe = tiny_pipeline(window_s=2.0, overlap_s=0.5, num_inference_steps=1)

    def peak(duration_s):
        tracemalloc.start()
        pipe(_Endless(duration_s), physics="none", generator=seeded())
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10.0)
    # what must grow is the sound itself: 16000 samples of 4 bytes per second, a few copies
    assert peak(120.0) - peak(20.0) < 100 * 16000 * 4 * 6


def test_an_overlap_as_long_as_the_window_is_refused():
    with pytest.raises(ConfigurationError, match="window_s must be at least"):
        tiny_pipeline(window_s=1.0, overlap_s=1.0)
