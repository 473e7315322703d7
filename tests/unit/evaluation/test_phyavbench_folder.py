"""PhyAVBench from a checkout and folders of embeddings."""

import numpy as np
import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.evaluation import evaluate_phyavbench

PAIRS = ("m01_c01_t01_s02_g001", "m01_c01_t01_s02_g002", "m02_c01_t01_s01_g001")


@pytest.fixture
def world(tmp_path):
    rng = np.random.default_rng(0)
    recorded = tmp_path / "bench" / "embeddings" / "gt_a2b" / "clap"
    recorded.mkdir(parents=True)
    for folder in ("right", "still", "wrong"):
        (tmp_path / folder).mkdir()
    for pair in PAIRS:
        direction = rng.normal(size=512).astype(np.float32)
        np.save(recorded / f"{pair}.npy", direction[None])
        start = rng.normal(size=512).astype(np.float32)
        for folder, share in (("right", 1.0), ("still", 0.0), ("wrong", -1.0)):
            np.save(tmp_path / folder / f"{pair}_a.npy", start)
            np.save(tmp_path / folder / f"{pair}_b.npy", start + share * direction)
    return tmp_path


def test_scores_and_dimensions(world):
    models = {name: world / name for name in ("right", "still", "wrong")}
    result = evaluate_phyavbench(world / "bench", models)
    values = [result["models"][m]["metrics"]["cprs"]["value"] for m in models]
    # right: 1; no change: half of (1/2 + exp(-5)); the opposite: half of exp(-20)
    assert values == pytest.approx([1.0, 0.25 + np.exp(-5) / 2, np.exp(-20) / 2], abs=1e-6)
    assert result["models"]["right"]["by_dimension"]["m01"]["pairs"] == 2
    assert "3 pairs of PhyAVBench, clap" in result["about"]


def test_missing_pairs_count_nothing(world):
    (world / "right" / f"{PAIRS[0]}_b.npy").unlink()
    models = {"right": world / "right"}
    with pytest.raises(InputError, match="1 of 3 pairs have no embeddings"):
        evaluate_phyavbench(world / "bench", models)
    result = evaluate_phyavbench(world / "bench", models, allow_missing=True)
    entry = result["models"]["right"]
    assert entry["metrics"]["cprs"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert entry["missing"] == [PAIRS[0]]


def test_wrong_input(world, capsys):
    models = {"right": world / "right"}
    with pytest.raises(InputError, match="no recorded direction"):
        evaluate_phyavbench(world, models)
    with pytest.raises(ConfigurationError, match="network"):
        evaluate_phyavbench(world / "bench", models, network="vggish")
    np.save(world / "right" / f"{PAIRS[0]}_a.npy", np.zeros(8))
    with pytest.raises(FormatError, match="expected 512 finite numbers"):
        evaluate_phyavbench(world / "bench", models)
    np.save(world / "right" / f"{PAIRS[0]}_a.npy", np.array([{}], dtype=object))
    with pytest.raises(FormatError, match="is no embedding"):
        evaluate_phyavbench(world / "bench", models)
    words = ["evaluate", "phyavbench", str(world / "bench")]
    assert run([*words, "--embeddings", f"x={world / 'still'}"]) == 0
    assert "m02" in capsys.readouterr().out
