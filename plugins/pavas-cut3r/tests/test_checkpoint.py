"""The official checkpoint: nothing in it is executed, every name counts, it converts once."""

import argparse
import collections
import json
import os
import pathlib

import pytest
import torch
from cut3r_goldens import KEYS_FOLDER
from pavas_cut3r import Cut3R, Cut3RReconstructor, convert_checkpoint, load_model
from pavas_cut3r.__main__ import main
from pavas_cut3r.checkpoint import CHECKPOINT_NAME, WEIGHTS_NAME, official_tensors, read_checkpoint
from pavas_cut3r.weights import random_model
from safetensors import safe_open
from tiny_cut3r import official_state, save_checkpoint

from pavas_sdk.errors import ConfigurationError, MissingWeightsError, OutputError, WeightsError


class Executing:
    """An object whose pickle runs a command when it is loaded the usual way."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.fixture
def state():
    return official_state()


def convert(tmp_path, state, **options):
    path = save_checkpoint(tmp_path / CHECKPOINT_NAME, state, **options)
    return convert_checkpoint(path, tmp_path / "weights", model=random_model())


@pytest.mark.parametrize("name", ["full", "tiny"])
def test_cut3r_keys_are_those_of_the_official_model(name):
    keys = json.loads((KEYS_FOLDER / f"{name}.json").read_text())
    config = {}
    if name == "tiny":
        index = json.loads((KEYS_FOLDER.parent / "index.json").read_text())
        config = index["tiny"]["config"]
    with torch.device("meta"):
        model = Cut3R(**config)
        official = {key: torch.empty(shape) for key, shape in official_shapes(model).items()}
    assert {key: list(value.shape) for key, value in official.items()} == keys
    tied = sum(".scratch.layer_rn." in key for key in keys)
    assert tied == 12
    assert len(model.state_dict()) == len(keys) - tied
    summary = json.loads((KEYS_FOLDER / "summary.json").read_text())[name]
    assert sum(p.numel() for p in model.parameters()) == summary["parameters"]
    assert list(model.buffers()) == []


def official_shapes(model):
    return {key: list(value.shape) for key, value in official_state(model).items()}


def test_a_checkpoint_becomes_safetensors_that_hold_every_tensor(tmp_path, state):
    folder = convert(tmp_path, state)
    with safe_open(folder / WEIGHTS_NAME, "pt") as file:
        assert set(file.keys()) == set(random_model().state_dict())
        assert file.metadata()["licence"] == "CC-BY-NC-SA-4.0"
    model = load_model(str(folder))
    for key, value in random_model().state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        WEIGHTS_NAME,
        "source.json",
    ]
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    (tmp_path / "plain").touch()
    assert modes == {(tmp_path / "plain").stat().st_mode & 0o777}  # others may read a shared folder


def test_saved_models_load_with_diffusers_too(tmp_path):
    model = random_model()
    model.save_pretrained(tmp_path / "saved")
    again = load_model(str(tmp_path / "saved"))
    assert again.config.state_decoder_heads == model.config.state_decoder_heads
    third = Cut3R.from_pretrained(tmp_path / "saved", low_cpu_mem_usage=False)
    for other in (again, third):
        for key, value in model.state_dict().items():
            assert torch.equal(other.state_dict()[key], value)


def test_the_prefix_of_parallel_training_is_dropped(tmp_path, state):
    prefixed = {f"module.{key}": value for key, value in state.items()}
    assert set(read_checkpoint(save_checkpoint(tmp_path / "a.pth", prefixed))) == set(state)


def test_half_precision_weights_become_float32(tmp_path, state):
    folder = convert(tmp_path, {key: value.half() for key, value in state.items()})
    assert {p.dtype for p in load_model(str(folder)).parameters()} == {torch.float32}


def test_configuration_objects_are_passed_over(tmp_path, state):
    args = argparse.Namespace(
        model="__import__('os').abort()",
        nested=collections.defaultdict(list, a=[1]),
        where=pathlib.PurePosixPath("/x"),
        names={"a", "b"},
        more=argparse.Namespace(x=1.5),
    )
    found = read_checkpoint(save_checkpoint(tmp_path / "a.pth", state, args=args))
    assert set(found) == set(state)
    with pytest.raises(Exception, match="weights_only"):
        torch.load(tmp_path / "a.pth", weights_only=True)  # the plain restricted load refuses


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), "system"),
        (eval, ("open('{}', 'w').close()",), "eval"),
        (pathlib.Path.touch, (pathlib.Path("{}"),), "getattr"),
    ],
)
def test_a_file_that_would_run_something_is_refused_and_runs_nothing(
    tmp_path, state, function, arguments, name
):
    mark = tmp_path / "executed"
    filled = tuple(type(part)(str(part).format(mark)) for part in arguments)
    path = save_checkpoint(tmp_path / "a.pth", state, args=Executing(function, *filled))
    with pytest.raises(WeightsError, match=f"names .*{name}"):
        read_checkpoint(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)  # what it would have done
    assert mark.exists()


def test_differences_are_all_named(tmp_path, state):
    del state["pose_token"]
    state["extra.weight"] = torch.zeros(3)
    state["enc_norm.weight"] = torch.zeros(5)
    state["dec_norm.bias"] = torch.full_like(state["dec_norm.bias"], torch.nan)
    double = "downstream_head.dpt_rgb.scratch.layer_rn.2.weight"
    state[double] = state[double] + 1
    with pytest.raises(WeightsError) as caught:
        convert(tmp_path, state)
    text = str(caught.value)
    for words in (
        "5 differences",
        "missing pose_token",
        "unknown extra.weight [3]",
        "enc_norm.weight is [5], expected [64]",
        "dec_norm.bias holds NaN",
        "dpt_rgb.scratch.layer_rn.2.weight differs from its other name",
    ):
        assert words in text
    assert not (tmp_path / "weights").exists()


def test_another_checkpoint_of_the_family_is_another_revision(tmp_path, state):
    linear = {k: v for k, v in state.items() if ".dpt_" not in k}
    linear["downstream_head.proj.weight"] = torch.zeros(4, 4)
    with pytest.raises(WeightsError, match="another model or revision"):
        convert(tmp_path, linear)


def test_one_of_two_names_is_enough(state):
    single = {key: value for key, value in state.items() if ".scratch.layer_rn." not in key}
    double = {
        key: value
        for key, value in state.items()
        if not any(f".scratch.layer{k}_rn." in key for k in range(1, 5))
    }
    model = random_model()
    for given in (single, double):
        assert list(official_tensors(given, model, who="it")) == list(model.state_dict())


@pytest.mark.parametrize(
    "content",
    [b"", b"no checkpoint at all" * 10, {"weights": {}}, {"model": [1, 2]}, {"model": {"a": 1}}],
)
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "a.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError):
        read_checkpoint(path)


def test_a_truncated_checkpoint_is_refused(tmp_path, state):
    path = save_checkpoint(tmp_path / "a.pth", state)
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(WeightsError, match="damaged"):
        read_checkpoint(path)


def test_missing_weights_are_one_message(tmp_path, monkeypatch):
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path))
    with pytest.raises(WeightsError) as caught:
        Cut3RReconstructor().model()
    text = str(caught.value)
    assert "pip install pavas-cut3r" in text
    assert str(tmp_path / "cut3r" / CHECKPOINT_NAME) in text
    assert "CC BY-NC-SA 4.0" in text
    with pytest.raises(WeightsError, match="pip install"):
        load_model(str(tmp_path / "nowhere"))


def test_the_estimator_says_at_once_that_weights_are_missing(tmp_path, monkeypatch, state):
    from pavas_cut3r import Cut3RReconstructor

    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="pip install pavas-cut3r"):
        Cut3RReconstructor().check_ready()
    save_checkpoint(tmp_path / CHECKPOINT_NAME, state)
    Cut3RReconstructor(weights=str(tmp_path)).check_ready()  # will be converted
    Cut3RReconstructor(weights="someone/cut3r").check_ready()  # not looked for
    Cut3RReconstructor(weights="random-tiny").check_ready()


def test_a_checkpoint_in_the_cache_folder_is_converted_on_first_use(tmp_path, monkeypatch, state):
    # of another size than released: conversion is tried, and says so
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path))
    (tmp_path / "cut3r").mkdir()
    save_checkpoint(tmp_path / "cut3r" / CHECKPOINT_NAME, state)
    with pytest.raises(WeightsError, match="another model or revision"):
        load_model()
    assert [path.name for path in (tmp_path / "cut3r").iterdir()] == [CHECKPOINT_NAME]


def test_revision_of_a_folder(tmp_path, state):
    folder = convert(tmp_path, state)
    sha256 = json.loads((folder / "source.json").read_text())["sha256"]
    load_model(str(folder), revision=sha256[:8])
    with pytest.raises(WeightsError, match=f"revision {sha256[:12]}, wanted is 0123"):
        load_model(str(folder), revision="0123")


def test_wrong_revision_or_repository_of_the_hub(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingWeightsError, match="someone/cut3r at revision 'v9'"):
        load_model("someone/cut3r", revision="v9")


def test_damaged_folders_are_named(tmp_path, state):
    folder = convert(tmp_path, state)
    whole = (folder / WEIGHTS_NAME).read_bytes()
    (folder / WEIGHTS_NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="damaged"):
        load_model(str(folder))
    (folder / WEIGHTS_NAME).write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "memory_slots": 9}))
    with pytest.raises(WeightsError, match="another model or revision: 1 difference"):
        load_model(str(folder))
    (folder / "config.json").write_text(json.dumps({**config, "layers": 9}))
    with pytest.raises(WeightsError, match="describes no CUT3R model"):
        load_model(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"config\.json cannot be read"):
        load_model(str(folder))


def test_conversion_that_cannot_write_leaves_nothing(tmp_path, state):
    path = save_checkpoint(tmp_path / CHECKPOINT_NAME, state)
    (tmp_path / "weights").write_text("a file where the folder should be")
    with pytest.raises(OutputError, match=r"about 3\.2 GB"):
        convert_checkpoint(path, tmp_path / "weights", model=random_model())


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["convert", str(tmp_path / "none.pth"), "-o", str(tmp_path / "out")]) == 2
    assert "there is no file" in capsys.readouterr().err


def test_heads_that_rotary_positions_cannot_split():
    with pytest.raises(ConfigurationError, match="multiple of 4"):
        Cut3R(encoder_dim=64, encoder_heads=32)
