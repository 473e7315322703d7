"""Low-rank changes (LoRA) of the flow network: what is changed, and the file they are kept in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from pavas_sdk.errors import ConfigurationError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

__all__ = [
    "DEFAULT_TARGETS",
    "LORA_FILE",
    "add_lora",
    "check_lora_fits",
    "check_saveable",
    "lora_names",
    "lora_state",
    "read_lora",
    "require_peft",
]

LORA_FILE = "pytorch_lora_weights.safetensors"
DEFAULT_TARGETS = r"(joint|fused)_blocks\..*(attn\.qkv|adaLN_modulation\.[12])"
"""Attention inputs and AdaLN maps of all blocks: a hundredth of the weights at rank 16."""
PREFIX = "transformer."
_METADATA_KEY = "lora_adapter_metadata"


def require_peft() -> Any:
    """Return the module ``peft``.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import peft
    except ImportError as err:
        raise ConfigurationError(
            'LoRA needs peft, which is not installed; pip install "pavas-sdk[lora]"'
        ) from err
    return peft


def lora_names(network: object) -> tuple[str, ...]:
    """Return the names of the LoRAs that are attached to a network."""
    return tuple(getattr(network, "peft_config", None) or ())


def check_saveable(network: object) -> None:
    """Make sure that a network's weights can be saved as such.

    Raises:
        ConfigurationError: A LoRA is attached: its wrapped layers could not be loaded again.
    """
    if names := lora_names(network):
        raise ConfigurationError(
            f"the LoRA {', '.join(names)} is attached, and a network saved with it cannot be "
            "loaded; make it part of the weights (pipe.fuse_lora(), then "
            "pipe.unload_lora_weights()), take it off (pipe.unload_lora_weights()), or save "
            "it alone (pipe.save_lora)"
        )


def add_lora(
    network: Any,
    *,
    rank: int = 16,
    alpha: float | None = None,
    targets: str = DEFAULT_TARGETS,
    name: str = "default",
    seed: int = 0,
) -> list[nn.Parameter]:
    """Attach a fresh LoRA, which changes nothing yet, and freeze everything else.

    Args:
        network: A diffusers ``ModelMixin`` with ``PeftAdapterMixin``.
        rank: Of each change.
        alpha: Changes are scaled by alpha / rank; by default 1.
        targets: Regular expression over the names of linear maps and convolutions.
        name: Of the LoRA.
        seed: Of its weights.

    Returns:
        The parameters to train.

    Raises:
        ConfigurationError: peft is missing, the rank is not positive, or no map has such a name.
    """
    import torch

    peft = require_peft()
    if rank < 1:
        raise ConfigurationError(f"rank must be at least 1, got {rank}")
    config = peft.LoraConfig(r=rank, lora_alpha=alpha or rank, target_modules=targets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            network.add_adapter(config, adapter_name=name)
        except ValueError as err:
            raise ConfigurationError(f"cannot attach a LoRA to {targets!r}: {err}") from err
    trained = []
    for key, parameter in network.named_parameters():
        parameter.requires_grad_("lora_" in key)
        if "lora_" in key:
            trained.append(parameter)
    return trained


def lora_state(network: Any, name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of one LoRA and its configuration, as `save_lora_weights` takes them.

    Raises:
        ConfigurationError: No LoRA of this name is attached.
    """
    if name not in lora_names(network):
        raise ConfigurationError(
            f"no LoRA named {name!r} is attached; there are {list(lora_names(network))}"
        )
    peft = require_peft()
    state = peft.get_peft_model_state_dict(network, adapter_name=name)
    return dict(state), dict(network.peft_config[name].to_dict())


def read_lora(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """Return the tensors of a LoRA file and its configuration, None where the header has none.

    Args:
        path: A safetensors file in the form of diffusers: names start with ``transformer.``, or
            have no such prefix where a network wrote it by itself.

    Raises:
        WeightsError: It is damaged, or holds tensors that are no LoRA.
    """
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"{path} is no safetensors file; other forms may run code when they are read. Ask its "
            f"author for {LORA_FILE}"
        )
    try:
        state = load_file(path)
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        metadata = json.loads(header[_METADATA_KEY]) if _METADATA_KEY in header else None
    except (OSError, SafetensorError, ValueError) as err:
        raise WeightsError(f"{path} is damaged: {err}") from err
    strange = [name for name in state if not name.endswith((".lora_A.weight", ".lora_B.weight"))]
    if strange or not state:
        raise WeightsError(
            f"{path} is no LoRA of a PAVAS backbone: {_some(strange) or 'it is empty'}; expected "
            "names that end in lora_A.weight and lora_B.weight"
        )
    if not any(name.startswith(PREFIX) for name in state):
        state = {PREFIX + name: value for name, value in state.items()}
        if metadata is not None:
            metadata = {PREFIX + name: value for name, value in metadata.items()}
    return state, metadata


def check_lora_fits(state: Mapping[str, Tensor], network: nn.Module, path: Path) -> None:
    """Compare a LoRA with the maps it changes.

    Raises:
        WeightsError: Maps that the network has not, or of other sizes: all are named.
    """
    modules = dict(network.named_modules())
    problems = []
    for name, value in state.items():
        layer, _, kind = name.removeprefix(PREFIX).rpartition(".lora_")
        weight = getattr(modules.get(layer), "weight", None)
        if not name.startswith(PREFIX) or weight is None:
            problems.append(f"{name}: the backbone has no such map")
            continue
        axis, wanted = (1, weight.shape[1]) if kind == "A.weight" else (0, weight.shape[0])
        if value.ndim != weight.ndim or value.shape[axis] != wanted:
            problems.append(f"{name}: {list(value.shape)} beside a map {list(weight.shape)}")
    if problems:
        raise WeightsError(
            f"{path} belongs to another backbone ({len(problems)} differences): {_some(problems)}"
        )


def _some(entries: list[str], most: int = 4) -> str:
    more = len(entries) - most
    return "; ".join(entries[:most]) + (f" and {more} more" if more > 0 else "")
