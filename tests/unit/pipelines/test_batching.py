"""Sounds that are denoised together equal single ones to rounding, and memory is bounded."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.batching import SoundBatches
from pavas_sdk.pipelines.sound_making import IN_A_BATCH
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def pipe():
    return tiny_pipeline()


@pytest.fixture(scope="module")
def clips():
    """Three of one length, one object, none, two; between them a longer one."""
    return [moving_discs(n, frames=frames) for n, frames in ((1, 20), (0, 20), (1, 30), (2, 20))]


def call(pipe, clips, **options):
    count = len(clips) * options.get("num_waveforms_per_video", 1)
    return pipe(
        [clip.source for clip in clips],
        prompt=[f"ball {index}" for index in range(len(clips))],
        physics=[clip.physics for clip in clips],
        masks=[clip.masks for clip in clips],
        generator=[torch.Generator().manual_seed(seed) for seed in range(count)],
        output_type="latent",
        **options,
    )


@pytest.fixture(scope="module")
def singles(pipe, clips):
    return call(pipe, clips)


@pytest.mark.parametrize("batch_size", [2, 3])
def test_a_batch_equals_singles(pipe, clips, singles, batch_size):
    found = call(pipe, clips, batch_size=batch_size)
    assert len(found) == 4
    for one, other in zip(found, singles, strict=True):
        scale = float(other.audio.abs().max())
        np.testing.assert_allclose(one.audio, other.audio, atol=1e-4 * scale)
        assert one.provenance["seed"] == other.provenance["seed"]
        assert IN_A_BATCH not in other.provenance["notes"]
    # what is different about the clips is not lost in the batch
    assert not torch.allclose(found[0].audio, found[1].audio, atol=1e-2)
    assert IN_A_BATCH in found[0].provenance["notes"]
    assert IN_A_BATCH not in found[2].provenance["notes"]  # alone of its length


def test_several_sounds_of_a_video(pipe, clips):
    alone = call(pipe, clips[:1], num_waveforms_per_video=3)
    found = call(pipe, clips[:1], num_waveforms_per_video=3, batch_size=3)
    for one, other in zip(found, alone, strict=True):
        np.testing.assert_allclose(
            one.audio, other.audio, atol=1e-4 * float(other.audio.abs().max())
        )


def test_guidance_of_two_weights_and_none(pipe, clips):
    for options in (
        {"video_guidance_scale": 2.0, "physics_guidance_scale": 3.0},
        {"guidance_scale": 0.5},
    ):
        alone = call(pipe, clips[:2], **options)
        found = call(pipe, clips[:2], batch_size=2, **options)
        for one, other in zip(found, alone, strict=True):
            atol = 1e-4 * float(other.audio.abs().max())
            np.testing.assert_allclose(one.audio, other.audio, atol=atol)


def test_a_callback_sees_the_batch(pipe, clips):
    seen = []
    call(
        pipe,
        clips,
        batch_size=3,
        callback_on_step_end=lambda p, step, time, tensors: seen.append(tensors["latents"].shape),
    )
    assert [shape[0] for shape in seen] == [3] * (len(seen) // 2) + [1] * (len(seen) // 2)
    assert seen


@pytest.mark.parametrize("value", [0, 1.5, True, "4"])
def test_impossible_batches_are_refused(pipe, clips, value):
    with pytest.raises(InputError, match="batch_size must be a whole number"):
        call(pipe, clips, batch_size=value)


@dataclass(frozen=True)
class Sized:
    number: int
    length: int

    def size(self):
        return self.length


@given(st.integers(1, 5), st.lists(st.integers(0, 6), max_size=60))
def test_batches_hold_every_sound_once_and_few_wait(size, lengths):
    batches, made = SoundBatches(size), []
    for number, length in enumerate(lengths):
        made += list(batches.add(Sized(number, length)))
        assert sum(len(waiting) for waiting in batches._waiting.values()) < 2 * size
    made += list(batches.rest())
    assert all(len({sound.length for sound in batch}) == 1 for batch in made)
    assert max((len(batch) for batch in made), default=0) <= size
    assert sorted(sound.number for batch in made for sound in batch) == list(range(len(lengths)))
