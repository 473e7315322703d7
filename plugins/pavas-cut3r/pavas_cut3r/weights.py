"""Where the weights are: found, converted on first use, checked, loaded without a copy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from pavas_cut3r.checkpoint import (
    CHECKPOINT_NAME,
    CONFIG_NAME,
    RECORD_NAME,
    WEIGHTS_NAME,
    convert_checkpoint,
)
from pavas_cut3r.network import Cut3R
from pavas_sdk.errors import ConfigurationError, MissingWeightsError, WeightsError
from pavas_sdk.interfaces import cache_folder, hub_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RANDOM_TINY", "check_weights", "default_folder", "load_model", "random_model"]

RANDOM_TINY = "random-tiny"
"""In place of weights: a tiny model with random ones. Its answers mean nothing; it is for tests."""

_TINY: dict[str, Any] = {
    "encoder_dim": 64,
    "encoder_depth": 2,
    "encoder_heads": 2,
    "decoder_dim": 32,
    "decoder_depth": 4,
    "decoder_heads": 2,
    "state_decoder_heads": 4,
    "state_tokens": 12,
    "memory_slots": 6,
    "dpt_layer_dims": (8, 16, 16, 16),
    "dpt_feature_dim": 16,
    "dpt_last_dim": 8,
}


def default_folder() -> Path:
    """Return where weights are looked for: ``cut3r`` in `pavas_sdk.interfaces.cache_folder`."""
    return cache_folder() / "cut3r"


def load_model(weights: str | None = None, *, revision: str | None = None) -> Cut3R:
    """Return the model with its weights, in float32 on the CPU.

    The tensors are memory-mapped: nothing is held twice. An official checkpoint in the folder is
    converted first, once.

    Args:
        weights: A folder with converted weights or with the official checkpoint; a repository of
            the Hugging Face Hub with converted ones (``owner/name``); `RANDOM_TINY`; or None for
            `default_folder`. Nothing is downloaded unless a repository is named.
        revision: What the weights must be: a revision of the repository, or of a folder the
            beginning of the SHA-256 of the official checkpoint that it was converted from.

    Raises:
        MissingWeightsError: The weights are not on this machine.
        WeightsError: They are damaged, of another model, or of another revision.
        OutputError: The official checkpoint cannot be converted for want of space or rights.
    """
    if weights == RANDOM_TINY:
        return random_model()
    folder = _locate(weights, revision)
    _check_folder(folder)
    if not (folder / WEIGHTS_NAME).is_file():
        convert_checkpoint(folder / CHECKPOINT_NAME, folder)
    if revision is not None and not _is_repository(weights):
        _check_revision(folder, revision)
    return _load_folder(folder)


def check_weights(weights: str | None = None) -> None:
    """Raise if `load_model` would not find its files; a repository is not looked for.

    Raises:
        MissingWeightsError: The weights are not on this machine.
    """
    if weights != RANDOM_TINY and not _is_repository(weights):
        _check_folder(_locate(weights, None))


def _check_folder(folder: Path) -> None:
    if not any((folder / name).is_file() for name in (WEIGHTS_NAME, CHECKPOINT_NAME)):
        raise MissingWeightsError(_missing(folder))


def random_model(seed: int = 0) -> Cut3R:
    """Return a tiny model with random weights; the same for the same seed, on every machine."""
    with torch.device("meta"):
        model = Cut3R(**_TINY)
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in model.state_dict().items():
        numbers = torch.randn(value.shape, generator=generator)
        if value.ndim > 1:
            numbers /= math.sqrt(math.prod(value.shape[1:]))
        elif key.endswith("weight"):
            numbers = 1 + 0.1 * numbers
        else:
            numbers = 0.02 * numbers
        state[key] = numbers
    model.load_state_dict(state, assign=True)
    return cast("Cut3R", model.eval().requires_grad_(False))


def _is_repository(weights: str | None) -> TypeGuard[str]:
    return (
        weights is not None
        and weights.count("/") == 1
        and not weights.startswith((".", "~", "/"))
        and not Path(weights).is_dir()
    )


def _locate(weights: str | None, revision: str | None) -> Path:
    if weights is None:
        return default_folder()
    if _is_repository(weights):
        return hub_folder(
            weights,
            patterns=("*.json", "*.safetensors"),
            revision=revision,
            download=True,
            what="CUT3R",
        )
    folder = Path(weights).expanduser()
    if not folder.is_dir():
        raise MissingWeightsError(_missing(folder))
    return folder


def _missing(folder: Path) -> str:
    return (
        f"CUT3R's weights are not on this machine: {folder} has neither {WEIGHTS_NAME} nor "
        f"{CHECKPOINT_NAME}.\n"
        f"  plugin: pip install pavas-cut3r\n"
        f"  file:   {CHECKPOINT_NAME}, as published by CUT3R's authors (3.2 GB; licence CC BY-NC-SA "
        "4.0, not for commercial use)\n"
        f"  place:  {folder / CHECKPOINT_NAME}\n"
        "It is converted to safetensors on first use. Elsewhere: weights=FOLDER, or PAVAS_CACHE"
    )


def _check_revision(folder: Path, revision: str) -> None:
    record = _read_json(folder / RECORD_NAME, optional=True)
    have = str(record.get("sha256", ""))
    if not revision or not have.startswith(revision.lower()):
        raise WeightsError(
            f"the weights in {folder} are of revision {have[:12] or 'unknown'}, wanted is "
            f"{revision}; a revision of a folder is the SHA-256 of the checkpoint that it was "
            f"converted from. Convert the wanted {CHECKPOINT_NAME}: python -m pavas_cut3r convert "
            f"FILE -o {folder}"
        )


def _read_json(path: Path, *, optional: bool = False) -> Mapping[str, Any]:
    if optional and not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as err:
        raise WeightsError(
            f"{path} cannot be read: {err}; convert {CHECKPOINT_NAME} again: "
            f"python -m pavas_cut3r convert FILE -o {path.parent}"
        ) from err
    if not isinstance(content, dict):
        raise WeightsError(f"{path} must hold a JSON object")
    return content


def _load_folder(folder: Path) -> Cut3R:
    """A model of the folder's config with its tensors, strictly the same names and shapes."""
    config = _read_json(folder / CONFIG_NAME)
    known = {key: value for key, value in config.items() if not key.startswith("_")}
    try:
        with torch.device("meta"):
            model = Cut3R(**known)
    except (TypeError, ConfigurationError) as err:
        raise WeightsError(f"{folder / CONFIG_NAME} describes no CUT3R model: {err}") from err
    path = folder / WEIGHTS_NAME
    wanted = {key: list(value.shape) for key, value in model.state_dict().items()}
    try:
        with safe_open(path, "pt") as file:
            have = {key: list(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        problems = [f"unknown {key}" for key in have if key not in wanted]
        problems += [f"missing {key}" for key in wanted if key not in have]
        problems += [
            f"{key} is {have[key]}, expected {shape}"
            for key, shape in wanted.items()
            if have.get(key, shape) != shape
        ]
        if problems:
            shown = "; ".join(problems[:8]) + ("; ..." if len(problems) > 8 else "")
            raise WeightsError(
                f"{path} is of another model or revision: {len(problems)} differences: {shown}. "
                f"Convert {CHECKPOINT_NAME} again: python -m pavas_cut3r convert FILE -o {folder}"
            )
        state = load_file(path)
    except (SafetensorError, OSError) as err:
        raise WeightsError(
            f"{path} is damaged ({err}); convert {CHECKPOINT_NAME} again: "
            f"python -m pavas_cut3r convert FILE -o {folder}"
        ) from err
    model.load_state_dict(state, strict=True, assign=True)
    return cast("Cut3R", model.float().eval().requires_grad_(False))
