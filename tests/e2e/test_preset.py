"""The embedded default model, by its name."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk import default_registry
from pavas_sdk.media import read_audio

CLIP = Path(__file__).parents[2] / "examples" / "clips" / "bouncing_ball.mp4"
WEIGHTS = Path(default_registry().get("pipeline", "pavas-tiny").load()())

pytestmark = pytest.mark.skipif(
    not (WEIGHTS / "model_index.json").is_file(), reason="the trained weights are not built"
)


def test_the_readme_command(pavas, tmp_path):
    answer = pavas("generate", CLIP, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "bouncing_ball.wav",
        "bouncing_ball.mp4",
        "bouncing_ball.pavas.json",
        "bouncing_ball.physics.json",
    }
    assert "gravity" in answer.err  # the rung: free flight is seen
    made = json.loads((tmp_path / "out" / "bouncing_ball.pavas.json").read_text())
    assert made["model"] == "pavas-tiny"
    sound = read_audio(tmp_path / "out" / "bouncing_ball.wav")
    assert sound.samples.shape == (1, 192000)
    # the first contact of the simulated world is at 1.11 s: silence before, a hit there
    envelope = np.abs(sound.mono).reshape(-1, 480).max(axis=1)
    loudest = 0.01 * int(np.argmax(envelope[:150]))
    assert loudest == pytest.approx(1.11, abs=0.1)
    assert envelope[100:130].max() > 4 * envelope[:90].max()


def test_what_it_names_can_be_imported():
    index = json.loads((WEIGHTS / "model_index.json").read_text())
    for value in index.values():
        if isinstance(value, list) and len(value) == 2:
            assert value[1] in importlib.import_module(value[0]).__all__


def test_it_is_small_and_holds_no_pickle():
    files = [path for path in WEIGHTS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25e6
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md"}


def test_a_heavier_ball_is_louder():
    import torch

    from pavas_sdk import PavasPipeline

    pipe = PavasPipeline.from_pretrained("pavas-tiny")
    pipe.set_progress_bar_config(disable=True)
    physics, masks, _ = pipe.physics_and_masks(CLIP, prompt="rubber ball")
    object_id = physics.objects[0].object_id

    def level(mass_kg):
        out = pipe(
            CLIP,
            prompt="rubber ball",
            physics=physics.with_mass(object_id, mass_kg),
            masks=masks,
            level="physical",
            generator=torch.Generator().manual_seed(0),
        )
        near = out.audio.mono[int(1.0 * 48000) : int(1.3 * 48000)].astype(np.float64)
        return 10 * np.log10((near**2).mean())

    assert level(2.0) > level(0.05) + 3.0  # 40 times the energy


def test_bfloat16_is_as_loud_as_float32():
    import torch

    from pavas_sdk import PavasPipeline

    full = PavasPipeline.from_pretrained("pavas-tiny")
    half = PavasPipeline.from_pretrained("pavas-tiny", dtype=torch.bfloat16)
    physics, masks, _ = full.physics_and_masks(CLIP, prompt="rubber ball")

    def level(pipe, seed):
        pipe.set_progress_bar_config(disable=True)
        out = pipe(
            CLIP,
            prompt="rubber ball",
            physics=physics,
            masks=masks,
            level="physical",
            seed=seed,
        )
        assert out.provenance["dtype"] == ("float32" if pipe is full else "bfloat16")
        return 10 * np.log10((out.audio.mono.astype(np.float64) ** 2).mean())

    # one seed in four rings for longer in one of the two: rounding tips what the noise leaves open
    apart_db = [level(half, seed) - level(full, seed) for seed in range(5)]
    assert np.median(apart_db) == pytest.approx(0.0, abs=0.5)
