"""``pavas generate``: the sound is kept whatever happens, and no video harms another."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import sys

import pytest
from small_media import write_kind, write_small

from pavas_sdk.cli.main import run
from pavas_sdk.media import open_video, read_audio
from pavas_sdk.pipelines import PavasOutput, PavasPipeline
from pavas_sdk.pipelines.output import read_sidecar


@pytest.fixture
def generate(pavas, model, tmp_path):
    """Generate quickly with the untrained model into ``tmp_path/out``."""

    def call(*arguments, out=tmp_path / "out"):
        return pavas("generate", *arguments, "-o", out, "--model", model, "--steps", "1")

    return call


@pytest.fixture
def two(film, tmp_path):
    """Two videos, ``first.mp4`` and ``second.mp4``."""
    return [shutil.copy(film, tmp_path / name) for name in ("first.mp4", "second.mp4")]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def files_of(stem, ending=".mp4"):
    return sorted(f"{stem}{end}" for end in (".wav", ending, ".pavas.json", ".physics.json"))


# -- containers ------------------------------------------------------------------------------------


def test_pictures_that_fit_no_container_are_encoded_anew(generate, tmp_path):
    kinds = ["raw.avi", "huffyuv.avi", "gif.gif", "flv.flv", "theora.ogv", "wmv.asf", "y4m.y4m"]
    made = [path for kind in kinds if (path := write_kind(tmp_path, kind)) is not None]
    answer = generate(*made)
    assert answer.code == 0, answer.err
    assert answer.err.count("encoded anew (H.264) in a .mp4 file") == len(made) >= 5
    for path in made:
        with open_video(tmp_path / "out" / f"{path.stem}.mp4") as video:
            assert video.has_audio
            assert video.duration_s == pytest.approx(0.6)
        assert read_audio(tmp_path / "out" / f"{path.stem}.wav").duration_s == pytest.approx(0.6)


def test_an_animation_has_its_own_length(generate, tmp_path):
    """4.00 s at 12.5 frames per second."""
    from fractions import Fraction

    write_small(tmp_path / "ball.gif", "gif", "rgb8", frames=50, rate_hz=Fraction(25, 2))
    answer = generate(tmp_path / "ball.gif")
    assert answer.code == 0, answer.err
    assert read_audio(tmp_path / "out" / "ball.wav").duration_s == pytest.approx(4.0)


@pytest.mark.parametrize("container", ["mkv", "mov", "mp4"])
def test_the_container_can_be_chosen(generate, film, tmp_path, container):
    answer = generate(film, "--to", container)
    assert answer.code == 0, answer.err
    assert names(tmp_path / "out") == files_of("disc", f".{container}")


def test_a_container_that_does_not_fit_is_refused_before_any_work(generate, film, tmp_path):
    answer = generate(film, "--to", "webm")
    assert answer.code == 2
    assert "cannot hold h264 pictures; expected .mp4 or .mkv or .mov (--to mp4)" in answer.err
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("error", [RuntimeError("odd"), OSError(28, "No space left on device")])
def test_a_video_that_cannot_be_written_costs_no_sound(generate, two, monkeypatch, tmp_path, error):
    def fail(self, path, **options):
        path.write_bytes(b"half")
        raise error

    monkeypatch.setattr(PavasOutput, "mux", fail)
    answer = generate(*two, "--json")
    assert answer.code == 1
    assert "first.mp4 was not written, the sound is kept" in answer.err
    assert [list(result["not_written"]) for result in answer.json["results"]] == [
        ["first.mp4"],
        ["second.mp4"],
    ]
    for stem in ("first", "second"):
        assert read_audio(tmp_path / "out" / f"{stem}.wav").duration_s == pytest.approx(1.0)
        sidecar = read_sidecar(tmp_path / "out" / f"{stem}.pavas.json")
        assert sorted(sidecar["files"]) == [f"{stem}.physics.json", f"{stem}.wav"]
        assert list(sidecar["not_written"]) == [f"{stem}.mp4"]
    assert not list((tmp_path / "out").glob("*.mp4"))
    monkeypatch.undo()
    again = generate(*two)  # nothing was lost, so nothing is made twice
    assert again.code == 0
    assert "first.mp4 was not written then" in again.err


# -- names -----------------------------------------------------------------------------------------


def test_a_name_that_is_no_utf_8(generate, film, tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    try:
        shutil.copy(film, tmp_path / f"{odd}.mp4")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    shutil.copy(film, tmp_path / "plain.mp4")
    answer = generate(tmp_path / f"{odd}.mp4", tmp_path / "plain.mp4", "--json")
    assert answer.code == 0, answer.err
    assert names(tmp_path / "out") == sorted(files_of(odd) + files_of("plain"))
    assert answer.json["results"][0]["video"].endswith(f"{odd}.mp4")
    text = (tmp_path / "out" / f"{odd}.pavas.json").read_text("utf-8")
    assert "caf\\udce9.mp4" in text
    assert json.loads(text)["video"].endswith(f"{odd}.mp4")


@pytest.mark.parametrize("character", ["x", "視"])
def test_a_name_too_long_for_its_results_is_shortened(generate, film, tmp_path, character):
    stem = character * (250 // len(character.encode()))
    shutil.copy(film, tmp_path / f"{stem}.mp4")
    answer = generate(tmp_path / f"{stem}.mp4")
    assert answer.code == 0, answer.err
    assert "the name is too long here; results are called" in answer.err
    (sound,) = (tmp_path / "out").glob("*.wav")
    assert sound.stem.startswith(character * 70)
    assert len(names(tmp_path / "out")) == 4


def test_a_name_of_300_bytes_is_a_typed_error(generate, pavas, film, tmp_path):
    long = tmp_path / ("x" * 300)
    for command in (("inspect", long), ("estimate", long), ("report", long), ("generate", long)):
        answer = pavas(*command)
        assert answer.code == 2, answer.err
        assert "File name too long" in answer.err
    answer = generate(long, film)
    assert answer.code == 2
    assert names(tmp_path / "out") == files_of("disc")


def test_stdout_that_cannot_encode_a_name(film, model, tmp_path, monkeypatch):
    """What Windows does when output goes to a file."""
    source = tmp_path / "视频😀.mp4"
    shutil.copy(film, source)
    for command in (
        ["generate", str(source), "-o", str(tmp_path / "out"), "--model", str(model)],
        ["inspect", str(source)],
    ):
        for options in ([], ["--json"]):
            log = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
            monkeypatch.setattr(sys, "stdout", log)
            assert (
                run([*command, *options, *(["--overwrite"] if "generate" in command else [])]) == 0
            )
            log.flush()
            text = log.buffer.getvalue().decode("ascii")
            assert "\\u89c6\\u9891" in text
            if options:
                assert "视频😀.mp4" in json.dumps(json.loads(text), ensure_ascii=False)
    assert names(tmp_path / "out") == files_of("视频😀")


def test_what_a_terminal_would_obey_is_not_printed(generate, film, tmp_path):
    source = tmp_path / "clip\x1b]0;title\x07\x1b[31m.mp4"
    shutil.copy(film, source)
    answer = generate(source)
    assert answer.code == 0, answer.err
    assert "\x1b" not in answer.err + answer.out
    assert "clip\\u001b]0;title\\u0007\\u001b[31m.wav" in answer.out


# -- a batch ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [RuntimeError("odd"), MemoryError(), SystemExit(5), KeyError("x")]
)
def test_whatever_happens_to_one_video_the_others_are_made(
    generate, two, monkeypatch, tmp_path, error
):
    usual = PavasPipeline.__call__

    @functools.wraps(usual)
    def call(self, **arguments):
        if "first" in arguments["video"].source:
            raise error
        return usual(self, **arguments)

    monkeypatch.setattr(PavasPipeline, "__call__", call)
    answer = generate(*two, "--json")
    assert answer.code == 2, answer.err
    assert names(tmp_path / "out") == files_of("second"), answer.err
    assert answer.json["failed"] == 1
    (failure,) = answer.json["failures"]
    assert failure["input"] == str(two[0])
    assert type(error).__name__ in failure["error"]
    assert answer.err.splitlines()[-1] == f"1 of 2 videos failed: {two[0]}"


def test_a_torn_set_is_made_again_and_the_batch_goes_on(generate, two, tmp_path):
    out = tmp_path / "out"
    assert generate(*two).code == 0
    before = (out / "first.wav").read_bytes()
    (out / "first.wav").unlink()
    second = (out / "second.wav").stat().st_mtime_ns
    assert generate(*two).code == 0
    assert (out / "first.wav").read_bytes() == before
    assert (out / "second.wav").stat().st_mtime_ns == second


def test_what_is_not_known_to_be_ours_is_left_and_the_batch_goes_on(generate, two, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "first.wav").write_text("mine")
    answer = generate(*two)
    assert answer.code == 2
    assert "first.wav exists and is kept" in answer.err
    assert (out / "first.wav").read_text() == "mine"
    assert names(out) == sorted(["first.wav", *files_of("second")])


def test_a_sound_that_was_changed_since_is_not_taken_for_whole(generate, two, tmp_path):
    out = tmp_path / "out"
    assert generate(*two).code == 0
    (out / "first.wav").write_bytes((out / "first.wav").read_bytes()[:1000])
    (out / "second.physics.json").write_text("{}")  # editing physics is what they are for
    answer = generate(*two)
    assert answer.code == 2
    assert "first.wav" in answer.err
    assert "second.physics.json was edited since" in answer.err


def test_sidecars_without_hashes_of_an_earlier_version_count(generate, two, tmp_path):
    out = tmp_path / "out"
    assert generate(*two).code == 0
    sidecar = json.loads((out / "first.pavas.json").read_text())
    del sidecar["files"]
    (out / "first.pavas.json").write_text(json.dumps(sidecar))
    answer = generate(*two)
    assert answer.code == 0
    assert answer.err.count("results exist") == 2


def test_a_name_that_another_process_works_on_is_left_to_it(generate, two, tmp_path):
    from pavas_sdk.data.claims import claimed

    out = tmp_path / "out"
    out.mkdir()
    with claimed(out, "first"):
        answer = generate(*two, "--json")
        assert answer.code == 0, answer.err
        assert "left to another process" in answer.err
        assert answer.json["kept"] == [str(two[0])]
        assert generate(two[0]).code == 2
    assert names(out) == files_of("second")


def test_what_a_killed_run_had_ready_is_kept(generate, two, tmp_path):
    out = tmp_path / "out"
    assert generate(*two).code == 0
    drafts = out / ".pavas-first"
    drafts.mkdir()
    sidecar = json.loads((out / "first.pavas.json").read_text())
    from pavas_sdk.data.claims import file_sha256

    files = {**sidecar["files"], "first.pavas.json": file_sha256(out / "first.pavas.json")}
    (drafts / "journal.json").write_text(json.dumps({"files": files, "overwrite": False}))
    (out / "first.pavas.json").rename(drafts / "first.pavas.json")
    (out / ".pavas-first.lock").touch()
    answer = generate(*two)
    assert answer.code == 0, answer.err
    assert "an earlier run that was killed had these ready: first.pavas.json" in answer.err
    assert names(out) == sorted(files_of("first") + files_of("second"))


@pytest.mark.parametrize("name", ["first.wav", "first.mp4", "first.pavas.json"])
def test_a_folder_where_a_result_goes_is_found_before_any_work(generate, two, tmp_path, name):
    blocked = tmp_path / "out" / name
    blocked.mkdir(parents=True)
    alone = generate(two[0], "--overwrite")
    assert alone.code == 2
    assert f"{blocked} is a folder, and a result goes there" in alone.err
    assert names(tmp_path / "out") == [name]
    assert "frames/s" not in alone.err  # nothing was computed
    if name == "first.wav":
        batch = generate(*two)
        assert batch.code == 2
        assert set(names(tmp_path / "out")) == {name, *files_of("second")}
