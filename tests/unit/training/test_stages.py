"""Runs from features to a result that loads: backbone, adapter, LoRA, averages."""

import json
from dataclasses import replace

import pytest
import torch
from training_features_world import LAYOUT, write_features

from pavas_sdk import PavasPipeline
from pavas_sdk.cli.main import run
from pavas_sdk.data.adapter_document import AdapterDocument
from pavas_sdk.errors import ConfigurationError, FormatError, PavasWarning
from pavas_sdk.models import MMAudioTransformer
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline
from pavas_sdk.training.clip_features import encoder_digests
from pavas_sdk.training.datasets import SetDescription, write_description
from pavas_sdk.training.presets import PRESETS, preset_config, read_config_file, read_settings
from pavas_sdk.training.run_config import RunConfig
from pavas_sdk.training.runs import export_average, train_stage
from pavas_sdk.training.stages import Stage, read_stage

QUICK = RunConfig(steps=2, batch=4, mixed_precision="no").changed(
    {"average.keep_every": 1, "optimisation.warmup": 1}
)
WORDS = ["--steps", "2", "--batch", "4", "--set", "mixed_precision=no", "--json"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A saved pipeline and features that say they are its."""
    folder = tmp_path_factory.mktemp("world")
    tiny_pipeline().save_pretrained(folder / "base")
    write_features(folder / "features", count=8, model=str(folder / "base"))
    write_features(folder / "validation", count=4, first=50, model=str(folder / "base"))
    return folder


def told(capsys):
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_backbone(world, tmp_path, capsys):
    features = str(world / "features")
    assert run(["train", "backbone", features, "-o", str(tmp_path / "one"), *WORDS]) == 0
    answer, err = told(capsys)
    assert answer["steps"] == 2
    assert "step 2" in err
    network = MMAudioTransformer.from_pretrained(answer["written"]["transformer"])
    base = tiny_pipeline().transformer
    assert torch.equal(network.empty_string_feat, base.empty_string_feat)
    stage = read_stage(tmp_path / "one")
    assert network.latent_mean.flatten().tolist() == pytest.approx(stage.latent_mean)
    assert network.latent_std.flatten().tolist() == pytest.approx(stage.latent_std)
    assert not torch.equal(
        network.joint_blocks[0].latent_block.attn.qkv.weight,
        base.joint_blocks[0].latent_block.attn.qkv.weight,
    )
    assert run(["train", "backbone", features, "-o", str(tmp_path / "one"), *WORDS]) == 2
    assert "--resume" in capsys.readouterr().err


def test_adapter_only_loads_into_its_pipeline(world, tmp_path, capsys):
    out = str(tmp_path / "two")
    words = [*WORDS, "--adapter-only", "--option", "hidden_dim=16", "--option", "mixer_rank=4"]
    words += ["--licence", "CC-BY-4.0", "--validation", str(world / "validation")]
    assert run(["train", "adapter", str(world / "features"), "-o", out, *words]) == 0
    answer, err = told(capsys)
    assert set(answer["written"]) == {"adapter"}
    assert "swapped" in err
    document = AdapterDocument.read(answer["written"]["adapter"])
    assert document.backbone_changed == "no"
    assert document.licences == {"backbone": "Apache-2.0", "weights": "CC-BY-4.0"}
    assert document.training["clips"] == 8
    assert document.training["level"] == "constant, +0.0 dB"
    losses = [document.training[f"validation_loss{name}"] for name in ("", "_swapped")]
    assert min(losses) > 0
    assert not [name for name in document.training if name.startswith("validation_validation")]
    pipe = PavasPipeline.from_pretrained(world / "base")
    pipe.load_adapter(answer["written"]["adapter"])
    config = pipe.conditioning_adapter.config
    assert config["mass_std"] > 0.1
    assert config["hidden_dim"] == 16
    assert (tmp_path / "two" / "adapter" / "README.md").exists()


def test_stage_two_trains_both_and_says_so(world, tmp_path):
    stage = Stage(
        kind="adapter",
        base=str(world / "base"),
        adapter_options={"hidden_dim": 16, "mixer_rank": 4, "variant": "direct"},
    )
    done = train_stage(stage, QUICK, tmp_path, [world / "features"], save_pipeline=True)
    assert set(done.written) == {"adapter", "transformer", "pipeline"}
    base = tiny_pipeline().transformer.state_dict()
    changed = MMAudioTransformer.from_pretrained(done.written["transformer"]).state_dict()
    assert [n for n in base if not torch.equal(base[n], changed[n])]
    assert torch.equal(base["latent_mean"], changed["latent_mean"])
    pipe = PavasPipeline.from_pretrained(done.written["pipeline"])
    assert pipe.conditioning_adapter.config["variant"] == "direct"
    assert torch.equal(
        pipe.transformer.state_dict()["t_embed.mlp.0.weight"], changed["t_embed.mlp.0.weight"]
    )
    with pytest.raises(ConfigurationError, match="whole backbone"):
        PavasPipeline.from_pretrained(world / "base").load_adapter(done.written["adapter"])


def test_an_adapter_goes_on_from_the_one_that_the_base_has(world, tmp_path, capsys):
    features = str(world / "features")
    words = ["train", "adapter", features, *WORDS, "--adapter-only", "--from-base"]
    assert run([*words, "-o", str(tmp_path / "on")]) == 0
    answer, _ = told(capsys)
    own = tiny_pipeline().conditioning_adapter
    found = type(own).from_pretrained(answer["written"]["adapter"])
    assert found.config["mass_mean"] == own.config["mass_mean"]
    changed = [
        (a - b).abs().max()
        for a, b in zip(found.parameters(), own.parameters(), strict=True)
        if not torch.equal(a, b)
    ]
    assert changed
    # two steps of at most 3e-4 each leave it near the start
    assert max(changed) < 1e-2
    assert read_stage(tmp_path / "on").adapter == "pavas-phy-adapter/phy-adapter"
    assert run([*words, "--variant", "direct", "-o", str(tmp_path / "other")]) == 2
    assert "leave --adapter, --variant and --option out" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_what_is_handed_out_names_no_folder_of_this_machine(world, tmp_path):
    stage = Stage(kind="adapter", base=str(world / "base"), from_base=True)
    done = train_stage(stage, QUICK, tmp_path, [world / "features"], save_pipeline=True)
    for folder in done.written.values():
        files = [path for path in folder.rglob("*") if path.suffix in (".json", ".md")]
        assert files
        assert not [path for path in files if str(world) in path.read_text("utf-8")]


def test_going_on_needs_an_adapter_to_go_on_from(world, tmp_path):
    tiny_pipeline(adapter=False).save_pretrained(tmp_path / "bare")
    stage = Stage(kind="adapter", base=str(tmp_path / "bare"), from_base=True, adapter_only=True)
    with pytest.raises(ConfigurationError, match="has no adapter to go on from"):
        train_stage(stage, QUICK, tmp_path / "run", [world / "features"])


def test_lora(world, tmp_path, capsys):
    pytest.importorskip("peft")
    out = str(tmp_path / "metal")
    words = [*WORDS, "--rank", "2", "--alpha", "8"]
    assert run(["train", "lora", str(world / "features"), "-o", out, *words]) == 0
    answer, _ = told(capsys)
    pipe = PavasPipeline.from_pretrained(world / "base")
    pipe.load_lora_weights(answer["written"]["lora"], adapter_name="metal")
    assert pipe.transformer.peft_config["metal"].lora_alpha == 8


def test_average_of_another_width(world, tmp_path, capsys):
    pytest.importorskip("peft")
    stage = Stage(
        kind="adapter",
        base=str(world / "base"),
        adapter_only=True,
        adapter_options={"hidden_dim": 16, "mixer_rank": 4},
    )
    done = train_stage(stage, QUICK, tmp_path / "run", [world / "features"])
    same = export_average(tmp_path / "run", sigma_rel=0.05, out=tmp_path / "same")
    first, second = (
        type(tiny_pipeline().conditioning_adapter).from_pretrained(path["adapter"]).state_dict()
        for path in (done.written, same)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    words = ["train", "ema", str(tmp_path / "run"), "--sigma-rel", "0.08", "--json"]
    assert run([*words, "--step", "1"]) == 0
    answer, _ = told(capsys)
    assert answer["written"]["adapter"] == str(tmp_path / "run" / "average-0.08-1" / "adapter")
    for wrong in (["--step", "9"], ["--sigma-rel", "0.5"]):
        assert run([*words, *wrong]) == 2
    with pytest.raises(FormatError):
        export_average(world, sigma_rel=0.05)


def test_resume_through_the_command(world, tmp_path):
    stage = Stage(kind="backbone", base=str(world / "base"), from_base=True)
    half = train_stage(stage, QUICK, tmp_path / "run", [world / "features"], until_step=1)
    assert half.written == {}
    words = ["train", "backbone", str(world / "features"), "-o", str(tmp_path / "run"), *WORDS]
    words += ["--set", "average.keep_every=1", "--set", "optimisation.warmup=1"]
    assert run([*words, "--resume"]) == 2  # trains something else: not from the base
    config = QUICK.to_json()
    assert config["batch"] == 4
    done = train_stage(stage, QUICK, tmp_path / "run", [world / "features"], resume=True)
    straight = train_stage(stage, QUICK, tmp_path / "straight", [world / "features"])
    one, two = (
        MMAudioTransformer.from_pretrained(d.written["transformer"]) for d in (done, straight)
    )
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_features_that_do_not_fit(world, tmp_path):
    other = replace(LAYOUT, latent_dim=9, clip_dim=17)
    write_features(tmp_path / "other", count=4, layout=other)
    without = replace(LAYOUT, patch_dim=0)
    write_features(tmp_path / "without", count=4, layout=without)
    stage = Stage(kind="adapter", base=str(world / "base"))
    with pytest.raises(ConfigurationError, match=r"latent_dim is 9.*clip_dim is 17"):
        train_stage(stage, QUICK, tmp_path / "a", [tmp_path / "other"])
    with pytest.raises(ConfigurationError, match="hold no physics"):
        train_stage(stage, QUICK, tmp_path / "b", [tmp_path / "without"])
    assert run(["train", "adapter", str(tmp_path / "without"), "-o", str(tmp_path / "c")]) == 2
    assert not (tmp_path / "a").exists()


def test_clips_for_validation_must_fit_and_have_the_same_level(world, tmp_path):
    stage = Stage(kind="adapter", base=str(world / "base"), from_base=True, adapter_only=True)
    longer = replace(LAYOUT, latent_length=2 * LAYOUT.latent_length)
    write_features(tmp_path / "longer", count=4, layout=longer)
    with pytest.raises(ConfigurationError, match="latent_length 20 and 40"):
        train_stage(
            stage, QUICK, tmp_path / "a", [world / "features"], validation=[tmp_path / "longer"]
        )
    louder = write_features(tmp_path / "louder", count=4, model=str(world / "base"))
    description = SetDescription.load(louder)
    level = {"policy": "constant", "gain": 2.0}
    write_description(louder, replace(description, level=level))
    with pytest.warns(PavasWarning, match=r"another level \(constant, \+6\.0 dB\)"):
        train_stage(stage, QUICK, tmp_path / "b", [world / "features"], validation=[louder])


def at_gain(folder, gain, **options):
    """Features that say this gain; 0: no level at all."""
    write_features(folder, **options)
    level = {"policy": "constant", "gain": gain} if gain else {}
    write_description(folder, replace(SetDescription.load(folder), level=level))
    return folder


def test_sets_of_different_levels_are_not_mixed_unknowingly(world, tmp_path, capsys):
    base = str(world / "base")
    louder = at_gain(tmp_path / "louder", 2.0, count=4, first=20, model=base)
    unknown = at_gain(tmp_path / "unknown", 0, count=2, first=40, model=base)
    words = ["train", "backbone", "--from-base", str(world / "features"), *WORDS]
    assert run([*words, str(louder), "-o", str(tmp_path / "a")]) == 2
    err = capsys.readouterr().err
    for part in ("+0.0 dB", "(8 clips)", "+6.0 dB", "(4 clips)", "--level-from", "--mixed-levels"):
        assert part in err
    assert not (tmp_path / "a").exists()
    stage = Stage(kind="adapter", base=base, from_base=True, adapter_only=True)
    sets = [world / "features", louder, unknown]
    with pytest.warns(PavasWarning, match=r"constant, \+6\.0 dB in .*louder \(4 clips\)"):
        done = train_stage(stage, QUICK, tmp_path / "b", sets, mixed_levels=True)
    assert AdapterDocument.read(done.written["adapter"]).training["level"] == (
        "constant, +0.0 dB (8 clips); constant, +6.0 dB (4 clips); not recorded (2 clips)"
    )


def test_sets_of_one_level_and_those_that_do_not_say_go_together(world, tmp_path):
    unknown = at_gain(tmp_path / "unknown", 0, count=2, first=40, model=str(world / "base"))
    same = at_gain(tmp_path / "same", 1.001, count=2, first=60, model=str(world / "base"))
    stage = Stage(kind="backbone", base=str(world / "base"), from_base=True)
    sets = [world / "features", same, unknown]
    assert train_stage(stage, QUICK, tmp_path / "a", sets).result.finished


def test_going_on_with_other_clips_is_refused(world, tmp_path):
    stage = Stage(kind="backbone", base=str(world / "base"), from_base=True)
    train_stage(stage, QUICK, tmp_path / "run", [world / "features"], until_step=1)
    with pytest.raises(FormatError, match=r"begun with 8 clips, repeats counted, and now .* 4"):
        train_stage(stage, QUICK, tmp_path / "run", [world / "validation"], resume=True)


def test_options_that_an_adapter_does_not_take(world, tmp_path, capsys):
    words = ["train", "adapter", str(world / "features"), "-o", str(tmp_path / "run"), *WORDS]
    assert run([*words, "--option", "nothing=1"]) == 2
    assert "--option NAME=VALUE" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_features_of_other_encoders(world, tmp_path):
    own = encoder_digests(PavasPipeline.from_pretrained(world / "base"))
    for name, digests in (("same", own), ("other", {**own, "clip": "0" * 32})):
        description = SetDescription.load(write_features(tmp_path / name, count=4))
        write_description(
            tmp_path / name, replace(description, model="elsewhere", encoders=digests)
        )
    stage = Stage(kind="backbone", base=str(world / "base"))
    with pytest.raises(ConfigurationError, match=r"another clip \(of elsewhere\)"):
        train_stage(stage, QUICK, tmp_path / "a", [tmp_path / "other"])
    assert train_stage(stage, QUICK, tmp_path / "b", [tmp_path / "same"]).result.finished


# -- numbers -------------------------------------------------------------------------------------


def test_presets_are_the_papers():
    one, two = preset_config("mmaudio-stage1"), preset_config("pavas-stage2")
    assert (one.steps, one.batch, one.optimisation.learning_rate) == (300_000, 512, 1e-4)
    assert one.optimisation.betas == (0.9, 0.95)
    assert one.optimisation.decay_after == (240_000, 270_000)
    assert (two.steps, two.batch, two.optimisation.learning_rate) == (30_000, 512, 1e-5)
    assert two.optimisation.decay_after == (24_000, 27_000)
    assert two.drop.physics == 0.1
    assert set(PRESETS) == {"mmaudio-stage1", "pavas-stage2", "few-clips", "tiny"}
    with pytest.raises(ConfigurationError, match="few-clips"):
        preset_config("stage-3")


def test_numbers_from_a_file_and_from_words(tmp_path):
    path = tmp_path / "numbers.toml"
    path.write_text('preset = "pavas-stage2"\nbatch = 64\n[optimisation]\nlearning_rate = 3e-5\n')
    preset, values = read_config_file(path)
    config = preset_config(preset).changed(values)
    assert (config.batch, config.optimisation.learning_rate) == (64, 3e-5)
    config = config.changed(read_settings(["drop.text=0.2", "optimisation.schedule=cosine"]))
    assert (config.drop.text, config.optimisation.schedule) == (0.2, "cosine")
    assert config.changed({"optimisation.decay_after": [1, 2]}).optimisation.decay_after == (1, 2)
    assert RunConfig().changed(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nothing": 1}, "no such number: nothing"),
        ({"drop.nothing": 1}, "no such number: drop.nothing"),
        ({"drop": 1}, "table"),
        ({"batch": "many"}, "batch is of the kind"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"drop.text": 1.5}, "shares lie in"),
        ({"optimisation.learning_rate": -1.0}, "must be positive"),
        ({"optimisation.schedule": "poly"}, "schedule is steps"),
        ({"average.sigma_rels": [0.5]}, "sigma_rel lies between"),
        ({"mixed_precision": "fp8"}, "mixed_precision is no, bf16 or auto"),
    ],
)
def test_impossible_numbers(values, message):
    with pytest.raises(ConfigurationError, match=message):
        RunConfig().changed(values)


def test_impossible_files_and_words(tmp_path):
    (tmp_path / "bad.toml").write_text("batch = = 3")
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_config_file(tmp_path / "bad.toml")
    with pytest.raises(ConfigurationError, match="NAME=VALUE"):
        read_settings(["batch"])
