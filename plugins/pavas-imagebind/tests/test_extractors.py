"""Our half of the extractors, beside a stand-in with the calls of the package."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from pavas_imagebind.extractors import ImageBindAudio, ImageBindVideo

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError, MissingPluginError, MissingWeightsError, WeightsError
from pavas_sdk.registry import default_registry
from pavas_sdk.testing import moving_discs


class StandIn(torch.nn.Module):
    """Takes (clips, pieces, ...) per modality and returns normalised rows, as the package does."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(4, 6, bias=False)

    def forward(self, inputs):
        found = {}
        for name, values in inputs.items():
            rows = values.flatten(0, 1).flatten(1)
            facts = [rows.mean(1), rows.std(1), rows[:, 0], rows[:, -1]]
            embedded = torch.nn.functional.normalize(self.head(torch.stack(facts, 1)), dim=1)
            found[name] = embedded.unflatten(0, values.shape[:2]).mean(dim=1)
        return found


@pytest.fixture
def imagebind(monkeypatch, tmp_path):
    """The stand-in as an installed package, and its weights as a file."""
    module = ModuleType("imagebind.models.imagebind_model")
    module.ModalityType = SimpleNamespace(AUDIO="audio", VISION="vision")
    module.imagebind_huge = lambda pretrained: StandIn()
    for name in ("imagebind", "imagebind.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    torch.manual_seed(0)
    torch.save(StandIn().state_dict(), tmp_path / "imagebind_huge.pth")
    return str(tmp_path / "imagebind_huge.pth")


def sound(seed, length_s=8.0):
    samples = np.random.default_rng(seed).normal(size=(2, round(16000 * length_s)))
    return Audio(samples=(0.1 * samples).astype(np.float32), sample_rate_hz=16000)


def test_sounds(imagebind):
    extractor = ImageBindAudio(weights=imagebind)
    extractor.check_ready()
    clips = [extractor.prepare(sound(seed)) for seed in (0, 1)]
    assert clips[0].shape == (3, 1, 128, 204)
    together = extractor.extract(np.stack(clips))["embedding"]
    assert together.shape == (2, 6)
    assert together.dtype == np.float32
    alone = extractor.extract(clips[1][None])["embedding"][0]
    np.testing.assert_allclose(alone, together[1], atol=1e-6)
    model = extractor._loaded()
    pieces = [model({"audio": torch.from_numpy(p)[None, None]})["audio"][0] for p in clips[0]]
    np.testing.assert_allclose(torch.stack(pieces).mean(0).numpy(), together[0], atol=1e-6)
    with pytest.raises(InputError, match="pieces of 2 s"):
        extractor.prepare(sound(0, 1.0))


def test_videos(imagebind):
    extractor = ImageBindVideo(weights=imagebind)
    source = moving_discs(2, frames=80, fps=10.0).source
    clip = extractor.prepare(source)
    assert clip.shape == (9, 3, 2, 224, 224)
    assert extractor.prepare(source, length_s=4.1).shape == (3, 3, 2, 224, 224)
    # the wide picture: left, middle and right of the same frames, and neighbours in time
    assert not np.array_equal(clip[0], clip[2])
    np.testing.assert_array_equal(clip[0, :, 1], clip[3, :, 0])
    assert extractor.extract(clip[None])["embedding"].shape == (1, 6)
    with pytest.raises(InputError, match="a frame every 2 s"):
        extractor.prepare(source, length_s=3.9)


def test_what_is_missing_is_said(imagebind, monkeypatch, tmp_path):
    with pytest.raises(MissingWeightsError, match=r"4\.8 GB, CC-BY-NC-SA-4\.0"):
        ImageBindAudio(weights=str(tmp_path / "none.pth")).check_ready()
    torch.save({"other": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth does not hold the weights"):
        ImageBindAudio(weights=str(tmp_path / "other.pth"))._loaded()
    monkeypatch.setitem(sys.modules, "imagebind.models.imagebind_model", None)
    with pytest.raises(MissingPluginError, match="pip install imagebind-unofficial"):
        ImageBindAudio(weights=imagebind).check_ready()


def test_registered_with_the_licence_of_what_it_runs():
    for name in ("imagebind-audio", "imagebind-video"):
        entry = default_registry().get("metric_extractor", f"pavas-imagebind/{name}")
        assert "CC-BY-NC-SA-4.0" in entry.licence
