"""MovingObjectDetector: Qwen2.5-VL lists what moves (PAVAS Sec. 3.3, step 1)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar, cast

from pavas_qwen_vl import prompts
from pavas_qwen_vl.answers.moving_objects import keep_largest, read_objects
from pavas_qwen_vl.asking import ask
from pavas_qwen_vl.component import QwenVLComponent
from pavas_qwen_vl.config import DetectorConfig
from pavas_qwen_vl.engine import Question
from pavas_qwen_vl.schemas import objects_schema
from pavas_sdk.data import MovingObject
from pavas_sdk.errors import PavasWarning
from pavas_sdk.interfaces import MovingObjectDetector

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource
    from pavas_sdk.interfaces import ComponentConfig

__all__ = ["QwenVL3BDetector", "QwenVL72BDetector", "QwenVLDetector"]


class QwenVLDetector(QwenVLComponent, MovingObjectDetector):
    """Asks what really moves; what only seems to move because the camera does is left out."""

    config_class: ClassVar[type[ComponentConfig]] = DetectorConfig
    prompt: ClassVar[str] = "moving_objects"

    @property
    def config(self) -> DetectorConfig:
        """The frozen settings."""
        return cast("DetectorConfig", self._config)

    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        """Return the moving objects, numbered in the order of the answer; none is an answer too.

        Args:
            video: The clip; at most ``max_frames`` frames of at most ``max_pixels`` are read.
            prompt: What the user says about the clip; the model is told.
            rng: Not used: the likeliest answer is taken.

        Raises:
            AnswerError: No answer could be read; it carries them all.
            PavasError: Packages or weights are missing, or the server failed.

        Warns:
            PavasWarning: More than ``max_objects``; the smallest are left out, by name.
        """
        del rng
        config = self.config
        clip = self._clip(video)
        said = prompts.plain(prompt)
        question = Question(
            clip=clip,
            text=prompts.render(
                self.prompt,
                config.prompt_version,
                duration_s=f"{clip.duration_s:.1f}",
                slow_motion=clip.slow_motion,
                user_prompt=f"\nThe person who made the clip says about it: {said}\n"
                if said
                else "",
            ),
            schema=objects_schema(max_listed=config.max_listed),
            max_new_tokens=config.max_new_tokens,
        )
        mentions = ask(
            self.engine(), question, read_objects, config=config, about="what moves in the clip"
        )
        kept, left_out = keep_largest(mentions, config.max_objects)
        if left_out:
            names = ", ".join(mention.label for mention in left_out)
            warnings.warn(
                f"{len(mentions)} moving objects were named; the {len(kept)} largest are kept "
                f"(max_objects={config.max_objects}), left out: {names}",
                PavasWarning,
                stacklevel=2,
            )
        return [
            MovingObject(
                object_id=number, label=mention.label, action=mention.action, score=mention.score
            )
            for number, mention in enumerate(kept)
        ]


class QwenVL3BDetector(QwenVLDetector):
    """The same with the 3B model, whose weights are licensed for research only."""

    size: ClassVar[str] = "3B"


class QwenVL72BDetector(QwenVLDetector):
    """The same with the 72B model."""

    size: ClassVar[str] = "72B"
