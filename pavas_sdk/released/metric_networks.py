"""The networks of the evaluation metrics: their official files, and how they become ours.

Sizes follow from the parameter counts in float32 (of Synchformer and Cnn14: the whole
file, which holds more than one network needs).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pavas_sdk import models
from pavas_sdk.errors import WeightsError
from pavas_sdk.released.releases import OfficialFile, PublishedFile, ReleasedComponent
from pavas_sdk.released.tensor_names import synchformer_tensors, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.released.tensor_names import LazyTensor

__all__ = ["METRIC_NETWORKS", "find_official", "load_metric_network"]

_AUDIO = "afeat_extractor."
_EXTRACTORS = ("afeat_extractor.", "vfeat_extractor.")


def _cnn14_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Leave out the DFT kernels and the mel matrix: they follow from formulas."""
    computed = ("spectrogram_extractor.", "logmel_extractor.")
    return unchanged({k: v for k, v in official.items() if not k.startswith(computed)})


def _passt_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Leave out the second head, which no path uses."""
    return unchanged({k: v for k, v in official.items() if not k.startswith("head_dist.")})


def _audio_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    return unchanged(
        {k.removeprefix(_AUDIO): v for k, v in official.items() if k.startswith(_AUDIO)}
    )


def _comparison_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    return unchanged({k: v for k, v in official.items() if not k.startswith(_EXTRACTORS)})


def _network(
    name: str,
    file: OfficialFile,
    build: Callable[[], Any],
    translate: Callable[[Mapping[str, Tensor]], Mapping[str, LazyTensor]] = unchanged,
) -> ReleasedComponent:
    return ReleasedComponent(
        name=name, slot="listener", file=file, build=build, translate=translate
    )


_PANNS = PublishedFile(
    repository="3987831",
    path="Cnn14_16k_mAP=0.438.pth",
    size_bytes=4 * 81_800_000,
    licence="CC-BY-4.0",
    page="https://zenodo.org/records/3987831",
    address="https://zenodo.org/records/3987831/files/Cnn14_16k_mAP%3D0.438.pth",
)
_VGGISH = PublishedFile(
    repository="harritaylor/torchvggish",
    path="vggish-10086976.pth",
    size_bytes=4 * 72_141_184,
    licence="Apache-2.0",
    page="https://github.com/harritaylor/torchvggish/releases",
    address="https://github.com/harritaylor/torchvggish/releases/download/v0.1/vggish-10086976.pth",
)
_PASST = PublishedFile(
    repository="kkoutini/PaSST",
    path="passt-s-f128-p16-s10-ap.476-swa.pt",
    size_bytes=4 * 86_600_000,
    licence="Apache-2.0",
    page="https://github.com/kkoutini/PaSST/releases",
    address="https://github.com/kkoutini/PaSST/releases/download/v0.0.1-audioset/"
    "passt-s-f128-p16-s10-ap.476-swa.pt",
)
_SYNCHFORMER = OfficialFile(
    repository="hkchengrex/MMAudio",
    path="ext_weights/synchformer_state_dict.pth",
    size_bytes=950_000_000,
    licence="MIT",
)

METRIC_NETWORKS: Mapping[str, ReleasedComponent] = MappingProxyType(
    {
        part.name: part
        for part in (
            # functions, since the classes themselves would import torch
            _network("panns-cnn14-16k", _PANNS, lambda: models.Cnn14(), _cnn14_tensors),  # noqa: PLW0108
            _network("vggish", _VGGISH, lambda: models.VGGish()),  # noqa: PLW0108
            _network("passt-s", _PASST, lambda: models.PaSST(), _passt_tensors),  # noqa: PLW0108
            _network(
                "synchformer-audio",
                _SYNCHFORMER,
                lambda: models.SynchformerAudio(),  # noqa: PLW0108
                _audio_tensors,
            ),
            _network(
                "synchformer-video",
                _SYNCHFORMER,
                lambda: models.Synchformer(),  # noqa: PLW0108
                synchformer_tensors,
            ),
            _network(
                "synchformer-comparison",
                _SYNCHFORMER,
                lambda: models.SynchformerComparison(),  # noqa: PLW0108
                _comparison_tensors,
            ),
        )
    }
)
"""Networks of the metrics by name."""


def find_official(file: OfficialFile, folder: Path) -> Path | None:
    """Return where an official file is in ``folder`` or below it; None where it is missing."""
    for candidate in (folder / file.name, folder / file.path, *sorted(folder.rglob(file.name))):
        if candidate.is_file():
            return candidate
    return None


def load_metric_network(name: str, folder: Path) -> Any:
    """Return a network of the metrics with its official weights, in evaluation mode, float32.

    Args:
        name: One of `METRIC_NETWORKS`.
        folder: Holds the official files under their published names.

    Raises:
        WeightsError: The file is missing, damaged, or holds something else: all differences are
            listed.
    """
    from pavas_sdk.released.checkpoint import read_checkpoint
    from pavas_sdk.released.component_weights import component_weights

    if name not in METRIC_NETWORKS:
        raise WeightsError(f"no network is called {name!r}; there are {', '.join(METRIC_NETWORKS)}")
    part = METRIC_NETWORKS[name]
    path = find_official(part.file, folder)
    if path is None:
        raise WeightsError(
            f"{folder} lacks {part.file.name} ({part.file.size_bytes / 1e9:.2f} GB, "
            f"{part.file.licence}); get it from {part.file.url} and put it there"
        )
    official = read_checkpoint(path, again=part.file.url)
    network, tensors = component_weights(part, official, path, known=METRIC_NETWORKS.values())
    weights = {name: tensor.read() for name, tensor in tensors.items()}
    network.load_state_dict(weights, strict=True, assign=True)
    return network.float().eval().requires_grad_(False)
