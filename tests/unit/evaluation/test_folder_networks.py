"""Folders of sounds through tiny networks: figures, failures, kept features, what is missing."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, FormatError, InputError
from pavas_sdk.evaluation import evaluate_folder, frechet_distance
from pavas_sdk.evaluation.folder_table import folder_markdown
from pavas_sdk.media import write_audio, write_video

sys.path.insert(0, str(Path(__file__).parents[2]))

from metric_networks_world import prepare_tiny

CLIPS, RATE_HZ, LENGTH_S = 10, 16000, 5.0
QUICK = ["fd-passt", "fd-panns", "kl-panns", "kl-passt", "is"]


def sound(clip, *, noise=0.0, seed=0):
    t = np.arange(round(RATE_HZ * LENGTH_S)) / RATE_HZ
    wave = np.zeros(t.size)
    for start in (0.4 + 0.1 * clip, 2.1, 3.6 - 0.1 * clip):
        d = np.maximum(t - start, 0)
        wave += 0.3 * np.where(
            d > 0, np.exp(-15 * d) * np.sin(2 * np.pi * (300 + 90 * clip) * d), 0
        )
    wave += 0.003 * np.random.default_rng(clip).normal(size=t.size)
    wave += noise * np.random.default_rng(clip + 100 * seed + 50).normal(size=t.size)
    return wave.astype(np.float32)


def write(folder, clip, samples):
    folder.mkdir(exist_ok=True)
    path = folder / f"clip{clip:02d}.wav"
    write_audio(path, Audio(samples=samples, sample_rate_hz=RATE_HZ), overwrite=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    for clip in range(CLIPS):
        write(root / "truth", clip, sound(clip))
        write(root / "near", clip, sound(clip, noise=0.0001))
        write(root / "noisy", clip, sound(clip, noise=0.1, seed=1))
        write(root / "shuffled", clip, sound((clip + 4) % CLIPS))
    patch = pytest.MonkeyPatch()
    patch.setenv("PAVAS_CACHE", str(root / "cache"))
    prepare_tiny(root / "official")
    yield root
    patch.undo()


def evaluated(world, *models, metrics=QUICK, **options):
    folders = {model: world / model for model in models}
    return evaluate_folder(folders, world / "truth", metrics=metrics, **options)


@pytest.fixture(scope="module")
def result(world):
    return evaluated(world, "near", "noisy", "shuffled")


def value(result, model, name):
    return result["models"][model]["metrics"][name]["value"]


def test_models_are_ordered_rightly(result):
    for name in ("fd-passt", "fd-panns", "kl-panns", "kl-passt"):
        assert value(result, "reference", name) == pytest.approx(0.0, abs=1e-9)
        assert value(result, "near", name) < value(result, "noisy", name)
    for name in ("kl-panns", "kl-passt"):
        assert value(result, "near", name) < value(result, "shuffled", name)
    for name in ("fd-passt", "fd-panns"):  # the same sounds under other names are the same set
        assert value(result, "shuffled", name) == pytest.approx(0.0, abs=1e-6)
        floor = result["noise_floor"][name]
        assert floor["clips"] == CLIPS // 2
        assert floor["value"] > 0
    assert result["models"]["near"]["metrics"]["kl-panns"]["clips"] == CLIPS
    assert result["per_clip"]["kl-panns"]["clips"] == [f"clip{clip:02d}" for clip in range(CLIPS)]
    mean = np.mean(result["per_clip"]["kl-panns"]["noisy"])
    assert value(result, "noisy", "kl-panns") == pytest.approx(mean)


def test_intervals_hold_the_values_and_differences_are_paired(result):
    for name in QUICK[:4]:
        figure = result["models"]["noisy"]["metrics"][name]
        low, high = figure["interval"]
        assert low <= figure["value"] <= high
        row = next(
            r for r in result["differences"] if (r["first"], r["second"]) == ("near", "noisy")
        )
        difference = value(result, "near", name) - value(result, "noisy", name)
        assert row["metrics"][name]["value"] == pytest.approx(difference)
    assert "jackknife" in result["conventions"]["fd-passt"]["interval"]
    assert "bootstrap" in result["conventions"]["kl-passt"]["interval"]


def test_table_says_what_a_reader_must_know(result):
    table = folder_markdown(result)
    assert "FD PaSST ↓" in table
    assert "10 rows for 16 columns" in table
    assert "halves of the reference" in table
    assert "pavas-sdk/passt" in table


def test_batches_change_nothing(world, result, tmp_path):
    again = evaluated(world, "noisy", batch_size=3, cache=tmp_path)
    for name in QUICK:
        assert value(again, "noisy", name) == pytest.approx(value(result, "noisy", name), rel=1e-5)


def test_what_is_kept_is_not_heard_again(world, result):
    heard = []
    again = evaluated(
        world, "near", "noisy", "shuffled", progress=lambda done, total: heard.append(total)
    )
    assert json.dumps(again) == json.dumps(result)
    assert set(heard) == {CLIPS}  # the clips themselves; the networks heard nothing


def test_an_interrupt_loses_one_batch(world, tmp_path):
    def stop(done, total):
        if total > CLIPS and done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluated(world, "noisy", metrics=["kl-panns"], cache=tmp_path, batch_size=2, progress=stop)
    told = []
    evaluated(
        world,
        "noisy",
        metrics=["kl-panns"],
        cache=tmp_path,
        batch_size=2,
        progress=lambda done, total: told.append(total),
    )
    assert told[-1] == 2 * CLIPS - 8


def test_changed_sounds_and_weights_are_heard_again(world, result, tmp_path, monkeypatch):
    folder = tmp_path / "noisy"
    for clip in range(CLIPS):
        write(folder, clip, sound(clip, noise=0.1, seed=1 if clip else 2))
    changed = evaluate_folder({"noisy": folder}, world / "truth", metrics=["kl-panns"])
    before = result["per_clip"]["kl-panns"]["noisy"]
    after = changed["per_clip"]["kl-panns"]["noisy"]
    assert before[1:] == after[1:]
    assert before[0] != after[0]
    features = world / "cache" / "metric_features"
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    prepare_tiny(tmp_path / "official", "panns-cnn14-16k", seed=1)
    other = evaluated(world, "noisy", metrics=["kl-panns"], cache=features)
    assert value(other, "noisy", "kl-panns") != value(result, "noisy", "kl-panns")


@pytest.mark.parametrize(
    ("model", "failure"),
    [
        ("noisy", "missing"),
        ("noisy", "unreadable"),
        ("noisy", "short"),
        ("noisy", "silent"),
        ("near", "silent"),
        ("shuffled", "missing"),
    ],
)
def test_a_model_never_gains_by_failing(world, result, tmp_path, failure, model):
    """Whichever clips fail: also when they are those with the worst values."""
    worst = np.argsort(result["per_clip"]["kl-panns"][model])[-3:]
    folder = tmp_path / model
    folder.mkdir()
    for path in (world / model).iterdir():
        clip = int(path.stem.removeprefix("clip"))
        (folder / path.name).write_bytes(path.read_bytes())
        if clip in worst:
            if failure == "missing":
                (folder / path.name).unlink()
            elif failure == "unreadable":
                (folder / path.name).write_bytes(b"RIFF not a sound")
            else:
                samples = sound(clip)
                write(folder, clip, samples[:20000] if failure == "short" else 0 * samples)
    failed = evaluate_folder(
        {model: folder}, world / "truth", metrics=QUICK, allow_missing=failure == "missing"
    )
    for name in QUICK:
        was, now = value(result, model, name), value(failed, model, name)
        assert now <= was + 1e-9 if name == "is" else now >= was - 1e-9, name
        figure = failed["models"][model]["metrics"][name]
        assert (figure["clips"], figure["heard"]) == (CLIPS, CLIPS - 3)
    assert failed["models"][model]["metrics"]["kl-panns"]["value_of_heard"] < value(
        failed, model, "kl-panns"
    )
    assert "without the failed clips" in folder_markdown(failed)


def test_a_model_that_fails_everywhere_has_the_worst_values(world, tmp_path):
    write(tmp_path, 0, 0 * sound(0))
    failed = evaluate_folder({"none": tmp_path}, world / "truth", metrics=QUICK, allow_missing=True)
    assert value(failed, "none", "is") == 1.0
    assert value(failed, "none", "kl-panns") > 10
    assert value(failed, "none", "fd-panns") > 0
    assert failed["models"]["none"]["metrics"]["fd-panns"]["value_of_heard"] is None


def test_few_clips(world, tmp_path):
    for clip in range(3):
        write(tmp_path / "truth", clip, sound(clip))
        write(tmp_path / "model", clip, sound(clip, noise=0.1))
    found = evaluate_folder({"model": tmp_path / "model"}, tmp_path / "truth", length_s=None)
    assert found["not_run"]["is"] == "it needs 10 clips or more, there are 3"
    assert value(found, "model", "fd-vgg") > 0
    assert found["conventions"]["fd-vgg"]["rows"] == 3 * 5
    assert "no folder of videos" in found["not_run"]["desync"]
    assert "no captions" in found["not_run"]["clap"]
    with pytest.raises(ConfigurationError, match="is cannot run: it needs 10 clips"):
        evaluate_folder({"model": tmp_path / "model"}, tmp_path / "truth", metrics=["is"])


def test_sound_and_picture(world, tmp_path):
    """DeSync: the worst for failed clips, clips without a video are left out for all."""
    frames = np.random.default_rng(0).integers(0, 255, (50, 24, 32, 3), dtype=np.uint8)
    from pavas_sdk.data import Video

    videos = tmp_path / "videos"
    videos.mkdir()
    for clip in range(3):
        write(tmp_path / "truth", clip, sound(clip))
        write(tmp_path / "model", clip, sound(clip if clip else 5) * (clip != 1))
        if clip < 2:
            video = Video(frames=np.roll(frames, clip, 0), times_s=np.arange(50) / 10, end_s=5.0)
            write_video(videos / f"clip{clip:02d}.mp4", video)
    folders = {"model": tmp_path / "model"}, tmp_path / "truth"
    with pytest.raises(ConfigurationError, match="desync cannot run: no folder of videos"):
        evaluate_folder(*folders, metrics=["desync"])
    found = evaluate_folder(*folders, videos=videos, metrics=["desync"])
    assert found["left_out"] == {"desync": {"clip02": "no video"}}
    per_clip = found["per_clip"]["desync"]
    assert per_clip["clips"] == ["clip00", "clip01"]
    assert per_clip["model"][1] == 2.0
    assert found["models"]["model"]["metrics"]["desync"]["heard"] == 1
    short = evaluate_folder(*folders, videos=videos, length_s=3.0)
    assert "4.80 s or more" in short["not_run"]["desync"]


def test_missing_weights_are_named_with_what_to_type(world, tmp_path, monkeypatch):
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path))
    found = evaluated(world, "near", metrics=None)
    reason = found["not_run"]["fd-passt"]
    assert "passt-s-f128-p16-s10-ap.476-swa.pt is missing (0.35 GB, Apache-2.0" in reason
    assert "pavas models download passt-s --from DIR" in reason
    assert "onset_f1" in found["models"]["near"]["metrics"]
    assert reason in folder_markdown(found)
    with pytest.raises(ConfigurationError, match="fd-passt cannot run: passt-s-f128"):
        evaluated(world, "near", metrics=["fd-passt"])


def test_captions_and_videos_must_name_clips(world, tmp_path):
    path = tmp_path / "captions.csv"
    for text, error, message in (
        ("name,text\nclip00,a ball\n", FormatError, "columns name and caption"),
        ("name,caption\nother,a ball\n", InputError, "names none of the clips"),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message):
            evaluated(world, "near", metrics=["clap"], captions=path)
    with pytest.raises(InputError, match="no video with the name"):
        evaluated(world, "near", metrics=["desync"], videos=tmp_path)


def test_frechet_of_the_kept_features_is_that_of_arrays(world, result):
    from pavas_sdk.evaluation.extraction import Extraction, MediaItem, digest_of_file
    from pavas_sdk.registry import default_registry

    extraction = Extraction(
        name="pavas-sdk/passt",
        extractor=default_registry().create("metric_extractor", "pavas-sdk/passt"),
        folder=world / "cache" / "metric_features",
    )
    sets = []
    for folder in ("noisy", "truth"):
        paths = sorted((world / folder).iterdir())
        items = [MediaItem(source=p, digest=digest_of_file(p), length_s=8.0) for p in paths]
        assert extraction.missing(items) == []
        sets.append(np.stack(extraction.features(items, "features")))
    assert frechet_distance(*sets) == pytest.approx(value(result, "noisy", "fd-passt"))
