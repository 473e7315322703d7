"""``pavas evaluate`` on a few simulated clips with a tiny untrained pipeline."""

from __future__ import annotations

import json

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.evaluation.summary import METRICS
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Save an untrained pipeline that hears 4 s at once."""
    folder = tmp_path_factory.mktemp("model")
    tiny_pipeline(window_s=4.0, overlap_s=1.0, num_inference_steps=1).save_pretrained(folder)
    return str(folder)


def answer(capsys, *args):
    """Run a command and return its JSON document."""
    assert run(["evaluate", *args, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_simulated_prints_one_json_document_and_resumes(model, capsys, tmp_path):
    out = tmp_path / "rows.jsonl"
    args = ("simulated", "--clips", "2", "--seed", "3", "--model", model, "--out", str(out))
    result = answer(capsys, *args)
    assert set(METRICS) <= set(result)
    assert set(result["intervals"]) == set(METRICS)
    assert (result["clips"], result["seed"], result["physics"]) == (2, 3, "true")
    assert result["prompts"] == "clip"
    rows = [json.loads(line) for line in out.read_text().splitlines()[1:]]
    assert [row["clip_id"] for row in rows] == [13_000_000, 13_000_001]
    assert not {row["clip_id"] for row in rows} & set(TRAINING_SEEDS)
    assert result["impacts"] == sum(len(row["impacts"]) for row in rows)
    assert answer(capsys, *args) == result  # from the file: even the wall times are equal


def test_the_true_sound_is_perfect_and_its_table_readable(capsys):
    assert run(["evaluate", "simulated", "--clips", "2", "--model", "reference"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].split() == ["METRIC", "VALUE", "95", "%"]
    values = {line.split()[0]: line.split()[1] for line in lines[1 : 1 + len(METRICS)]}
    assert values["onset_hit_rate"] == "1.000"
    assert values["level_error_db"] == "0.000"
    assert "2 of 2 clips" in captured.err


def test_codec_and_empty_physics_run(model, capsys):
    ceiling = answer(capsys, "simulated", "--clips", "1", "--model", f"codec:{model}")
    assert ceiling["impacts"] >= 1
    nothing = answer(capsys, "simulated", "--clips", "1", "--model", model, "--physics", "none")
    assert nothing["physics"] == "none"
    assert nothing["level_error_db"] != ceiling["level_error_db"]


def test_edits_report_every_edit(model, capsys):
    result = answer(capsys, "edits", "--clips", "1", "--model", model)
    assert set(result["edits"]) == {"mass_x2", "mass_half", "speed_x2", "speed_half"}
    assert result["edits"]["speed_x2"]["expected_db"] == pytest.approx(4.33, abs=0.01)
    assert 0.0 <= result["right_way"] <= 1.0
    assert any(entry["shift_db"] != 0.0 for entry in result["edits"].values())
    assert run(["evaluate", "edits", "--clips", "1", "--model", model]) == 0
    assert "move the right way" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("simulated", "--model", "/no/such/folder"), "no folder /no/such/folder"),
        (("edits", "--model", "reference"), "cannot change the reference"),
        (("simulated", "--clips", "0"), "--clips"),
        (("simulated", "--physics", "guessed"), "guessed"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(args, message, capsys):
    assert run(["evaluate", *args]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert "Traceback" not in captured.err
