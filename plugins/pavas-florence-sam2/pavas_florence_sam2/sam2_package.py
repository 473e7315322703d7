"""SAM-2 through the package ``sam2``, where it is installed.

The package takes videos as folders of JPEG pictures, so that is what each window becomes, in a
temporary folder. Every object has a state of its own, as in the engine of transformers.
"""

from __future__ import annotations

import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from pavas_florence_sam2.tracker import Prompt, Seen
from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_florence_sam2.config import FlorenceSam2Config

__all__ = ["PackageTracker", "build_predictor"]

_CONFIGS = {
    "tiny": "configs/sam2.1/sam2.1_hiera_t.yaml",
    "small": "configs/sam2.1/sam2.1_hiera_s.yaml",
    "base-plus": "configs/sam2.1/sam2.1_hiera_b+.yaml",
    "large": "configs/sam2.1/sam2.1_hiera_l.yaml",
}
# What the package adds for its own predictor, without the filling of holes, which needs an extension
# that its wheel does not bring.
_PREDICTOR = (
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=true",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_delta=0.05",
    "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.98",
    "++model.binarize_mask_from_pts_for_mem_enc=true",
)
_JPEG_QUALITY = 100


def build_predictor(size: str, overrides: Sequence[str] = ()) -> Any:
    """Return a video predictor of the package with random weights.

    Args:
        size: "tiny", "small", "base-plus" or "large".
        overrides: Changes of its model config.
    """
    with warnings.catch_warnings():  # of the packages that it brings
        warnings.simplefilter("ignore")
        from sam2 import sam2_video_predictor
        from sam2.build_sam import build_sam2_video_predictor
        from sam2.utils import misc
        from tqdm import tqdm

        # it draws a bar for every single frame otherwise
        sam2_video_predictor.tqdm = misc.tqdm = partial(tqdm, disable=True)
        with torch.random.fork_rng(devices=[]):
            return build_sam2_video_predictor(
                _CONFIGS[size],
                ckpt_path=None,
                device="cpu",
                apply_postprocessing=False,
                hydra_overrides_extra=[*_PREDICTOR, *overrides],
            )


class PackageTracker:
    """The video predictor of the package.

    Args:
        weights: Safetensors file with the official names.
        config: Settings.
        device: Where to put the model.
        dtype: Number format of its computations.

    Raises:
        WeightsError: The file does not fit the size of the model.
    """

    def __init__(
        self, weights: Path, config: FlorenceSam2Config, device: torch.device, dtype: torch.dtype
    ) -> None:
        from safetensors.torch import load_file

        predictor = build_predictor(config.sam2, config.sam2_overrides)
        try:
            predictor.load_state_dict(load_file(weights))
        except Exception as err:  # safetensors raises errors of its own
            raise WeightsError(
                f"{weights} does not hold the weights of SAM-2 {config.sam2}: {err}"
            ) from err
        self._predictor: Any = predictor.to(device).eval()
        self._device, self._dtype = device, dtype
        self.image_side = int(predictor.image_size)
        self._kept = max(int(predictor.num_maskmem), int(predictor.max_obj_ptrs_in_encoder)) + 1

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
        with tempfile.TemporaryDirectory(prefix="pavas_sam2_") as folder:
            _write(frames, Path(folder))
            with self._numbers():
                base = self._predictor.init_state(folder, offload_video_to_cpu=True)
        states = {key: _state_like(base) for key in sorted(by_object)}
        for frame in range(len(frames)):
            active = [
                key
                for key, own in by_object.items()
                if frame in own or (frame >= first and min(own) < frame)
            ]
            seen: dict[int, Seen] = {}
            for key in active:
                state = states[key]
                state["cached_features"] = base["cached_features"]
                with self._numbers():
                    seen[key] = self._step(state, frame, by_object[key].get(frame), size)
                base["cached_features"] = state["cached_features"]
            if active and frame >= first:
                yield frame, seen

    def _numbers(self) -> Any:
        """The number format; the package keeps float32 weights and computes in another by autocast."""
        return torch.autocast(
            self._device.type, dtype=self._dtype, enabled=self._dtype != torch.float32
        )

    def _step(
        self, state: dict[str, Any], frame: int, prompt: Prompt | None, size: tuple[int, int]
    ) -> Seen:
        predictor = self._predictor
        if prompt is not None and prompt.mask is not None:
            predictor.add_new_mask(state, frame, 0, prompt.mask)
        elif prompt is not None:
            scale = np.array([state["video_width"], state["video_height"]] * 2, np.float32)
            predictor.add_new_points_or_box(
                state, frame, 0, box=np.array(prompt.box, np.float32) * scale
            )
        ((_, _, logits),) = predictor.propagate_in_video(
            state, start_frame_idx=frame, max_frame_num_to_track=0
        )
        outputs = state["output_dict_per_obj"][0]
        group = "cond_frame_outputs" if prompt is not None else "non_cond_frame_outputs"
        present = outputs[group][frame]["object_score_logits"]
        old = outputs["non_cond_frame_outputs"]
        for index in [index for index in old if index <= frame - self._kept]:
            del old[index]
        resized = interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)
        return Seen(
            mask=(resized[0, 0] > 0).cpu().numpy(),
            score=float(present.float().reshape(-1)[0].sigmoid()),
        )


def _state_like(base: dict[str, Any]) -> dict[str, Any]:
    """A state for another object of the same video: what is empty is new, the rest is shared."""
    return {
        key: type(value)() if isinstance(value, (dict, list)) and not value else value
        for key, value in base.items()
    }


def _write(frames: NDArray[np.uint8], folder: Path) -> None:
    from PIL import Image

    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(
            folder / f"{index:05d}.jpg", quality=_JPEG_QUALITY, subsampling=0
        )
