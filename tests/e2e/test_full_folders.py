"""``pavas generate`` into disks that are full or read-only, and by two processes into one folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pavas_sdk.data import files as data_files
from pavas_sdk.errors import OutputError
from pavas_sdk.media import read_audio
from pavas_sdk.pipelines import result_writing
from pavas_sdk.pipelines.output import read_sidecar


@pytest.fixture
def generate(pavas, model):
    """Generate quickly with the untrained model."""

    def call(*arguments, out):
        return pavas("generate", *arguments, "-o", out, "--model", model, "--steps", "1")

    return call


@contextmanager
def disk(folder, options):
    """A small file system at ``folder``."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root mounts")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_full_disk_is_found_before_the_work(generate, film, tmp_path):
    with disk(tmp_path / "full", "size=16k") as out:
        answer = generate(film, out=out)
        assert answer.code == 2
        assert "No space left on device" in answer.err
        assert "sound:" not in answer.err
        assert names(out) == []


def test_a_disk_that_gets_full_keeps_the_sound(generate, film, tmp_path):
    """Room for the sound (32 kB) and the 64 kB that are kept, not for the video."""
    with disk(tmp_path / "small", "size=112k") as out:
        answer = generate(film, out=out)
        assert answer.code == 1, answer.err
        assert "disc.mp4 was not written, the sound is kept" in answer.err
        assert names(out) == ["disc.pavas.json", "disc.physics.json", "disc.wav"]
        assert read_audio(out / "disc.wav").duration_s == pytest.approx(1.0)
        assert "space" in read_sidecar(out / "disc.pavas.json")["not_written"]["disc.mp4"]


def test_a_sidecar_without_room_takes_that_of_the_video(generate, film, tmp_path, monkeypatch):
    full = []

    def write(path, text):
        if path.name.endswith(".pavas.json") and not full:
            full.append(path.parent / "disc.mp4")
            assert full[0].exists()
            raise OutputError(f"cannot write {path}: No space left on device")
        return data_files.write_text(path, text)

    monkeypatch.setattr(result_writing, "write_text", write)
    answer = generate(film, out=tmp_path / "out")
    assert answer.code == 1, answer.err
    assert names(tmp_path / "out") == ["disc.pavas.json", "disc.physics.json", "disc.wav"]
    (reason,) = read_sidecar(tmp_path / "out" / "disc.pavas.json")["not_written"].values()
    assert str(tmp_path / "out" / "disc.pavas.json") in reason


def test_a_read_only_disk_is_found_before_the_work(generate, film, tmp_path):
    with disk(tmp_path / "ro", "size=1m,ro") as out:
        for place in (out, out / "new"):
            answer = generate(film, out=place)
            assert answer.code == 2
            assert f"cannot write to {place}: Read-only file system; choose a" in answer.err
            assert "sound:" not in answer.err


def test_two_processes_share_a_folder(film, model, tmp_path):
    """Each result is made once, by one of them; both end well, and nothing else stays."""
    films = [shutil.copy(film, tmp_path / f"film{index}.mp4") for index in range(2)]
    out = tmp_path / "out"
    command = ["generate", *films, "-o", out, "--model", model, "--steps", "1", "--json"]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", "from pavas_sdk.cli import main; main()", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for _ in range(2)
    ]
    answers = [process.communicate(timeout=240) for process in running]
    for process, (told, said) in zip(running, answers, strict=True):
        # who comes when the other is done finds results and leaves them
        assert process.returncode == 0 or "exist and are kept" in told + said, answers
    assert 0 in [process.returncode for process in running], answers
    made = [
        path
        for said, _ in answers
        if said.strip()
        for result in json.loads(said)["results"]
        for path in result["files"]
    ]
    assert len(made) == len(set(made)) == 8
    endings = (".mp4", ".pavas.json", ".physics.json", ".wav")
    assert names(out) == sorted(f"film{index}{end}" for index in range(2) for end in endings)
