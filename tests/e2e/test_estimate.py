"""``pavas estimate`` on a small film: data on stdout, talk on stderr, files that stay whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate


def test_json_on_stdout(pavas, film):
    answer = pavas("estimate", film)
    assert answer.code == 0, answer.err
    physics = PhysicsEstimate.from_json(answer.json)
    assert len(physics) == 1
    assert "disc.mp4" in answer.err
    assert physics.provenance["reconstructor"].qualified_name == "pavas-tiny/planar"


def test_to_a_file_with_masks(pavas, film, tmp_path):
    out, masks = tmp_path / "disc.json", tmp_path / "disc.npz"
    answer = pavas("estimate", film, "-o", out, "--masks", masks)
    assert answer.code == 0, answer.err
    assert answer.out == ""
    physics = PhysicsEstimate.load(out)
    arrays = np.load(masks)
    assert arrays["masks_0"].any()
    assert arrays["masks_0"].shape[0] == arrays["times_s_0"].size
    assert len(physics) == 1
    again = pavas("estimate", film, "-o", out)
    assert again.code == 2
    assert "--overwrite" in again.err
    replaced = pavas("estimate", film, "-o", out, "--overwrite", "--mass", "0=5", "--json")
    assert replaced.code == 0
    assert PhysicsEstimate.load(out)[0].mass_kg == 5.0
    assert replaced.json["objects"][0]["mass_kg"] == 5.0


def test_to_a_folder(pavas, film, tmp_path):
    answer = pavas("estimate", film, "-o", f"{tmp_path}/")
    assert answer.code == 0, answer.err
    assert (tmp_path / "disc.physics.json").is_file()


def test_scale_and_slow_motion(pavas, film):
    plain = PhysicsEstimate.from_json(pavas("estimate", film, "--scale", "0.02").json)
    slow = PhysicsEstimate.from_json(
        pavas("estimate", film, "--scale", "0.02", "--time-scale", "4").json
    )
    assert plain[0].sources["scale"] == "user"
    # one pixel per frame at 25 frames per second
    assert np.nanmedian(plain[0].speed_m_s) == pytest.approx(0.5, rel=0.1)
    np.testing.assert_allclose(slow[0].speed_m_s, 4 * plain[0].speed_m_s, rtol=1e-6)


def test_the_time_limit_is_an_option(pavas, film):
    assert pavas("estimate", film, "--timeout", "0").code == 0
    short = pavas("estimate", film, "--timeout", "0.00001")
    assert short.code == 2
    assert "did not answer within 1e-05 s; give it more time" in short.err
    assert "--timeout SECONDS" in short.err
    assert pavas("estimate", film, "--timeout", "-1").code == 2


def test_what_is_seen_may_be_said(pavas, film):
    said = PhysicsEstimate.from_json(pavas("estimate", film, "--prompt", "a tennis ball").json)
    assert said[0].object.label == "tennis ball"
    assert said[0].mass_kg == pytest.approx(0.0577, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mass", "0"], "ID_OR_LABEL=KG"),
        (["--mass", "0=-2"], "above 0"),
        (["--mass", "9=1"], "no object 9"),
        (["--mass", "violin=1"], "violin"),
        (["--time-scale", "0"], "--time-scale"),
        (["--scale", "nan"], "--scale"),
        (["--segmenter", "motino"], "did you mean"),
        (["--set", "segmenter.side=3"], "has no setting 'side'; it has max_objects, max_side"),
        (["--set", "segmenter"], "SLOT.KEY=VALUE"),
        (["--set", "painter.x=3"], "SLOT.KEY=VALUE"),
        (["--estimator", "papier"], "paper"),
        (["--device", "toaster"], "--device toaster cannot be used here"),
    ],
)
def test_bad_options(pavas, film, arguments, said):
    answer = pavas("estimate", film, *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert answer.out == ""


def test_no_such_video(pavas, tmp_path):
    answer = pavas("estimate", tmp_path / "nothing.mp4")
    assert answer.code == 2
    assert "nothing.mp4" in answer.err


def test_a_cache_makes_nothing_twice(pavas, film, tmp_path):
    first = pavas("estimate", film, "--cache-dir", tmp_path / "cache")
    again = pavas("estimate", film, "--cache-dir", tmp_path / "cache")
    assert first.code == again.code == 0
    assert first.out == again.out
    assert ("from the cache" in first.err, "from the cache" in again.err) == (False, True)
    (entry,) = (tmp_path / "cache").glob("*.npz")
    entry.write_bytes(b"damaged")
    third = pavas("estimate", film, "--cache-dir", tmp_path / "cache")
    assert "Warning: the cached estimate" in third.err
    assert third.out == first.out


def test_settings_of_components(pavas, film):
    answer = pavas("estimate", film, "--set", "segmenter.max_side=64")
    assert answer.json["provenance"]["segmenter"]["config"]["max_side"] == 64
    assert answer.json["provenance"]["moving_object_detector"]["config"]["max_side"] == 160


def test_one_slot_by_name(pavas, film):
    answer = pavas("estimate", film, "--estimator", "tiny", "--mass-estimator", "size-prior")
    assert answer.json["provenance"]["mass_estimator"]["name"] == "size-prior"


def test_missing_plugins_in_one_message(film):
    result = subprocess.run(
        [
            str(Path(sys.executable).with_name("pavas")),
            "estimate",
            str(film),
            "--estimator",
            "paper",
        ],
        env={**os.environ, "PAVAS_PLUGINS": "pavas-tiny"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 2
    assert 'pip install "pavas-qwen-vl" "pavas-florence-sam2" "pavas-cut3r"' in result.stderr
    assert result.stderr.count("Error:") == 1


def test_the_default_estimator_imports_no_large_model_whatever_is_installed(film):
    code = (
        "import sys\n"
        "from pavas_sdk.cli.main import run\n"
        f"assert run(['estimate', {str(film)!r}]) == 0\n"
        "assert not {'sam2', 'pavas_qwen_vl.engine', 'pavas_cut3r.network'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
