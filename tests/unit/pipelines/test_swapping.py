"""Parts of a pipeline swapped: adapters by name and folder, pipelines from pipelines, widths."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pavas_sdk import PavasPipeline
from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    PavasWarning,
    WeightsError,
)
from pavas_sdk.models import MMAudioTransformer, TinyVisualEncoder
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline, untrained_adapter

from .conftest import seeded


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    tiny_pipeline().save_pretrained(folder)
    return folder


@pytest.fixture
def made(clip, physics):
    def generate(pipe):
        pipe.set_progress_bar_config(disable=True)
        options = {"physics": physics, "masks": clip.masks, "generator": seeded()}
        return pipe(clip.video, num_inference_steps=1, **options)

    return generate


def test_the_name_of_the_saved_adapter_keeps_its_weights(saved, made):
    wanted = made(PavasPipeline.from_pretrained(saved))
    for name in ("phy-adapter", "pavas-phy-adapter/phy-adapter"):
        pipe = PavasPipeline.from_pretrained(saved, conditioning_adapter=name)
        np.testing.assert_array_equal(made(pipe).audio.samples, wanted.audio.samples)


def test_a_name_gives_a_new_adapter_where_there_was_none(tmp_path, made):
    tiny_pipeline(adapter=False).save_pretrained(tmp_path)
    bare = made(PavasPipeline.from_pretrained(tmp_path))
    with pytest.warns(PavasWarning, match="untrained"):
        pipe = PavasPipeline.from_pretrained(tmp_path, conditioning_adapter="phy-adapter")
    out = made(pipe)
    np.testing.assert_array_equal(out.audio.samples, bare.audio.samples)
    assert out.provenance["adapter"]["untrained"] is True


def test_folders_of_weights_and_published_folders_are_put_in(saved, tmp_path, made):
    other = tiny_pipeline(seed=5)
    base = tiny_pipeline()
    adapter = untrained_adapter(base.transformer, patch_dim=16)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter.add_(0.05)
    adapter.save_pretrained(tmp_path / "weights")
    pipe = PavasPipeline.from_pretrained(saved, conditioning_adapter=tmp_path / "weights")
    out = made(pipe)
    assert out.provenance["adapter"]["source"] == "weights"
    assert len(out.provenance["adapter"]["sha256"]) == 64
    by_object = PavasPipeline.from_pretrained(saved, conditioning_adapter=adapter.eval())
    np.testing.assert_array_equal(out.audio.samples, made(by_object).audio.samples)

    base.register_modules(conditioning_adapter=adapter)
    adapter.document = base.describe_adapter()
    adapter.save_pretrained(tmp_path / "published")
    again = PavasPipeline.from_pretrained(saved, conditioning_adapter=str(tmp_path / "published"))
    np.testing.assert_array_equal(out.audio.samples, made(again).audio.samples)
    assert again.adapter_provenance()["source"] == "published"
    assert other is not base


@pytest.mark.parametrize(
    ("adapter", "error", "said"),
    [
        ("phi-adapter", ComponentNotFoundError, "phy-adapter"),
        ("./nowhere/at/all", ComponentNotFoundError, "nowhere"),
    ],
)
def test_names_of_nothing_are_refused(saved, adapter, error, said):
    with pytest.raises(error, match=said):
        PavasPipeline.from_pretrained(saved, conditioning_adapter=adapter)


def test_a_folder_without_an_adapter_is_refused(saved, tmp_path):
    with pytest.raises(WeightsError, match="holds no adapter"):
        PavasPipeline.from_pretrained(saved, conditioning_adapter=tmp_path)


def test_networks_are_not_found_by_name(saved):
    with pytest.raises(ConfigurationError, match=r"transformer=CLASS\.from_pretrained"):
        PavasPipeline.from_pretrained(saved, transformer="somewhere/else")


def test_parts_of_another_width_are_refused_with_both_widths(saved):
    narrow = TinyVisualEncoder(image_size=32, widths=(8, 8, 16), patch_dim=24, pooled_dim=24)
    with pytest.raises(ConfigurationError, match=r"clip_dim is 16, clip\.pooled_dim is 24") as err:
        PavasPipeline.from_pretrained(saved, clip=narrow)
    assert "patch_dim is 16, clip.patch_dim is 24" in str(err.value)
    wide = MMAudioTransformer(
        **{
            **{k: v for k, v in tiny_pipeline().transformer.config.items() if k[0] != "_"},
            "hidden_dim": 64,
        }
    )
    with pytest.raises(ConfigurationError, match="of width 32, transformer has 64"):
        PavasPipeline.from_pretrained(saved, transformer=wide)


def test_from_pipe_shares_the_networks(saved, made):
    pipe = PavasPipeline.from_pretrained(saved)
    other = PavasPipeline.from_pipe(pipe, guidance_scale=1.0, conditioning_adapter=None)
    assert other.transformer is pipe.transformer
    assert (other.config.guidance_scale, pipe.config.guidance_scale) == (1.0, 2.0)
    assert other.conditioning_adapter is None
    assert pipe.conditioning_adapter is not None
    pipe.set_adapter_scale(0.5)
    same = PavasPipeline.from_pipe(pipe)
    assert same.adapter_scale == 0.5
    np.testing.assert_array_equal(made(same).audio.samples, made(pipe).audio.samples)
    assert same.name_or_path == pipe.name_or_path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"guidance": 1.0}, "does not know guidance; expected .*guidance_scale"),
        ({"transformer": "x"}, "takes a network"),
        ({"overlap_s": 9.0}, "overlap_s"),
    ],
)
def test_from_pipe_refuses_what_it_does_not_know(saved, changes, said):
    with pytest.raises(ConfigurationError, match=said):
        PavasPipeline.from_pipe(PavasPipeline.from_pretrained(saved), **changes)


def test_from_pipe_of_another_kind_says_what_to_type():
    with pytest.raises(ConfigurationError, match=r'from_pretrained\("pavas-tiny"\)'):
        PavasPipeline.from_pipe(object())
