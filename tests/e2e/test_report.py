"""``pavas report`` on a small film: one page, whatever the sound comes from."""

from __future__ import annotations

import pytest

from pavas_sdk import PhysicsEstimate


@pytest.fixture
def report(pavas, film, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return pavas("report", film, "--model", model, *arguments)

    return call


def test_a_page_with_a_fresh_sound(report, tmp_path):
    answer = report()
    assert answer.code == 0, answer.err
    assert answer.out.strip() == "out/disc.report.html"
    text = (tmp_path / "out" / "disc.report.html").read_text("utf-8")
    assert "untrained" in text
    assert 'data-sound="generated"' in text
    again = report()
    assert again.code == 2
    assert "--overwrite" in again.err


def test_a_page_with_an_earlier_sound(report, pavas, film, model, tmp_path):
    made = pavas("generate", film, "-o", tmp_path, "--model", model, "--mass", "0=5", "--seed", "3")
    assert made.code == 0, made.err
    answer = report("--sound", tmp_path / "disc.wav", "-o", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "set by hand" in text
    assert "<dt>seed</dt><dd>3</dd>" in text
    physics = PhysicsEstimate.load(tmp_path / "disc.physics.json")
    assert physics[0].mass_kg == 5.0


@pytest.mark.parametrize("out", ["pages", "new/"])
def test_a_folder_takes_a_page_named_after_the_video(report, tmp_path, out):
    (tmp_path / "pages").mkdir()
    answer = report("--no-sound", "-o", out)
    assert answer.code == 0, answer.err
    assert (tmp_path / out / "disc.report.html").is_file()


def test_a_page_without_sound(report, tmp_path):
    physics = tmp_path / "disc.json"
    assert report("--no-sound", "-o", tmp_path / "a.html").code == 0
    assert (
        "data-sound"
        not in (tmp_path / "a.html").read_text("utf-8").split("<script>")[0].split("</style>")[1]
    )
    answer = report("--no-sound", "--physics", physics)
    assert answer.code == 2
    assert "disc.json" in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sound", "x.wav", "--no-sound"], "exclude each other"),
        (["--sound", "x.wav"], "x.wav"),
        (["--time-scale", "0"], "--time-scale"),
        (["--max-side", "3"], "--max-side"),
    ],
)
def test_bad_options(report, arguments, said):
    answer = report(*arguments)
    assert answer.code == 2
    assert said in answer.err
