"""APCC over recorded clips: several models, failed clips, energies of the list."""

import json

import numpy as np
import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.evaluation import bootstrap_intervals, evaluate_vgg_impact
from pavas_sdk.evaluation.class_apcc import apcc_deltas, class_apcc
from pavas_sdk.media import write_audio

RATE_HZ, LENGTH_S, CLIPS = 16000, 1.5, 6
TIMES_S = (0.3, 0.8, 1.2)


def taps(strengths):
    t = np.arange(round(RATE_HZ * LENGTH_S)) / RATE_HZ
    wave = np.zeros(t.size)
    for time_s, strength in zip(TIMES_S, strengths, strict=True):
        d = np.maximum(t - time_s, 0)
        wave += np.where(d > 0, strength * np.exp(-40 * d) * np.sin(2 * np.pi * 900 * d), 0)
    return Audio(samples=wave.astype(np.float32), sample_rate_hz=RATE_HZ)


def strengths_of(clip):
    return tuple(0.1 + 0.12 * ((clip * 5 + k * 3) % 7) for k in range(3))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """True sounds that follow the energies, a faithful model, and one that follows nothing."""
    root = tmp_path_factory.mktemp("world")
    for folder in ("truth", "faithful", "deaf"):
        (root / folder).mkdir()
    entries = []
    for clip in range(CLIPS):
        true = strengths_of(clip)
        write_audio(root / "truth" / f"clip{clip}.wav", taps(true))
        write_audio(root / "faithful" / f"clip{clip}.wav", taps([0.9 * s for s in true]))
        write_audio(root / "deaf" / f"clip{clip}.wav", taps([0.9 - s for s in true]))
        impacts = [
            {"time_s": time_s, "mass_kg": 0.2, "v_pre_mps": 5 * value, "v_post_mps": 0.0}
            for time_s, value in zip(TIMES_S, true, strict=True)
        ]
        impacts.append({"time_s": 0.1, "status": "rejected"})
        entries.append(
            {"id": f"clip{clip}", "category": ("tap", "knock")[clip % 2], "impacts": impacts}
        )
    write_audio(root / "truth" / "another.wav", taps((0.1, 0.1, 0.1)))
    document = {"format": "pavas.impacts", "format_version": 1, "name": "ours", "clips": entries}
    (root / "impacts.json").write_text(json.dumps(document))
    return root


@pytest.fixture(scope="module")
def result(world):
    return evaluated(world, "faithful", "deaf")


def evaluated(world, *models, **options):
    return evaluate_vgg_impact(
        world / "impacts.json", {name: world / name for name in models}, world / "truth", **options
    )


def value(result, model, key="apcc_delta"):
    return result["models"][model]["metrics"][key]["value"]


def test_a_model_that_follows_the_energy_is_better(result):
    assert value(result, "faithful") < 0.05 < 1.0 < value(result, "deaf")
    difference = result["differences"][0]["metrics"]["apcc_delta"]
    assert difference["interval"][1] < 0
    tap = result["models"]["deaf"]["classes"]["tap"]
    assert (tap["clips"], tap["impacts"]) == (3, 9)
    assert tap["apcc"] < 0 < tap["apcc_reference"]
    assert tap["interval"][0] <= tap["delta"] <= tap["interval"][1]
    assert result["list"]["digest"]
    assert (result["list"]["clips"], result["list"]["impacts"]) == (6, 18)
    assert result["list"]["without_energy"] == 0


def test_failed_clips_never_help_and_are_named(world, tmp_path, result):
    for clip in range(1, CLIPS):
        write_audio(tmp_path / f"clip{clip}.wav", taps([0.9 - s for s in strengths_of(clip)]))
    models = {"deaf": tmp_path}
    with pytest.raises(InputError, match=r"deaf lacks 1 clips of the list \(clip0\)"):
        evaluate_vgg_impact(world / "impacts.json", models, world / "truth")
    measured = evaluate_vgg_impact(
        world / "impacts.json", models, world / "truth", allow_missing=True
    )
    assert value(measured, "deaf") > value(result, "deaf")
    assert value(measured, "deaf", "failed_share") == pytest.approx(1 / 6)
    assert measured["models"]["deaf"]["failed"] == {"missing": ["clip0"]}


def test_twice_the_same_and_after_an_interrupt(world, result, tmp_path):
    path = tmp_path / "rows.jsonl"

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluated(world, "faithful", "deaf", path=path, progress=stop)
    assert json.dumps(evaluated(world, "faithful", "deaf", path=path)) == json.dumps(result)


def test_wrong_use(world, tmp_path):
    with pytest.raises(ConfigurationError, match="belong together"):
        evaluated(world, "faithful", videos=tmp_path)
    with pytest.raises(InputError, match="6 clips of the list have no true sound"):
        evaluate_vgg_impact(world / "impacts.json", {"x": world / "deaf"}, tmp_path)
    document = json.loads((world / "impacts.json").read_text())
    for clip in document["clips"]:
        for impact in clip["impacts"]:
            impact.pop("mass_kg", None)
    (tmp_path / "list.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="no class has three impacts with an energy"):
        evaluate_vgg_impact(tmp_path / "list.json", {"x": world / "deaf"}, world / "truth")


def test_the_command_prints_classes_and_the_digest(world, tmp_path, capsys):
    words = ["evaluate", "vgg-impact", "--impacts", str(world / "impacts.json")]
    words += ["--generated", f"x={world / 'deaf'}", "--reference", str(world / "truth")]
    assert run([*words, "-o", str(tmp_path / "result.json")]) == 0
    captured = capsys.readouterr()
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["format"] == "pavas.evaluation.vgg-impact"
    assert written["list"]["digest"][:12] in captured.err
    assert captured.out.count("knock") == 1
    assert run([*words, "-o", str(tmp_path / "result.json")]) == 2


def test_the_smallest_class_rules_the_mean_and_not_the_weighted_figure():
    rng = np.random.default_rng(0)
    energy = rng.lognormal(size=103)
    names = ["large"] * 100 + ["small"] * 3
    reference = energy**0.5
    made = np.concatenate([reference[:100], reference[100:][::-1] * [1, 5, 9]])
    mean, weighted = apcc_deltas(class_apcc(energy, made, reference, names))
    assert mean == pytest.approx(weighted * 103 / 6)
    assert np.isnan(apcc_deltas(class_apcc([1.0], [1.0], [1.0], ["one"]))).all()


def test_strata_keep_every_class_in_every_draw():
    seen = []
    names = ["a"] * 9 + ["b"]

    def count(drawn):
        seen.append(sum(names[index] == "b" for index in drawn))
        return {"x": 0.0}

    bootstrap_intervals(10, count, rng=np.random.default_rng(0), draws=50, strata=names)
    assert set(seen) == {1}
    with pytest.raises(InputError, match="one stratum per clip"):
        bootstrap_intervals(10, count, rng=np.random.default_rng(0), strata=["a"])
