"""Guidance of a call: one weight, two weights, and what stands in for what a branch does not see."""

import numpy as np
import pytest
import torch

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import composed_branches
from pavas_sdk.pipelines.flow import GuidedFlow
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

TWO = {"video_guidance_scale": 1.5, "physics_guidance_scale": 3.0}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def two_weights():
    return tiny_pipeline(**TWO)


@pytest.fixture
def made(clip, physics):
    def make(pipe, **options):
        given = {"physics": physics, "masks": clip.masks, "generator": seeded(), **options}
        return pipe(clip.video, **given)

    return make


@pytest.fixture
def rows_of():
    """How many rows the backbone computes at once while something is made."""

    def count(pipe, make):
        rows = []
        hook = pipe.transformer.register_forward_pre_hook(
            lambda module, args: rows.append(args[0].shape[0])
        )
        try:
            make()
        finally:
            hook.remove()
        assert len(set(rows)) == 1
        return rows[0]

    return count


@torch.no_grad()
def test_the_velocity_is_that_of_the_formula(two_weights, clip, physics):
    """Each branch alone by hand: the backbone's empty tokens, the negative text, the null state."""
    pipe = two_weights
    inputs = pipe.check_inputs(clip.video, physics=physics, masks=clip.masks)
    conditions = pipe.encode_conditions(inputs.clips[0], physics, clip.masks)
    text, negative = pipe.encode_prompt("wooden ball", "metal")
    noise, time = pipe.prepare_latents(32, generator=seeded()), torch.tensor(0.3)
    net, adapter, (entry,) = pipe.transformer, pipe.conditioning_adapter, conditions
    times = (np.arange(32) + 0.5) / pipe.sequence.latent_rate_hz

    def velocity(*, pictures, rest):
        clip_f = entry.pooled if pictures else net.empty_clip(1, entry.pooled.shape[1])
        sync_f = entry.sync if pictures else net.empty_sync(1, entry.sync.shape[1])
        state = entry.state if rest else adapter.null_state(1, len(entry.times_s))
        return net(
            noise,
            time[None],
            net.prepare_conditions(clip_f, sync_f, text if rest else negative, 32),
            modulation=adapter.modulation(state, entry.times_s, times),
        )

    full = velocity(pictures=True, rest=True)
    video = velocity(pictures=True, rest=False)
    empty = velocity(pictures=False, rest=False)
    flow = GuidedFlow(
        net,
        adapter,
        conditions,
        text=text,
        negative_text=negative,
        branches=composed_branches(1.5, 3.0),
        latent_rate_hz=pipe.sequence.latent_rate_hz,
    )
    expected = empty + 1.5 * (video - empty) + 3.0 * (full - video)
    torch.testing.assert_close(flow(noise, time), expected, atol=2e-5, rtol=1e-4)
    assert (full - video).abs().max() > 1e-3
    assert (video - empty).abs().max() > 1e-3


def test_only_branches_with_a_weight_run(two_weights, made, rows_of):
    def rows(**options):
        return rows_of(two_weights, lambda: made(two_weights, **options))

    assert rows() == 3
    assert rows(guidance_scale=2.0) == 2
    assert rows(video_guidance_scale=1.0) == 2
    assert rows(video_guidance_scale=1.0, physics_guidance_scale=1.0) == 1
    assert rows(guidance_scale=0.5) == 1


def test_two_equal_weights_are_one_to_the_bit(two_weights, made, same):
    one = tiny_pipeline(guidance_scale=2.5)
    assert same(made(two_weights, guidance_scale=2.5), made(one))
    assert same(made(one, video_guidance_scale=2.5, physics_guidance_scale=2.5), made(one))
    assert not same(made(two_weights), made(one))


def test_pictures_kept_in_the_negative_branch_are_a_weight_of_one(made, same):
    kept = tiny_pipeline(guidance_scale=2.0, keep_in_negative="clip+sync")
    assert same(made(kept, physics_guidance_scale=2.0), made(kept))
    composed = made(kept, video_guidance_scale=1.5).provenance
    assert (composed["video_guidance_scale"], composed["physics_guidance_scale"]) == (1.5, 2.0)


def test_both_weights_are_heard_and_recorded(two_weights, made, same):
    plain = made(two_weights)
    assert plain.provenance["guidance_scale"] is None
    assert {name: plain.provenance[name] for name in TWO} == TWO
    for name in TWO:
        other = made(two_weights, **{name: 2.0})
        assert not same(other, plain)
        assert other.provenance[name] == 2.0


def test_without_physics_the_second_weight_is_that_of_the_text(two_weights, made, same):
    """Nothing known of physics and no prompt: v_full is v_video, whatever its weight."""
    quiet = {"physics": "none", "masks": None, "prompt": None, "output_type": "mel"}
    first, second = (made(two_weights, physics_guidance_scale=w, **quiet) for w in (1.0, 6.0))
    np.testing.assert_allclose(first.audio, second.audio, atol=1e-3)
    plain = tiny_pipeline(adapter=False, **TWO)
    words = {"physics": None, "masks": None, "prompt": "metal"}
    assert not same(made(plain, **words), made(plain, physics_guidance_scale=1.0, **words))
    assert not same(made(plain, **words), made(plain, video_guidance_scale=3.0, **words))


def test_a_batch_is_its_singles_to_the_bit(two_weights, same):
    videos = [moving_discs(n, frames=20 + 5 * n) for n in (1, 2)]
    generators = [seeded(1), seeded(2)]
    batch = two_weights(
        [one.video for one in videos],
        physics=[one.physics for one in videos],
        masks=[one.masks for one in videos],
        generator=generators,
    )
    for index, (one, sound) in enumerate(zip(videos, batch, strict=True)):
        alone = two_weights(
            one.video, physics=one.physics, masks=one.masks, generator=seeded(index + 1)
        )
        assert same(alone, sound)


def test_long_videos_run_in_windows(rows_of, same):
    pipe = tiny_pipeline(window_s=1.0, overlap_s=0.25, **TWO)
    long = moving_discs(1, frames=110)

    def make(**options):
        return pipe(
            long.video, physics=long.physics, masks=long.masks, generator=seeded(), **options
        )

    assert rows_of(pipe, make) == 3
    assert same(make(), make())
    one = tiny_pipeline(window_s=1.0, overlap_s=0.25, guidance_scale=2.0)
    alone = one(long.video, physics=long.physics, masks=long.masks, generator=seeded())
    assert same(make(guidance_scale=2.0), alone)


def test_two_weights_are_saved_and_loaded(two_weights, made, same, tmp_path):
    two_weights.save_pretrained(tmp_path)
    loaded = type(two_weights).from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert {name: loaded.config[name] for name in TWO} == TWO
    assert same(made(loaded), made(two_weights))


def test_half_of_a_pair_or_a_kept_branch_is_refused():
    with pytest.raises(ConfigurationError, match="needs video_guidance_scale and physics_gui"):
        tiny_pipeline(video_guidance_scale=2.0)
    with pytest.raises(ConfigurationError, match="no keep_in_negative"):
        tiny_pipeline(**TWO, keep_in_negative="clip")
    with pytest.raises(ConfigurationError, match="at least 0"):
        tiny_pipeline(video_guidance_scale=2.0, physics_guidance_scale=-1.0)


def test_impossible_weights_of_a_call_are_named_together(two_weights, clip):
    with pytest.raises(InputError) as error:
        two_weights.check_inputs(
            clip.video, video_guidance_scale=-1.0, physics_guidance_scale=float("nan")
        )
    assert "video_guidance_scale must be a finite number from 0 to 1000, got -1.0" in str(
        error.value
    )
    assert "physics_guidance_scale must be a finite number from 0 to 1000" in str(error.value)


def test_denoising_needs_one_weight_or_both(two_weights):
    with pytest.raises(ConfigurationError, match="give guidance_scale, or both"):
        two_weights.denoise(
            torch.zeros(1, 4, 8),
            [],
            torch.zeros(1),
            torch.zeros(1),
            num_inference_steps=1,
            video_guidance_scale=2.0,
        )
