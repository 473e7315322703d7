"""Recorded clips from end to end: two simulated ones as files, and a truth file of them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, MediaNotFoundError
from pavas_sdk.evaluation import evaluate_clips
from pavas_sdk.evaluation.event_matching import scored_events
from pavas_sdk.media import write_video
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.simulation import SceneConfig, simulate
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

SEEDS = (13_000_000, 13_000_001)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder of two clips with their truth, and the folder of an untrained model."""
    folder = tmp_path_factory.mktemp("recorded")
    clips = {}
    for seed in SEEDS:
        clip = simulate(seed, SceneConfig(action="drop", fps=25.0, disturbances=False)).clip
        write_video(folder / f"{seed}.mp4", clip.video, clip.audio)
        mass_kg = clip.physics[clip.contacts[0].object_id or 0].mass_kg
        clips[f"{seed}.mp4"] = {
            "kind": clip.action,
            "duration_s": clip.source.duration_s,
            "impacts_s": sorted({round(contact.time_s, 3) for contact in clip.contacts})[:4],
            "unscored_s": [[3.0, 4.0]],
            "objects": [entry.label for entry in clip.objects],
            "mass_range_kg": [0.5 * mass_kg, 2 * mass_kg],
        }
    (folder / "truth.json").write_text(json.dumps({"clips": clips}))
    model = folder / "model"
    tiny_pipeline(
        window_s=4.0, overlap_s=1.0, num_inference_steps=1, physics_estimator=PhysicsEstimator()
    ).save_pretrained(model)
    return folder


@pytest.fixture(scope="module")
def measured(world):
    """The report of both clips, whose finished rows are kept."""
    return evaluate_clips(
        world / "truth.json",
        world,
        model=str(world / "model"),
        seeds=2,
        path=world / "rows.jsonl",
    )


def test_every_condition_is_scored_on_every_clip(measured, world):
    truth = json.loads((world / "truth.json").read_text())["clips"]
    assert (measured["format"], measured["format_version"]) == ("pavas.clip_scores", 1)
    assert set(measured["scores"]) == {
        "impacts",
        "objects",
        "sound estimated",
        "sound true",
        "sound none",
    }
    for clip in measured["clips"]:
        true = scored_events(truth[clip["name"]]["impacts_s"], [(3.0, 4.0)]).size
        assert clip["impacts"]["true"] == true
        assert clip["scored_s"] == pytest.approx(3.0)
        assert clip["skipped"] == {}
        for rows in clip["sounds"].values():
            assert [row["seed"] for row in rows] == [0, 1]
            assert all(len(row["impact_levels_db"]) == true for row in rows)
    assert measured["sounds"]["none"] == {"clips": 2, "sounds": 4}


def test_conditions_and_seeds_differ(measured):
    peaks = {
        row["peak_dbfs"]
        for clip in measured["clips"]
        for rows in clip["sounds"].values()
        for row in rows
    }
    assert len(peaks) == 2 * 3 * 2


def test_an_interrupted_run_goes_on_where_it_was(measured, world, tmp_path, monkeypatch):
    header, first, _ = (world / "rows.jsonl").read_text().splitlines(keepends=True)
    kept = tmp_path / "rows.jsonl"
    kept.write_text(header + first + '{"clip_id": "130')
    told = []
    again = evaluate_clips(
        world / "truth.json",
        world,
        model=str(world / "model"),
        seeds=2,
        path=kept,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    assert kept.read_text().splitlines()[1] + "\n" == first
    for clip in (*again["clips"], *measured["clips"]):
        clip["seconds"] = 0.0
    assert again == measured
    with pytest.raises(ConfigurationError, match="seeds: 2 there, 1 here"):
        evaluate_clips(world / "truth.json", world, model=str(world / "model"), seeds=1, path=kept)


def test_a_clip_whose_truth_says_too_little_has_no_true_physics(world, tmp_path):
    document = json.loads((world / "truth.json").read_text())
    name = f"{SEEDS[0]}.mp4"
    document["clips"] = {name: {**document["clips"][name], "mass_range_kg": None}}
    (tmp_path / "truth.json").write_text(json.dumps(document))
    result = evaluate_clips(
        tmp_path / "truth.json", world, model=str(world / "model"), physics=("true",), seeds=1
    )
    (clip,) = result["clips"]
    assert clip["skipped"] == {"true": "the truth has no mass_range_kg"}
    assert clip["sounds"] == {}
    assert clip["mass_in_range"] is None


def test_clips_that_do_not_fit_their_truth_are_refused(world, tmp_path):
    document = json.loads((world / "truth.json").read_text())
    name = f"{SEEDS[0]}.mp4"

    def refused(**change):
        clips = {name: {**document["clips"][name], **change}}
        (tmp_path / "truth.json").write_text(json.dumps({"clips": clips}))
        evaluate_clips(tmp_path / "truth.json", world, model=str(world / "model"), seeds=0)

    with pytest.raises(InputError, match=r"lasts 4\.00 s, its truth says 4\.50 s"):
        refused(duration_s=4.5)
    with pytest.raises(InputError, match="another sha256"):
        refused(sha256="0" * 64)
    with pytest.raises(MediaNotFoundError, match=r"2 of 2 clips .* --clips"):
        evaluate_clips(world / "truth.json", tmp_path)


def test_impossible_options_are_refused(world):
    truth = world / "truth.json"
    with pytest.raises(ConfigurationError, match="physics must be of"):
        evaluate_clips(truth, world, physics=("guessed",))
    with pytest.raises(ConfigurationError, match="within_s above 0"):
        evaluate_clips(truth, world, within_s=0.0)
    with pytest.raises(ConfigurationError, match="no physics estimator"):
        evaluate_clips(truth, world, model=tiny_pipeline())
    with pytest.raises(ConfigurationError, match="never saved"):
        evaluate_clips(
            truth,
            world,
            model=tiny_pipeline(physics_estimator=PhysicsEstimator()),
            path=world / "never.jsonl",
        )


def test_the_command_prints_tables_and_writes_the_report(world, measured, capsys, tmp_path):
    report = tmp_path / "report.json"
    command = ["evaluate", "clips", str(world / "truth.json"), "--model", str(world / "model")]
    command += ["--seeds", "1", "--physics", "none", "--set", "segmenter.max_side=96"]
    assert run([*command, "-o", str(report)]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split()[:4] == ["CLIP", "KIND", "F1", "impacts"]
    assert lines[1].startswith(f"{SEEDS[0]}.mp4")
    assert any(line.startswith("SOUND") and "NONE (95 %)" in line for line in lines)
    assert {"impacts f1", "masses_in_range"} <= {line.split("  ")[0] for line in lines}
    assert "2 sounds of 2 clips from none physics" in captured.err
    document = json.loads(report.read_text())
    assert document["settings"]["physics"] == ["none"]
    slots = document["settings"]["estimator"]["slots"]
    assert slots["segmenter"]["config"]["max_side"] == 96
    assert run([*command, "-o", str(report)]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_wrong_truth_file_is_one_line_and_exit_code_2(world, tmp_path, capsys):
    path = tmp_path / "truth.json"
    path.write_text("{}")
    assert run(["evaluate", "clips", str(path), "--clips", str(world)]) == 2
    assert f'{path}: a truth file lacks "clips"' in capsys.readouterr().err


def test_reading_a_truth_file_never_imports_torch():
    code = (
        "import sys; from pavas_sdk.evaluation import read_truth; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_reader_errors_reach_the_caller(tmp_path):
    with pytest.raises(FormatError, match=r"none\.json"):
        evaluate_clips(tmp_path / "none.json", tmp_path)
