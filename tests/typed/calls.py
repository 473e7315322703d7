"""What editors and mypy know of a call; checked by `.ci/run`, never executed."""

from pathlib import Path
from typing import TypeAlias, assert_type

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pavas_sdk import Audio, PavasOutput, PavasOutputs, PavasPipeline, PhysicsEstimate, Video

pipe = PavasPipeline.from_pretrained("pavas-tiny")
Sound: TypeAlias = Audio | Tensor | NDArray[np.float32]


def one(path: str, video: Video) -> None:
    out = pipe(path, prompt="a ball")
    assert_type(out, PavasOutput[Audio])
    assert_type(out.audio, Audio)
    assert_type(out.physics, PhysicsEstimate)
    print(out.audio.samples.shape, out.provenance["seed"])
    heavier = pipe(video, physics=out.physics.with_mass(0, 5.0))
    heavier.save("heavier.wav")
    assert_type(pipe(prompt="rain", duration_s=4.0), PavasOutput[Audio])


def several(paths: list[str], files: tuple[Path, ...]) -> None:
    outs = pipe(paths)
    assert_type(outs, PavasOutputs[Audio])
    assert_type(outs.audio, list[Audio])
    assert_type(outs.physics, list[PhysicsEstimate])
    assert_type(pipe(files, prompt=["a", "b"])[0], PavasOutput[Audio])
    takes = pipe(paths[0], num_waveforms_per_video=3)
    assert_type(takes, PavasOutput[Audio] | PavasOutputs[Audio])
    assert_type([take.audio for take in takes], list[Audio])
    for sound in outs:
        sound.save("out.wav")


def tensors(path: str) -> None:
    made = pipe(path, output_type="latent", return_dict=False)
    assert_type(made, PavasOutput[Sound] | PavasOutputs[Sound] | tuple[object, ...])


def forms(frames: NDArray[np.uint8], tensor: Tensor, pictures: list[Image.Image]) -> None:
    assert_type(pipe(frames, fps=25), PavasOutput[Audio])
    assert_type(pipe(tensor, fps=25.0, seed=3), PavasOutput[Audio])
    assert_type(pipe(pictures, fps=25), PavasOutput[Audio])
    assert_type(pipe([frames, frames], fps=25, seed=[1, 2]), PavasOutputs[Audio])
    with Path("clip.mp4").open("rb") as file:
        assert_type(pipe(file), PavasOutput[Audio])
    assert_type(pipe("clip.mp4").audio.samples, NDArray[np.float32])
    assert_type(pipe("clip.mp4").physics.with_mass("ball", 5), PhysicsEstimate)
