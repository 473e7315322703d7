"""Official tensor names to ours, without touching the numbers until they are asked for. No torch.

What a function does not know passes through unchanged, so that the comparison with the network
reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

__all__ = [
    "LazyTensor",
    "bigvgan_tensors",
    "clip_tensors",
    "fold_weight_norm",
    "synchformer_tensors",
    "transformer_tensors",
    "unchanged",
]

_WEIGHT_NORM_SPELLINGS = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)
# Tables that follow from the configuration; some released files hold them.
_DERIVED = ("t_embed.freqs", "latent_rot", "clip_rot")
# Taps that follow from a formula.
_FILTERS = ("upsample.filter", "downsample.lowpass.filter")
# The visual half of the audio-visual Synchformer.
_VISUAL = "vfeat_extractor."
# Patches of single frames, which the file holds but no path uses.
_SINGLE_FRAMES = f"{_VISUAL}patch_embed.proj."


@dataclass(frozen=True, slots=True, eq=False)
class LazyTensor:
    """A tensor that is made when it is written.

    Attributes:
        shape: Its shape.
        read: Returns it.
    """

    shape: tuple[int, ...]
    read: Callable[[], Tensor]

    @classmethod
    def of(cls, tensor: Tensor) -> LazyTensor:
        """Return ``tensor`` itself; of a memory-mapped one nothing is read yet."""
        return cls(tuple(tensor.shape), lambda: tensor)


def unchanged(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Keep every tensor and its name."""
    return {name: LazyTensor.of(tensor) for name, tensor in official.items()}


def transformer_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Return the flow network's tensors; tables that follow from its configuration are dropped."""
    return unchanged({name: value for name, value in official.items() if name not in _DERIVED})


def bigvgan_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Return a generator's tensors, weight norm folded when read; filters are dropped."""
    return fold_weight_norm(
        {name: value for name, value in official.items() if not name.endswith(_FILTERS)}
    )


def synchformer_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Return the visual half of the audio-visual checkpoint, without what no path uses."""
    return unchanged(
        {
            name.removeprefix(_VISUAL): value
            for name, value in official.items()
            if name.startswith(_VISUAL) and not name.startswith(_SINGLE_FRAMES)
        }
    )


def clip_tensors(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Return an open_clip model's tensors, as they stand inside our wrapper."""
    return unchanged({f"model.{name}": value for name, value in official.items()})


def fold_weight_norm(official: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Replace each weight-norm pair by the weight it stands for: ``g * v / ||v||``.

    The norm is taken over all axes but the first, in float32. Both spellings of a pair are
    understood, as is a plain ``weight``. Half a pair passes through, so that it is reported.
    """
    tensors = unchanged(official)
    for name in official:
        for ending_g, ending_v in _WEIGHT_NORM_SPELLINGS:
            stem = name.removesuffix(ending_g)
            if stem == name or f"{stem}{ending_v}" not in official:
                continue
            gain, direction = official[name], official[f"{stem}{ending_v}"]
            del tensors[name], tensors[f"{stem}{ending_v}"]
            tensors[f"{stem}weight"] = LazyTensor(
                tuple(direction.shape), partial(_folded, gain, direction)
            )
    return tensors


def _folded(gain: Tensor, direction: Tensor) -> Tensor:
    import torch

    folded: Tensor = torch._weight_norm(direction.float(), gain.float(), 0)
    return folded
