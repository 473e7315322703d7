"""A model of transformers and its processor from a local folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_pair"]


def load_pair(
    processor_class: Any, model_class: Any, folder: Path, dtype: torch.dtype, *, name: str
) -> tuple[Any, Any]:
    """Return processor and model, on the CPU; torch's random numbers stay as they were.

    Raises:
        WeightsError: Files are damaged or do not fit.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            return processor_class.from_pretrained(folder), model_class.from_pretrained(
                folder, dtype=dtype, use_safetensors=True, local_files_only=True
            )
    # All errors: transformers, tokenizers and safetensors raise types of their own for bad files.
    except Exception as err:
        raise WeightsError(
            f"{name} in {folder} cannot be loaded: {type(err).__name__}: {err}"
        ) from err
