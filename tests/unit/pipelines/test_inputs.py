"""Arguments are checked together, before any file is read and any work is done."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk import PhysicsEstimate
from pavas_sdk.errors import ConfigurationError, InputError, MediaNotFoundError, PhysicsInputError


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_all_problems_are_named_at_once(pipe):
    with pytest.raises(InputError) as caught:
        pipe.check_inputs(
            ["a.mp4", "b.mp4"],
            prompt=["one"],
            negative_prompt=3,
            num_inference_steps=0,
            guidance_scale=float("nan"),
            num_waveforms_per_video=1.5,
            generator=7,
            duration_s=-1.0,
            output_type="wav",
            callback_on_step_end_tensor_inputs=("noise",),
        )
    text = str(caught.value)
    for part in (
        "prompt has 1 entries, expected 1 or 2",
        "negative_prompt must be str, got int",
        "num_inference_steps must be a whole number of at least 1, got 0",
        "num_waveforms_per_video must be a whole number of at least 1, got 1.5",
        "guidance_scale must be a finite number from -1000 to 1000, got nan",
        "duration_s must be above 0 seconds and at most 86400 (a day), got -1.0",
        "generator must be a torch.Generator",
        "output_type must be one of audio, np, pt, mel, latent, got 'wav'",
        "callback_on_step_end_tensor_inputs knows latents, velocity, got noise",
    ):
        assert part in text


def test_files_are_opened_before_any_work(pipe, clip, tmp_path):
    with pytest.raises(MediaNotFoundError, match="no such file"):
        pipe([clip.video, tmp_path / "gone.mp4"], physics="none")


def test_an_empty_list_is_refused(pipe):
    with pytest.raises(InputError, match="empty list"):
        pipe([])


def test_single_values_are_spread_over_videos(pipe, clip, physics):
    arguments = pipe.check_inputs(
        [clip.video, clip.video], prompt="ball", physics=[physics, "none"], num_inference_steps=2
    )
    first, second = arguments.clips
    assert first.prompt == second.prompt == "ball"
    assert first.physics.given is physics
    assert second.physics.disabled
    assert arguments.total_steps == 4


def test_defaults_are_the_pipelines_own(pipe, clip):
    arguments = pipe.check_inputs(clip.video)
    assert arguments.num_inference_steps == pipe.config.num_inference_steps == 3
    assert arguments.guidance_scale == pipe.config.guidance_scale == 2.0


def test_one_generator_per_sound_or_one_for_all(pipe, clip):
    shared = seeded(3)
    arguments = pipe.check_inputs([clip.video] * 2, generator=shared, num_waveforms_per_video=2)
    noises = [noise for clip in arguments.clips for noise in clip.noises]
    assert [noise.generator for noise in noises] == [shared] * 4
    own = [seeded(n) for n in range(4)]
    arguments = pipe.check_inputs([clip.video] * 2, generator=own, num_waveforms_per_video=2)
    noises = [noise for clip in arguments.clips for noise in clip.noises]
    assert [noise.seed for noise in noises] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="generator has 3 entries, expected 1 or 4"):
        pipe.check_inputs([clip.video] * 2, generator=own[:3], num_waveforms_per_video=2)


def test_without_a_generator_each_sound_has_a_fresh_seed(pipe, clip):
    arguments = pipe.check_inputs(clip.video, num_waveforms_per_video=3)
    seeds = {noise.seed for noise in arguments.clips[0].noises}
    assert len(seeds) == 3


def test_given_latents_need_no_generator(pipe, clip):
    arguments = pipe.check_inputs(clip.video, latents=torch.zeros(1, 32, 8))
    assert arguments.clips[0].noises[0].seed is None


def test_duration_shortens_the_video(pipe, clip):
    (item,) = pipe.check_inputs(clip.video, duration_s=0.4).clips
    assert item.source.duration_s == pytest.approx(0.4)
    (item,) = pipe.check_inputs(clip.video, duration_s=99.0).clips
    assert item.source.duration_s == clip.video.duration_s


def test_no_estimator_and_no_physics_is_said_before_work(pipe, clip):
    pipe.physics_estimator = None
    with pytest.raises(ConfigurationError, match="pass physics="):
        pipe(clip.video)
    with pytest.raises(ConfigurationError, match="pass physics="):
        pipe(clip.video, physics={"masses_kg": {0: 1.0}})


def test_physics_of_another_length_is_said_before_work(pipe, clip):
    other = PhysicsEstimate(objects=(), duration_s=30.0)
    with pytest.raises(PhysicsInputError, match=r"30\.00 s"):
        pipe(clip.video, physics=other)


def test_something_that_is_no_video_is_refused(pipe):
    with pytest.raises(InputError, match="cannot read frames from dict"):
        pipe({"frames": 1}, physics="none")
    with pytest.raises(InputError, match="fps=25"):
        pipe(np.zeros((4, 8, 8, 3)), physics="none")


def test_an_argument_that_a_call_does_not_have_is_refused(pipe, clip):
    with pytest.raises(TypeError, match="guidance"):
        pipe.check_inputs(clip.video, guidance=3.0)


@pytest.mark.parametrize(
    ("videos", "waveforms", "several"),
    [(1, 1, False), (1, 2, True), ([1], 1, True), ([1, 1], 1, True)],
)
def test_a_list_gives_several_sounds_whatever_its_length(pipe, clip, videos, waveforms, several):
    given = [clip.video for _ in videos] if isinstance(videos, list) else clip.video
    inputs = pipe.check_inputs(given, num_waveforms_per_video=waveforms)
    assert inputs.several is several
    assert [noise.index for one in inputs.clips for noise in one.noises] == list(
        range(len(inputs.clips) * waveforms)
    )
