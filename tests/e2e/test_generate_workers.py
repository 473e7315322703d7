"""pavas generate by workers: the same files, what fails alone, and what is there is kept."""

import json

import pytest
from clip_files_world import write_clip

from pavas_sdk.cli.main import run


def wav(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.wav")}


def test_workers_make_the_same_sounds(tmp_path, capsys):
    videos = [write_clip(tmp_path / f"clip {n}.mp4", n, seconds=0.8) for n in range(2)]
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    command = ["generate", *map(str, [*videos, broken]), "--steps", "1", "--json", "-o"]
    assert run([*command, str(tmp_path / "alone")]) == 2
    alone = json.loads(capsys.readouterr().out)
    assert run([*command, str(tmp_path / "jobs"), "--workers", "1"]) == 2
    out, err = capsys.readouterr()
    jobs = json.loads(out)
    assert wav(tmp_path / "jobs") == wav(tmp_path / "alone")
    assert len(wav(tmp_path / "jobs")) == 2
    assert [f["input"] for f in jobs["failures"]] == [f["input"] for f in alone["failures"]]
    assert jobs["failures"][0]["error"] == alone["failures"][0]["error"]
    assert "3 of 3 videos (1 failed)" in err or "2 of 2 videos" in err
    hidden = [path.name for path in (tmp_path / "jobs").iterdir() if path.name.startswith(".")]
    assert hidden == []
    # again: what is there is kept
    assert run([*command, str(tmp_path / "jobs"), "--workers", "1"]) == 2
    assert len(json.loads(capsys.readouterr().out)["kept"]) == 2


def test_a_model_that_is_not_there_is_told_once(tmp_path, capsys):
    video = write_clip(tmp_path / "clip.mp4", seconds=0.8)
    command = ["generate", str(video), "-o", str(tmp_path / "out"), "--workers", "2"]
    assert run([*command, "--model", str(tmp_path / "no-model")]) == 2
    assert "no-model" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--engine", "ray", "--workers", "0"], ["--time-limit", "-1"]])
def test_impossible_engines_are_told(tmp_path, capsys, words):
    video = write_clip(tmp_path / "clip.mp4", seconds=0.8)
    assert run(["generate", str(video), "-o", str(tmp_path / "out"), *words]) == 2
    assert capsys.readouterr().err
