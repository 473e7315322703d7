"""Folders of sounds of several models beside the true sounds."""

import json

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.evaluation import evaluate_folder
from pavas_sdk.evaluation.folder_table import folder_markdown
from pavas_sdk.evaluation.impacts_file import read_impacts
from pavas_sdk.media import write_audio

RATE_HZ, LENGTH_S, CLIPS = 16000, 1.5, 6
TIMES_S = (0.3, 0.8, 1.2)
COLUMNS = ("onset_f1", "onset_distance_ms", "level_error_db", "failed_share", "apcc_delta")


def taps(strengths, shift_s=0.0):
    """Decaying tones at known moments."""
    t = np.arange(round(RATE_HZ * LENGTH_S)) / RATE_HZ
    wave = np.zeros(t.size)
    for time_s, strength in zip(TIMES_S, strengths, strict=True):
        d = np.maximum(t - time_s - shift_s, 0)
        wave += np.where(d > 0, strength * np.exp(-40 * d) * np.sin(2 * np.pi * 900 * d), 0)
    return wave.astype(np.float32)


def strengths_of(clip):
    return tuple(0.1 + 0.12 * ((clip * 5 + k * 3) % 7) for k in range(3))


def write(folder, clip, samples):
    folder.mkdir(exist_ok=True)
    path = folder / f"clip{clip}.wav"
    write_audio(path, Audio(samples=samples, sample_rate_hz=RATE_HZ), overwrite=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """True sounds; a good, a late and a shuffled model; impacts whose energy the sounds follow."""
    root = tmp_path_factory.mktemp("world")
    entries = []
    for clip in range(CLIPS):
        true = strengths_of(clip)
        write(root / "truth", clip, taps(true))
        write(root / "good", clip, 0.97 * taps(true))
        write(root / "late", clip, taps(true, shift_s=0.06))
        write(root / "shuffled", clip, taps(strengths_of(clip + 1)[::-1], shift_s=0.15))
        impacts = [
            {"time_s": time_s, "mass_kg": 0.2, "v_pre_mps": 5 * value, "v_post_mps": 0.0}
            for time_s, value in zip(TIMES_S, true, strict=True)
        ]
        entries.append({"id": f"clip{clip}", "category": "tap", "impacts": impacts})
    document = {"format": "pavas.impacts", "format_version": 1, "clips": entries}
    (root / "impacts.json").write_text(json.dumps(document))
    return root


def evaluated(world, *models, **options):
    return evaluate_folder(
        {model: world / model for model in models},
        world / "truth",
        impacts=world / "impacts.json",
        length_s=None,
        **options,
    )


def values(result, model):
    return {name: result["models"][model]["metrics"][name]["value"] for name in COLUMNS}


@pytest.fixture(scope="module")
def result(world):
    return evaluated(world, "good", "late", "shuffled")


def test_models_are_ordered_rightly(result):
    good, late, shuffled = (values(result, model) for model in ("good", "late", "shuffled"))
    assert good["onset_f1"] >= late["onset_f1"] > shuffled["onset_f1"]
    assert good["onset_distance_ms"] < late["onset_distance_ms"] < shuffled["onset_distance_ms"]
    assert good["level_error_db"] < shuffled["level_error_db"]
    assert good["apcc_delta"] < shuffled["apcc_delta"]
    assert values(result, "reference") == {
        "onset_f1": 1.0,
        "onset_distance_ms": 0.0,
        "level_error_db": 0.0,
        "failed_share": 0.0,
        "apcc_delta": 0.0,
    }
    assert result["apcc_classes"]["reference"]["tap"]["apcc_reference"] > 0.7


def test_intervals_are_paired(result):
    difference = next(
        row for row in result["differences"] if (row["first"], row["second"]) == ("good", "late")
    )
    figure = difference["metrics"]["onset_distance_ms"]
    assert figure["interval"][0] <= figure["value"] <= figure["interval"][1] < 0


def test_twice_the_same_and_after_an_interrupt(world, result, tmp_path):
    path = tmp_path / "rows.jsonl"

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluated(world, "good", "late", "shuffled", path=path, progress=stop)
    assert len(path.read_text().splitlines()) == 1 + 3
    again = evaluated(world, "good", "late", "shuffled", path=path)
    assert json.dumps(again) == json.dumps(result)


@pytest.mark.parametrize("failure", ["missing", "unreadable", "short", "silent"])
def test_a_model_never_gains_by_failing(world, result, tmp_path, failure):
    for clip in range(CLIPS):
        samples = taps(strengths_of(clip + 1)[::-1], shift_s=0.15)
        if clip in (1, 4):
            if failure == "missing":
                continue
            if failure == "short":
                samples = samples[: samples.size // 2]
            if failure == "silent":
                samples = np.zeros_like(samples)
        write(tmp_path, clip, samples)
        if failure == "unreadable" and clip in (1, 4):
            (tmp_path / f"clip{clip}.wav").write_bytes(b"RIFF not a sound")
    measured = evaluate_folder(
        {"shuffled": tmp_path},
        world / "truth",
        impacts=world / "impacts.json",
        length_s=None,
        allow_missing=failure == "missing",
    )
    failed, whole = values(measured, "shuffled"), values(result, "shuffled")
    assert failed["onset_f1"] <= whole["onset_f1"]
    assert failed["onset_distance_ms"] >= whole["onset_distance_ms"]
    assert failed["level_error_db"] > whole["level_error_db"]
    assert failed["apcc_delta"] > whole["apcc_delta"]
    assert measured["models"]["shuffled"]["failed"][failure] == ["clip1", "clip4"]
    assert f"failed clips: 2 {failure} (clip" in folder_markdown(measured)


def test_names_must_match(world, tmp_path):
    write(tmp_path, 0, taps((0.1, 0.2, 0.3)))
    with pytest.raises(InputError, match=r"5 clips without a sound .*--allow-missing"):
        evaluate_folder({"few": tmp_path}, world / "truth")
    write(tmp_path, 77, taps((0.1, 0.2, 0.3)))
    with pytest.raises(InputError, match=r"1 clip that the reference has not \(clip77\)"):
        evaluate_folder({"few": tmp_path}, world / "truth")
    with pytest.raises(InputError, match="there is no folder"):
        evaluate_folder({"none": tmp_path / "none"}, world / "truth")
    (tmp_path / "clip0.flac").write_bytes(b"")
    with pytest.raises(InputError, match="keep one"):
        evaluate_folder({"few": tmp_path}, world / "truth")


def test_what_cannot_run_is_named(world):
    measured = evaluate_folder({"good": world / "good"}, world / "truth", length_s=0.5)
    assert next(iter(measured["not_run"])) == "apcc"
    assert "Not run: apcc: no file of known impacts" in folder_markdown(measured)
    with pytest.raises(ConfigurationError, match="apcc cannot run"):
        evaluate_folder({"good": world / "good"}, world / "truth", metrics=["apcc"])
    with pytest.raises(ConfigurationError, match="no metric is called"):
        evaluate_folder({"good": world / "good"}, world / "truth", metrics=["fad"])


def test_changed_sounds_are_measured_anew(world, tmp_path):
    write(tmp_path / "model", 0, taps((0.1, 0.2, 0.3)))
    options = {"allow_missing": True, "path": tmp_path / "rows.jsonl"}
    evaluate_folder({"model": tmp_path / "model"}, world / "truth", **options)
    write(tmp_path / "model", 0, taps((0.3, 0.2, 0.1))[:-10])
    with pytest.raises(
        ConfigurationError,
        match=r"other settings \(files: digest \w{12} there, digest \w{12} here\)",
    ):
        evaluate_folder({"model": tmp_path / "model"}, world / "truth", **options)
    asked = evaluate_folder({"model": tmp_path / "model"}, world / "truth", **options, anew=True)
    fresh = evaluate_folder({"model": tmp_path / "model"}, world / "truth", allow_missing=True)
    assert asked["models"] == fresh["models"]
    again = evaluate_folder({"model": tmp_path / "model"}, world / "truth", **options)
    assert again["models"] == fresh["models"]


def test_table(result):
    table = folder_markdown(result)
    lines = table.splitlines()
    assert lines[0].count("|") == lines[2].count("|")
    assert [line.split(" | ")[0] for line in lines[2:6]] == [
        "| reference",
        "| good",
        "| late",
        "| shuffled",
    ]
    assert "**" in lines[3]
    assert "**" not in lines[2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pavas.truth"}, "pavas.truth"),
        ({"format_version": 9}, "9"),
        ({"clips": 3}, "clips"),
        ({"clips": [{"id": "a", "impacts": []}]}, "category"),
        ({"clips": [{"id": "a", "category": "c", "impacts": [{}]}]}, "time_s"),
        ({"clips": [{"id": "a", "category": "c", "impacts": [{"time_s": -1}]}]}, "0 or more"),
        (
            {"clips": [{"id": "a", "category": "c", "impacts": [{"time_s": 1, "status": "?"}]}]},
            "status",
        ),
    ],
)
def test_wrong_impact_files(tmp_path, change, message):
    path = tmp_path / "impacts.json"
    path.write_text(
        json.dumps({"format": "pavas.impacts", "format_version": 1, "clips": []} | change)
    )
    with pytest.raises(FormatError, match=message):
        read_impacts(path)


def test_rejected_impacts_are_left_out(tmp_path):
    rows = [{"time_s": 2, "status": "rejected"}, {"time_s": 1.0}, {"time_s": 0.5, "mass_kg": 2}]
    path = tmp_path / "impacts.json"
    clips = [{"id": "a", "category": "c", "impacts": rows}]
    path.write_text(json.dumps({"format": "pavas.impacts", "format_version": 1, "clips": clips}))
    (clip,) = read_impacts(path)
    assert [impact.time_s for impact in clip.impacts] == [0.5, 1.0]
    assert np.isnan([impact.energy_change_j for impact in clip.impacts]).all()


def test_onsets_are_looked_for_only_where_asked(world, result, monkeypatch):
    def asked(audio):
        raise AssertionError("nobody asked for onsets")

    monkeypatch.setattr("pavas_sdk.evaluation.onset.detect_onsets", asked)
    found = evaluated(world, "good", "late", metrics=["levels", "silence", "apcc"])
    for name in ("level_error_db", "failed_share", "apcc_delta"):
        assert values(result, "late")[name] == found["models"]["late"]["metrics"][name]["value"]
    assert "onset_f1" not in found["models"]["late"]["metrics"]
    with pytest.raises(AssertionError, match="nobody asked"):
        evaluated(world, "good", metrics=["onsets"])
