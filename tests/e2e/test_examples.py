"""The examples run, with an untrained model of the same classes and, where it is, the real one."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
CLIP = EXAMPLES / "clips" / "bouncing_ball.mp4"


def example(name):
    return runpy.run_path(str(EXAMPLES / name))["main"]


def test_the_clip_is_small_and_silent(pavas):
    answer = pavas("inspect", CLIP, "--json", "--full")
    assert answer.code == 0
    assert answer.json["duration_s"] == 4.0
    assert not answer.json["has_audio"]
    assert CLIP.stat().st_size < 300_000


def test_first_sound(model, tmp_path, capsys):
    example("01_first_sound.py")(str(model), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {
        "bouncing_ball.wav",
        "bouncing_ball.mp4",
        "bouncing_ball.pavas.json",
        "bouncing_ball.physics.json",
    }
    assert "impact at" in capsys.readouterr().out


def test_what_if(model, tmp_path, capsys):
    example("02_what_if_mass.py")(str(model), str(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    energies = {
        line[:22].strip(): float(line[22:].split()[0]) for line in lines if line.endswith("dBFS")
    }
    seen = energies["as seen"]
    assert energies["four times the mass"] == pytest.approx(4 * seen, rel=0.01)
    assert energies["twice as fast"] == pytest.approx(4 * seen, rel=0.01)


def test_custom_mass_estimator(model, tmp_path, capsys):
    example("03_custom_mass_estimator.py")(str(model), str(tmp_path))
    assert "from_catalogue" in capsys.readouterr().out
    assert (tmp_path / "catalogue.wav").exists()


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")
@pytest.mark.filterwarnings("ignore")  # of matplotlib's own
def test_picture(model, tmp_path, capsys):
    example("picture.py")(str(model), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_the_clip_is_what_its_script_makes(tmp_path):
    """The committed clip shows the world of its seed (file bytes may differ between encoders)."""
    import numpy as np

    from pavas_sdk.media import read_video
    from pavas_sdk.simulation import SceneConfig, simulate

    seed = runpy.run_path(str(EXAMPLES / "clips" / "make_bouncing_ball.py"))["SEED"]
    small = SceneConfig(
        height=90,
        width=120,
        fps=25.0,
        action="drop",
        camera="still",
        noise=False,
        compression=False,
        disturbances=False,
    )
    made = simulate(seed, small).clip.video.frames[::10].astype(float)
    shown = read_video(CLIP, max_side=120).frames[::10].astype(float)
    assert np.abs(made - shown).mean() < 6.0
