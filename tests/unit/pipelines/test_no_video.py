"""Sound from text alone, and for a still picture; clips that are too short."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pavas_sdk.errors import InputError, MediaError, MediaNotFoundError
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def plain():
    """Without adapter and estimator, as released models are."""
    return tiny_pipeline(adapter=False)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def samples(pipe, *args, **options):
    return pipe(*args, **{"generator": seeded(), **options}).audio.samples


def test_text_alone_makes_a_sound_of_the_wanted_length(plain):
    out = plain(prompt="metal ball", duration_s=1.5, generator=seeded())
    assert out.audio.samples.shape == (1, 24000)
    assert out.provenance["input"] == "text"
    assert out.provenance["video"] is None
    assert len(out.physics) == 0
    other = samples(plain, prompt="wood wall", duration_s=1.5)
    assert not np.array_equal(out.audio.samples, other)


def test_text_alone_stands_on_the_learned_empty_tokens(plain):
    (window,) = plain.plan_windows(1.0)
    features = plain.encode_no_video(window)
    video = plain.encode_video(moving_discs(1, frames=25).video, window)
    assert features.pooled.shape == video.pooled.shape
    assert features.sync.shape == video.sync.shape
    assert np.array_equal(features.times_s, video.times_s)
    net = plain.transformer
    assert torch.equal(features.pooled, net.empty_clip(1, features.pooled.shape[1]))
    assert torch.equal(features.sync, net.empty_sync(1, features.sync.shape[1]))


def test_without_a_video_both_branches_differ_in_the_text_only(plain):
    """With the stored empty text on both sides, guidance changes nothing but rounding."""
    options = {"prompt": None, "negative_prompt": None, "duration_s": 1.0, "output_type": "latent"}
    one, strong = (
        plain(guidance_scale=scale, generator=seeded(), **options).audio for scale in (1.0, 7.0)
    )
    torch.testing.assert_close(one, strong, rtol=1e-4, atol=1e-4)


def test_texts_of_a_list_equal_single_ones(plain):
    both = plain(
        prompt=["metal ball", "wood wall"], duration_s=1.0, generator=[seeded(1), seeded(2)]
    )
    for index, (words, seed) in enumerate((("metal ball", 1), ("wood wall", 2))):
        alone = samples(plain, prompt=words, duration_s=1.0, generator=seeded(seed))
        assert np.array_equal(both.audio[index].samples, alone)


def test_a_long_text_only_sound_runs_in_windows(plain):
    assert samples(plain, prompt="ball", duration_s=9.0).shape == (1, 144000)


@pytest.mark.parametrize("form", ["array", "pil", "file"])
def test_a_picture_in_any_form(plain, picture, form, tmp_path):
    image = Image.fromarray(picture)
    image.save(tmp_path / "x.png")
    given = {"array": picture, "pil": image, "file": tmp_path / "x.png"}[form]
    out = plain(image=given, prompt="ball", duration_s=1.0, generator=seeded())
    assert out.provenance["input"] == "image"
    assert out.video_path is None
    reference = samples(plain, image=picture, prompt="ball", duration_s=1.0)
    assert np.array_equal(out.audio.samples, reference)
    assert not np.array_equal(reference, samples(plain, prompt="ball", duration_s=1.0))


def test_a_picture_is_seen_once_and_stands_still(plain, picture):
    (window,) = plain.plan_windows(1.0)
    features = plain.encode_image(picture, window)
    assert (features.pooled == features.pooled[:, :1]).all()
    assert (features.patches == features.patches[:, :1]).all()
    expected = plain.encode_no_video(window)
    assert features.pooled.shape == expected.pooled.shape
    assert torch.equal(features.sync, expected.sync)


def test_exif_orientation_is_applied(plain, picture, tmp_path):
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned clockwise
    image.save(tmp_path / "turned.png", exif=exif)
    turned = samples(plain, image=tmp_path / "turned.png", duration_s=1.0)
    by_hand = samples(plain, image=np.rot90(picture, -1), duration_s=1.0)
    assert np.array_equal(turned, by_hand)


def test_an_adapter_gets_its_empty_state_without_a_video(pipe):
    out = pipe(prompt="ball", duration_s=1.0, generator=seeded())
    assert out.audio.samples.shape == (1, 16000)
    again = pipe(prompt="ball", duration_s=1.0, physics="none", generator=seeded())
    assert np.array_equal(out.audio.samples, again.audio.samples)


def test_a_picture_takes_a_given_estimate(pipe, clip, physics, picture):
    with_physics, without = (
        pipe(image=picture, duration_s=1.0, physics=given, generator=seeded()).audio.samples
        for given in (physics, "none")
    )
    assert not np.array_equal(with_physics, without)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give a video, an image= or a prompt=; a sound for text alone needs duration_s"),
        ({"prompt": "ball"}, "^a sound for text alone needs duration_s"),
        ({"image": np.zeros((20, 20, 3), np.uint8)}, "a still picture needs duration_s"),
        ({"image": [], "duration_s": 1.0}, "image is an empty list"),
        ({"prompt": [], "duration_s": 1.0}, "prompt is an empty list"),
        ({"image": 3, "duration_s": 1.0}, "image must be a path"),
        ({"duration_s": 1.0, "physics": {"masses_kg": {0: 1.0}}}, "physics needs pictures"),
    ],
)
def test_what_cannot_work_is_said(plain, options, said):
    with pytest.raises(InputError, match=said):
        plain(**options)


def test_video_and_image_exclude_each_other(plain, picture):
    with pytest.raises(InputError, match="video and image are both given"):
        plain(moving_discs(1, frames=25).video, image=picture, duration_s=1.0)


def test_files_that_are_no_pictures(plain, tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(MediaError, match="is no picture that can be read"):
        plain(image=tmp_path / "x.png", duration_s=1.0)
    with pytest.raises(MediaNotFoundError, match="no such picture"):
        plain(image=tmp_path / "y.png", duration_s=1.0)


# -- how short ------------------------------------------------------------------------------------


def test_a_clip_that_is_too_short_for_the_model_is_refused():
    strict = tiny_pipeline(adapter=False, min_duration_s=0.64)
    with pytest.raises(InputError, match=r"lasts 0.60 s; this model needs at least 0.64 s"):
        strict(moving_discs(1, frames=15).video)
    with pytest.raises(InputError, match=r"needs at least 0.64 s"):
        strict(moving_discs(1, frames=25).video, duration_s=0.5)
    with pytest.raises(InputError, match=r"needs at least 0.64 s"):
        strict(prompt="ball", duration_s=0.3)
    assert samples(strict, moving_discs(1, frames=16).video).shape == (1, 10240)


def test_a_list_of_unequal_lengths_equals_single_calls(plain):
    videos = [moving_discs(1, frames=frames).video for frames in (16, 25, 40)]
    together = plain(videos, generator=[seeded(k) for k in range(3)])
    for index, video in enumerate(videos):
        alone = samples(plain, video, generator=seeded(index))
        assert np.array_equal(together.audio[index].samples, alone)
