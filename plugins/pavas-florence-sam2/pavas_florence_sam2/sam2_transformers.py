"""SAM-2 through transformers: Sam2Video with frames in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from pavas_florence_sam2.loading import load_pair
from pavas_florence_sam2.tracker import Prompt, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TransformersTracker"]


class TransformersTracker:
    """Sam2Video and its processor.

    Every object has a session of its own, so that prompts on different frames do not disturb each
    other and the order of the objects cannot matter; the sessions share the frames and the features
    of the current frame, so that each frame is encoded once. Frames are prepared when their turn
    comes, and what no later frame looks back at is dropped: memory does not grow with the window.

    Args:
        folder: Of the model and its processor.
        device: Where to put the model.
        dtype: Its number format.

    Raises:
        WeightsError: Files do not fit.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import Sam2VideoModel, Sam2VideoProcessor

        self._processor, model = load_pair(
            Sam2VideoProcessor, Sam2VideoModel, folder, dtype, name="SAM-2"
        )
        self._model: Any = model.to(device).eval()
        self._device, self._dtype = device, dtype
        config = model.config
        self.image_side = int(config.image_size)
        # frames that memory attention looks back at
        self._kept = max(int(config.num_maskmem), int(config.max_object_pointers_in_encoder)) + 1

    @torch.inference_mode()
    def track(
        self,
        frames: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        first: int,
        size: tuple[int, int],
    ) -> Iterator[tuple[int, Mapping[int, Seen]]]:
        """Yield each frame from ``first`` on with what is seen of each object (see `Tracker`)."""
        by_object: dict[int, dict[int, Prompt]] = {}
        for prompt in prompts:
            by_object.setdefault(prompt.object_id, {})[prompt.frame] = prompt
        height, width = frames.shape[1:3]
        # the keys say how long the video is; pixels come and go
        pixels: dict[int, Any] = dict.fromkeys(range(len(frames)))
        sessions = {key: self._session(height, width, pixels) for key in sorted(by_object)}
        shared = next(iter(sessions.values())).cache if sessions else None
        for session in sessions.values():
            session.cache = shared
        for frame in range(len(frames)):
            active = [
                key
                for key, own in by_object.items()
                if frame in own or (frame >= first and min(own) < frame)
            ]
            if not active:
                continue
            pixels[frame] = self._pixels(frames[frame])
            seen = {
                key: self._step(sessions[key], frame, by_object[key].get(frame), size)
                for key in active
            }
            pixels[frame] = None
            if frame >= first:
                yield frame, seen

    def _session(self, height: int, width: int, pixels: dict[int, Any]) -> Any:
        session = self._processor.init_video_session(
            inference_device=self._device, dtype=self._dtype
        )
        session.video_height, session.video_width = height, width
        session.processed_frames = pixels
        return session

    def _pixels(self, frame: NDArray[np.uint8]) -> Any:
        prepared = self._processor.video_processor(
            videos=frame[None].copy(), device=self._device, return_tensors="pt"
        )
        return prepared.pixel_values_videos[0, 0].to(self._device, self._dtype)

    def _step(self, session: Any, frame: int, prompt: Prompt | None, size: tuple[int, int]) -> Seen:
        if prompt is not None:
            self._add(session, frame, prompt)
        output = self._model(inference_session=session, frame_idx=frame)
        _forget(session, frame, self._kept)
        logits = interpolate(
            output.pred_masks.float(), size=size, mode="bilinear", align_corners=False
        )
        return Seen(
            mask=(logits[0, 0] > 0).cpu().numpy(),
            score=float(output.object_score_logits.float().reshape(-1)[0].sigmoid()),
        )

    def _add(self, session: Any, frame: int, prompt: Prompt) -> None:
        add = self._processor.add_inputs_to_inference_session
        if prompt.mask is not None:
            add(session, frame_idx=frame, obj_ids=0, input_masks=prompt.mask)
        else:
            assert prompt.box is not None
            scale = np.array([session.video_width, session.video_height] * 2)
            box = (np.array(prompt.box) * scale).tolist()
            add(session, frame_idx=frame, obj_ids=0, input_boxes=[[box]])


def _forget(session: Any, frame: int, kept: int) -> None:
    """Drop what no later frame looks back at: large masks at once, old outputs in time."""
    for outputs in session.output_dict_per_obj.values():
        for group in outputs.values():
            for entry in group.values():
                entry.pop("high_res_masks", None)
        old = outputs["non_cond_frame_outputs"]
        for index in [index for index in old if index <= frame - kept]:
            del old[index]
