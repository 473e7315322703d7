"""Boxes, plausibility, windows, sweeps, settings, weights: everything that needs no model."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from bright_tracker import BrightTracker
from pavas_florence_sam2 import FlorenceSam2Config, FlorenceSam2Segmenter
from pavas_florence_sam2.boxes import area_fraction, choose, clean_boxes, overlap
from pavas_florence_sam2.frames import FrameWindows, grounding_times
from pavas_florence_sam2.plausibility import JumpWatch, is_complement
from pavas_florence_sam2.sweep import Followed, Part, Sweep

from pavas_sdk.data import Video
from pavas_sdk.errors import (
    ConfigurationError,
    MissingPluginError,
    MissingWeightsError,
    WeightsError,
)
from pavas_sdk.interfaces import progress_to
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import moving_discs

# -- boxes -----------------------------------------------------------------------------------


def clean(boxes, least=1e-3):
    return clean_boxes(boxes, height=100, width=200, min_fraction=least)


def test_corners_are_put_in_order_and_cut_at_the_border():
    assert clean([[101, 40, 6, 4]]) == [(0.03, 0.04, 0.505, 0.4)]
    assert clean([[-50, -3, 300, 120]]) == [(0.0, 0.0, 1.0, 1.0)]


def test_tiny_empty_outside_and_broken_boxes_are_dropped():
    assert (
        clean([[5, 5, 5, 90], [5, 5, 6, 6], [300, 5, 400, 50], [0, 0, np.nan, 9], [1, 2, 3]]) == []
    )


def test_the_largest_comes_first_and_repetitions_once():
    boxes = clean([[0, 0, 20, 20], [0, 0, 100, 50], [20, 20, 0, 0]])
    assert [round(area_fraction(box), 3) for box in boxes] == [0.25, 0.02]


def test_overlap():
    assert overlap((0, 0, 1, 1), (0, 0, 1, 1)) == 1.0
    assert overlap((0, 0, 0.5, 1), (0.5, 0, 1, 1)) == 0.0
    assert overlap((0, 0, 0.5, 1), (0, 0, 1, 1)) == pytest.approx(0.5)


def test_a_box_is_chosen_that_is_free_and_not_the_whole_picture():
    whole, left, right = (0, 0, 1, 1), (0, 0, 0.5, 1), (0.6, 0, 1, 1)
    options = {"max_fraction": 0.95}
    assert choose([whole, left, right], taken=(), hint=None, **options) == left
    assert choose([whole, left, right], taken=[left], hint=None, **options) == right
    assert choose([whole, left, right], taken=(), hint=(0.7, 0, 1, 1), **options) == right
    assert choose([whole, left], taken=(), hint=(0.8, 0, 1, 1), **options) == left
    assert choose([whole], taken=(), hint=None, **options) is None
    assert choose([], taken=(), hint=None, **options) is None


# -- plausibility ----------------------------------------------------------------------------


def square(row, column, side=4):
    mask = np.zeros((40, 60), bool)
    mask[row : row + side, column : column + side] = True
    return mask


def test_a_mask_outside_of_its_box_is_the_complement():
    box = (10 / 60, 10 / 40, 20 / 60, 20 / 40)
    assert not is_complement(square(10, 10, 10), box)
    assert is_complement(~square(10, 10, 10), box)
    assert not is_complement(np.zeros((40, 60), bool), box)
    assert not is_complement(square(9, 9, 12), box)  # a pixel over the edge


@pytest.mark.parametrize(
    ("steps", "jumped"),
    [
        ([(0, square(10, 10)), (1, square(10, 12))], [False, False]),
        ([(0, square(10, 10)), (1, square(10, 18))], [False, False]),  # fast, but near
        ([(0, square(10, 10)), (1, square(30, 50))], [False, True]),
        ([(0, square(10, 10)), (1, square(10, 10, 20))], [False, True]),  # 25 times the area
        ([(0, square(10, 10)), (4, square(30, 50))], [False, False]),  # hidden in between
        ([(4, square(10, 10)), (3, square(30, 50))], [False, True]),  # backwards
        ([(0, square(10, 10)), (1, square(0, 0, 0)), (2, square(10, 12))], [False] * 3),
    ],
)
def test_jumps(steps, jumped):
    watch = JumpWatch(distance=3.0)
    assert [watch.jumped(mask, frame) for frame, mask in steps] == jumped


# -- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration_s", "rate_hz", "count", "expected"),
    [
        (1.0, 10.0, 5, [0.0, 0.9, 0.45, 0.225, 0.675]),
        (1.0, 10.0, 1, [0.0]),
        (0.1, 10.0, 5, [0.0]),
        (0.2, 10.0, 5, [0.0, 0.1]),
    ],
)
def test_where_objects_are_looked_for(duration_s, rate_hz, count, expected):
    assert grounding_times(duration_s, rate_hz, count) == pytest.approx(expected)


@pytest.mark.parametrize("window_frames", [2, 3, 7, 64])
@pytest.mark.parametrize("max_rate_hz", [6.0, 30.0])
def test_windows_cover_every_frame_once(window_frames, max_rate_hz):
    clip = moving_discs(1, frames=20)
    windows = FrameWindows(
        clip.source, window_frames=window_frames, max_rate_hz=max_rate_hz, max_side=1024
    )
    parts = [part for _, part in windows.forwards()]
    times = np.concatenate([part.times_s for part in parts])
    assert (np.diff(times) > 0).all()
    if max_rate_hz == 30.0:
        assert times == pytest.approx(clip.video.times_s)
    else:
        assert 0.12 < np.median(np.diff(times)) < 0.2
    again = windows.read(len(parts) - 1)
    assert np.array_equal(again.frames, parts[-1].frames)
    for index, part in enumerate(parts):
        assert windows.holding(float(part.times_s[0])) == index


def test_windows_of_uneven_frame_times():
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.09, 40))
    video = Video(frames=np.zeros((40, 48, 64, 3), np.uint8), times_s=times)
    windows = FrameWindows(MemorySource(video), window_frames=6, max_rate_hz=30.0, max_side=64)
    found = np.concatenate([part.times_s for _, part in windows.forwards()])
    assert (np.diff(found) > 0).all()
    # a window in which no frame appears shows the one before, at its own start
    assert all(np.abs(found - time_s).min() < 1e-9 for time_s in times - times[0])
    assert found.size <= times.size + windows.count


# -- sweeps ----------------------------------------------------------------------------------


def sweep_over(clip, tracker, window, things, *, backwards=False):
    height, width = clip.video.height, clip.video.width
    sweep = Sweep(tracker, size=(height, width), jump_distance=3.0)
    count = len(clip.video.frames)
    starts = range(0, count, window)
    for start in reversed(starts) if backwards else starts:
        numbers = range(start, min(start + window, count))
        frames = clip.video.frames[start : start + window]
        if backwards:
            numbers, frames = numbers[::-1], frames[::-1]
        sweep.add(Part(frames=frames, numbers=numbers), things)


def box_of(mask):
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return (
        columns.min() / width, rows.min() / height,
        (columns.max() + 1) / width, (rows.max() + 1) / height,
    )  # fmt: skip


def unpacked(thing, number, shape):
    return np.unpackbits(thing.masks[number], count=shape[0] * shape[1]).reshape(shape)


@pytest.mark.parametrize("window", [3, 5, 100])
@pytest.mark.parametrize("found_at", [0, 7, 19])
def test_discs_are_followed_both_ways_whatever_the_window(window, found_at):
    clip = moving_discs(2)
    truth = {key: track.masks for key, track in clip.masks.items()}
    things = [
        Followed(object_id=key, box=box_of(truth[key][found_at]), frame=found_at) for key in truth
    ]
    sweep_over(clip, BrightTracker(), window, things)
    sweep_over(clip, BrightTracker(), window, things, backwards=True)
    for thing in things:
        assert sorted(thing.masks) == list(range(20))
        for number in range(20):
            mask = unpacked(thing, number, truth[thing.object_id].shape[1:])
            assert np.array_equal(mask, truth[thing.object_id][number])
        assert set(thing.scores.values()) == {0.9}
        assert not thing.complement


def test_a_window_starts_with_the_find_and_with_the_last_clear_sight():
    clip = moving_discs(1, hidden=(8, 12))
    tracker = BrightTracker()
    thing = Followed(object_id=0, box=box_of(clip.masks[0].masks[0]), frame=0)
    sweep_over(clip, tracker, 5, [thing])
    (count, first, prompts), *later = tracker.asked
    assert (count, first, len(prompts)) == (5, 0, 1)
    for window, (count, first, prompts) in enumerate(later, 1):
        assert (count, first) == (7, 2)
        assert [prompt.frame for prompt in prompts] == [0, 1]
        assert prompts[0].box == thing.box
        last = {1: 4, 2: 7, 3: 14}[window]  # 7: it is hidden from 8 to 11
        assert np.array_equal(prompts[1].mask, clip.masks[0].masks[last])
    assert np.isnan([thing.scores[number] for number in range(8, 12)]).all()
    assert thing.scores[13] == 0.9


def test_objects_found_later_do_not_appear_before_in_a_forward_sweep():
    clip = moving_discs(2)
    things = [
        Followed(object_id=0, box=box_of(clip.masks[0].masks[0]), frame=0),
        Followed(object_id=1, box=box_of(clip.masks[1].masks[12]), frame=12),
    ]
    sweep_over(clip, BrightTracker(), 5, things)
    assert min(things[0].masks) == 0
    assert min(things[1].masks) == 12


def test_a_complement_and_a_jump_are_flagged():
    clip = moving_discs(1)
    frames = clip.video.frames.copy()
    frames[10:] = 0
    frames[10:, 2:8, 2:8] = 255

    class Anything(BrightTracker):
        def track(self, frames, prompts, *, first, size):
            for index, seen in super().track(frames, prompts, first=first, size=size):
                for answer in seen.values():
                    answer.mask[:] = frames[index].mean(axis=-1) > self.threshold
                yield index, seen

    thing = Followed(object_id=0, box=box_of(clip.masks[0].masks[0]), frame=0)
    sweep = Sweep(Anything(), size=(48, 64), jump_distance=3.0)
    heard = []
    with progress_to(heard.append):
        sweep.add(Part(frames=frames, numbers=range(20)), [thing])
    assert [report.done for report in heard] == list(range(1, 21))
    assert thing.scores[9] == 0.9
    assert thing.scores[10] == pytest.approx(0.09)
    assert thing.scores[11] == 0.9
    other = Followed(object_id=0, box=(0.0, 0.9, 0.05, 1.0), frame=0)
    sweep = Sweep(Anything(), size=(48, 64), jump_distance=3.0)
    sweep.add(Part(frames=frames, numbers=range(20)), [other])
    assert other.complement


# -- settings, weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"engine": "sam3"}, "'transformers', 'sam2'"),
        ({"dtype": "int8"}, "dtype"),
        ({"task": "<OD>"}, "task"),
        ({"grounding_frames": 0}, "grounding_frames"),
        ({"window_frames": 1}, "window_frames"),
        ({"mask_max_side": 4}, "mask_max_side"),
        ({"max_objects": True}, "max_objects"),
        ({"max_rate_hz": 0.0}, "max_rate_hz"),
        ({"jump_distance": float("inf")}, "jump_distance"),
        ({"min_box_fraction": 0.9, "max_box_fraction": 0.5}, "min_box_fraction"),
    ],
)
def test_impossible_settings(options, words):
    with pytest.raises(ConfigurationError, match=words):
        FlorenceSam2Config(**options)


def test_overrides_survive_json():
    config = FlorenceSam2Config(sam2_overrides=("++model.image_size=512",))
    assert FlorenceSam2Config.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_everything_that_is_missing_is_one_message(monkeypatch):
    with pytest.raises(MissingWeightsError) as caught:
        FlorenceSam2Segmenter().models()
    with pytest.raises(MissingWeightsError) as asked:
        FlorenceSam2Segmenter().check_ready()
    assert str(asked.value) == str(caught.value)
    FlorenceSam2Segmenter(download=True).check_ready()
    assert "hf download florence-community/Florence-2-large" in str(caught.value)
    assert "hf download facebook/sam2.1-hiera-large" in str(caught.value)
    assert "*.safetensors" in str(caught.value)
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sam2" else real(name)
    )
    with pytest.raises(MissingPluginError) as missing:
        FlorenceSam2Segmenter(engine="sam2", sam2_revision="x").models()
    assert "pip install sam2" in str(missing.value)
    assert "python -m pavas_florence_sam2.conversion sam2.1_hiera_large.pt" in str(missing.value)
    assert "hf download florence-community/Florence-2-large" in str(missing.value)


def test_wrong_folders(tmp_path):
    with pytest.raises(MissingWeightsError, match="there is no folder /no/such"):
        FlorenceSam2Segmenter(florence="/no/such").models()
    with pytest.raises(MissingWeightsError, match=r"config\.json, \*\.safetensors"):
        FlorenceSam2Segmenter(florence=str(tmp_path)).models()
    (tmp_path / "config.json").write_text('{"model_type": "sam2_video"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match="'sam2_video'; expected florence2"):
        FlorenceSam2Segmenter(florence=str(tmp_path)).models()


def test_listing_imports_neither_torch_nor_transformers():
    code = (
        "import sys, pavas_florence_sam2.plugin as p\n"
        "(spec,) = p.pavas_register_components()\n"
        "from pavas_florence_sam2 import FlorenceSam2Segmenter\n"
        "FlorenceSam2Segmenter()\n"
        "assert not {'torch', 'transformers', 'sam2'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_conversion_reads_tensors_and_executes_nothing(tmp_path, capsys):
    import torch
    from pavas_florence_sam2.conversion import convert, main
    from safetensors.torch import load_file

    good, out = tmp_path / "good.pt", tmp_path / "out.safetensors"
    shared = torch.arange(6.0).reshape(2, 3)
    torch.save({"model": {"a": shared, "b": shared.T}}, good)
    tensors = load_file(convert(good, out))
    assert torch.equal(tensors["b"], shared.T)
    evil = tmp_path / "evil.pt"
    evil.write_bytes(pickle.dumps({"model": Evil()}))
    with pytest.raises(WeightsError, match="no official checkpoint"):
        convert(evil, tmp_path / "evil.safetensors")
    assert main([str(evil), str(tmp_path / "evil.safetensors")]) == 2
    assert main([str(good), str(out)]) == 0
    assert "executed" not in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evil.pt",
        "good.pt",
        "out.safetensors",
    ]
