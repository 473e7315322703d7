from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pavas_sdk.cli.main import run
from pavas_sdk.cli.simulate import simulate

SMALL = ["--size", "64x48", "--duration", "0.6", "--camera", "still"]


def test_clips_are_made_kept_and_listed(tmp_path, capsys):
    out = tmp_path / "clips"
    arguments = ["simulate", "-n", "2", "--seed", "1", "-o", str(out), *SMALL]
    assert run(arguments) == 0
    first = {p.name: p.stat().st_mtime_ns for p in out.iterdir()}
    assert len(first) == 8
    assert "2 made, 0 kept" in capsys.readouterr().err
    assert run([*arguments, "--json"]) == 0
    shown = capsys.readouterr()
    rows = json.loads(shown.out)
    assert [row["seed"] for row in rows] == [1_000_000, 1_000_001]
    assert "0 made, 2 kept" in shown.err
    assert {p.name: p.stat().st_mtime_ns for p in out.iterdir()} == first


def test_an_unfinished_clip_is_made_again(tmp_path):
    arguments = ["-n", "1", "-o", str(tmp_path), *SMALL]
    assert CliRunner().invoke(simulate, arguments).exit_code == 0
    video = tmp_path / "sim-0-00000.mp4"
    before = video.read_bytes()
    (tmp_path / "sim-0-00000.contacts.json").unlink()
    video.write_bytes(b"half")
    result = CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 0
    assert video.read_bytes() == before


def test_other_settings_are_refused_unless_overwritten(tmp_path, capsys):
    assert run(["simulate", "-n", "1", "-o", str(tmp_path), *SMALL]) == 0
    other = ["simulate", "-n", "1", "-o", str(tmp_path), *SMALL, "--fps", "10"]
    assert run(other) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run([*other, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (["--size", "wide"], "1280x720"),
        (["--size", "4x4"], "between 16 and 8192"),
        (["--action", "explode"], "drop, throw"),
        (["--duration", "0"], "duration_s"),
        (["-n", "0"], "0"),
    ],
)
def test_bad_options_are_explained(tmp_path, capsys, option, words):
    assert run(["simulate", "-n", "1", "-o", str(tmp_path / "x"), *option]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_an_unwritable_folder(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("x")
    assert run(["simulate", "-n", "1", "-o", str(file / "in"), *SMALL]) == 2
    assert "Error" in capsys.readouterr().err
