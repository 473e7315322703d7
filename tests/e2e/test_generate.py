"""``pavas generate`` from end to end: what it writes, what it says, what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from pavas_sdk import PhysicsEstimate
from pavas_sdk.data import Audio
from pavas_sdk.media import open_video, read_audio, write_audio

NAMES = ["disc.mp4", "disc.pavas.json", "disc.physics.json", "disc.wav"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def generate(pavas, film, model, tmp_path):
    """Generate with the untrained model into ``tmp_path/out``."""

    def call(*arguments, videos=(film,), out=tmp_path / "out"):
        return pavas("generate", *videos, "-o", out, "--model", model, *arguments)

    return call


# -- what it writes ------------------------------------------------------------------------------


def test_the_first_sound(generate, film, tmp_path):
    answer = generate()
    out = tmp_path / "out"
    assert answer.code == 0, answer.err
    assert names(out) == NAMES
    assert answer.out.split() == [
        str(out / name) for name in ("disc.wav", "disc.mp4", "disc.pavas.json", "disc.physics.json")
    ]
    assert "disc.mp4: 1.00 s, 128 x 96, 25 frames/s" in answer.err
    assert "kg" in answer.err
    assert "size-prior" in answer.err  # the rung that was used
    assert read_audio(out / "disc.wav").samples.shape == (1, 16000)
    with open_video(out / "disc.mp4") as made, open_video(film) as source:
        assert made.has_audio
        np.testing.assert_array_equal(made.read().frames, source.read().frames)


def test_documents_fit_together(generate, tmp_path):
    generate("--prompt", "a rubber ball", "--seed", "7")
    physics = PhysicsEstimate.load(tmp_path / "out" / "disc.physics.json")
    made = json.loads((tmp_path / "out" / "disc.pavas.json").read_text())
    assert made["physics"] == physics.to_json()
    assert (made["prompt"], made["seed"]) == ("a rubber ball", 7)
    assert physics.provenance["segmenter"].qualified_name == "pavas-tiny/motion"


def test_json_answers_with_one_document(generate):
    answer = generate("--json")
    (result,) = answer.json["results"]
    assert [path.rpartition("/")[2] for path in result["files"]] == [
        "disc.wav",
        "disc.mp4",
        "disc.pavas.json",
        "disc.physics.json",
    ]
    assert result["physics"]["format"] == "pavas.physics"
    assert answer.json["failed"] == 0


def test_the_same_seed_writes_the_same_bytes(generate, tmp_path):
    for folder in ("a", "b"):
        assert generate("--no-mux", out=tmp_path / folder).code == 0
    assert (tmp_path / "a" / "disc.wav").read_bytes() == (tmp_path / "b" / "disc.wav").read_bytes()
    generate("--no-mux", "--seed", "1", out=tmp_path / "c")
    assert (tmp_path / "a" / "disc.wav").read_bytes() != (tmp_path / "c" / "disc.wav").read_bytes()


def test_a_saved_estimate_gives_the_same_sound(generate, tmp_path):
    generate("--no-mux", out=tmp_path / "a")
    physics = tmp_path / "a" / "disc.physics.json"
    assert generate("--no-mux", "--physics", physics, out=tmp_path / "b").code == 0
    assert (tmp_path / "a" / "disc.wav").read_bytes() == (tmp_path / "b" / "disc.wav").read_bytes()


def test_values_by_hand(generate, tmp_path):
    answer = generate("--no-mux", "--mass", "0=5", "--speed-factor", "0=2")
    assert answer.code == 0, answer.err
    physics = PhysicsEstimate.load(tmp_path / "out" / "disc.physics.json")
    assert physics[0].mass_kg == 5.0
    assert len(physics.edits) == 2
    edited = tmp_path / "out" / "disc.physics.json"
    answer = generate(
        "--no-mux", "--physics", edited, "--mass", "0=7", "--json", out=tmp_path / "again"
    )
    assert answer.json["results"][0]["physics"]["objects"][0]["mass_kg"] == 7.0


def test_no_physics(generate, tmp_path):
    answer = generate("--physics", "none")
    assert "no moving object" in answer.err
    assert "physics was not used" in answer.err
    assert len(PhysicsEstimate.load(tmp_path / "out" / "disc.physics.json")) == 0


def test_a_known_scale_reaches_the_reconstructor(generate, tmp_path):
    generate("--no-mux", "--scale", "0.02")
    physics = PhysicsEstimate.load(tmp_path / "out" / "disc.physics.json")
    assert physics.provenance["reconstructor"].config["metres_per_pixel"] == 0.02
    assert physics[0].sources["scale"] == "user"


def test_slow_motion_makes_speeds_faster(generate):
    plain = generate("--no-mux", "--scale", "0.02", "--json").json
    slow = generate(
        "--no-mux", "--scale", "0.02", "--time-scale", "4", "--overwrite", "--json"
    ).json

    def top(answer):
        speeds = answer["results"][0]["physics"]["objects"][0]["speed_m_s"]
        return max(speed for speed in speeds if speed is not None)

    assert top(slow) == pytest.approx(4 * top(plain), rel=0.02)


def test_several_waveforms(generate, tmp_path):
    answer = generate("--waveforms", "2")
    assert answer.code == 0, answer.err
    expected = [f"disc-{k}{end}" for k in (1, 2) for end in (".mp4", ".pavas.json", ".wav")]
    assert names(tmp_path / "out") == sorted([*expected, "disc.physics.json"])
    second = json.loads((tmp_path / "out" / "disc-2.pavas.json").read_text())
    assert second["seed"] == 1


def test_normalisation_is_recorded(generate, tmp_path):
    generate("--normalize", "-3", "--no-mux")
    sound = read_audio(tmp_path / "out" / "disc.wav")
    assert sound.peak_dbfs == pytest.approx(-3.0, abs=0.01)
    assert json.loads((tmp_path / "out" / "disc.pavas.json").read_text())["gain_db"] != 0.0


@pytest.mark.parametrize(("suffix", "expected"), [(".mkv", ".mkv"), (".mov", ".mov")])
def test_the_container_follows_the_source(generate, film, tmp_path, suffix, expected):
    from pavas_sdk.media import write_video
    from pavas_sdk.testing import moving_discs

    source = tmp_path / f"disc{suffix}"
    write_video(source, moving_discs(1, frames=25).video)
    answer = generate(videos=(source,))
    assert answer.code == 0, answer.err
    assert (tmp_path / "out" / f"disc{expected}").exists()


# -- several videos, existing results ------------------------------------------------------------


def test_existing_results_are_kept(generate, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "disc.wav").write_text("mine")
    answer = generate()
    assert answer.code == 2
    assert "disc.wav exists and is kept; use --overwrite" in answer.err
    assert names(tmp_path / "out") == ["disc.wav"]
    assert (tmp_path / "out" / "disc.wav").read_text() == "mine"
    assert generate("--overwrite").code == 0
    assert names(tmp_path / "out") == NAMES


def test_a_run_over_many_videos_is_resumed(generate, film, tmp_path):
    other = tmp_path / "other.mp4"
    shutil.copy(film, other)
    assert generate(videos=(film,)).code == 0
    before = (tmp_path / "out" / "disc.wav").stat().st_mtime_ns
    answer = generate(videos=(film, other))
    assert answer.code == 0, answer.err
    assert "results exist" in answer.err
    assert (tmp_path / "out" / "disc.wav").stat().st_mtime_ns == before
    assert (tmp_path / "out" / "other.wav").exists()
    answer = generate("--json", videos=(film, other))
    assert answer.code == 0
    assert len(answer.json["kept"]) == 2


def test_one_bad_video_does_not_stop_the_others(generate, film, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a video at all")
    answer = generate(videos=(bad, film))
    assert answer.code == 2
    assert "Error:" in answer.err
    assert "1 of 2 videos failed" in answer.err
    (line,) = [line for line in answer.err.splitlines() if line.startswith("Error: ")]
    assert line.count(str(bad)) == 1
    assert names(tmp_path / "out") == NAMES


def test_two_videos_of_one_name_are_refused(generate, film, tmp_path):
    (tmp_path / "sub").mkdir()
    shutil.copy(film, tmp_path / "sub" / "disc.mp4")
    answer = generate(videos=(film, tmp_path / "sub" / "disc.mp4"))
    assert answer.code == 2
    assert "would both become" in answer.err


def test_the_source_is_never_replaced(generate, film, tmp_path):
    source = tmp_path / "disc.mp4"
    shutil.copy(film, source)
    answer = generate("--overwrite", videos=(source,), out=tmp_path)
    assert answer.code == 2
    assert "would replace the source" in answer.err
    assert source.read_bytes() == film.read_bytes()


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--mass", "0=-1"), "--mass 0=-1: expected a number above 0"),
        (("--mass", "0=nan"), "--mass 0=nan: expected a number above 0"),
        (("--mass", "heavy"), "expected ID=KG, got 'heavy'"),
        (("--speed-factor", "0=0"), "--speed-factor 0=0: expected a number above 0"),
        (("--mass", "9=1"), "no object 9"),
        (("--mass", "anvil=1"), "no object is called 'anvil'"),
        (("--physics", "gone.json"), "no such physics file: gone.json"),
        (("--physics", "none", "--mass", "0=1"), "leaves nothing for --label, --mass"),
        (("--time-scale", "0"), "--time-scale must be finite and above 0"),
        (("--scale", "-1"), "--scale must be above 0"),
        (("--normalize", "3"), "--normalize must be 0 dBFS or below"),
        (("--steps", "0"), "--steps"),
        (("--device", "cuda:99"), "--device cuda:99 cannot be used here"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_options(generate, tmp_path, arguments, message):
    answer = generate(*arguments)
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "out").exists() or names(tmp_path / "out") == []


def test_no_such_file(generate, film, tmp_path):
    answer = generate(videos=(film.with_name("disk.mp4"),))
    assert answer.code == 2
    assert "no such file" in answer.err
    assert "did you mean" in answer.err
    assert not (tmp_path / "out").exists()


def test_audio_only(generate, tmp_path):
    sound = tmp_path / "sound.wav"
    write_audio(sound, Audio(samples=np.zeros(1000), sample_rate_hz=16000))
    answer = generate(videos=(sound,))
    assert answer.code == 2
    assert "sound only, no pictures" in answer.err
    assert not (tmp_path / "out").exists()


def test_a_text_file(generate, tmp_path):
    text = tmp_path / "video.mp4"
    text.write_text("hello")
    answer = generate(videos=(text,))
    assert answer.code == 2
    assert "not a video" in answer.err


def test_an_unknown_model_is_guessed(pavas, film, tmp_path):
    answer = pavas("generate", film, "-o", tmp_path / "out", "--model", "pavas-tinny")
    assert answer.code == 2
    assert "did you mean 'pavas-tiny/pavas-tiny'" in answer.err


def test_an_unwritable_folder(generate, tmp_path):
    (tmp_path / "file").write_text("")
    answer = generate(out=tmp_path / "file" / "out")
    assert answer.code == 2
    assert "choose a writable folder with -o" in answer.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ('{"format": "pavas.physics", "format_version": 99}', "pip install -U pavas-sdk"),
        ('{"masses_kg": {"0": -2}}', "above 0"),
    ],
)
def test_bad_physics_files(generate, tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    answer = generate("--physics", path)
    assert answer.code == 2
    assert message in answer.err
    assert names(tmp_path / "out") == []


def test_speeds_of_the_wrong_length(generate, tmp_path):
    generate("--no-mux")
    document = json.loads((tmp_path / "out" / "disc.physics.json").read_text())
    document["objects"][0]["speed_m_s"] = [1.0]
    path = tmp_path / "short.json"
    path.write_text(json.dumps(document))
    answer = generate("--physics", path, out=tmp_path / "again")
    assert answer.code == 2
    assert "speed_m_s of object 0" in answer.err


def test_no_moving_object_is_an_answer(generate, pavas, model, tmp_path):
    from pavas_sdk.media import write_video
    from pavas_sdk.testing import moving_discs

    still = tmp_path / "still.mp4"
    write_video(still, moving_discs(0, frames=25, height=96, width=128).video)
    answer = generate(videos=(still,))
    assert answer.code == 0, answer.err
    assert "no moving object" in answer.err


@pytest.mark.parametrize("frames", [1, 5])
def test_very_short_videos(generate, tmp_path, frames):
    from pavas_sdk.media import write_video
    from pavas_sdk.testing import moving_discs

    short = tmp_path / "short.mp4"
    write_video(short, moving_discs(1, frames=frames, height=96, width=128).video)
    answer = generate(videos=(short,))
    assert answer.code == 0, answer.err
    sound = read_audio(tmp_path / "out" / "short.wav")
    assert sound.duration_s == pytest.approx(frames / 25, abs=1e-4)


def test_an_interrupted_run_leaves_nothing(generate, tmp_path, monkeypatch):
    from pavas_sdk.pipelines import PavasOutput

    def interrupted(self, path, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(PavasOutput, "mux", interrupted)
    answer = generate()
    assert answer.code == 130
    assert names(tmp_path / "out") == []


def test_a_full_disk_leaves_nothing(generate, tmp_path, monkeypatch):
    import errno
    from pathlib import Path

    usual = Path.replace

    def full(self, target):
        if str(target).startswith(str(tmp_path / "out" / "disc")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return usual(self, target)

    monkeypatch.setattr(Path, "replace", full)
    answer = generate()
    assert answer.code == 2
    assert "No space left on device; nothing was left behind; free some space" in answer.err
    assert names(tmp_path / "out") == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_in_a_process_of_its_own(film, model, tmp_path):
    out = tmp_path / "out"
    # a test run in the background may have been told to ignore the signal
    start = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from pavas_sdk.cli.main import main; main()"
    )
    command = [sys.executable, "-c", start, "generate", str(film), "-o", str(out)]
    process = subprocess.Popen(
        [*command, "--model", str(model), "--steps", "5000"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert "disc.mp4" in process.stderr.readline()
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Interrupted" in rest
    assert names(out) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_as_physics_is_not_waited_for(pavas, film, model, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    answer = pavas(
        "generate", film, "--physics", tmp_path / "pipe.json", "-o", tmp_path, "--model", model
    )
    assert answer.code == 2
    assert "pipe.json: it is no regular file" in answer.err
