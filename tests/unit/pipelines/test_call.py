"""The call: what it returns, what it depends on, and what it leaves alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from pavas_sdk import Audio, PavasOutput, PavasOutputs, PavasPipeline
from pavas_sdk.errors import ComponentFailedError, InputError
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import BrightDetector, BrightSegmenter, moving_discs


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# -- results -------------------------------------------------------------------------------------


def test_sound_is_exactly_as_long_as_the_video(sound, clip):
    out = sound()
    assert isinstance(out, PavasOutput)
    assert isinstance(out.audio, Audio)
    assert out.audio.samples.shape == (1, round(clip.video.duration_s * 16000))
    assert np.isfinite(out.audio.samples).all()
    assert out.audio.peak_dbfs > -60


@pytest.mark.parametrize("frames", [1, 5, 11, 16, 17])
def test_videos_shorter_than_a_segment_work(pipe, frames):
    """0.04 s to 0.68 s; 0.64 s is one synchronisation segment of the large models."""
    clip = moving_discs(1, frames=frames)
    out = pipe(clip.video, physics="none", generator=seeded())
    assert out.audio.samples.shape == (1, round(frames / 25 * 16000))


@pytest.mark.parametrize(
    ("output_type", "shape"), [("pt", (1, 16000)), ("mel", (80, 64)), ("latent", (32, 8))]
)
def test_other_output_types_are_tensors(sound, output_type, shape):
    out = sound(output_type=output_type)
    assert isinstance(out.audio, torch.Tensor)
    assert tuple(out.audio.shape) == shape


def test_a_list_of_one_video_is_a_sequence_of_its_one_sound(pipe, clip, physics, sound):
    outs = pipe([clip.video], physics=physics, masks=clip.masks, generator=seeded())
    assert isinstance(outs, PavasOutputs)
    assert np.array_equal(outs.audio[0].samples, sound().audio.samples)


def test_pt_is_the_audio(sound):
    assert np.array_equal(sound(output_type="pt").audio.numpy(), sound().audio.samples)


def test_a_tuple_when_asked(sound):
    audio, physics, provenance = sound(return_dict=False)
    out = sound()
    assert np.array_equal(audio.samples, out.audio.samples)
    assert physics.to_json() == out.physics.to_json()
    assert provenance == out.provenance


def test_output_gain_is_applied_and_recorded(pipe, sound):
    plain = sound()
    pipe.register_to_config(output_gain_db=-6.0)
    try:
        softer = sound()
    finally:
        pipe.register_to_config(output_gain_db=0.0)
    assert softer.audio.gain_db == softer.provenance["gain_db"] == -6.0
    assert plain.audio.gain_db == plain.provenance["gain_db"] == 0.0
    assert softer.audio.peak_dbfs == pytest.approx(plain.audio.peak_dbfs - 6.0, abs=1e-3)


def test_provenance_says_how_it_was_made(sound, pipe):
    made = sound(prompt="wooden ball", num_inference_steps=2, guidance_scale=1.5).provenance
    assert made["model"] == "untrained"
    assert made["prompt"] == "wooden ball"
    assert (made["seed"], made["num_inference_steps"], made["guidance_scale"]) == (0, 2, 1.5)
    assert (made["device"], made["dtype"]) == ("cpu", "float32")
    assert made["components"]["conditioning_adapter"]["distribution"] == "pavas-phy-adapter"
    assert made["components"]["segmenter"]["name"] == "BrightSegmenter"
    assert set(made["versions"]) == {"pavas-sdk", "torch", "diffusers", "python"}
    assert made["physics"]["format"] == "pavas.physics"


# -- determinism ---------------------------------------------------------------------------------


def test_a_seed_gives_the_same_sound_to_the_bit(sound, same):
    assert same(sound(), sound())
    assert not same(sound(), sound(generator=seeded(1)))


def test_the_recorded_seed_gives_the_sound_again(sound, same):
    first = sound(generator=None)
    assert same(first, sound(generator=seeded(first.provenance["seed"])))
    assert not same(first, sound(generator=None))


def test_a_batch_is_its_singles_to_the_bit(pipe, clip, two_discs, same):
    videos = [clip.video, two_discs.video, moving_discs(1, frames=40).video]
    prompts = ["ball", "", "metal box"]
    batch = pipe(videos, prompt=prompts, generator=[seeded(n) for n in range(3)])
    assert len(batch) == 3
    for index, one in enumerate(batch):
        single = pipe(videos[index], prompt=prompts[index], generator=seeded(index))
        assert same(one, single)
        assert one.physics.to_json() == single.physics.to_json()


def test_waveforms_of_a_video_are_its_singles_to_the_bit(sound, same):
    several = sound(generator=[seeded(4), seeded(5)], num_waveforms_per_video=2)
    assert isinstance(several.audio, list)
    assert same(several[0], sound(generator=seeded(4)))
    assert same(several[1], sound(generator=seeded(5)))
    assert not same(several[0], several[1])
    assert [one.provenance["index"] for one in several] == [0, 1]


def test_one_generator_is_drawn_from_in_turn(sound, same):
    several = sound(generator=seeded(4), num_waveforms_per_video=2)
    assert same(several[0], sound(generator=seeded(4)))
    assert not same(several[0], several[1])


def test_given_noise_replaces_the_generator(sound, pipe, same):
    noise = pipe.prepare_latents(32, generator=seeded(9))
    assert same(sound(latents=noise, generator=None), sound(generator=seeded(9)))
    assert same(sound(latents=noise[0], generator=None), sound(generator=seeded(9)))
    with pytest.raises(InputError, match=r"latents have shape \(1, 5, 8\), expected \(1, 32, 8\)"):
        sound(latents=torch.zeros(1, 5, 8))


def test_a_call_changes_no_component(pipe, sound):
    def state():
        weights = {
            f"{name}.{key}": value.clone()
            for name, module in pipe.torch_components().items()
            if isinstance(module, torch.nn.Module)
            for key, value in (*module.named_parameters(), *module.named_buffers())
        }
        configs = {name: dict(part.config) for name, part in pipe.torch_components().items()}
        return weights, copy.deepcopy(configs), dict(pipe.config)

    before = state()
    sound(prompt="ball", num_waveforms_per_video=2)
    after = state()
    assert before[1:] == after[1:]
    assert all(torch.equal(before[0][key], after[0][key]) for key in before[0])


# -- what the sound depends on -------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "metal"},
        {"negative_prompt": "metal"},
        {"physics": "none"},
        {"guidance_scale": 3.0},
        {"num_inference_steps": 2},
        {"masks": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_condition_matters(sound, same, change):
    assert not same(sound(), sound(**change))


def test_mass_and_speed_matter(sound, physics, same):
    heavier = sound(physics=physics.with_mass(0, 5.0))
    faster = sound(physics=physics.scale_speed(0, 2.0))
    plain = sound()
    assert not same(plain, heavier)
    assert not same(plain, faster)
    assert heavier.provenance["edits"] == ["mass of object 0 set to 5 kg"]


def test_unknown_words_are_no_prompt(sound, same):
    assert same(sound(prompt="qwerty"), sound())
    assert same(sound(prompt=None), sound())
    assert same(sound(negative_prompt=None), sound())


def test_no_physics_is_an_estimate_without_objects(sound, physics, same):
    from pavas_sdk import PhysicsEstimate

    nothing = PhysicsEstimate(objects=(), duration_s=physics.duration_s)
    without = sound(physics="none", masks=None)
    assert same(without, sound(physics=nothing, masks=None))
    assert len(without.physics) == 0
    assert "physics was not used" in without.provenance["notes"]


def test_estimated_physics_is_returned_and_can_be_given_back(pipe, clip, same):
    first = pipe(clip.video, generator=seeded())
    (thing,) = first.physics.objects
    assert thing.object.label == "bright thing"
    # the centroid of a disc's pixels moves by whole ones: a quarter is quantisation
    assert np.nanmedian(thing.speed_m_s) == pytest.approx(clip.physics[0].speed_m_s[0], rel=0.25)
    again = pipe(clip.video, physics=first.physics, generator=seeded())
    assert same(first, again)  # the segmenter gives the same masks


def test_values_by_hand_reach_the_result(pipe, clip):
    out = pipe(
        clip.video,
        physics={"masses_kg": {0: 3.0}, "speeds": {"bright thing": {"factor": 2.0}}},
        generator=seeded(),
    )
    assert out.physics[0].mass_kg == 3.0
    assert len(out.physics.edits) == 2
    assert out.provenance["edits"] == list(out.physics.edits)


def test_the_prompt_reaches_the_detector(pipe, clip):
    heard = []

    class Listening(BrightDetector):
        def detect(self, video, *, prompt="", rng):
            heard.append(prompt)
            return super().detect(video, prompt=prompt, rng=rng)

    from pavas_sdk import PhysicsEstimator

    slots = {**pipe.physics_estimator.slots, "moving_object_detector": Listening()}
    pipe.physics_estimator = PhysicsEstimator(**slots)
    pipe(clip.video, prompt="a ball", generator=seeded())
    assert heard == ["a ball"]


def test_guidance_below_one_needs_one_branch_only(sound, pipe, same):
    rows = []
    hook = pipe.transformer.register_forward_pre_hook(
        lambda module, args: rows.append(args[0].shape[0])
    )
    try:
        sound(guidance_scale=0.9)
        assert rows == [1, 1, 1]
        rows.clear()
        first, second = sound(guidance_scale=1.0), sound(guidance_scale=2.0)
        assert rows == [2] * 6
    finally:
        hook.remove()
    assert not same(first, second)
    # at 1 the empty branch has no weight: the same up to the rounding of a batch of two
    single = sound(guidance_scale=0.999999)
    np.testing.assert_allclose(first.audio.samples, single.audio.samples, rtol=0.05, atol=0.05)


def test_the_negative_branch_may_keep_what_it_sees(pipe, sound, same):
    """With everything kept, guidance acts on physics and text alone."""
    plain = sound()
    try:
        for kept in ("clip", "sync", "clip+sync"):
            pipe.register_to_config(keep_in_negative=kept)
            assert not same(plain, sound())
        # no prompt and no physics: both branches are equal, and guidance changes nothing
        first, second = (
            sound(physics="none", masks=None, prompt=None, guidance_scale=scale, output_type="mel")
            for scale in (1.0, 5.0)
        )
    finally:
        pipe.register_to_config(keep_in_negative="")
    np.testing.assert_allclose(first.audio, second.audio, atol=1e-3)


def test_a_failing_slot_is_an_error_with_its_name(pipe, clip):
    class Broken(BrightDetector):
        def detect(self, video, *, prompt="", rng):
            raise RuntimeError("no GPU today")

    from pavas_sdk import PhysicsEstimator

    slots = {**pipe.physics_estimator.slots, "moving_object_detector": Broken()}
    pipe.physics_estimator = PhysicsEstimator(**slots)
    with pytest.raises(
        ComponentFailedError, match=r"moving_object_detector Broken failed: .*no GPU"
    ):
        pipe(clip.video, generator=seeded())


def test_a_failing_segmenter_is_noted_when_physics_is_given(pipe, clip, physics, same):
    class Blind(BrightSegmenter):
        def segment(self, video, objects, *, rng):
            raise RuntimeError("dark")

    from pavas_sdk import PhysicsEstimator

    estimator = PhysicsEstimator(**{**pipe.physics_estimator.slots, "segmenter": Blind()})
    pipe.physics_estimator = estimator
    out = pipe(clip.video, physics=physics, generator=seeded())
    assert any("dark" in note for note in out.provenance["notes"])
    assert same(out, pipe(clip.video, physics=physics, masks={}, generator=seeded()))
    pipe.physics_estimator = None
    out = pipe(clip.video, physics=physics, generator=seeded())
    assert "no segmenter: objects are conditioned on without their masks" in out.provenance["notes"]


def test_frames_sources_and_paths_give_the_same_sound(sound, clip, same):
    assert same(sound(), sound(MemorySource(clip.video)))


def test_slow_motion_is_recorded(pipe):
    clip = moving_discs(1, frames=25, time_scale=4.0)
    out = pipe(clip.video, generator=seeded())
    assert out.provenance["time_scale"] == out.physics.time_scale == 4.0
    assert out.audio.duration_s == clip.video.duration_s


def test_only_the_first_seconds_when_asked(pipe, clip):
    out = pipe(clip.video, duration_s=0.5, physics="none", generator=seeded())
    assert out.audio.samples.shape == (1, 8000)


# -- callbacks -----------------------------------------------------------------------------------


def test_callbacks_see_every_step_of_every_sound(sound):
    seen = []

    def look(pipeline, step, time, tensors):
        assert set(tensors) == {"latents", "velocity"}
        assert tensors["latents"].shape == tensors["velocity"].shape == (1, 32, 8)
        seen.append((step, round(float(time), 4), pipeline.num_timesteps))
        return {}

    sound(
        num_waveforms_per_video=2,
        callback_on_step_end=look,
        callback_on_step_end_tensor_inputs=["latents", "velocity"],
    )
    assert seen == [(0, 0.0, 3), (1, 0.3333, 3), (2, 0.6667, 3)] * 2


def test_a_callback_may_replace_the_latents(sound):
    def silence(pipeline, step, time, tensors):
        return {"latents": torch.zeros_like(tensors["latents"])}

    out = sound(callback_on_step_end=silence, output_type="latent")
    assert not out.audio.any()


def test_a_callback_may_stop_the_call(sound):
    steps = []

    def stop(pipeline, step, time, tensors):
        steps.append(step)
        pipeline._interrupt = True
        return tensors

    out = sound(callback_on_step_end=stop)
    assert steps == [0]
    assert out.provenance["interrupted"]
    assert not sound().provenance["interrupted"]  # the next call starts afresh


def test_the_progress_bar_counts_all_steps(sound, pipe, capsys):
    pipe.set_progress_bar_config(desc="Denoising")
    sound(num_waveforms_per_video=2)
    assert "6/6" in capsys.readouterr().err


# -- the steps alone -----------------------------------------------------------------------------


def test_the_steps_by_hand_give_the_call(pipe, clip, physics, sound):
    from pavas_sdk.pipelines.encoding import WindowCondition

    with torch.no_grad():
        estimate, masks, notes = pipe.physics_and_masks(clip.video, physics, masks=clip.masks)
        (window,) = pipe.plan_windows(clip.video.duration_s)
        features = pipe.encode_video(clip.video, window)
        state = pipe.encode_physics(estimate, masks, features)
        text, negative = pipe.encode_prompt("", "")
        condition = WindowCondition(
            window=window,
            pooled=features.pooled,
            sync=features.sync,
            times_s=features.times_s,
            state=state,
        )
        latents = pipe.denoise(
            pipe.prepare_latents(window.stop, generator=seeded()),
            [condition],
            text,
            negative,
            num_inference_steps=3,
            guidance_scale=2.0,
        )
        audio = pipe.decode_latents(latents, duration_s=clip.video.duration_s)
    assert np.array_equal(audio.samples, sound().audio.samples)
    assert notes == ()


def test_encode_video_wants_a_window_of_a_long_video(pipe):
    long = moving_discs(1, frames=250)
    with pytest.raises(InputError, match=r"a video of 10.00 s needs 2 windows"):
        pipe.encode_video(long.video)


def test_noise_follows_the_generator_only(pipe):
    first = pipe.prepare_latents(10, generator=seeded())
    assert torch.equal(first, torch.randn(1, 10, 8, generator=seeded()))
    assert first.dtype == torch.float32
    # a longer clip starts with the noise of a shorter one
    assert torch.equal(pipe.prepare_latents(20, generator=seeded())[:, :10], first)


def test_nothing_moves_uses_the_empty_tokens_and_says_so(pipe):
    video = moving_discs(0).video
    out = pipe(video, generator=seeded())
    assert len(out.physics) == 0
    assert any("no moving object was found" in note for note in out.provenance["notes"])
    none = pipe(video, physics="none", generator=seeded())
    assert np.array_equal(out.audio.samples, none.audio.samples)


def test_an_estimate_from_the_cache_gives_the_same_sound(pipe, clip, tmp_path):
    from pavas_sdk.physics import PhysicsEstimator

    pipe.physics_estimator, before = PhysicsEstimator(), pipe.physics_estimator
    try:
        sounds = [
            pipe(clip.video, generator=seeded(), cache=cache)
            for cache in (None, tmp_path, tmp_path)
        ]
    finally:
        pipe.physics_estimator = before
    assert len(list(tmp_path.glob("*.npz"))) == 1
    for other in sounds[1:]:
        assert np.array_equal(other.audio.samples, sounds[0].audio.samples)
        assert other.physics.dumps() == sounds[0].physics.dumps()


def test_loading_says_nothing_about_types():
    """diffusers warns of every argument whose annotation it cannot resolve at run time."""
    from typing import get_type_hints

    assert get_type_hints(PavasPipeline.__init__)["component_licences"] == dict[str, str] | None
