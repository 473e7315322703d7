"""One stage of the estimate over all clips: few models per worker, and restarts are cheap.

``detect`` finds objects, ``segment`` their masks at full size, ``geometry`` everything else
(points, paths, masses) from these. What a stage found lies in ``stages/`` until the last one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pavas_sdk.annotation.mask_files import read_masks, write_masks
from pavas_sdk.data import ComponentRef, MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.data.documents import parse_json
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import ComponentFailedError, FormatError
from pavas_sdk.interfaces import MassEstimator, MovingObjectDetector, Segmenter
from pavas_sdk.physics import PhysicsEstimator, PhysicsResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data import FrameSource, MaskTrack, MassEstimate

__all__ = ["STAGES", "Stage", "StagedEstimate"]

Stage = Literal["detect", "segment", "geometry"]
STAGES: tuple[Stage, ...] = ("detect", "segment", "geometry")
_WHOLE = 2**20  # masks are kept as the segmenter gives them


class _KnownObjects(MovingObjectDetector):
    """Answers what an earlier stage found."""

    objects: Sequence[MovingObject] = ()

    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        del video, prompt, rng
        return self.objects


class _KnownMasks(Segmenter):
    """Answers what an earlier stage found; nothing in the first."""

    def __init__(self) -> None:
        super().__init__()
        self.masks: Mapping[int, MaskTrack] = {}

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        del video, rng
        return {o.object_id: self.masks[o.object_id] for o in objects if o.object_id in self.masks}


class _NoMasses(MassEstimator):
    """Weighs nothing: it is not this stage's turn."""

    def estimate_mass(
        self, video: FrameSource, objects: Sequence[MovingObject], **known: Any
    ) -> Mapping[int, MassEstimate]:
        del video, objects, known
        return {}


class StagedEstimate:
    """One stage of a job's estimator; only the components of the stage are made.

    Args:
        document: `PhysicsEstimator.to_json`.
        stage: Which.
        folder: ``stages`` of the job.
    """

    def __init__(self, document: Mapping[str, Any], stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        self._objects, self._masks = _KnownObjects(), _KnownMasks()
        self._refs = {s: ComponentRef.from_json(ref) for s, ref in document["slots"].items()}
        known: dict[str, Any] = {"moving_object_detector": self._objects, "segmenter": self._masks}
        settings = dict(document["config"])
        if stage == "detect":
            known = {"segmenter": self._masks, "mass_estimator": _NoMasses()}
        elif stage == "segment":
            known = {"moving_object_detector": self._objects, "mass_estimator": _NoMasses()}
            settings |= {"mask_max_side": _WHOLE, "long_mask_max_side": _WHOLE}
        self.estimator = PhysicsEstimator.from_json({**document, "config": settings}, **known)

    def run(
        self, clip_id: str, source: FrameSource, prompt: str, rng: np.random.Generator
    ) -> PhysicsResult | None:
        """Do the stage for one clip; return the result when it is the last, or nothing moves.

        Raises:
            ComponentError: A slot failed.
            FormatError: What an earlier stage left is missing or damaged.
        """
        if self._stage == "detect":
            found = self.estimator.estimate(source, prompt=prompt, rng=rng).physics
            if not found.objects:
                return PhysicsResult(physics=replace(found, provenance=self._refs))
            rows = [entry.object.to_json() for entry in found]
            write_text(self.path("detect", clip_id), json.dumps(rows), overwrite=True)
            return None
        self._objects.objects = self._known_objects(clip_id)
        if self._stage == "segment":
            write_masks(self.path("segment", clip_id), self._segmented(source))
            return None
        self._masks.masks = read_masks(self.path("segment", clip_id))
        result = self.estimator.estimate(source, prompt=prompt, rng=rng)
        return replace(result, physics=replace(result.physics, provenance=self._refs))

    def path(self, stage: Stage, clip_id: str) -> Path:
        """Return where a stage leaves what it found of a clip."""
        return stage_path(self._folder, stage, clip_id)

    def _known_objects(self, clip_id: str) -> list[MovingObject]:
        path = self.path("detect", clip_id)
        try:
            rows = parse_json(path.read_text(encoding="utf-8"))
            return [MovingObject.from_json(row) for row in rows]
        except (OSError, TypeError, UnicodeDecodeError) as err:
            raise FormatError(f"cannot read {path}: {err}; run --stage detect again") from err

    def _segmented(self, source: FrameSource) -> Mapping[int, MaskTrack]:
        objects = tuple(
            ObjectPhysics(
                object=thing, mass_kg=None, speed_times_s=np.zeros(0), speed_m_s=np.zeros(0)
            )
            for thing in self._objects.objects
        )
        physics = PhysicsEstimate(objects=objects, duration_s=source.duration_s)
        masks, notes = self.estimator.segment(source, physics)
        if not masks and any(note.startswith("no masks") for note in notes):
            raise ComponentFailedError("; ".join(notes))
        return masks


def stage_path(folder: Path, stage: Stage, clip_id: str) -> Path:
    """Return where a stage leaves what it found of a clip; ``folder`` is that of the job's stages."""
    from pavas_sdk.annotation.job_folder import JobFolder

    suffix = ".json" if stage == "detect" else ".masks.json.gz"
    inside = JobFolder(folder.parent).result_path(clip_id, suffix)
    return folder / stage / inside.parent.name / inside.name
