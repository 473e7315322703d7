"""PhyAVBench from a checkout and folders of embeddings."""

import numpy as np
import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, MissingWeightsError
from pavas_sdk.evaluation import evaluate_phyavbench
from pavas_sdk.evaluation.phyavbench_folder import NETWORKS
from pavas_sdk.media import read_audio, write_audio

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
    with pytest.raises(InputError, match="1 of 3 pairs are not whole"):
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
    assert run(words) == 2
    assert "--sounds or --embeddings" in capsys.readouterr().err


@pytest.fixture
def tiny_clap(monkeypatch, tmp_path):
    """CLAP with few, random weights, whose embeddings have 16 numbers."""
    pytest.importorskip("transformers")
    from pavas_sdk import default_registry
    from pavas_sdk.evaluation.extractors.clap import ClapUnfusedExtractor

    extractor = ClapUnfusedExtractor(weights="random-tiny")
    monkeypatch.setattr(default_registry(), "create", lambda kind, name: extractor)
    monkeypatch.setitem(NETWORKS, "clap", 16)
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return extractor


def tone(hz, seconds=1.0):
    t = np.arange(round(22050 * seconds)) / 22050
    samples = 0.3 * np.sin(2 * np.pi * hz * t) * np.exp(-3 * t)
    return Audio(samples=np.stack([samples, 0 * samples]).astype(np.float32), sample_rate_hz=22050)


def test_sounds_are_heard_by_the_networks_rules(tmp_path, tiny_clap):
    recorded = tmp_path / "bench" / "embeddings" / "gt_a2b" / "clap"
    recorded.mkdir(parents=True)
    heard = {}
    for number, pair in enumerate(PAIRS):
        for side, hz in (("a", 300 + 200 * number), ("b", 2000 + 900 * number)):
            name, sound = f"{pair}_{side}", tone(hz)
            for folder, audio in (("right", sound), ("still", tone(440))):
                (tmp_path / folder).mkdir(exist_ok=True)
                write_audio(tmp_path / folder / f"{name}.wav", audio)
            stored = read_audio(tmp_path / "right" / f"{name}.wav")
            heard[name] = tiny_clap.extract(tiny_clap.prepare(stored)[None])["embedding"][0]
        np.save(recorded / f"{pair}.npy", heard[f"{pair}_b"] - heard[f"{pair}_a"])
    sounds = {"right": tmp_path / "right", "still": tmp_path / "still"}
    result = evaluate_phyavbench(tmp_path / "bench", sounds=sounds)
    right, still = (result["models"][m]["metrics"]["cprs"]["value"] for m in sounds)
    assert right == pytest.approx(1.0, abs=1e-4)
    assert still == pytest.approx(0.25 + np.exp(-5) / 2, abs=1e-4)
    (tmp_path / "right" / f"{PAIRS[0]}_b.wav").unlink()
    with pytest.raises(InputError, match="1 of 3 pairs are not whole"):
        evaluate_phyavbench(tmp_path / "bench", sounds=sounds)
    with pytest.raises(InputError, match="there is no folder"):
        evaluate_phyavbench(tmp_path / "bench", sounds={"x": tmp_path / "none"})
    # only the first channel counts, as in the benchmark
    left = tone(440)
    alone = Audio(samples=left.samples[:1], sample_rate_hz=left.sample_rate_hz)
    np.testing.assert_array_equal(tiny_clap.prepare(left), tiny_clap.prepare(alone))


def test_a_missing_network_is_named_with_the_file_to_get(world, tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "empty"))
    with pytest.raises(MissingWeightsError, match="pavas models download clap-unfused --from DIR"):
        evaluate_phyavbench(world / "bench", sounds={"x": world / "right"})
