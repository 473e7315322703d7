"""Small real objects for the tests of this folder."""

from __future__ import annotations

import argparse

import numpy as np
import torch
from pavas_cut3r import Cut3RReconstructor
from pavas_cut3r.weights import RANDOM_TINY, random_model

from pavas_sdk.data import Video
from pavas_sdk.media import MemorySource


def tiny(**options) -> Cut3RReconstructor:
    """The reconstructor with a tiny random model; every positive depth counts."""
    settings = {"weights": RANDOM_TINY, "size": 64, "min_confidence": 0.0}
    return Cut3RReconstructor(**{**settings, **options})


def reconstruct(video: Video, **options):
    return tiny(**options).reconstruct(MemorySource(video), rng=np.random.default_rng(0))


def clip(count=6, height=48, width=64, *, seed=0, fps=25.0) -> Video:
    """A textured picture that moves by a pixel per frame."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 255, (6, 8, 3)).repeat(16, axis=0).repeat(16, axis=1)
    base = np.tile(base, (1 + (height + count) // 96, 1 + (width + count) // 128, 1))
    frames = [base[:height, shift : shift + width] for shift in range(count)]
    return Video(frames=np.stack(frames).astype(np.uint8), times_s=np.arange(count) / fps)


def joined(*videos: Video, fps=25.0) -> Video:
    frames = np.concatenate([video.frames for video in videos])
    return Video(frames=frames, times_s=np.arange(frames.shape[0]) / fps)


def plain(count=3, height=48, width=64, *, level=0) -> Video:
    """Frames of one grey level."""
    frames = np.full((count, height, width, 3), level, dtype=np.uint8)
    return Video(frames=frames, times_s=np.arange(count) / 25.0)


def pixels(count=4, height=48, width=64, *, seed=0) -> list[torch.Tensor]:
    """Random pictures as a session takes them."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(1, 3, height, width, generator=generator) * 2 - 1 for _ in range(count)]


def official_state(model=None):
    """The state of a model under the names of the official checkpoint, double ones included."""
    model = model or random_model()
    state = dict(model.state_dict())
    for key, value in list(state.items()):
        for level in range(1, 5):
            name = f".scratch.layer{level}_rn."
            if name in key:
                state[key.replace(name, f".scratch.layer_rn.{level - 1}.")] = value
    return state


def save_checkpoint(path, state, *, args=None):
    """Write a file of the official form: weights, an epoch, and pickled arguments."""
    if args is None:
        args = argparse.Namespace(model="raise SystemExit('this text must never run')", lr=1e-4)
    torch.save({"model": state, "args": args, "epoch": 7}, path)
    return path
