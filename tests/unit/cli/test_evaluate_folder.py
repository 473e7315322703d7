"""``pavas evaluate folder``."""

import json

import numpy as np

from pavas_sdk.cli.main import run
from pavas_sdk.data import Audio
from pavas_sdk.media import write_audio


def write(folder, name, gain):
    folder.mkdir(exist_ok=True)
    t = np.arange(8000) / 16000
    wave = gain * np.where(t > 0.1, np.exp(-30 * (t - 0.1)) * np.sin(5600 * t), 0)
    audio = Audio(samples=wave.astype(np.float32), sample_rate_hz=16000)
    write_audio(folder / f"{name}.wav", audio)


def test_table_result_and_rows(tmp_path, capsys):
    for name in ("a", "b"):
        write(tmp_path / "truth", name, 0.5)
        write(tmp_path / "soft", name, 0.05)
        write(tmp_path / "near", name, 0.45)
    words = ["evaluate", "folder", "--reference", str(tmp_path / "truth")]
    words += ["--generated", f"x={tmp_path / 'near'}", "--generated", str(tmp_path / "soft")]
    words += ["--out", str(tmp_path / "report")]
    assert run(words) == 0
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "report" / "result.json").read_text())
    assert result["format"] == "pavas.evaluation.folder"
    assert list(result["models"]) == ["reference", "x", "soft"]
    errors = {m: e["metrics"]["level_error_db"]["value"] for m, e in result["models"].items()}
    assert abs(errors["soft"] - 20) < 0.5
    assert errors["reference"] < errors["x"] < errors["soft"]
    assert (tmp_path / "report" / "table.md").read_text().rstrip("\n") in shown
    assert len((tmp_path / "report" / "rows.jsonl").read_text().splitlines()) == 3
    assert run(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run([*words, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == result


def test_bad_words(tmp_path, capsys):
    write(tmp_path / "truth", "a", 0.5)
    words = ["evaluate", "folder", "--reference", str(tmp_path / "truth"), "--generated"]
    for wrong, message in (
        (["a/x", "--generated", "b/x"], "models need names"),
        ([str(tmp_path / "none")], "there is no folder"),
        ([f"m={tmp_path / 'truth'}", "--metrics", "fad"], "no metric is called"),
    ):
        assert run([*words, *wrong]) == 2
        assert message in capsys.readouterr().err
