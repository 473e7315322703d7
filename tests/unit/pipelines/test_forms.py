"""The forms of what a call takes and gives: videos, seeds, arrays, files."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from pavas_sdk import Audio, InputError, PavasOutput, PavasOutputs
from pavas_sdk.errors import ConfigurationError, OutputExistsError
from pavas_sdk.media import open_video, read_audio, write_video

from .conftest import seeded


@pytest.fixture(scope="module")
def fps(clip):
    return clip.video.fps


def test_frames_with_a_rate_sound_like_the_video(sound, same, clip, fps):
    frames = clip.video.frames
    wanted = sound()
    pictures = [Image.fromarray(frame) for frame in frames]
    for form in (frames, torch.from_numpy(frames.copy()).permute(0, 3, 1, 2), pictures):
        out = sound(form, fps=fps)
        assert isinstance(out, PavasOutput)
        assert same(out, wanted)


def test_lists_are_several_videos(sound, clip, fps):
    frames = clip.video.frames
    pictures = [Image.fromarray(frame) for frame in frames]
    outs = sound([frames, pictures], fps=fps)
    assert isinstance(outs, PavasOutputs)
    assert len(outs) == 2


def test_a_seed_is_a_generator_per_sound(sound, same, clip):
    one = sound(generator=None, seed=7)
    assert same(one, sound(generator=seeded(7)))
    assert one.provenance["seed"] == 7
    takes = sound([clip.video, clip.video], generator=None, seed=7, num_waveforms_per_video=2)
    assert [take.provenance["seed"] for take in takes] == [7, 8, 7, 8]
    assert same(takes[0], one)
    assert same(takes[2], one)
    named = sound(generator=None, seed=[3, 7], num_waveforms_per_video=2)
    assert same(named[1], one)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 1}, "seed and generator are both given"),
        ({"seed": -1, "generator": None}, "whole number from 0"),
        ({"seed": 1.5, "generator": None}, "whole number from 0"),
        ({"seed": [1, 2], "generator": None}, "seed has 2 entries, expected 1 or 1"),
        ({"fps": 25.0}, "has its own times"),
        ({"fps": "fast"}, "fps must be int or float"),
    ],
)
def test_what_cannot_be_is_refused(sound, options, said):
    with pytest.raises(InputError, match=said):
        sound(**options)


def test_arrays_are_the_samples(sound):
    out = sound(output_type="np")
    assert isinstance(out.audio, np.ndarray)
    np.testing.assert_array_equal(out.audio, sound().audio.samples)
    with pytest.raises(ConfigurationError, match='output_type="audio"'):
        out.save("never.wav")


def test_a_sound_saves_itself(sound, tmp_path):
    audio: Audio = sound().audio
    path = audio.save(tmp_path / "a.wav", subtype="float32")
    np.testing.assert_array_equal(read_audio(path).samples, audio.samples)
    with pytest.raises(OutputExistsError):
        audio.save(path)


def test_saving_as_a_video_writes_it_with_its_sound(sound, clip, fps, tmp_path):
    file = write_video(tmp_path / "clip.mp4", clip.video)
    for name, form in (
        ("file", file),
        ("frames", clip.video.frames),
        ("bytes", io.BytesIO(file.read_bytes())),
    ):
        out = sound(form, fps=fps if name == "frames" else None)
        path, sidecar = out.save(tmp_path / name / "x.mp4")
        assert (path.name, sidecar.name) == ("x.mp4", "x.pavas.json")
        with open_video(path) as made:
            assert made.has_audio
            assert made.duration_s == pytest.approx(clip.video.duration_s, abs=1e-3)
            assert len(made.frame_times_s) == len(clip.video)


def test_a_sound_without_a_video_is_no_video(pipe, tmp_path):
    out = pipe(prompt="a ball", duration_s=1.0, seed=0, num_inference_steps=1)
    with pytest.raises(ConfigurationError, match=r"made without a video.*\.wav"):
        out.save(tmp_path / "x.mp4")
    assert not list(tmp_path.iterdir())


def test_objects_are_named_by_label(sound, physics):
    label = physics.objects[0].object.label
    assert physics.with_mass(label.upper(), 5.0)[0].mass_kg == 5.0
    assert physics.scale_speed(label, 2.0).edits == physics.scale_speed(0, 2.0).edits
    assert len(physics.without(label)) == 0
