"""Florence-2: from a description to boxes on one frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from pavas_florence_sam2.boxes import clean_boxes
from pavas_florence_sam2.loading import load_pair

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pavas_florence_sam2.boxes import Box
    from pavas_florence_sam2.config import FlorenceSam2Config

__all__ = ["Florence"]

_MOST_CHARACTERS = 200


class Florence:
    """Florence-2 and its processor.

    Args:
        folder: Of the model and its processor.
        device: Where to put the model.
        dtype: Its number format.

    Raises:
        WeightsError: Files do not fit.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import AutoProcessor, Florence2ForConditionalGeneration

        self._processor, model = load_pair(
            AutoProcessor, Florence2ForConditionalGeneration, folder, dtype, name="Florence-2"
        )
        self._model: Any = model.to(device).eval()
        self._device, self._dtype = device, dtype

    @torch.inference_mode()
    def boxes(
        self, frame: NDArray[np.uint8], description: str, config: FlorenceSam2Config
    ) -> list[Box]:
        """Return where a description fits on a frame, the largest place first; none is an answer.

        One description at a time: in a batch the padding would change the numbers a little.

        Args:
            frame: uint8, (H, W, 3).
            description: In words; what would be read as a token of the model is taken out.
            config: Settings.
        """
        words = " ".join(re.sub(r"<[^<>]*>|[<>]", " ", description).split())[:_MOST_CHARACTERS]
        if not words:
            return []
        height, width = frame.shape[:2]
        inputs = self._processor(
            text=config.task + words, images=frame.copy(), return_tensors="pt"
        ).to(self._device, self._dtype)
        tokens = self._model.generate(
            **inputs,
            max_new_tokens=config.max_new_tokens,
            num_beams=config.num_beams,
            do_sample=False,
        )
        # the places are tokens, which must not be skipped
        (text,) = self._processor.batch_decode(tokens, skip_special_tokens=False)
        answer = self._processor.post_process_generation(
            text=text, task=config.task, image_size=(width, height)
        )
        return clean_boxes(
            answer.get(config.task, {}).get("bboxes", []),
            height=height,
            width=width,
            min_fraction=config.min_box_fraction,
        )
