"""The whole path offline: real classes with tiny random weights, both engines of SAM-2.

What is masked means nothing; that masks come out in their form is what counts. One module, because
importing the models' classes takes seconds.
"""

import gc
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pavas_florence_sam2 import FlorenceSam2Segmenter
from pavas_florence_sam2.tracker import Prompt
from tiny_models import OVERRIDES, tiny_florence, tiny_package_weights, tiny_sam2

from pavas_sdk.data import MovingObject, Video
from pavas_sdk.errors import PavasWarning, WeightsError
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import moving_discs, parametrize_with_checks, segmenter_checks
from pavas_sdk.testing.equality import same_answer

# `.ci/run` installs it; a plain `uv run pytest` does not build it from source
needs_sam2 = pytest.mark.skipif(
    importlib.util.find_spec("sam2") is None,
    reason="needs the package sam2 (uv sync --group engines)",
)
ENGINES = ["transformers", pytest.param("sam2", marks=needs_sam2)]


def segmenter(engine="transformers", **options):
    settings = {"florence": str(tiny_florence()), "num_beams": 1, "max_new_tokens": 12}
    settings |= {"engine": engine, "max_rate_hz": 8.0, "window_frames": 4}
    if engine == "sam2":
        settings |= {"sam2": "tiny", "sam2_weights": str(tiny_package_weights())}
        settings["sam2_overrides"] = OVERRIDES
    else:
        settings["sam2"] = str(tiny_sam2())
    return FlorenceSam2Segmenter(**settings | options)


def segment(part, clip, objects=None):
    things = clip.objects if objects is None else objects
    return part.segment(clip.source, things, rng=np.random.default_rng(0))


@parametrize_with_checks(segmenter_checks(segmenter))
def test_contract_through_transformers(check):
    check()


@needs_sam2
@parametrize_with_checks(
    segmenter_checks(lambda **options: segmenter(**{"engine": "sam2", **options}))
)
def test_contract_through_the_package(check):
    check()


@pytest.mark.parametrize("engine", ENGINES)
def test_video_in_masks_out_at_the_videos_own_times(engine):
    clip = moving_discs(3)
    tracks = segment(segmenter(engine, max_rate_hz=30.0, window_frames=8), clip)
    assert set(tracks) == {0, 1, 2}
    for track in tracks.values():
        assert track.times_s == pytest.approx(clip.video.times_s)
        assert track.masks.shape == (20, 48, 64)
        assert np.isfinite(track.scores).any()
        assert np.array_equal(np.isnan(track.scores), ~track.visible)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_object_found_in_the_middle_is_followed_both_ways(engine):
    clip = moving_discs(1)
    part = segmenter(engine, max_rate_hz=30.0, window_frames=6)
    florence, frame = part.models().florence, clip.video.frames[12]
    label, hint = next(
        (label, boxes[0])
        for label in ("white ball", "violet ball", "green ball", "hammer", "dog")
        if (boxes := florence.boxes(frame, label, part.config))
    )
    thing = MovingObject(object_id=4, label=label, box=hint, box_time_s=12 / 25)
    (track,) = segment(part, clip, [thing]).values()
    assert track.object_id == 4
    assert track.visible[:12].any()
    assert track.visible[13:].any()


def test_saved_and_loaded_again_it_answers_the_same(tmp_path):
    from transformers import (
        AutoProcessor,
        Florence2ForConditionalGeneration,
        Sam2VideoModel,
        Sam2VideoProcessor,
    )

    florence, sam2 = tmp_path / "florence", tmp_path / "sam2"
    Florence2ForConditionalGeneration.from_pretrained(tiny_florence()).save_pretrained(florence)
    AutoProcessor.from_pretrained(tiny_florence()).save_pretrained(florence)
    Sam2VideoModel.from_pretrained(tiny_sam2()).save_pretrained(sam2)
    Sam2VideoProcessor.from_pretrained(tiny_sam2()).save_pretrained(sam2)
    clip = moving_discs(2)
    again = segmenter(florence=str(florence), sam2=str(sam2))
    assert same_answer(segment(segmenter(), clip), segment(again, clip))


@pytest.mark.parametrize("engine", ENGINES)
def test_one_object_does_not_depend_on_the_others(engine):
    clip = moving_discs(3)
    frames = clip.video.frames[:5]
    tracker = segmenter(engine).models().tracker
    prompts = [
        Prompt(object_id=0, frame=0, box=(0.1, 0.1, 0.5, 0.5)),
        Prompt(object_id=1, frame=2, box=(0.5, 0.5, 0.9, 0.9)),
        Prompt(object_id=1, frame=1, mask=clip.masks[1].masks[1]),
    ]

    def answers(prompts):
        found = tracker.track(frames, prompts, first=1, size=(48, 64))
        return {i: {k: (s.mask.tobytes(), s.score) for k, s in seen.items()} for i, seen in found}

    both, alone = answers(prompts), answers(prompts[1:])
    assert list(both) == [1, 2, 3, 4]
    assert {i: seen[1] for i, seen in both.items()} == {i: seen[1] for i, seen in alone.items()}


def tensor_bytes():
    gc.collect()
    found = (thing for thing in gc.get_objects() if type(thing) is torch.Tensor)
    return sum(tensor.numel() * tensor.element_size() for tensor in found)


@pytest.mark.parametrize("engine", ENGINES)
def test_old_outputs_are_dropped_within_a_window(engine):
    frames = np.repeat(moving_discs(1).video.frames, 3, axis=0)
    tracker = segmenter(engine).models().tracker
    prompts = [Prompt(object_id=0, frame=0, box=(0.1, 0.1, 0.5, 0.5))]
    sizes = {
        index: tensor_bytes()
        for index, _ in tracker.track(frames, prompts, first=0, size=(48, 64))
        if index in (25, 50)
    }
    assert sizes[50] <= 1.01 * sizes[25]


def test_forty_objects_the_largest_are_followed():
    clip = moving_discs(3)
    with pytest.warns(PavasWarning, match=r"3 objects were found; the 1 largest.*left out: "):
        tracks = segment(segmenter(max_objects=1), clip)
    assert len(tracks) == 1


def test_what_is_not_found_is_missing():
    clip = moving_discs(1)
    things = [MovingObject(object_id=7, label="<loc_1>")]
    assert segment(segmenter(), clip, things) == {}
    assert segment(segmenter(min_box_fraction=0.9), clip) == {}


def test_black_video():
    black = Video(frames=np.zeros((6, 48, 64, 3), np.uint8), times_s=np.arange(6) / 8)
    things = moving_discs(1).objects
    segmenter().segment(MemorySource(black), things, rng=np.random.default_rng(0))


def test_4k_is_masked_small():
    video = Video(frames=np.zeros((2, 2160, 3840, 3), np.uint8), times_s=np.arange(2) / 8)
    things = [*moving_discs(3).objects]
    tracks = segmenter().segment(MemorySource(video), things, rng=np.random.default_rng(0))
    assert {track.masks.shape for track in tracks.values()} <= {(2, 144, 256)}


def test_unload_frees_both_models():
    part = segmenter()
    part.models()
    before = tensor_bytes()
    part.unload()
    assert tensor_bytes() < before


def test_weights_that_do_not_fit(tmp_path):
    folder = shutil.copytree(tiny_sam2(), tmp_path / "sam2")
    (folder / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        segmenter(sam2=str(folder)).models()


@needs_sam2
def test_weights_that_do_not_fit_the_package(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="does not hold the weights"):
        segmenter("sam2", sam2_weights=str(file)).models()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_memory_does_not_grow_with_the_video(engine):
    script = Path(__file__).parents[3] / "benchmarks" / "segmenter_memory.py"
    if not script.is_file():
        pytest.skip("needs benchmarks/ of the repository")
    done = subprocess.run(
        [
            sys.executable,
            str(script),
            "--json",
            "--engine",
            engine,
            "--frames",
            "250",
            "500",
            "1000",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)
    assert [row["frames"] for row in rows] == [250, 500, 1000]
    assert all(row["objects"] > 0 and row["growth_percent"] < 10 for row in rows)
