"""Networks that listen against the public evaluation code, loaded from official files."""

import numpy as np
import pytest
import torch
from metric_fill import sound
from metric_goldens import key_table, of_kind, unit

from pavas_sdk.data import Audio
from pavas_sdk.errors import WeightsError
from pavas_sdk.evaluation.synchronisation import desync, offsets_s
from pavas_sdk.models import PaSST, VGGish, prepare_sound
from pavas_sdk.models.listening.imagebind_sound import imagebind_pictures, imagebind_starts_s
from pavas_sdk.models.listening.sound import resample
from pavas_sdk.released.metric_networks import METRIC_NETWORKS, load_metric_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Networks by golden: official files of name-seeded tensors, written once per golden."""
    folder = tmp_path_factory.mktemp("official")

    def load(golden, name):
        path = folder / golden.entry["weights_crc32"] / METRIC_NETWORKS[name].file.name
        if not path.exists():
            path.parent.mkdir(parents=True)
            weights = golden.official_weights()
            for row in key_table(golden.entry["keys"]):
                weights.setdefault(row["key"], torch.zeros(row["shape"]))
            torch.save({"model": weights}, path)
        return load_metric_network(name, path.parent)

    return load


def heard(golden, rate_hz, clips, *, centre=True):
    """Clips as a network gets them, (clips, n)."""
    length_s = golden.entry["audio_length"]
    return torch.stack(
        [
            prepare_sound(Audio(samples=x, sample_rate_hz=rate), rate_hz, length_s, centre=centre)
            for x, rate in map(golden.clip, clips)
        ]
    )


def kept(module):
    """A list that fills with what ``module`` returns."""
    outputs = []
    module.register_forward_hook(lambda *args: outputs.append(args[2]))
    return outputs


def clips_of(golden):
    """Numbers of the clips in the batch, from the words of the index."""
    words = golden.entry["inputs"]["batch"]
    if "[" in words:
        return [int(number) for number in words[words.index("[") + 1 : words.index("]")].split(",")]
    return range(len(golden.entry["clips"]))


@pytest.mark.parametrize("golden", of_kind("audio_prep"))
def test_sound_is_prepared_as_the_public_code_does(golden):
    length_s = golden.entry["audio_length"]
    for name in golden.entry["tensors"]:
        clip, _, form = name.partition(".")
        if clip.startswith("short"):
            count = int(clip.removeprefix("short"))
            taps = torch.from_numpy(sound("taps", count, 44100, golden.prefix))
            golden.check(name, resample(taps, 44100, 16000))
            continue
        samples, rate = golden.clip(int(clip.removeprefix("clip")))
        audio = Audio(samples=samples, sample_rate_hz=rate)
        kind, _, rest = form.partition("_")
        rate_hz = int(rest.partition(".")[0])
        if kind == "imagebind":
            actual = resample(torch.from_numpy(samples), rate, rate_hz)
        else:
            actual = prepare_sound(audio, rate_hz, length_s, centre=kind == "mono")
        if form.endswith(".head"):
            actual = actual[:256]
        elif form.endswith(".tail"):
            actual = actual[-256:]
        golden.check(name, actual)


@pytest.mark.parametrize("golden", of_kind("audio_prep"))
def test_mistakes_of_the_preparation_show(golden):
    samples, rate = golden.clip(0)
    audio = Audio(samples=samples, sample_rate_hz=rate)
    cut = int(16000 * golden.entry["audio_length"])
    late = prepare_sound(audio, 16000, golden.entry["audio_length"], centre=False)
    mistakes = [late, late - late.mean(), prepare_sound(audio, 16000)[-cut:]]
    for wrong in mistakes:
        with pytest.raises(AssertionError):
            golden.check("clip0.mono_16000", wrong)


@pytest.mark.parametrize("golden", of_kind("imagebind_audio_prep"))
def test_pictures_of_imagebind(golden):
    for name in golden.entry["tensors"]:
        clip, _, piece = name.partition(".")
        assert piece == "second_1_to_3"
        samples, rate = golden.clip(int(clip.removeprefix("clip")))
        heard_samples = resample(torch.from_numpy(samples), rate, 16000)
        (picture,) = imagebind_pictures(heard_samples, (1.0,))
        golden.check(name, picture)
        if samples.shape[0] > 1:
            mixed = heard_samples.mean(dim=0, keepdim=True)
            with pytest.raises(AssertionError):
                golden.check(name, imagebind_pictures(mixed, (1.0,))[0])
    assert imagebind_starts_s(8.0) == (0.0, 3.0, 6.0)


@pytest.mark.parametrize("golden", of_kind("panns"))
@torch.no_grad()
def test_panns(golden, network):
    cnn = network(golden, "panns-cnn14-16k")
    seen = {f"mid.block{i}": kept(getattr(cnn, f"conv_block{i}")) for i in range(1, 7)}
    batch = heard(golden, 16000, clips_of(golden))
    golden.check("logmel", cnn.log_mel(batch))
    features, logits = cnn(batch)
    print(golden.check("features_2048", features), golden.check("logits", logits))
    for name, outputs in seen.items():
        block = (
            outputs[0] if name == "mid.block6" else torch.nn.functional.avg_pool2d(outputs[0], 2)
        )
        golden.check(name, block)
    short = torch.from_numpy(sound("taps", 32000, 16000, golden.prefix))[None]
    features, logits = cnn(short)
    golden.check("short.features_2048", features)
    golden.check("short.logits", logits)
    one = cnn(batch[:1])[1]
    assert one == pytest.approx(cnn(batch)[1][:1].numpy(), abs=1e-5)
    uncentred = heard(golden, 16000, clips_of(golden), centre=False)
    with pytest.raises(AssertionError):
        golden.check("features_2048", cnn(uncentred)[0])


@pytest.mark.parametrize("golden", of_kind("vggish"))
@torch.no_grad()
def test_vggish(golden, network):
    vggish = network(golden, "vggish")
    batch = heard(golden, 16000, clips_of(golden))
    golden.check("mel_matrix", VGGish.mel_matrix())
    golden.check("log_mel", vggish.log_mel(batch))
    embeddings = vggish(batch)
    print(golden.check("embeddings", embeddings))
    with pytest.raises(AssertionError):
        golden.check("embeddings", embeddings.relu())


@pytest.mark.parametrize("golden", of_kind("vggish_pieces"))
def test_pieces_of_vggish(golden):
    for samples, pieces in golden.table.items():
        count = VGGish.piece_count(int(samples))
        assert (count if int(samples) >= 15600 else 0) == pieces


@pytest.mark.parametrize("golden", of_kind("passt"))
@torch.no_grad()
def test_passt(golden, network):
    passt = network(golden, "passt-s")
    seen = {f"mid.block{i}": kept(passt.blocks[i]) for i in (0, 5, 11)}
    seen["mid.patch"] = kept(passt.patch_embed)
    batch = heard(golden, 32000, clips_of(golden))
    golden.check("mel_matrix", PaSST.mel_matrix()[:, :512])
    golden.check("mel", passt.log_mel(batch))
    features, logits = passt(batch)
    print(golden.check("features_768", features), golden.check("logits", logits))
    for name, outputs in seen.items():
        golden.check(name, outputs[0])


@pytest.mark.parametrize("golden", of_kind("synchformer_audio"))
@torch.no_grad()
def test_synchformer_audio(golden, network):
    audio = network(golden, "synchformer-audio")
    seen = {f"mid.layer{i}": kept(audio.ast.encoder["layer"][i]) for i in (0, 11)}
    batch = heard(golden, 16000, clips_of(golden), centre=False)
    mel = audio.log_mel(batch)
    golden.check("spectrogram", mel)
    golden.check("spectrogram_last_frame", mel[..., -1])
    print(golden.check("features", audio(batch)))
    for name, outputs in seen.items():
        golden.check(name, torch.cat(outputs))


@pytest.mark.parametrize("golden", of_kind("synchformer_compare"))
@torch.no_grad()
def test_synchformer_comparison(golden, network):
    comparison = network(golden, "synchformer-comparison")
    inputs = [paired_features(golden.entry["inputs"][f"{x}_features"]) for x in ("video", "audio")]
    logits = comparison(*inputs)
    golden.check("logits_first", logits[:, 0])
    golden.check("logits_last", logits[:, 1])
    golden.check("argmax", logits.argmax(-1))
    golden.check("abs_offset", np.abs(offsets_s(logits)))
    golden.check("desync", np.asarray(desync(logits)))
    expectation = np.abs((torch.softmax(logits, -1) @ torch.linspace(-2, 2, 21)).numpy()).mean()
    for wrong in (desync(logits[:, :1]), expectation):
        with pytest.raises(AssertionError):
            golden.check("desync", np.asarray(wrong))


def paired_features(spec):
    name, shape = spec["name"], spec["shape"]
    values = unit([name, *shape]).astype(np.float64)
    for part, rows in (("early", slice(0, 12)), ("late", slice(12, 24))):
        shift = unit([f"{name}.{part}", shape[0], 1, 1, shape[-1]]).astype(np.float64)
        values[:, rows] += 3 * shift
    return torch.from_numpy(values.astype(np.float32))


@pytest.mark.parametrize("golden", of_kind("synchformer_video"))
@torch.no_grad()
def test_synchformer_video(golden, network):
    encoder = network(golden, "synchformer-video")
    spec = golden.entry["inputs"]["frames"]
    frames = torch.from_numpy(unit([spec["name"], *spec["shape"]]))
    windows = frames.unfold(1, 16, 8).movedim(-1, 2)
    golden.check("features", encoder(windows))


@pytest.mark.parametrize("golden", of_kind("vggish"))
def test_wrong_files_are_named(golden, tmp_path):
    with pytest.raises(WeightsError, match=r"lacks vggish-10086976\.pth .*get it from https"):
        load_metric_network("vggish", tmp_path)
    weights = {"features.0.weight": torch.zeros(64, 1, 3, 3), "pca": torch.zeros(2)}
    torch.save(weights, tmp_path / "vggish-10086976.pth")
    with pytest.raises(WeightsError, match=r"does not hold the weights of vggish .*differences"):
        load_metric_network("vggish", tmp_path)
    with pytest.raises(WeightsError, match="no network is called"):
        load_metric_network("cnn10", tmp_path)
