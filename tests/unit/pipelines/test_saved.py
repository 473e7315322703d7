"""Saving and loading: the same sound, nothing foreign imported, everything missing said at once."""

from __future__ import annotations

import json
import os
import shutil
import sys

import numpy as np
import pytest
import torch

import pavas_sdk
from pavas_sdk import PavasPipeline, PhysicsEstimator
from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    FormatError,
    LicenceError,
    MissingPluginError,
    OutputError,
    WeightsError,
)
from pavas_sdk.interfaces.mass_estimator import from_function
from pavas_sdk.registry import ComponentSpec, Registry, default_registry, hookimpl
from pavas_sdk.testing import BrightDetector, moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

MISSING = """\
this pipeline needs 2 plugins that are not installed:
  reconstructor   acme-geo/points3d   (saved with acme-geo 0.3.0)
  segmenter       acme-seg/fastseg    (saved with acme-seg 1.2.1)
Install them:   pip install "acme-geo>=0.3,<0.4" "acme-seg>=1.2,<2"
Or replace them: PavasPipeline.from_pretrained(path, reconstructor=..., segmenter=...)
Or generate from a saved estimate: pipe(video, physics="physics.json")
   loaded with: PavasPipeline.from_pretrained(path, physics_estimator=None)"""


@pytest.fixture(scope="module")
def original():
    return tiny_pipeline(physics_estimator=PhysicsEstimator(on_error="partial"), output_gain_db=3.0)


@pytest.fixture(scope="module")
def saved(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    original.save_pretrained(folder)
    return folder


@pytest.fixture
def copied(saved, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(saved, folder)
    return folder


def edit(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def load(folder, **options):
    pipe = PavasPipeline.from_pretrained(folder, **options)
    pipe.set_progress_bar_config(disable=True)
    return pipe


# -- there and back ------------------------------------------------------------------------------


def test_a_loaded_pipeline_gives_the_same_sound_to_the_bit(original, saved, clip, physics):
    loaded = load(saved)
    for given, masks in ((physics, clip.masks), ("none", None)):
        first, second = (
            pipe(
                clip.video,
                physics=given,
                masks=masks,
                prompt="metal ball",
                generator=torch.Generator().manual_seed(0),
            ).audio.samples
            for pipe in (original, loaded)
        )
        assert np.array_equal(first, second)


def test_settings_and_slots_come_back(original, saved):
    loaded = load(saved)
    before, after = (
        {key: value for key, value in pipe.config.items() if not key.startswith("_")}
        for pipe in (original, loaded)
    )
    assert before == after
    assert loaded.name_or_path == str(saved)
    assert loaded.physics_estimator.config == original.physics_estimator.config
    assert loaded.physics_estimator.provenance == original.physics_estimator.provenance
    assert [ref.to_json() for ref in loaded.licences()] == [
        ref.to_json() for ref in original.licences()
    ]


def test_only_public_modules_are_recorded_and_weights_are_safetensors(saved):
    index = json.loads((saved / "model_index.json").read_text())
    assert index["_class_name"] == "PavasPipeline"
    for name, value in index.items():
        if isinstance(value, list) and len(value) == 2:
            module, class_name = value
            public = __import__(module, fromlist=[class_name])
            assert class_name in public.__all__, name
    kinds = {path.suffix for path in saved.rglob("*") if path.is_file()}
    assert kinds == {".json", ".safetensors", ".md"}


def test_a_pipeline_without_adapter_and_estimator_comes_back(tmp_path, clip):
    plain = tiny_pipeline(adapter=False)
    plain.save_pretrained(tmp_path)
    loaded = load(tmp_path)
    assert loaded.conditioning_adapter is None
    assert loaded.physics_estimator is None
    first, second = (
        pipe(clip.video, generator=torch.Generator().manual_seed(0)).audio.samples
        for pipe in (plain, loaded)
    )
    assert np.array_equal(first, second)


def test_saving_again_without_an_estimator_forgets_the_old_one(copied):
    pipe = load(copied, physics_estimator=None)
    pipe.save_pretrained(copied)
    assert load(copied).physics_estimator is None


def test_a_dtype_is_applied(saved):
    loaded = load(saved, dtype=torch.bfloat16)
    assert loaded.transformer.dtype == torch.bfloat16
    out = loaded(
        moving_discs(1, frames=10).video,
        physics="none",
        generator=torch.Generator().manual_seed(0),
    )
    assert np.isfinite(out.audio.samples).all()
    assert out.provenance["dtype"] == "bfloat16"


def test_components_and_slots_are_replaced(saved):
    transformer = tiny_pipeline(seed=5).transformer
    detector = BrightDetector()
    loaded = load(
        saved,
        transformer=transformer,
        moving_object_detector=detector,
        mass_estimator=lambda thing: 2.0,
    )
    assert loaded.transformer is transformer
    slots = loaded.physics_estimator.slots
    assert slots["moving_object_detector"] is detector
    assert loaded.physics_estimator.provenance["mass_estimator"].distribution == ""
    assert loaded.physics_estimator.config.on_error == "partial"  # the rest is as saved


def test_an_adapter_may_be_left_out(saved):
    assert load(saved, conditioning_adapter=None).conditioning_adapter is None


# -- what is missing -----------------------------------------------------------------------------


def lose_two(folder):
    def change(document):
        document["slots"]["reconstructor"].update(
            name="points3d", distribution="acme-geo", version="0.3.0"
        )
        document["slots"]["segmenter"].update(
            name="fastseg", distribution="acme-seg", version="1.2.1"
        )

    edit(folder / "physics_estimator" / "config.json", change)


def test_missing_plugins_are_named_at_once(copied):
    lose_two(copied)
    with pytest.raises(MissingPluginError) as caught:
        load(copied)
    assert str(caught.value) == MISSING


def test_nothing_is_loaded_before_the_check(copied):
    lose_two(copied)
    for weights in copied.rglob("*.safetensors"):
        weights.write_bytes(b"not weights")
    with pytest.raises(MissingPluginError):
        load(copied)


def test_replaced_slots_are_not_missing(copied):
    lose_two(copied)
    from pavas_sdk.testing import BrightSegmenter, WallReconstructor

    loaded = load(copied, segmenter=BrightSegmenter(), reconstructor=WallReconstructor())
    assert loaded.physics_estimator is not None


def test_without_an_estimator_slots_do_not_matter(copied, clip, physics):
    lose_two(copied)
    loaded = load(copied, physics_estimator=None)
    out = loaded(clip.video, physics=physics, generator=torch.Generator().manual_seed(0))
    assert np.isfinite(out.audio.samples).all()
    with pytest.raises(ConfigurationError, match="pass physics="):
        loaded(clip.video)


def test_a_slot_that_was_an_object_must_be_given_again(original, tmp_path):
    pipe = PavasPipeline(
        **original.components,
        physics_estimator=PhysicsEstimator(mass_estimator=from_function(lambda thing: 1.0)),
    )
    pipe.save_pretrained(tmp_path)
    with pytest.raises(MissingPluginError, match="a class that is not registered"):
        load(tmp_path)
    assert load(tmp_path, mass_estimator=lambda thing: 1.0).physics_estimator is not None


def test_a_missing_adapter_is_hard(copied):
    edit(
        copied / "model_index.json", lambda d: d.update(conditioning_adapter=["acme_x", "Adapter"])
    )
    edit(
        copied / "pavas.json",
        lambda d: d["components"]["conditioning_adapter"].update(
            distribution="acme-x", version="2.1.0", name="adapter"
        ),
    )
    with pytest.raises(MissingPluginError) as caught:
        load(copied, physics_estimator=None)
    text = str(caught.value)
    assert "conditioning_adapter   acme-x/adapter   (saved with acme-x 2.1.0)" in text
    assert 'pip install "acme-x>=2.1,<3"' in text
    assert "Or generate from a saved estimate" not in text


# -- what must not be loaded ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        ["os", "system"],
        ["subprocess", "Popen"],
        ["torch.nn", "Linear"],
        ["pavas_sdk.registry", "Registry"],
        ["pavas_sdk.models", "NoSuchClass"],
        ["pavas_sdk.models.transformer", "MMAudioTransformer"],
        ["diffusers.models", "AutoencoderKL"],
        ["../evil", "Evil"],
        ["", ""],
    ],
    ids=".".join,
)
def test_classes_of_other_packages_are_refused(copied, named):
    edit(copied / "model_index.json", lambda d: d.update(transformer=named))
    (copied / "transformer" / "evil.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(MissingPluginError, match="transformer") as caught:
        load(copied)
    if not named[0].startswith("pavas_sdk"):  # no advice to install what the index made up
        assert ".".join(named) in str(caught.value)
        assert "pip install" not in str(caught.value)


def test_an_installed_package_that_is_no_plugin_is_never_imported(copied, tmp_path, monkeypatch):
    (tmp_path / "innocent.py").write_text("raise SystemExit('code was run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    edit(copied / "model_index.json", lambda d: d.update(vae=["innocent", "Codec"]))
    with pytest.raises(MissingPluginError, match="never imported: innocent"):
        load(copied)
    assert "innocent" not in sys.modules


def test_code_beside_the_weights_is_never_run(copied):
    for name in ("pipeline.py", "transformer/pavas_sdk.models.py", "vae/modeling.py"):
        (copied / name).write_text("raise SystemExit('code was run')")
    with pytest.raises(WeightsError, match="trust_remote_code"):
        load(copied)  # diffusers finds the file and asks for trust, which is never given
    (copied / "transformer" / "pavas_sdk.models.py").unlink()
    assert load(copied) is not None


def test_an_index_that_names_its_own_code_is_refused(copied):
    edit(copied / "model_index.json", lambda d: d.update(_class_name=["pipeline", "PavasPipeline"]))
    with pytest.raises(WeightsError, match="expected 'PavasPipeline'"):
        load(copied)


@pytest.mark.parametrize(
    "option",
    [{"trust_remote_code": True}, {"custom_pipeline": "x"}, {"use_safetensors": False}],
    ids=lambda option: next(iter(option)),
)
def test_options_that_run_foreign_code_are_refused(saved, option):
    with pytest.raises(ConfigurationError, match="never brings code"):
        load(saved, **option)


def test_pickled_weights_are_not_read(copied):
    weights = copied / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(WeightsError, match="safetensors"):
        load(copied)


def test_pickle_is_not_written(original, tmp_path):
    with pytest.raises(ConfigurationError, match="would write pickle"):
        original.save_pretrained(tmp_path, safe_serialization=False)


# -- other bad input -----------------------------------------------------------------------------


def test_an_unknown_preset_is_guessed():
    with pytest.raises(ComponentNotFoundError, match="did you mean 'pavas-tiny/pavas-tiny'"):
        load("pavas-tinny")


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(WeightsError, match="there is no folder"):
        load(tmp_path / "gone")


def test_a_folder_without_a_pipeline_is_said(tmp_path):
    with pytest.raises(WeightsError, match=r"holds no model_index\.json"):
        load(tmp_path)


def test_damaged_weights_are_said(copied):
    (copied / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(WeightsError, match="cannot load the pipeline"):
        load(copied)


@pytest.mark.parametrize("name", ["pavas.json", "physics_estimator/config.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"format": "x"}'])
def test_malformed_documents_are_said(copied, name, text):
    (copied / name).write_text(text)
    with pytest.raises(FormatError):
        load(copied)


DIGITS = "9" * 5000


@pytest.mark.parametrize("text", [f'{{"x": {DIGITS}}}', "[" * 200_000, '{"a":' * 100_000, ""])
@pytest.mark.parametrize(
    "name", ["model_index.json", "pavas.json", "physics_estimator/config.json"]
)
def test_documents_that_no_parser_takes_are_said(copied, name, text):
    (copied / name).write_text(text)
    with pytest.raises(FormatError, match="not JSON"):
        load(copied)


def test_components_that_are_a_list_are_said(copied):
    edit(copied / "pavas.json", lambda document: document.update(components=[1]))
    with pytest.raises(FormatError, match="components must be a JSON object"):
        load(copied)


@pytest.mark.parametrize("text", [f'{{"x": {DIGITS}}}', "[" * 200_000, "", "[]", "5", '{"a": NaN}'])
def test_a_component_s_config_that_is_none_is_said(copied, text):
    (copied / "vae" / "config.json").write_text(text)
    with pytest.raises(WeightsError, match="cannot load the pipeline"):
        load(copied)


@pytest.mark.parametrize(
    "named",
    [
        ["diffusers", "__doc__"],
        ["diffusers", "utils"],
        ["diffusers", "no_such"],
        ["transformers", "pipeline"],
    ],
    ids=".".join,
)
def test_what_is_no_class_is_said_and_spoils_no_later_load(saved, copied, named):
    from diffusers.pipelines.pipeline_loading_utils import ALL_IMPORTABLE_CLASSES

    before = dict(ALL_IMPORTABLE_CLASSES)
    edit(copied / "model_index.json", lambda d: d.update(vae=named))
    with pytest.raises(WeightsError, match=named[1]):
        load(copied)
    assert before == ALL_IMPORTABLE_CLASSES
    assert load(saved) is not None
    assert before == ALL_IMPORTABLE_CLASSES


HEADERS = [
    (2**63 - 1, b"{}"),
    (10**9, b"{}"),
    (2, b"{}"),
    (8, b"[[[[[[[["),
    (60, b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,99999999]}}'),
    (70, b'{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}}'),
]


@pytest.mark.parametrize(("length", "header"), HEADERS)
def test_hostile_headers_of_weights_are_said(copied, length, header):
    path = copied / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + b"\0" * 64)
    with pytest.raises(WeightsError):
        load(copied)


@pytest.mark.parametrize("target", ["../../../etc/passwd", "/dev/zero", "gone", "."])
def test_weights_that_are_links_elsewhere_are_said(copied, target):
    path = copied / "vae" / "diffusion_pytorch_model.safetensors"
    path.unlink()
    path.symlink_to(target)
    with pytest.raises(WeightsError):
        load(copied)


@pytest.mark.parametrize("shard", ["../../weights.safetensors", "/etc/passwd", "x.bin", 5, None])
def test_an_index_of_shards_that_leads_elsewhere_is_said(copied, shard):
    folder = copied / "vae"
    (folder / "diffusion_pytorch_model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"a": shard}}
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError):
        load(copied)


@pytest.mark.parametrize("name", ["pavas.json", "physics_estimator/config.json"])
def test_newer_documents_are_said(copied, name):
    edit(copied / name, lambda document: document.update(format_version=99))
    with pytest.raises(FormatError, match="pip install -U pavas-sdk"):
        load(copied)


def test_a_folder_that_cannot_be_written_is_said(original, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        original.save_pretrained(tmp_path / "file" / "folder")


def test_an_estimator_and_slots_together_are_refused(saved):
    with pytest.raises(ConfigurationError, match="put the slots into the"):
        load(saved, physics_estimator=PhysicsEstimator(), mass_estimator=lambda thing: 1.0)


# -- presets and licences ------------------------------------------------------------------------


class _Preset:
    """A plugin with a preset that names a folder."""

    folder = None

    @hookimpl
    def pavas_register_components(self):
        return [ComponentSpec("pipeline", "mine", f"{__name__}:preset_folder", licence="MIT")]


def preset_folder():
    return _Preset.folder


def test_a_preset_is_found_by_name(saved, monkeypatch):
    monkeypatch.setattr(_Preset, "folder", saved)
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or pavas_sdk)
    monkeypatch.setattr(sys.modules[__name__], "preset_folder", preset_folder, raising=False)
    registry = Registry()
    registry.register_plugin(_Preset(), name="my-presets", distribution="my-presets", version="1")
    for name in ("mine", "my-presets/mine"):
        assert load(name, registry=registry).config.name == "untrained"


def test_commercial_use_refuses_non_commercial_weights(copied):
    load(copied, commercial_use=True)
    edit(copied / "model_index.json", lambda d: d.update(licence="CC-BY-NC-4.0"))
    load(copied)
    with pytest.raises(LicenceError, match="untrained"):
        load(copied, commercial_use=True)


def test_licences_name_every_part(original):
    kinds = {ref.kind for ref in original.licences()}
    assert {
        "pipeline",
        "transformer",
        "conditioning_adapter",
        "segmenter",
        "mass_estimator",
    } <= kinds
    assert default_registry().failures == ()


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_saved_files_are_readable_by_the_group(original, tmp_path):
    before = os.umask(0o027)
    try:
        original.save_pretrained(tmp_path / "shared")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert any(path.suffix == ".safetensors" for path in files)
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o640"}


def test_casting_says_nothing_that_means_nothing(caplog):
    from diffusers.utils import logging as their_logging

    their_logging.enable_propagation()
    try:
        pipe = tiny_pipeline(adapter=False)
        pipe.to("cpu").to(torch.bfloat16).to(torch.float32)
    finally:
        their_logging.disable_propagation()
    assert caplog.messages == []
