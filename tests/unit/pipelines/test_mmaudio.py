"""The released pipeline's classes together: small, untrained, at the released rates."""

import numpy as np
import pytest
import torch
from diffusers.pipelines.pipeline_loading_utils import _fetch_class_library_tuple

from pavas_sdk import PavasPipeline
from pavas_sdk.data import Video
from pavas_sdk.data.frames import ReferenceClockSource
from pavas_sdk.errors import InputError, PavasWarning
from pavas_sdk.media import MemorySource
from pavas_sdk.models import sequence_for_mode
from pavas_sdk.testing.tiny_mmaudio import tiny_mmaudio_pipeline


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def moving_picture(frames, fps=25.0, height=60, width=90):
    """Noise that shifts from frame to frame."""
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (height, width + frames, 3), dtype=np.uint8)
    pictures = np.stack([wide[:, k : k + width] for k in range(frames)])
    return Video(frames=pictures, times_s=np.arange(frames) / fps)


@pytest.fixture(scope="module", params=["16k", "44k"])
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def pipe(mode):
    return tiny_mmaudio_pipeline(mode)


@pytest.mark.parametrize("duration_s", [0.64, 1.0, 2.36])
def test_any_duration_from_a_segment_up(pipe, mode, duration_s):
    video = moving_picture(round(duration_s * 25))
    sequence = sequence_for_mode(mode)
    (window,) = pipe.plan_windows(duration_s)
    features = pipe.encode_video(video)
    assert window.length == sequence.latent_length(duration_s)
    assert features.pooled.shape[:2] == (1, sequence.clip_length(duration_s))
    assert features.sync.shape[:2] == (1, sequence.sync_length(duration_s))
    assert features.patches.shape[2:4] == (27, 27)
    audio = pipe(video, prompt="a drum", generator=seeded()).audio
    assert audio.sample_rate_hz == sequence.sample_rate_hz
    assert audio.samples.shape == (1, round(duration_s * sequence.sample_rate_hz))
    assert np.isfinite(audio.samples).all()
    assert audio.samples.std() > 1e-3


def test_shorter_than_a_segment(pipe):
    audio = pipe(moving_picture(8), generator=seeded()).audio
    assert audio.samples.shape[1] == round(8 / 25 * audio.sample_rate_hz)


def test_sound_depends_on_what_it_is_told(pipe):
    video = moving_picture(25)

    def latents(video=video, prompt="a drum", **settings):
        return pipe(
            video, prompt=prompt, generator=seeded(), output_type="latent", **settings
        ).audio

    first = latents()
    assert torch.equal(first, latents())
    still = Video(frames=np.repeat(video.frames[:1], 25, axis=0), times_s=video.times_s)
    others = [
        latents(video=still),
        latents(prompt="rain on a roof"),
        latents(negative_prompt="music"),
        latents(prompt=None),
    ]
    assert all(not torch.allclose(first, other, atol=1e-4) for other in others)


def test_batch_equals_singles(pipe):
    videos = [moving_picture(20), moving_picture(30, height=90, width=60)]
    together = pipe(videos, prompt=["a", "b"], generator=[seeded(1), seeded(2)]).audio
    for video, prompt, seed, audio in zip(videos, "ab", (1, 2), together, strict=True):
        alone = pipe(video, prompt=prompt, generator=seeded(seed)).audio
        np.testing.assert_array_equal(audio.samples, alone.samples)


def test_saved_pipeline_makes_the_same_sound(pipe, tmp_path):
    video = moving_picture(20)
    before = pipe(video, prompt="a drum", generator=seeded()).audio
    pipe.save_pretrained(tmp_path)
    again = PavasPipeline.from_pretrained(str(tmp_path))
    again.set_progress_bar_config(disable=True)
    after = again(video, prompt="a drum", generator=seeded()).audio
    np.testing.assert_array_equal(before.samples, after.samples)
    for component in (pipe.clip, pipe.sync_encoder, pipe.vocoder):
        assert _fetch_class_library_tuple(component)[0] == "pavas_sdk.models"


def test_bfloat16_end_to_end(pipe):
    half = tiny_mmaudio_pipeline("16k").to(torch.bfloat16)
    audio = half(moving_picture(20), prompt="a drum", generator=seeded()).audio
    assert np.isfinite(audio.samples).all()


def test_reference_clock_is_an_explicit_mode(pipe):
    video = moving_picture(25)  # the clock loses the last of 25 frames of 25 per second
    default = pipe(video, generator=seeded())
    reference = pipe(video, generator=seeded(), frame_sampling="reference")
    rate = default.audio.sample_rate_hz
    assert default.audio.samples.shape[1] == rate
    assert reference.audio.samples.shape[1] == round(24 / 25 * rate)
    assert default.provenance["frame_sampling"] == "timestamps"
    assert reference.provenance["frame_sampling"] == "reference"
    with pytest.raises(InputError, match="frame_sampling must be one of timestamps, reference"):
        pipe(video, frame_sampling="nearest")


def test_reference_clock_repeats_frames_of_a_slow_video(pipe):
    features = pipe.encode_video(
        ReferenceClockSource(MemorySource(moving_picture(6, fps=5.0)), 1.2)
    )
    assert features.pooled.shape[1] == 8  # the clock covers 1.04 s
    # ticks 1 and 2 (0.125 and 0.25 s) both show the frames after them: 0.2 and 0.4 s
    assert not torch.equal(features.pooled[:, 0], features.pooled[:, 1])
    assert torch.equal(features.pooled[:, 2], features.pooled[:, 3])  # 0.25 and 0.375: 0.4 s


def test_long_text_says_what_was_cut(pipe):
    words = " ".join(["thunder"] * 80)
    with pytest.warns(
        PavasWarning, match=r"82 tokens|80 tokens, of which 75 are used; not used: '"
    ):
        pipe.encode_prompt(words)


def test_physics_reaches_the_sound_through_the_patch_grid(clip, physics, louder):
    pipe = tiny_mmaudio_pipeline("16k", adapter=True)
    assert pipe.conditioning_adapter.config.patch_dim == 32

    def latents(physics):
        return pipe(
            clip.video,
            physics=physics,
            masks=None if physics == "none" else clip.masks,
            generator=seeded(),
            output_type="latent",
        ).audio

    light = latents(physics)
    assert not torch.allclose(light, latents(louder), atol=1e-5)
    assert not torch.allclose(light, latents("none"), atol=1e-5)
