"""``pavas inspect`` on everything that ``pavas generate`` reads and writes."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk import Video
from pavas_sdk.media import write_video


@pytest.fixture(scope="module")
def results(tmp_path_factory, model, film):
    from pavas_sdk.cli.main import run

    out = tmp_path_factory.mktemp("results")
    assert run(["generate", str(film), "-o", str(out), "--model", str(model)]) == 0
    return out


@pytest.mark.parametrize(
    ("name", "kind", "known"),
    [
        ("disc.mp4", "video", {"width": 128, "height": 96, "has_audio": True}),
        ("disc.wav", "sound", {"sample_rate_hz": 16000, "channels": 1}),
        ("disc.pavas.json", "provenance", {"model": "untrained", "seed": 0}),
        ("disc.physics.json", "physics", {"format_version": 2}),
    ],
)
def test_results(pavas, results, name, kind, known):
    answer = pavas("inspect", results / name, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["kind"] == kind
    assert known.items() <= answer.json.items()
    text = pavas("inspect", results / name)
    assert text.code == 0
    assert text.out.startswith(kind)


def test_a_pipeline_is_not_loaded(pavas, model):
    answer = pavas("inspect", model, "--json")
    assert answer.json["kind"] == "pipeline"
    assert answer.json["components"]["transformer"] == "pavas_sdk.models.MMAudioTransformer"
    assert answer.json["slots"]["segmenter"].startswith("pavas-tiny/motion")
    assert answer.json["settings"]["window_s"] == 8.0


def test_a_damaged_file_is_an_answer(pavas, film, tmp_path):
    cut = tmp_path / "cut.mkv"
    noise = np.random.default_rng(0).integers(0, 256, (50, 96, 128, 3), dtype=np.uint8)
    write_video(cut, Video(frames=noise, times_s=np.arange(50) / 25))
    data = cut.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 3])
    answer = pavas("inspect", cut, "--full")
    assert answer.code == 1
    assert "Warning:" in answer.err
    assert pavas("inspect", film, "--full").code == 0


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "cannot read"),
        ("a.json", "{}", "no physics document"),
        ("a.json", '{"format": "pavas.provenance", "format_version": 9}', "pip install -U"),
        ("a.mp4", "hello", "not a video"),
    ],
)
def test_bad_files(pavas, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    answer = pavas("inspect", tmp_path / name)
    assert answer.code == 2
    assert message in answer.err


def test_nothing_there(pavas, tmp_path):
    assert pavas("inspect", tmp_path / "gone.mp4").code == 2
    assert pavas("inspect", tmp_path).code == 2
