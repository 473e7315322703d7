"""Segmenter: Florence-2 finds each description, SAM-2 follows it (PAVAS Sec. 3.3, step 3)."""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np

from pavas_florence_sam2.boxes import area_fraction, choose
from pavas_florence_sam2.config import FlorenceSam2Config
from pavas_florence_sam2.frames import FrameWindows, grounding_times
from pavas_florence_sam2.models import Models, load_models
from pavas_florence_sam2.plausibility import IMPLAUSIBLE
from pavas_florence_sam2.sweep import Followed, Part, Sweep
from pavas_florence_sam2.weights import model_files
from pavas_sdk.data import MaskTrack
from pavas_sdk.errors import PavasWarning
from pavas_sdk.interfaces import Segmenter, report_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_florence_sam2.boxes import Box
    from pavas_sdk.data import FrameSource, MovingObject
    from pavas_sdk.interfaces import ComponentConfig

__all__ = ["FlorenceSam2Segmenter"]

_GROUNDING_SIDE = 1024


class FlorenceSam2Segmenter(Segmenter):
    """Masks of described objects through time.

    Each description is looked for on several frames until Florence-2 returns a box; SAM-2 follows it
    from there in both directions. Long videos go on from window to window, so that memory is bounded
    by the window. Scores are the probability that the object is there; they are cut to a tenth where
    the mask jumps, and on all frames where the mask lies outside of the box that asked for it.
    """

    config_class: ClassVar[type[ComponentConfig]] = FlorenceSam2Config

    def __init__(self, config: ComponentConfig | None = None, **options: Any) -> None:
        """Take a config, or its fields as keywords."""
        super().__init__(config, **options)
        self._models: Models | None = None
        self._device: Any = None
        self._dtype: Any = None

    @property
    def config(self) -> FlorenceSam2Config:
        """The frozen settings."""
        return cast("FlorenceSam2Config", self._config)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Put the models on a device when they are used next; loaded ones elsewhere are freed."""
        if (device is not None and device != self._device) or (
            dtype is not None and dtype != self._dtype
        ):
            self.unload()
        self._device = self._device if device is None else device
        self._dtype = self._dtype if dtype is None else dtype
        return self

    def check_ready(self) -> None:
        """Raise if packages or weights are missing.

        Raises:
            MissingPluginError: Packages are missing.
            WeightsError: Weights are missing and may not be fetched, or are of another model.
        """
        if self._models is None and not self.config.download:
            model_files(self.config)

    def unload(self) -> None:
        """Free both models; the next use loads them again."""
        if self._models is None:
            return
        self._models = None
        gc.collect()
        torch: Any = sys.modules["torch"]
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def models(self) -> Models:
        """Return both models, loading them on the first use.

        Raises:
            PavasError: Packages or weights are missing, or they do not fit.
        """
        if self._models is None:
            self._models = load_models(self.config, self._device, self._dtype)
        return self._models

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Return the masks of every object that was found on one of the frames.

        Args:
            video: The clip; it is read window by window.
            objects: What to look for, by label; their boxes are taken for hints.
            rng: Not used.

        Returns:
            Masks at the video's own frame times (at most ``max_rate_hz``), of at most
            ``mask_max_side`` pixels. Objects that were not found are missing.

        Raises:
            PavasError: Packages or weights are missing, or they do not fit.

        Warns:
            PavasWarning: More than ``max_objects`` were found; the smallest are left out, by name.
        """
        del rng
        if not objects:
            return {}
        config, models = self.config, self.models()
        things = sorted(objects, key=lambda thing: thing.object_id)
        places = self._largest(self._places(video, things), things)
        if not places:
            return {}
        windows = FrameWindows(
            video,
            window_frames=config.window_frames,
            max_rate_hz=config.max_rate_hz,
            max_side=models.tracker.image_side,
        )
        size = _mask_size(video, config.mask_max_side)
        followed, times = self._follow(windows, places, size)
        tracks = {thing.object_id: _track(thing, times, size) for thing in followed}
        # found in a box, but SAM-2 sees nothing there on any frame: not localised
        return {key: track for key, track in tracks.items() if track.visible.any()}

    def _places(
        self, video: FrameSource, things: Sequence[MovingObject]
    ) -> dict[int, tuple[float, Box]]:
        """When and where each object was found first."""
        config, florence = self.config, self.models().florence
        grid = grounding_times(video.duration_s, video.frame_rate_hz, config.grounding_frames)
        frames: dict[float, NDArray[np.uint8]] = {}
        taken: dict[float, list[Box]] = {}
        places: dict[int, tuple[float, Box]] = {}
        for number, thing in enumerate(things):
            own = [] if thing.box is None or thing.box_time_s is None else [thing.box_time_s]
            report_progress(number, len(things), unit="objects looked for")
            for time_s in [*own, *grid]:
                if time_s not in frames:
                    shown = video.frames_at([time_s], max_side=_GROUNDING_SIDE)
                    frames[time_s] = shown.frames[0]
                box = choose(
                    florence.boxes(frames[time_s], thing.label, config),
                    taken=taken.get(time_s, ()),
                    hint=thing.box if time_s in own else None,
                    max_fraction=config.max_box_fraction,
                )
                if box is not None:
                    taken.setdefault(time_s, []).append(box)
                    places[thing.object_id] = (time_s, box)
                    break
        return places

    def _largest(
        self, places: dict[int, tuple[float, Box]], things: Sequence[MovingObject]
    ) -> dict[int, tuple[float, Box]]:
        most = self.config.max_objects
        if len(places) <= most:
            return places
        ranked = sorted(places, key=lambda key: (-area_fraction(places[key][1]), key))
        kept = set(ranked[:most])
        names = ", ".join(
            f"{thing.object_id} ({thing.short_label})"
            for thing in things
            if thing.object_id in places and thing.object_id not in kept
        )
        warnings.warn(
            f"{len(places)} objects were found; the {most} largest are followed "
            f"(max_objects={most}), left out: {names}",
            PavasWarning,
            stacklevel=3,
        )
        return {key: place for key, place in places.items() if key in kept}

    def _follow(
        self,
        windows: FrameWindows,
        places: Mapping[int, tuple[float, Box]],
        size: tuple[int, int],
    ) -> tuple[list[Followed], NDArray[np.float64]]:
        """Sweep forwards through all windows, then backwards to what was before a find."""
        tracker = self.models().tracker
        distance = self.config.jump_distance
        followed: list[Followed] = []
        starts: list[int] = []
        times: list[NDArray[np.float64]] = []
        sweep = Sweep(tracker, size=size, jump_distance=distance)
        for index, window in windows.forwards():
            starts.append(sum(part.size for part in times))
            times.append(window.times_s)
            for key, (time_s, box) in places.items():
                if windows.holding(time_s) == index:
                    number = starts[-1] + window.index_at(time_s)
                    followed.append(Followed(object_id=key, box=box, frame=number))
            numbers = range(starts[-1], starts[-1] + window.times_s.size)
            sweep.add(Part(frames=window.frames, numbers=numbers), followed)
        latest = max(thing.frame for thing in followed)
        if latest > 0:
            unit = "frames backwards"
            sweep = Sweep(tracker, size=size, jump_distance=distance, unit=unit)
            for index in reversed(range(windows.count)):
                if starts[index] > latest:
                    continue
                window = windows.read(index)
                numbers = range(starts[index], starts[index] + window.times_s.size)
                sweep.add(Part(frames=window.frames[::-1], numbers=numbers[::-1]), followed)
        return followed, np.concatenate(times)


def _mask_size(video: FrameSource, max_side: int) -> tuple[int, int]:
    """Height and width of the masks: the video's aspect, never enlarged."""
    share = min(1.0, max_side / max(video.height, video.width))
    return max(1, round(video.height * share)), max(1, round(video.width * share))


def _track(thing: Followed, times: NDArray[np.float64], size: tuple[int, int]) -> MaskTrack:
    height, width = size
    masks = np.zeros((times.size, height, width), dtype=np.bool_)
    scores = np.full(times.size, np.nan, dtype=np.float32)
    factor = IMPLAUSIBLE if thing.complement else 1.0
    for number, packed in thing.masks.items():
        masks[number] = np.unpackbits(packed, count=height * width).reshape(size)
        scores[number] = thing.scores[number] * factor
    return MaskTrack(object_id=thing.object_id, masks=masks, times_s=times, scores=scores)
