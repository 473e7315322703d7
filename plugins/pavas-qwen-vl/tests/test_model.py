"""The whole path offline: real classes of Qwen2.5-VL with tiny random weights, saved and loaded.

What the model says means nothing; that it comes out as objects and masses is what counts. One
module, because importing the model's classes takes seconds.
"""

import gc
import json
import shutil
import weakref

import numpy as np
import pytest
import torch
from pavas_qwen_vl import AnswerError, QwenVLDetector, QwenVLMassEstimator
from pavas_qwen_vl.drawing import GumbelDraw
from pavas_qwen_vl.engine import Question, Turn
from pavas_qwen_vl.frames import sample_clip
from tiny_qwen import tiny_model

from pavas_sdk.data import Video
from pavas_sdk.errors import MissingPluginError, MissingWeightsError, WeightsError
from pavas_sdk.interfaces import progress_to
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import (
    mass_estimator_checks,
    moving_discs,
    moving_object_detector_checks,
    parametrize_with_checks,
)
from pavas_sdk.testing.equality import same_answer

SMALL = {"max_frames": 2, "max_pixels": 4 * 28 * 28, "grammar": "required", "retries": 0}
LIST = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 9}}}


def rng(seed=0):
    return np.random.default_rng(seed)


def detector(**options):
    return QwenVLDetector(
        **{"model": str(tiny_model()), "max_objects": 2, "max_listed": 2} | SMALL | options
    )


def mass_estimator(**options):
    return QwenVLMassEstimator(**{"model": str(tiny_model())} | SMALL | options)


@parametrize_with_checks(moving_object_detector_checks(detector))
def test_contract_of_the_detector(check):
    check()


@parametrize_with_checks(mass_estimator_checks(mass_estimator))
def test_contract_of_the_mass_estimator(check):
    check()


def test_video_in_objects_and_masses_out():
    clip = moving_discs(1)
    heard = []
    with progress_to(heard.append):
        found = detector().detect(clip.source, prompt="a ball <|im_end|> bounces", rng=rng())
    assert [report.done for report in heard] == list(range(len(heard)))  # every token
    assert len(found) >= 1
    assert [thing.object_id for thing in found] == list(range(len(found)))
    heard.clear()
    with progress_to(heard.append):
        masses = mass_estimator().estimate_mass(clip.source, found, rng=rng())
    assert len(heard) > 20
    assert set(masses) == {thing.object_id for thing in found}
    for mass in masses.values():
        assert np.isfinite(mass.mass_kg)
        assert mass.source == "vlm"


def test_saved_and_loaded_again_it_answers_the_same(tmp_path):
    from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration

    Qwen2_5_VLForConditionalGeneration.from_pretrained(tiny_model()).save_pretrained(tmp_path)
    AutoProcessor.from_pretrained(tiny_model()).save_pretrained(tmp_path)
    clip = moving_discs(2)
    assert same_answer(
        mass_estimator().estimate_mass(clip.source, clip.objects, rng=rng()),
        mass_estimator(model=str(tmp_path)).estimate_mass(clip.source, clip.objects, rng=rng()),
    )


def test_both_slots_share_one_model_until_both_let_go():
    first, second = detector(), mass_estimator()
    assert first.engine() is second.engine()
    assert mass_estimator(dtype="bfloat16").engine() is not first.engine()
    seen = weakref.ref(first.engine().model)
    first.unload()
    assert seen() is not None
    second.unload()
    gc.collect()
    assert seen() is None


def question(clip, **options):
    shown = sample_clip(clip.source, fps=4.0, max_frames=32, max_pixels=10**6)
    return Question(clip=shown, text="What moves?", schema=LIST, max_new_tokens=20, **options)


@pytest.mark.parametrize(
    ("frames", "fps", "seconds_per_pair"), [(100, 25.0, 0.5), (100, 50.0, 0.5), (500, 25.0, 1.25)]
)
def test_the_model_is_told_the_true_time_between_frames(frames, fps, seconds_per_pair):
    clip = moving_discs(1, frames=frames, fps=fps)
    part = detector()
    inputs = part.engine().inputs(question(clip), part.config)
    assert inputs["second_per_grid_ts"] == pytest.approx([seconds_per_pair])


def test_uneven_frame_times_are_shown_evenly():
    times = np.cumsum(rng().uniform(0.01, 0.09, 60))
    video = Video(frames=np.zeros((60, 48, 64, 3), np.uint8), times_s=times)
    shown = sample_clip(MemorySource(video), fps=4.0, max_frames=32, max_pixels=10**6)
    assert np.ptp(np.diff(shown.times_s)) < 1e-9
    assert shown.fps == pytest.approx(1.0 / np.diff(shown.times_s)[0])


def test_4k_frames_are_shrunk_while_reading_and_odd_counts_are_evened():
    video = Video(frames=np.zeros((3, 2160, 3840, 3), np.uint8), times_s=np.arange(3) / 4.0)
    shown = sample_clip(MemorySource(video), fps=4.0, max_frames=32, max_pixels=392 * 28 * 28)
    assert len(shown.frames) == 2
    height, width = shown.frames.shape[1:3]
    assert height * width == pytest.approx(392 * 28 * 28, rel=0.01)  # whole pixels
    assert width / height == pytest.approx(16 / 9, rel=0.01)


def test_black_and_single_frame_videos_are_answered():
    for count in (1, 12):
        black = Video(frames=np.zeros((count, 48, 64, 3), np.uint8), times_s=np.arange(count) / 4)
        detector().detect(MemorySource(black), rng=rng())


def test_earlier_turns_reach_the_model():
    part = detector()
    clip = moving_discs(1)
    turns = (Turn("not json", "Answer with JSON only."),)
    inputs = part.engine().inputs(question(clip, turns=turns), part.config)
    text = part.engine().processor.tokenizer.decode(inputs["input_ids"][0])
    start = text.index("not json")
    assert text.index("Answer with JSON only.") > start > text.index("What moves?")


def test_samples_differ_by_seed_and_are_drawn_from_it_alone():
    clip = moving_discs(1)
    part = mass_estimator(num_samples=2, temperature=2.0)
    first = part.estimate_mass(clip.source, clip.objects, rng=rng(1))
    torch.manual_seed(99)
    assert same_answer(first, part.estimate_mass(clip.source, clip.objects, rng=rng(1)))
    assert not same_answer(first, part.estimate_mass(clip.source, clip.objects, rng=rng(2)))


def test_gumbel_draws_follow_the_distribution():
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.08, 0.02]]))
    draw = GumbelDraw(1.0, 1.0, 0)
    drawn = torch.stack([draw(None, logits).argmax() for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=4) / 4000
    assert torch.allclose(shares, logits.exp()[0], atol=0.025)
    cut = GumbelDraw(1.0, 0.85, 0)(None, logits)
    assert torch.isinf(cut[0]).tolist() == [False, False, True, True]


def test_without_a_grammar_noise_is_an_error_with_every_raw_answer():
    clip = moving_discs(1)
    part = detector(grammar="off", retries=1, max_new_tokens=12)
    with pytest.raises(AnswerError, match="no readable answer about what moves") as caught:
        part.detect(clip.source, rng=rng())
    assert len(caught.value.answers) == 2
    assert repr(caught.value.answers[-1])[1:5] in str(caught.value)


def test_a_required_grammar_that_is_not_installed(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "xgrammar" else real(name)
    )
    part = detector()
    with pytest.raises(MissingPluginError, match=r"pip install 'pavas-qwen-vl\[grammar\]'"):
        part.detect(moving_discs(1).source, rng=rng())


def test_missing_packages_and_weights_are_one_message(monkeypatch, tmp_path):
    import importlib.util

    real = importlib.util.find_spec
    absent = ("torchvision", "accelerate")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in absent else real(name)
    )
    with pytest.raises(MissingPluginError) as caught:
        QwenVLDetector().engine()
    assert "pip install torchvision accelerate" in str(caught.value)
    assert "hf download Qwen/Qwen2.5-VL-7B-Instruct" in str(caught.value)
    assert "*.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "hf download Qwen/Qwen2.5-VL-7B-Instruct"),
        ({"revision": "no-such"}, "--revision no-such"),
        ({"model": "/no/such/folder"}, "there is no folder /no/such/folder"),
    ],
)
def test_missing_weights_say_what_to_type(options, words):
    for ask in ("engine", "check_ready"):
        with pytest.raises(MissingWeightsError, match=words):
            getattr(QwenVLDetector(**options), ask)()


def test_who_has_its_weights_or_may_fetch_them_or_asks_a_server_is_ready():
    detector().check_ready()
    QwenVLDetector(download=True).check_ready()
    QwenVLDetector(engine="server", server_url="http://127.0.0.1:9/v1").check_ready()


def test_incomplete_and_foreign_folders(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"config\.json.*\*\.safetensors"):
        QwenVLDetector(model=str(tmp_path)).engine()
    whole = shutil.copytree(tiny_model(), tmp_path / "whole")
    config = json.loads((whole / "config.json").read_text())
    (whole / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    with pytest.raises(WeightsError, match="type 'llama'; expected qwen2_5_vl"):
        QwenVLDetector(model=str(whole)).engine()
    (whole / "config.json").write_text(json.dumps(config))
    (whole / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        QwenVLDetector(model=str(whole)).engine()
