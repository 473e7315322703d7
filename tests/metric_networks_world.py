"""Tiny networks of the metrics: official files with random weights, and the models that they make."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch

from pavas_sdk.evaluation.extractors.sound import (
    PannsExtractor,
    PasstExtractor,
    VggishExtractor,
)
from pavas_sdk.evaluation.extractors.synchformer import (
    SynchformerExtractor,
    SynchformerVideoExtractor,
)
from pavas_sdk.released.metric_models import METRIC_MODELS, NetworksOfAFile

if TYPE_CHECKING:
    from pathlib import Path

_EXTRACTORS = {
    name: extractor
    for cls in (
        PannsExtractor,
        VggishExtractor,
        PasstExtractor,
        SynchformerExtractor,
        SynchformerVideoExtractor,
    )
    for extractor in (cls(weights="random-tiny"),)
    for name in extractor.networks
}
# What the official files hold beside the network, or before its names.
_BEFORE = {"synchformer-audio": "afeat_extractor.", "synchformer-video": "vfeat_extractor."}
_BESIDE = {
    "panns-cnn14-16k": "logmel_extractor.melW",
    "passt-s": "head_dist.weight",
    "vggish": None,
}

TINY_MODELS = {
    model.name: replace(
        model,
        networks=tuple(
            replace(part, build=partial(_EXTRACTORS[part.name].tiny_network, part.name))
            for part in model.networks
        ),
    )
    for model in METRIC_MODELS.values()
    if isinstance(model, NetworksOfAFile)
}


def official_state(model: NetworksOfAFile, seed: int = 0) -> dict[str, torch.Tensor]:
    """The tensors of an official file."""
    state: dict[str, torch.Tensor] = {}
    for part in model.networks:
        network = part.build()
        _EXTRACTORS[part.name].fill(network, seed)
        before = _BEFORE.get(part.name, "")
        state |= {before + name: values for name, values in network.state_dict().items()}
    beside = _BESIDE.get(model.name)
    return state | ({} if beside is None else {beside: torch.zeros(3)})


def write_official(folder: Path, *names: str, seed: int = 0) -> Path:
    """Write official files of the models of these names, by default of all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or TINY_MODELS:
        model = TINY_MODELS[name]
        torch.save({"model": official_state(model, seed)}, folder / model.official_file)
    return folder


def prepare_tiny(folder: Path, *names: str, seed: int = 0) -> None:
    """Convert tiny networks into the cache folder of this process."""
    write_official(folder, *names, seed=seed)
    for name in names or TINY_MODELS:
        TINY_MODELS[name].prepare(folder, say=lambda line: None)
