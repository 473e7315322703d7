"""The networks of the public evaluation code (av-benchmark), for benchmarks/evaluation.py.

They come from a checkout and from packages that are installed beside it; nothing is downloaded. What
the checkout imports and no network here uses (ImageBind, CLAP, video) is replaced by a stand-in, and so
is what newer versions of transformers no longer have: pruning and masks of heads, neither of them used.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

    Heard = Callable[[Tensor], Tensor]

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
UNUSED = (
    "imagebind",
    "imagebind.data",
    "imagebind.models",
    "imagebind.models.imagebind_model",
    "laion_clap",
    "msclap",
    "pytorchvideo",
    "pytorchvideo.data",
    "pytorchvideo.data.clip_sampling",
    "av_bench.extraction_models",
)
PASST_SECONDS = 10


def name_seeded(network: nn.Module, *, computed: Iterable[str] = ()) -> dict[str, Tensor]:
    """Give a network name-seeded weights but where they follow from formulas; return its state."""
    sys.path.insert(0, str(GOLDEN))
    fill = importlib.import_module("metric_fill").metric_fill
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not name.startswith(tuple(computed)) and tensor.is_floating_point():
                tensor.copy_(torch.from_numpy(fill(name, tuple(tensor.shape))))
    network.eval()
    return dict(network.state_dict())


def panns() -> tuple[dict[str, Tensor], Heard]:
    """PANNs Cnn14, 16 kHz."""
    module = importlib.import_module("av_bench.panns.models")
    cnn14 = module.Cnn14
    with (  # its constructor downloads, loads, and makes a folder in the home directory
        mock.patch.object(module.os, "system"),
        mock.patch.object(module.os, "makedirs"),
        mock.patch.object(module.torch, "load"),
        mock.patch.object(cnn14, "load_state_dict"),
    ):
        network = cnn14(
            features_list=["2048", "logits"],
            sample_rate=16000,
            window_size=512,
            hop_size=160,
            mel_bins=64,
            fmin=50,
            fmax=8000,
            classes_num=527,
        )
    state = name_seeded(network, computed=("spectrogram_extractor.", "logmel_extractor."))
    return state, lambda samples: network(samples)["2048"]


def vggish() -> tuple[dict[str, Tensor], Heard]:
    """VGGish, with its own resampling and spectrogram in numpy."""
    module = importlib.import_module("av_bench.vggish.vggish")
    network = module.VGGish(pretrained=False, postprocess=False)
    return name_seeded(network), network


def passt() -> tuple[dict[str, Tensor], Heard]:
    """PaSST of the package hear21passt, on 10 s as the public tool pads them."""
    base = importlib.import_module("hear21passt.base")
    full = base.get_model_passt
    with mock.patch.object(base, "get_model_passt", lambda arch: full(arch, pretrained=False)):
        network = base.get_basic_model(mode="all").eval()
    state = name_seeded(network.net)

    def hear(samples: Tensor) -> Tensor:
        rest = PASST_SECONDS * 32000 - samples.shape[1]
        heard: Tensor = network(torch.nn.functional.pad(samples, (0, rest)))[:, 527:]
        return heard

    return state, hear


def synchformer_audio() -> tuple[dict[str, Tensor], Heard]:
    """The audio half of Synchformer, with the public tool's spectrogram and segments."""
    pruning = importlib.import_module("transformers.pytorch_utils")
    for name in ("find_pruneable_heads_and_indices", "prune_linear_layer"):
        if not hasattr(pruning, name):
            setattr(pruning, name, None)
    base = importlib.import_module("transformers").PreTrainedModel
    if not hasattr(base, "get_head_mask"):  # no head is masked
        base.get_head_mask = lambda _, mask, layers: [mask] * layers
    network = importlib.import_module("av_bench.synchformer.synchformer").Synchformer()
    with mock.patch.dict(sys.modules, {name: mock.MagicMock() for name in UNUSED}):
        extract = importlib.import_module("av_bench.extract")
    mel = importlib.import_module("torchaudio").transforms.MelSpectrogram(
        sample_rate=16000, win_length=400, hop_length=160, n_fft=1024, n_mels=128
    )
    state = name_seeded(network)
    return state, lambda samples: extract.encode_audio_with_sync(network, samples, mel)


REFERENCES: dict[str, Callable[[], tuple[dict[str, Tensor], Heard]]] = {
    "panns": panns,
    "vggish": vggish,
    "passt": passt,
    "synchformer-audio": synchformer_audio,
}


def reference(name: str, folder: str) -> tuple[dict[str, Tensor], Any]:
    """Return official weights by name, and the public network that has them.

    Raises:
        ImportError: A package that this network needs is missing.
    """
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return REFERENCES[name]()
