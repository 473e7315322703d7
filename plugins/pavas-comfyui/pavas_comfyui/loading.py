"""A node that loads a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from .clips import CATEGORY

if TYPE_CHECKING:
    from pavas_sdk import PavasPipeline

__all__ = ["PavasLoadPipeline"]

_OWN = "the model's own"


class PavasLoadPipeline:
    """Loads a model by preset name, folder or Hub repository."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("PAVAS_PIPELINE",)
    RETURN_NAMES: ClassVar = ("pipeline",)
    FUNCTION: ClassVar = "load"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {
            "required": {
                "model": ("STRING", {"default": "pavas-tiny"}),
                "estimator": ([_OWN, "tiny", "paper"],),
                "device": (["auto", "cpu", "cuda", "mps"],),
            }
        }

    def load(self, model: str, estimator: str, device: str) -> tuple[PavasPipeline]:
        """Return the model, on its device.

        Raises:
            ComponentError: A name is unknown, or plugins are missing.
            WeightsError: There is no such model.
        """
        from pavas_sdk import PavasPipeline

        given: dict[str, Any] = {} if estimator == _OWN else {"physics_estimator": estimator}
        pipe: PavasPipeline = PavasPipeline.from_pretrained(model.strip(), **given)
        if device == "auto":
            device = _best_device()
        if device != "cpu":
            pipe.to(device)
        pipe.set_progress_bar_config(disable=True)
        return (pipe,)


def _best_device() -> str:
    """What ComfyUI computes on (its ``--cpu`` holds here, too); without ComfyUI: a GPU, or the CPU."""
    manager = sys.modules.get("comfy.model_management")
    if manager is not None:
        return str(manager.get_torch_device())
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
