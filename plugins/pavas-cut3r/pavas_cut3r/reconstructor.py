"""Reconstructor "cut3r": the video through CUT3R frame by frame, scene by scene."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
import torch

from pavas_cut3r.config import Cut3RConfig
from pavas_cut3r.focal import estimate_focal
from pavas_cut3r.grid import OutputGrid
from pavas_cut3r.preprocessing import normalise, place, preprocess
from pavas_cut3r.session import Cut3RSession
from pavas_cut3r.weights import RANDOM_TINY, check_weights, load_model
from pavas_sdk.data import Reconstruction, background_motion_m_s
from pavas_sdk.data.frame_changes import SMALL_SIDE, blank_frames, find_cuts
from pavas_sdk.interfaces import Reconstructor, report_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_cut3r.heads import FrameGeometry
    from pavas_cut3r.network import Cut3R
    from pavas_cut3r.preprocessing import Placement
    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject
    from pavas_sdk.interfaces import ComponentConfig

__all__ = ["Cut3RReconstructor"]

_CHUNK_BYTES = 96 * 2**20
# A field of view of 175 degrees: what asks for a wider one is no camera.
_MIN_FOCAL_OF_SIDE = 0.02


@dataclass(slots=True, eq=False)
class _Maps:
    """The result while it is filled, on the grid of the output."""

    points: NDArray[np.float32]
    confidence: NDArray[np.float32]
    poses: NDArray[np.float64]
    focal_px: NDArray[np.float64]
    notes: list[str] = field(default_factory=list)


class Cut3RReconstructor(Reconstructor):
    """Metric points, poses and intrinsics of every frame, from CUT3R.

    Frames go through the model in order and one at a time: memory does not grow with the video,
    except by the result. The world is the camera of the first frame of a scene. The first frame
    after a cut has confidence 0, so that no speed spans two worlds.

    The released weights are licensed CC BY-NC-SA 4.0: not for commercial use.
    """

    config_class: ClassVar[type[ComponentConfig]] = Cut3RConfig
    contract_options: ClassVar[Mapping[str, Any]] = {"weights": RANDOM_TINY, "size": 64}

    _model: Cut3R | None = None
    _device: Any = None

    @property
    def config(self) -> Cut3RConfig:
        """The frozen settings."""
        return cast("Cut3RConfig", self._config)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move to a device. Precision is ``block_dtype`` of the config: ``dtype`` is ignored."""
        del dtype
        if device is not None:
            self._device = device
            if self._model is not None:
                self._model.to(device)
        return self

    def check_ready(self) -> None:
        """Raise if the weights are missing; those on the Hub are not looked for.

        Raises:
            MissingWeightsError: There is no such folder, or it holds none.
        """
        if self._model is None:
            check_weights(self.config.weights)

    def unload(self) -> None:
        """Free the model; the next use loads it again."""
        self._model = None

    def model(self) -> Cut3R:
        """Return the network, loaded on first use; for sessions of your own (`Cut3RSession`).

        Raises:
            WeightsError: See `load_model`.
        """
        if self._model is None:
            config = self.config
            model = load_model(config.weights, revision=config.revision)
            model.set_rope_float16_rounding(config.rope_float16_rounding)
            model.set_block_dtype(getattr(torch, config.block_dtype))
            self._model = model if self._device is None else model.to(self._device)
        return self._model

    def reconstruct(
        self,
        video: FrameSource,
        *,
        objects: Sequence[MovingObject] = (),
        masks: Mapping[int, MaskTrack] | None = None,
        rng: np.random.Generator,
    ) -> Reconstruction:
        """Return points at the masks' times (without masks: of all frames).

        Raises:
            InputError: The picture is too elongated for the model.
            WeightsError: See `load_model`.
        """
        del objects, rng
        config = self.config
        if masks:
            times = next(iter(masks.values())).times_s
            small = video.frames_at(times, max_side=SMALL_SIDE)
        else:
            small = video.read(max_side=SMALL_SIDE)
            times = small.times_s
        (first,) = video.frames_at(times[:1], max_side=config.max_source_side).frames
        height, width = first.shape[:2]
        placement = place(height, width, config.size, crop_square=config.crop_square)
        grid = OutputGrid.of(placement, config.points_max_side)
        count = times.size
        maps = _Maps(
            points=np.zeros((count, *grid.size, 3), dtype=np.float32),
            confidence=np.zeros((count, *grid.size), dtype=np.float32),
            poses=np.tile(np.eye(4), (count, 1, 1)),
            focal_px=np.zeros(count),
            notes=_source_notes(video, config.max_source_side),
        )
        blank = blank_frames(small.frames)
        cuts = find_cuts(small.frames) if config.split_scenes else []
        for start, end in zip([0, *cuts], [*cuts, count], strict=True):
            shown = np.flatnonzero(~blank[start:end]) + start
            self._scene(video, times, shown, placement, grid, maps)
        _hold_poses(maps.poses, blank, cuts)
        for cut in cuts:
            maps.confidence[cut] = 0.0
            maps.notes.append(f"cut3r: scene cut at {times[cut]:.2f} s; a new world begins there")
        if blank.any():
            maps.notes.append(
                f"cut3r: {int(blank.sum())} of {count} frames show nothing (one colour): no points"
            )
        return self._result(maps, times, grid, masks or {}, video.time_scale)

    def _pictures(
        self, video: FrameSource, times: NDArray[np.float64]
    ) -> Iterator[NDArray[np.uint8]]:
        """The frames at the given times, a few of them in memory at once."""
        side = self.config.max_source_side
        ratio = min(1.0, side / max(video.height, video.width))
        chunk = max(1, int(_CHUNK_BYTES / (3 * video.height * video.width * ratio**2)))
        for start in range(0, times.size, chunk):
            yield from video.frames_at(times[start : start + chunk], max_side=side).frames

    def _scene(
        self,
        video: FrameSource,
        times: NDArray[np.float64],
        shown: NDArray[np.int64],
        placement: Placement,
        grid: OutputGrid,
        maps: _Maps,
    ) -> None:
        """Run one scene through a session of its own and write its frames into ``maps``."""
        model = self.model()
        session = Cut3RSession(model)
        direct = self.config.world_points == "direct"
        for index in range(self.config.passes):
            last = index == self.config.passes - 1
            outputs = ({"self", "world"} if direct else {"self"}) if last else set()
            for frame, picture in zip(shown, self._pictures(video, times[shown]), strict=True):
                pixels = torch.from_numpy(normalise(preprocess(picture, placement)))[None]
                found = session.step(pixels.to(model.device), update=index == 0, outputs=outputs)
                if last:
                    self._write(frame, found, grid, maps)
                self._report(index, int(frame) + 1, times.size)

    def _report(self, index: int, frame: int, count: int) -> None:
        """A frame takes seconds on a CPU: say that it is done."""
        passes = self.config.passes
        report_progress(index * count + frame, passes * count)

    def _write(self, frame: int, found: FrameGeometry, grid: OutputGrid, maps: _Maps) -> None:
        assert found.self_points is not None
        assert found.self_confidence is not None
        own = found.self_points[0].cpu().numpy()
        if found.world_points is not None and found.world_confidence is not None:
            points, confidence = found.world_points, found.world_confidence
        else:
            points, confidence = found.world_points_from_pose(), found.self_confidence
        pose = found.camera_to_world[0].cpu().numpy().astype(np.float64)
        world = points[0].cpu().numpy()
        sure = confidence[0].cpu().numpy()
        known = np.isfinite(world).all(axis=-1) & np.isfinite(sure) & (own[..., 2] > 0)
        known &= sure >= self.config.min_confidence
        if not np.isfinite(pose).all():
            maps.notes.append("cut3r: a camera pose is not finite; its frame has no points")
            pose, known = np.eye(4), np.zeros_like(known)
        maps.poses[frame] = pose
        maps.focal_px[frame] = estimate_focal(own)
        grid.write(maps.points[frame], np.where(known[..., None], world, 0.0))
        grid.write(maps.confidence[frame], np.where(known, sure, 0.0))

    def _result(
        self,
        maps: _Maps,
        times: NDArray[np.float64],
        grid: OutputGrid,
        masks: Mapping[int, MaskTrack],
        time_scale: float,
    ) -> Reconstruction:
        limit = _MIN_FOCAL_OF_SIDE * max(grid.placement.size)
        good = np.isfinite(maps.focal_px) & (maps.focal_px > limit)
        matrices = None
        if good.any():
            focal = np.where(good, maps.focal_px, np.median(maps.focal_px[good]))
            matrices = np.stack([grid.intrinsics(value) for value in focal])
        if not good.all():
            maps.notes.append(
                f"cut3r: no focal length fits the points of {int((~good).sum())} of {good.size} "
                "frames" + ("; they have the median of the others" if good.any() else "")
            )
        found = Reconstruction(
            points_m=maps.points,
            confidence=maps.confidence,
            camera_to_world=maps.poses,
            times_s=times,
            intrinsics=matrices,
            is_metric=True,
            scale_source="cut3r",
            notes=tuple(dict.fromkeys(maps.notes)),
        )
        motion = background_motion_m_s(masks, found, time_scale=time_scale)
        return replace(found, background_motion_m_s=motion)


def _source_notes(video: FrameSource, max_side: int) -> list[str]:
    if max(video.height, video.width) <= max_side:
        return []
    note = (
        f"cut3r: frames of {video.width} x {video.height} pixels were shrunk to a longer side of "
        f"{max_side} while reading (max_source_side)"
    )
    return [note]


def _hold_poses(poses: NDArray[np.float64], blank: NDArray[np.bool_], cuts: Sequence[int]) -> None:
    """Give blank frames the pose of the frame before them, if it is of their scene."""
    for frame in np.flatnonzero(blank):
        if frame > 0 and frame not in cuts:
            poses[frame] = poses[frame - 1]
