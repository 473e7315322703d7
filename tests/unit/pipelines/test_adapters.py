"""Published adapters: written, checked, loaded, weighed, taken off."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pavas_sdk.data.adapter_document import AdapterDocument, read_figures
from pavas_sdk.errors import (
    ConfigurationError,
    FormatError,
    LicenceError,
    MissingPluginError,
    WeightsError,
)
from pavas_sdk.interfaces.adapter_card import adapter_card
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

CLIP = moving_discs(1, frames=10)


def latents(pipe, physics=None):
    return pipe(
        CLIP.video,
        physics=physics if physics is not None else CLIP.physics,
        masks=None if physics == "none" else CLIP.masks,
        generator=torch.Generator().manual_seed(0),
        output_type="latent",
        num_inference_steps=1,
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The folder of an adapter, the pipeline that it comes from, and the latents with it."""
    folder, pipe = tmp_path_factory.mktemp("adapter"), tiny_pipeline()
    pipe.conditioning_adapter.document = pipe.describe_adapter(
        training={"data": "discs", "steps": 10}, licences={"weights": "MIT"}
    )
    pipe.conditioning_adapter.save_pretrained(folder)
    return folder, pipe, latents(pipe).audio


def without_adapter():
    pipe = tiny_pipeline()
    pipe.register_modules(conditioning_adapter=None)
    return pipe


@pytest.fixture
def bare():
    return without_adapter()


def test_folder_says_what_it_needs(published):
    folder, pipe, _ = published
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "README.md",
        "config.json",
        "diffusion_pytorch_model.safetensors",
        "pavas_adapter.json",
    ]
    document = AdapterDocument.read(folder)
    assert document == pipe.conditioning_adapter.document
    assert document.component.qualified_name == "pavas-phy-adapter/phy-adapter"
    assert document.backbone.name == "untrained"
    assert document.backbone.latent_dim == 8
    assert document.licences == {"backbone": "Apache-2.0", "weights": "MIT"}
    assert type(pipe.conditioning_adapter).from_pretrained(folder).document == document


def test_loaded_scaled_and_unloaded(published, bare):
    folder, _, with_adapter = published
    without = latents(bare, "none").audio
    bare.load_adapter(folder)
    output = latents(bare)
    assert torch.equal(output.audio, with_adapter)
    assert output.provenance["adapter"]["scale"] == 1.0
    assert len(output.provenance["adapter"]["sha256"]) == 64
    bare.set_adapter_scale(0.5)
    half = latents(bare).audio
    assert not torch.equal(half, with_adapter)
    assert not torch.equal(half, without)
    bare.set_adapter_scale(0)
    assert torch.equal(latents(bare).audio, without)
    bare.unload_adapter()
    assert bare.conditioning_adapter is None
    assert torch.equal(latents(bare, "none").audio, without)
    with pytest.raises(ConfigurationError, match="0 or more"):
        bare.set_adapter_scale(-1)


def test_own_adapter_comes_back(published):
    folder, _, _ = published
    pipe = tiny_pipeline(seed=3)
    own, before = pipe.conditioning_adapter, latents(pipe)
    assert "adapter" not in before.provenance
    pipe.load_adapter(folder, scale=0.7, any_backbone=True)
    pipe.load_adapter(folder)  # a second one takes the place of the first
    assert pipe.conditioning_adapter is not own
    assert pipe.adapter_scale == 1.0
    pipe.unload_adapter()
    pipe.unload_adapter()
    assert pipe.conditioning_adapter is own
    assert torch.equal(latents(pipe).audio, before.audio)


def changed(folder, tmp_path, **changes):
    """A copy of the folder whose document says something else."""
    copy = tmp_path / "changed"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    replace(AdapterDocument.read(folder), **changes).write(copy)
    return copy


def test_all_problems_are_told_at_once(published, bare, tmp_path):
    folder, _, _ = published
    document = AdapterDocument.read(folder)
    bad = changed(
        folder,
        tmp_path,
        component=replace(document.component, name="other", distribution="acme", version="1.2.0"),
        backbone=replace(document.backbone, name="large", hidden_dim=64, visual_sha256="0" * 64),
        backbone_changed="full",
        pipeline="you/whole",
        licences={"weights": "CC-BY-NC-4.0"},
    )
    (bad / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(MissingPluginError) as caught:
        bare.load_adapter(bad, commercial_use=True)
    for part in (
        'pip install "acme>=1.2,<2"',
        "backbone: the adapter was trained with large, here it is untrained",
        "width of the backbone",
        "configuration of the visual encoder",
        'from_pretrained("you/whole")',
        "CC-BY-NC-4.0",
        "no weights as safetensors",
    ):
        assert part in str(caught.value)
    assert bare.conditioning_adapter is None


def test_licence_alone_and_backbone_alone(published, bare, tmp_path):
    folder, _, _ = published
    document = AdapterDocument.read(folder)
    relative = changed(
        folder,
        tmp_path,
        backbone=replace(document.backbone, name="its-parent"),
        licences={"weights": "CC-BY-NC-4.0"},
    )
    with pytest.raises(ConfigurationError, match="its-parent"):
        bare.load_adapter(relative)
    bare.load_adapter(relative, any_backbone=True)
    with pytest.raises(LicenceError, match="CC-BY-NC"):
        bare.load_adapter(relative, any_backbone=True, commercial_use=True)


def test_damaged_folders(published, bare, tmp_path):
    folder, _, _ = published
    with pytest.raises(FormatError, match=r"no pavas_adapter\.json"):
        bare.load_adapter(tmp_path)
    with pytest.raises(WeightsError, match="no folder"):
        bare.load_adapter(tmp_path / "a" / "b")
    bad = changed(folder, tmp_path)
    config = json.loads((bad / "config.json").read_text())
    (bad / "config.json").write_text(json.dumps({**config, "hidden_dim": 24}))
    with pytest.raises(WeightsError):
        bare.load_adapter(bad)
    document = json.loads((bad / "pavas_adapter.json").read_text())
    (bad / "pavas_adapter.json").write_text(json.dumps({**document, "format_version": 99}))
    with pytest.raises(FormatError, match="format_version 99"):
        bare.load_adapter(bad)
    assert bare.conditioning_adapter is None


def test_adapter_with_its_lora(published, tmp_path):
    pytest.importorskip("peft")
    from pavas_sdk.models.lora import add_lora, lora_names

    folder, _, with_adapter = published
    both = changed(folder, tmp_path, backbone_changed="lora")
    bare = without_adapter()
    with pytest.raises(ConfigurationError, match="transformer_lora"):
        bare.load_adapter(both)
    other = without_adapter()
    add_lora(other.transformer, rank=2)
    for name, parameter in other.transformer.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    other.save_lora(both / "transformer_lora", "default")
    bare.load_adapter(both)
    assert not torch.equal(latents(bare).audio, with_adapter)
    bare.unload_adapter()
    assert lora_names(bare.transformer) == ()


# -- figures and card ----------------------------------------------------------------------------

MEASURED = {
    "apcc": 0.91,
    "level_error_db": None,
    "intervals": {"apcc": [0.88, 0.93], "level_error_db": None},
    "clips": 20,
    "seed": 7,
    "model": "runs/two",
}


def test_figures_come_from_evaluate(tmp_path):
    path = tmp_path / "eval.json"
    path.write_text(json.dumps(MEASURED))
    assert read_figures(path) == {
        "file": "eval.json",
        "metrics": {"apcc": 0.91},
        "intervals": {"apcc": [0.88, 0.93]},
        "settings": {"clips": 20, "seed": 7, "model": "runs/two"},
    }
    nested = {"scores": {"impacts": {"f1": 0.5}}, "intervals": {"impacts": {"f1": [0.4, 0.6]}}}
    path.write_text(json.dumps(nested))
    assert read_figures(path)["metrics"] == {"impacts.f1": 0.5}
    path.write_text(json.dumps(MEASURED | {"model": "/home/me/runs/two", "adapter": str(tmp_path)}))
    settings = read_figures(path)["settings"]
    assert (settings["model"], settings["adapter"]) == ("two", tmp_path.name)
    for wrong in ({"apcc": 1.0}, {"intervals": {"apcc": None}, "apcc": None}, []):
        path.write_text(json.dumps(wrong))
        with pytest.raises(FormatError):
            read_figures(path)


def test_card_is_made_from_the_document(published, tmp_path):
    from huggingface_hub import ModelCard

    folder, _, _ = published
    path = tmp_path / "eval.json"
    path.write_text(json.dumps(MEASURED))
    document = replace(AdapterDocument.read(folder), figures=(read_figures(path),))
    text = adapter_card(document, "you/hammer-physics")
    data = ModelCard(text).data.to_dict()
    assert data["base_model"] == "untrained"
    assert data["base_model_relation"] == "adapter"
    assert data["pipeline_tag"] == "video-to-audio"
    assert "pavas-adapter" in data["tags"]
    assert data["license"] == "mit"
    assert data["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.91
    for part in (
        'pipe.load_adapter("you/hammer-physics")',
        "pip install pavas-phy-adapter",
        "| apcc | 0.91 | 0.88 to 0.93 |",
        "model runs/two",
        "| steps | 10 |",
        "The backbone is unchanged",
    ):
        assert part in text
    assert "None were measured" in (folder / "README.md").read_text()


def test_publishing_needs_a_document_and_a_name(published):
    folder, _, _ = published
    adapter = tiny_pipeline().conditioning_adapter
    with pytest.raises(ConfigurationError, match="describe_adapter"):
        adapter.push_to_hub("you/hammer")
    adapter = type(adapter).from_pretrained(folder)
    with pytest.raises(ConfigurationError, match="owner/name"):
        adapter.push_to_hub("hammer")
    with pytest.raises(ConfigurationError, match="push_to_hub"):
        adapter.save_pretrained(folder, push_to_hub=True)


def test_nothing_is_written_without_a_document(tmp_path):
    tiny_pipeline().conditioning_adapter.save_pretrained(tmp_path)
    assert not (tmp_path / "pavas_adapter.json").exists()
    assert np.isfinite(sum(path.stat().st_size for path in tmp_path.iterdir()))
