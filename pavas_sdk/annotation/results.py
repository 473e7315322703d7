"""Finished annotations, read clip by clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pavas_sdk.annotation.annotating import MASKS_SUFFIX
from pavas_sdk.annotation.clips import ClipEntry
from pavas_sdk.annotation.mask_files import read_masks
from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.annotation.job_folder import JobFolder
    from pavas_sdk.data import MaskTrack

__all__ = ["Annotation"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """What was found out about one clip.

    Attributes:
        clip: The clip.
        physics: Its objects; none in a clip in which nothing moves.
        masks: Masks by object id, on the clip's clock.
        sound: `SoundFacts` as JSON, or None: without sound.
        sha256: Fingerprint of the video.
    """

    clip: ClipEntry
    physics: PhysicsEstimate
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    sound: Mapping[str, Any] | None = None
    sha256: str = ""

    @classmethod
    def load(cls, folder: JobFolder, clip_id: str) -> Self:
        """Read the result of a clip.

        Raises:
            InputError: The clip failed.
            FormatError: There is no result, or it is damaged.
        """
        found = folder.result(clip_id)
        if found.get("status") == "failed":
            why = (found.get("failure") or {}).get("message")
            raise InputError(f"clip {clip_id} could not be annotated: {why}")
        try:
            clip = ClipEntry.from_json(found["clip"])
            physics = PhysicsEstimate.from_json(found["physics"])
            has_masks = bool(found["masks"])
            sound, sha256 = found["sound"], str(found["sha256"])
        except KeyError as err:
            raise FormatError(f"{folder.result_path(clip_id)} has no {err}") from err
        path = folder.result_path(clip_id, MASKS_SUFFIX)
        masks = read_masks(path) if has_masks else {}
        return cls(clip=clip, physics=physics, masks=masks, sound=sound, sha256=sha256)
