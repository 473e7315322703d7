"""The contract of a named preset: a folder that loads without running foreign code, and sounds."""

from __future__ import annotations

import inspect
import json
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.estimator_checks import named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["pipeline_checks"]

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def pipeline_checks(make: Callable[[], Any]) -> list[Check]:
    """Return the checks of a preset.

    Args:
        make: The registered function: returns the folder of a saved pipeline. One that would have
            to fetch it first (it takes ``local_files_only`` and answers None) is not asked further.
    """
    return named_checks("pipeline", (check_folder, check_files, check_generates), make)


def _folder(make: Callable[[], Any]) -> Path:
    function: Callable[..., Any] = make
    if "local_files_only" not in inspect.signature(function).parameters:
        return Path(function())
    folder = function(local_files_only=True)
    if folder is None:
        raise unittest.SkipTest("not on this machine; type: pavas models download NAME")
    return Path(folder)


def check_folder(make: Callable[[], Any]) -> None:
    """It names a folder with a readable model_index.json, the same each time."""
    folder = _folder(make)
    index = folder / "model_index.json"
    require(index.is_file(), f"{index} does not exist")
    require("_class_name" in json.loads(index.read_text("utf-8")), f"{index} names no class")
    require(_folder(make) == folder, "asked twice, it names another folder")


def check_files(make: Callable[[], Any]) -> None:
    """Weights are safetensors: loading runs no code of the files."""
    files = [file for file in _folder(make).rglob("*") if file.is_file()]
    bad = sorted(file.name for file in files if file.suffix in PICKLES)
    require(not bad, f"pickled weights: {', '.join(bad)}")
    require(any(file.suffix == ".safetensors" for file in files), "no safetensors file in it")


def check_generates(make: Callable[[], Any]) -> None:
    """It loads and makes finite sound as long as the video, the same for the same seed."""
    import torch

    from pavas_sdk.pipelines import PavasPipeline

    pipe: Any = PavasPipeline.from_pretrained(str(_folder(make)))
    pipe.set_progress_bar_config(disable=True)
    video = moving_discs(1, frames=25).video

    def sound() -> Any:
        generator = torch.Generator().manual_seed(0)
        return pipe(video, physics="none", num_inference_steps=2, generator=generator).audio

    first, second = sound(), sound()
    audio = first[0] if isinstance(first, list | tuple) else first
    again = second[0] if isinstance(second, list | tuple) else second
    if not np.isfinite(audio.samples).all():
        raise CheckFailedError("its sound holds NaN or infinite samples")
    require(
        abs(audio.duration_s - video.duration_s) <= 0.05,
        f"{audio.duration_s:.3f} s of sound for {video.duration_s:.3f} s of video",
    )
    require(np.array_equal(audio.samples, again.samples), "the same seed gives another sound")
