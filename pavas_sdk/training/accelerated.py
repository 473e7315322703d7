"""What trainings with accelerate share: where they run, their checkpoints, and how far they are."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from pavas_sdk.errors import ConfigurationError, FormatError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CHECKPOINT_VERSION",
    "Progress",
    "present_checkpoint",
    "save_checkpoint",
    "training_accelerator",
]

CHECKPOINT_VERSION = 2  # 1, of version 0.1.0, had another moving average and no schedule


class Progress:
    """Number of finished steps and recent losses, saved with the checkpoint.

    Attributes:
        step: Finished steps.
        losses: Means over 50 steps each.
    """

    def __init__(self) -> None:
        self.step = 0
        self.losses: list[float] = []

    def state_dict(self) -> dict[str, Any]:
        """Return what is saved."""
        return {
            "format_version": CHECKPOINT_VERSION,
            "step": self.step,
            "losses": list(self.losses),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what was saved.

        Raises:
            FormatError: By another version.
        """
        found = state.get("format_version", 1)
        if found != CHECKPOINT_VERSION:
            raise FormatError(
                f"the checkpoint has format version {found}, this version of pavas-sdk resumes "
                f"{CHECKPOINT_VERSION}; finish it with the version that wrote it, or train anew in "
                "another folder"
            )
        self.step = int(state["step"])
        self.losses = [float(loss) for loss in state["losses"]]


def training_accelerator() -> Any:
    """Return an accelerator on the GPU where there is one.

    Raises:
        ConfigurationError: accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError as err:
        raise ConfigurationError(
            'training needs accelerate, which is not installed; pip install "pavas-sdk[train]"'
        ) from err
    return Accelerator(cpu=not torch.cuda.is_available())


def present_checkpoint(checkpoint: Path) -> bool:
    """Whether there is a checkpoint; the one before where a kill fell between the two renames."""
    old = _before(checkpoint)
    if not checkpoint.exists() and old.exists():
        old.rename(checkpoint)
    return checkpoint.exists()


def save_checkpoint(accelerator: Any, checkpoint: Path, progress: Progress) -> None:
    """Write a checkpoint beside the old one, then swap: an interrupt leaves one that is whole.

    Raises:
        OutputError: It cannot be written; the old one stays.
    """
    fresh, old = checkpoint.with_name("checkpoint.new"), _before(checkpoint)
    try:
        if fresh.exists():
            shutil.rmtree(fresh)
        accelerator.save_state(str(fresh))
        if old.exists():
            shutil.rmtree(old)
        if checkpoint.exists():
            checkpoint.rename(old)
        fresh.rename(checkpoint)
        if old.exists():
            shutil.rmtree(old)
        note = {"step": progress.step, "losses": progress.losses}
        (checkpoint.parent / "progress.json").write_text(json.dumps(note), encoding="utf-8")
    # torch and safetensors have errors of their own for a disk that is full
    except (OSError, RuntimeError, SafetensorError) as err:
        shutil.rmtree(fresh, ignore_errors=True)  # half of it would fill the disk
        raise OutputError(
            f"cannot write the checkpoint {checkpoint}: {err}; free some room and go on with "
            "--resume (resume=True)"
        ) from err


def _before(checkpoint: Path) -> Path:
    return checkpoint.with_name("checkpoint.old")
