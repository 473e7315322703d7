"""LoRAs: fresh, trained, saved, loaded, weighed, fused; and what is refused."""

import json
import shutil
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from pavas_sdk.errors import ConfigurationError, PavasWarning, WeightsError
from pavas_sdk.models.lora import LORA_FILE, add_lora, lora_names, lora_state
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

pytest.importorskip("peft")
EVERY_MAP = r".*(linear1|w[123]|qkv|adaLN_modulation\.1|clip_input_proj\.0|audio_input_proj\.0)"


@pytest.fixture
def pipe():
    return tiny_pipeline()


CLIP = moving_discs(1, frames=10).video


def sound(pipe):
    seeded = torch.Generator().manual_seed(0)
    return pipe(CLIP, physics="none", generator=seeded, output_type="latent", num_inference_steps=1)


def latents(pipe):
    return sound(pipe).audio


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


def train_a_little(network, seed=0):
    """As if trained: the half that starts at zero gets values."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.3, generator=generator)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A LoRA with alpha = 4 x rank on disk, the latents without and with it."""
    pipe, folder = tiny_pipeline(), tmp_path_factory.mktemp("lora")
    plain = latents(pipe)
    add_lora(pipe.transformer, rank=2, alpha=8, targets=EVERY_MAP, name="metal")
    assert torch.equal(latents(pipe), plain)
    train_a_little(pipe.transformer)
    changed = latents(pipe)
    assert not torch.allclose(changed, plain)
    pipe.save_lora(folder, "metal")
    return folder, plain, changed


def test_only_the_lora_is_trained(pipe):
    parameters = add_lora(pipe.transformer, rank=2)
    assert parameters
    assert all(p.requires_grad for p in parameters)
    names = {name for name, p in pipe.transformer.named_parameters() if p.requires_grad}
    assert names == {name for name, _ in pipe.transformer.named_parameters() if "lora_" in name}
    assert all("qkv" in name or "adaLN" in name for name in names)


def test_seed_decides(pipe):
    states = []
    for seed in (1, 1, 2):
        pipe = tiny_pipeline()
        add_lora(pipe.transformer, rank=2, seed=seed)
        states.append(lora_state(pipe.transformer, "default")[0])
    same = [all(torch.equal(states[0][k], other[k]) for k in states[0]) for other in states[1:]]
    assert same == [True, False]


def test_loaded_is_the_saved_to_the_bit(trained):
    folder, plain, changed = trained
    fresh = tiny_pipeline()
    fresh.load_lora_weights(folder, adapter_name="metal")
    assert torch.equal(latents(fresh), changed)
    assert fresh.get_list_adapters() == {"transformer": ["metal"]}
    assert fresh.get_active_adapters() == ["metal"]
    fresh.disable_lora()
    assert torch.equal(latents(fresh), plain)
    fresh.enable_lora()
    fresh.set_adapters(["metal"], [0.5])
    half = latents(fresh)
    assert not torch.equal(half, changed)
    assert not torch.equal(half, plain)
    fresh.unload_lora_weights()
    assert torch.equal(latents(fresh), plain)
    assert lora_names(fresh.transformer) == ()


def test_fused_is_the_unfused_to_rounding(trained):
    folder, plain, changed = trained
    fresh = tiny_pipeline()
    fresh.load_lora_weights(folder, adapter_name="metal")
    fresh.fuse_lora()
    assert relative(latents(fresh), changed) < 1e-5
    fresh.unfuse_lora()
    fresh.disable_lora()
    assert relative(latents(fresh), plain) < 1e-5


def test_two_halves_are_one(trained):
    folder, _, changed = trained
    fresh = tiny_pipeline()
    fresh.load_lora_weights(folder, adapter_name="one")
    fresh.load_lora_weights(folder, adapter_name="two")
    fresh.set_adapters(["one", "two"], [0.5, 0.5])
    assert relative(latents(fresh), changed) < 1e-5


def test_provenance_names_it(trained):
    folder, _, _ = trained
    fresh = tiny_pipeline()
    assert "lora" not in sound(fresh).provenance
    fresh.load_lora_weights(folder, adapter_name="metal")
    fresh.set_adapters(["metal"], [0.7])
    (told,) = sound(fresh).provenance["lora"]
    assert told["name"] == "metal"
    assert told["weight"] == pytest.approx(0.7)
    assert told["source"] == folder.name  # no path of this machine
    assert len(told["sha256"]) == 64
    assert str(folder) not in json.dumps(sound(fresh).provenance)


def test_provenance_names_the_revision_of_a_repository(trained, tmp_path, monkeypatch):
    snapshot = tmp_path / "snapshots" / ("ab" * 20)
    shutil.copytree(trained[0], snapshot / "metals")
    monkeypatch.setattr("pavas_sdk.pipelines.lora.local_folder_of", lambda *_, **__: snapshot)
    fresh = tiny_pipeline()
    fresh.load_lora_weights("you/metal", weight_name=f"metals/{LORA_FILE}")
    (told,) = fresh.active_loras()
    assert (told["source"], told["revision"]) == ("you/metal", "ab" * 20)


def test_saving_with_a_lora_attached_is_refused(trained, pipe, tmp_path):
    pipe.load_lora_weights(trained[0], adapter_name="metal")
    with pytest.raises(ConfigurationError, match="metal is attached"):
        pipe.save_pretrained(tmp_path / "pipeline")
    assert not (tmp_path / "pipeline").exists()
    with pytest.raises(ConfigurationError, match="unload_lora_weights"):
        pipe.transformer.save_pretrained(tmp_path / "transformer")
    pipe.fuse_lora()
    pipe.unload_lora_weights()
    pipe.save_pretrained(tmp_path / "pipeline")


def test_without_alpha_in_the_file_it_is_said(trained, tmp_path):
    folder, _, changed = trained
    save_file(load_file(folder / LORA_FILE), tmp_path / "bare.safetensors")
    fresh = tiny_pipeline()
    with pytest.warns(PavasWarning, match="does not say its alpha"):
        fresh.load_lora_weights(tmp_path / "bare.safetensors")
    assert not torch.allclose(latents(fresh), changed)


def test_saving_without_configuration_is_refused(pipe, tmp_path):
    add_lora(pipe.transformer, rank=2)
    layers, _ = lora_state(pipe.transformer, "default")
    with pytest.raises(ConfigurationError, match="says alpha"):
        pipe.save_lora_weights(tmp_path, layers, transformer_lora_adapter_metadata={})


def test_bad_files_are_refused(trained, tmp_path):
    folder, plain, _ = trained
    fresh = tiny_pipeline()
    state = load_file(folder / LORA_FILE)
    cases = {
        "names that end in": {"transformer.fused_blocks.0.weight": torch.ones(2)},
        "no such map": {"transformer.nowhere.lora_A.weight": torch.ones(2, 32)},
        "another backbone": {name: torch.ones(2, 7, *v.shape[2:]) for name, v in state.items()},
    }
    for message, tensors in cases.items():
        path = tmp_path / "odd.safetensors"
        save_file(tensors, path)
        with pytest.raises(WeightsError, match=message):
            fresh.load_lora_weights(path)
    (tmp_path / "w.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(WeightsError, match="may run code"):
        fresh.load_lora_weights(tmp_path / "w.bin")
    (tmp_path / "cut.safetensors").write_bytes((folder / LORA_FILE).read_bytes()[:500])
    with pytest.raises(WeightsError, match="damaged"):
        fresh.load_lora_weights(tmp_path / "cut.safetensors")
    with pytest.raises(WeightsError, match="weight_name"):
        fresh.load_lora_weights(tmp_path)
    with pytest.raises(WeightsError, match="no folder"):
        fresh.load_lora_weights(tmp_path / "absent" / "deep")
    fresh.load_lora_weights(folder, adapter_name="metal")
    with pytest.raises(ConfigurationError, match="there already"):
        fresh.load_lora_weights(folder, adapter_name="metal")
    with pytest.raises(ConfigurationError, match="cannot attach"):
        add_lora(tiny_pipeline().transformer, targets="nothing_like_it")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fresh.unload_lora_weights()
    assert torch.equal(latents(fresh), plain)
