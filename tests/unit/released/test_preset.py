"""Official files in, a pipeline out: once, whole, strict, and nothing half-written."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
import torch
from released_world import COMPONENTS, PRESET, RELEASE, official_state, write_official

from pavas_sdk import PavasPipeline
from pavas_sdk.errors import ConfigurationError, OutputError, OutputExistsError, WeightsError
from pavas_sdk.released import conversion, preset
from pavas_sdk.released.component_record import WEIGHTS_NAME, ComponentRecord
from pavas_sdk.testing import moving_discs

TRANSFORMER = COMPONENTS[0]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    return write_official(tmp_path_factory.mktemp("official"))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("PAVAS_CACHE", str(folder))
    return folder


@pytest.fixture
def copy(tmp_path, official):
    """A copy of the official files that a test may spoil."""
    return write_official(tmp_path / "mine")


def sound(pipe):
    pipe.set_progress_bar_config(disable=True)
    video = moving_discs(1, frames=25).video
    return pipe(video, prompt="ball", generator=torch.Generator().manual_seed(0)).audio.samples


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(".part")]


def test_official_files_become_a_pipeline_with_exactly_their_numbers(official, cache):
    folder = PRESET.prepare(official)
    assert folder == cache / "pipelines" / "tiny-released"
    pipe = PavasPipeline.from_pretrained(folder)
    for part in COMPONENTS:
        want = official_state(part)
        want.pop("t_embed.freqs", None)
        have = getattr(pipe, part.slot).state_dict()
        assert set(have) == set(want)
        assert all(torch.equal(have[name], want[name]) for name in want), part.slot
    assert np.isfinite(sound(pipe)).all()
    assert pipe.config.licence == RELEASE.licence
    licences = {ref.kind: ref.licence for ref in pipe.licences()}
    assert licences["transformer"] == "CC-BY-NC-4.0"
    assert licences["vocoder"] == "MIT"
    assert not leftovers(cache)


def test_what_was_converted_saves_to_the_same_folder(official, cache, tmp_path):
    folder = PRESET.prepare(official)
    pipe = PavasPipeline.from_pretrained(folder)
    pipe.save_pretrained(tmp_path / "saved")
    first, second = (
        json.loads((place / "model_index.json").read_text())
        for place in (folder, tmp_path / "saved")
    )
    assert first == {key: value for key, value in second.items() if key != "_name_or_path"}
    again = PavasPipeline.from_pretrained(tmp_path / "saved")
    assert np.array_equal(sound(pipe), sound(again))


def test_where_it_came_from_is_recorded(official, cache):
    about = json.loads((PRESET.prepare(official) / "pavas.json").read_text())
    source = about["sources"]["transformer"]["official"]
    path = official / TRANSFORMER.file.path
    assert source["sha256"] == conversion.sha256_of(path)
    assert (source["repository"], source["path"]) == ("someone/official", "weights/tiny_flow.pth")
    weights = about["sources"]["transformer"]["weights"]
    written = cache / "components" / "tiny-transformer" / WEIGHTS_NAME
    assert weights["sha256"] == conversion.sha256_of(written)


def test_converting_happens_once_and_components_are_shared_on_disk(official, cache, monkeypatch):
    folder = PRESET.prepare(official)
    shared = cache / "components" / "tiny-vae" / WEIGHTS_NAME
    assert (folder / "vae" / WEIGHTS_NAME).stat().st_ino == shared.stat().st_ino

    def fail(*_args, **_options):
        raise AssertionError("converted again")

    monkeypatch.setattr(conversion, "convert_component", fail)
    assert PRESET.prepare(official) == folder
    assert PRESET() == folder
    assert PRESET(local_files_only=True) == folder


def test_nothing_is_there_before(cache):
    assert PRESET(local_files_only=True) is None
    assert not cache.exists()


def test_files_that_changed_replace_what_was_cached(official, cache, copy):
    folder = PRESET.prepare(official)
    state = {name: tensor * 2 for name, tensor in official_state(COMPONENTS[1]).items()}
    torch.save(state, copy / COMPONENTS[1].file.path)
    PRESET.prepare(copy)
    pipe = PavasPipeline.from_pretrained(folder)
    assert torch.equal(pipe.vae.data_std, state["data_std"])
    assert not leftovers(cache)


def test_all_missing_files_are_named_with_their_repositories(cache, copy):
    for part in COMPONENTS[:2]:
        (copy / part.file.path).unlink()
    with pytest.raises(WeightsError) as info:
        PRESET.prepare(copy)
    text = str(info.value)
    assert "lacks 2 of the 5 files" in text
    assert "weights/tiny_flow.pth   0.00 GB   from https://huggingface.co/someone/official" in text
    assert "ext_weights/v1-tiny.pth" in text
    assert f"pavas models download tiny-released --from {copy}" in text


def test_files_may_lie_flat_or_deeper(tmp_path, official, cache):
    flat = tmp_path / "flat"
    for part in COMPONENTS:
        target = flat / ("deep" if part.slot == "clip" else ".") / part.file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((official / part.file.path).read_bytes())
    assert PRESET.prepare(flat).is_dir()


# -- wrong files -----------------------------------------------------------------------------------


def test_every_difference_is_listed_at_once(cache, copy):
    state = official_state(TRANSFORMER)
    del state["latent_mean"]
    del state["sync_pos_emb"]
    state["extra"] = torch.zeros(2)
    state["empty_clip_feat"] = torch.zeros(1, 3)
    path = copy / TRANSFORMER.file.path
    torch.save(state, path)
    with pytest.raises(WeightsError) as info:
        PRESET.prepare(copy)
    text = str(info.value)
    assert f"{path} does not hold the weights of tiny-transformer (4 differences)" in text
    assert "missing: latent_mean [1, 1, 8]" in text
    assert "missing: sync_pos_emb [1, 1, 8, 16]" in text
    assert "unexpected: extra [2]" in text
    assert "shape: empty_clip_feat is [1, 3], expected [1, 16]" in text
    assert "get weights/tiny_flow.pth again" in text
    assert not (cache / "components" / "tiny-transformer").exists()
    assert not leftovers(cache)


def test_a_file_of_another_component_is_recognised(cache, copy):
    torch.save(official_state(COMPONENTS[1]), copy / TRANSFORMER.file.path)
    known = preset.ReleasedPreset(RELEASE, known=(RELEASE,))
    with pytest.raises(WeightsError, match="it holds the weights of tiny-vae; use it for that"):
        known.prepare(copy)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(cache, copy, bad):
    state = official_state(TRANSFORMER)
    state["latent_std"][0, 0, 3] = bad
    state["audio_input_proj.0.bias"][0] = bad
    torch.save(state, copy / TRANSFORMER.file.path)
    with pytest.raises(WeightsError) as info:
        PRESET.prepare(copy)
    assert "2 tensors hold NaN or infinite numbers" in str(info.value)
    assert "audio_input_proj.0.bias" in str(info.value)
    assert "latent_std" in str(info.value)
    assert not (cache / "components" / "tiny-transformer").exists()


def test_a_full_disk_leaves_nothing(official, cache, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(conversion, "write_tensors", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        PRESET.prepare(official)
    assert not leftovers(cache)
    monkeypatch.undo()
    monkeypatch.setenv("PAVAS_CACHE", str(cache))
    assert PRESET.prepare(official).is_dir()


def test_a_disk_that_is_too_small_is_noticed_before_writing(official, cache, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(conversion.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"GB are needed and 0.00 GB are free.*PAVAS_CACHE"):
        PRESET.prepare(official)
    assert not leftovers(cache)


def test_a_cache_that_cannot_be_written_is_named(official, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="set PAVAS_CACHE"):
        PRESET.prepare(official)


def test_rubbish_of_a_killed_process_is_cleared_and_never_loads(official, cache):
    rubbish = cache / "components" / ".tiny-transformer.0badcafe.part"
    rubbish.mkdir(parents=True)
    (rubbish / "config.json").write_text("{")
    folder = PRESET.prepare(official)
    assert not rubbish.exists()
    assert PavasPipeline.from_pretrained(folder).transformer is not None


def test_a_component_that_was_cut_short_is_converted_again(official, cache):
    PRESET.prepare(official)
    weights = cache / "components" / "tiny-clip" / WEIGHTS_NAME
    weights.unlink()
    weights.write_bytes(b"short")
    assert ComponentRecord.of_whole(weights.parent, COMPONENTS[3].name) is None
    PRESET.prepare(official)
    assert ComponentRecord.of_whole(weights.parent, COMPONENTS[3].name) is not None


# -- folders of the user's -------------------------------------------------------------------------


def test_convert_writes_a_folder_in_another_dtype(official, cache, tmp_path):
    lines = []
    folder = PRESET.convert(tmp_path / "mine16", official, dtype="bfloat16", say=lines.append)
    assert not (cache / "components").exists()
    pipe = PavasPipeline.from_pretrained(folder, dtype=torch.bfloat16)
    assert pipe.transformer.dtype == torch.bfloat16
    want = official_state(TRANSFORMER)["latent_std"].bfloat16()
    assert torch.equal(pipe.transformer.latent_std, want)
    assert np.isfinite(sound(pipe)).all()
    assert any("converting tiny_flow.pth" in line for line in lines)
    card = (folder / "README.md").read_text()
    assert "CC-BY-NC-4.0" in card
    assert "someone/official" in card


def test_convert_takes_what_the_cache_has(official, cache, tmp_path):
    PRESET.prepare(official)
    folder = PRESET.convert(tmp_path / "copy")
    about, cached = (
        json.loads((place / "pavas.json").read_text()) for place in (folder, PRESET.folder)
    )
    assert about["sources"] == cached["sources"]


def test_convert_keeps_what_is_there(official, cache, tmp_path):
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("words")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        PRESET.convert(folder, official)
    assert (folder / "thesis.txt").exists()
    PRESET.convert(folder, official, overwrite=True)
    assert not (folder / "thesis.txt").exists()
    assert (folder / "model_index.json").exists()


def test_a_folder_that_mixes_variants_is_refused(official, cache, tmp_path):
    folder = PRESET.convert(tmp_path / "mixed", official)
    config = folder / "vae" / "config.json"
    from pavas_sdk.models import AutoencoderMel

    AutoencoderMel(
        mel_bins=128, latent_channels=12, base_width=16, sample_rate_hz=44100
    ).save_pretrained(config.parent)
    with pytest.raises(ConfigurationError) as info:
        PavasPipeline.from_pretrained(folder)
    text = str(info.value)
    assert "transformer.latent_dim is 8, vae.latent_channels is 12" in text
    assert "vae.mel_bins is 128, vocoder.mel_bins is 80" in text
    assert "vae.sample_rate_hz is 44100, the pipeline's sample_rate_hz is 16000" in text


def test_weights_of_another_variant_in_a_folder_are_refused(official, cache, tmp_path):
    folder = PRESET.convert(tmp_path / "mixed", official)
    weights = folder / "transformer" / WEIGHTS_NAME
    weights.unlink()
    weights.write_bytes((folder / "vae" / WEIGHTS_NAME).read_bytes())
    with pytest.raises(WeightsError) as info:
        PavasPipeline.from_pretrained(folder)
    text = str(info.value)
    assert "do not belong to its transformer" in text
    assert "transformer: missing: latent_mean" in text
    assert "transformer: unexpected: encoder.conv_in.weight" in text
