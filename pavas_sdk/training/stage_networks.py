"""A stage's trained network on disk: there whole, or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_saved", "save_network"]


def save_network(network: Any, folder: Path) -> None:
    """Save a network under ``folder``, which a later run takes as the stage's result.

    diffusers writes the configuration before the weights: killed between them it would leave a
    folder that looks finished. So it is written beside and renamed.

    Args:
        network: With ``save_pretrained``.
        folder: Of the network; what is there is replaced.
    """
    beside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    network.save_pretrained(beside)
    if folder.exists():
        shutil.rmtree(folder)
    beside.rename(folder)


def is_saved(folder: Path) -> bool:
    """Return whether `save_network` came to its end there."""
    return (folder / "config.json").exists()
