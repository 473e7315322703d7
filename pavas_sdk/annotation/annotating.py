"""The work on one clip: its sound, its physics, its masks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.annotation.clip_files import local_file
from pavas_sdk.annotation.clips import ClipEntry
from pavas_sdk.annotation.job_folder import JobFolder
from pavas_sdk.annotation.mask_files import write_masks
from pavas_sdk.annotation.sound_facts import SILENT_PEAK, SoundFacts, sound_facts
from pavas_sdk.annotation.stages import Stage, StagedEstimate
from pavas_sdk.data.frames import Window, WindowSource, fingerprint
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.media import open_video
from pavas_sdk.physics import PhysicsEstimator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import FrameSource
    from pavas_sdk.physics import PhysicsResult

__all__ = ["MASKS_SUFFIX", "AnnotationConfig", "AnnotationWork", "clip_seed", "cut"]

MASKS_SUFFIX = ".masks.json.gz"
_SHORTER_S = 0.02  # a container's last frame may be a little short


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationConfig:
    """What the results of a job depend on.

    Attributes:
        estimator: `PhysicsEstimator.to_json`.
        duration_s: Every clip is cut to its first so many seconds; None: whole clips.
        require_sound: A clip without sound, or with a silent one, fails: nothing can be learnt
            from it.
        label_as_prompt: The label is what the estimator is told of the clip.
        seed: Of the estimators; each clip's own seed is a hash of this and its id.
    """

    estimator: Mapping[str, Any]
    duration_s: float | None = 8.0
    require_sound: bool = True
    label_as_prompt: bool = False
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "estimator": dict(self.estimator),
            "duration_s": self.duration_s,
            "require_sound": self.require_sound,
            "label_as_prompt": self.label_as_prompt,
            "seed": self.seed,
        }


class AnnotationWork:
    """Annotates clips of one job; see `pavas_sdk.annotation.work.Work`.

    Args:
        folder: Of the job; its ``job.json`` says how.
        digest: Hash of the job.
        device: torch device of the estimators.
        cache: Folder of a `PhysicsCache` that may be read and filled, or None.
        stage: Do this stage alone; see `pavas_sdk.annotation.stages`.

    Raises:
        ComponentError: A component is missing or cannot be made.
        WeightsError: Weights are missing.
        ConfigurationError: There is no such device.
    """

    def __init__(
        self,
        folder: str,
        digest: str,
        device: str = "cpu",
        cache: str | None = None,
        stage: Stage | None = None,
    ) -> None:
        self._folder = JobFolder(folder)
        self._digest = digest
        self._config = AnnotationConfig(**self._folder.config())
        self._cache = None if cache is None else Path(cache)
        self._staged: StagedEstimate | None = None
        if stage is None:
            self._estimator = PhysicsEstimator.from_json(self._config.estimator)
        else:
            stages = self._folder.root / "stages"
            self._staged = StagedEstimate(self._config.estimator, stage, stages)
            self._estimator = self._staged.estimator
        self._estimator.check_ready()
        if device != "cpu":
            _move(self._estimator, device)

    def run(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Annotate one clip and write its result.

        Raises:
            InputError: It cannot be read, is too short, or has no sound.
            ComponentError: A slot failed.
            OutputError: The result cannot be written.
        """
        clip, config = ClipEntry.from_json(item), self._config
        with local_file(clip.path) as path, open_video(path) as video:
            source = cut(video, clip, config.duration_s)
            sound = self._sound(path, clip, source.duration_s)
            prompt = clip.label if config.label_as_prompt else ""
            rng = np.random.default_rng(clip_seed(config.seed, clip.clip_id))
            if self._staged is not None:
                found = self._staged.run(clip.clip_id, source, prompt, rng)
                if found is None:
                    return {"status": "staged"}
                result = found
            else:
                result = self._estimator.estimate(source, prompt=prompt, rng=rng, cache=self._cache)
            digest = fingerprint(video)
        status = "ok" if result.physics.objects else "empty"
        self._write(clip, result, status, sha256=digest, sound=sound and sound.to_json())
        return {"status": status, "objects": len(result.physics.objects)}

    def failed(self, item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
        """Write that a clip failed.

        Raises:
            OutputError: It cannot be written.
        """
        self._folder.write_result(
            str(item["clip_id"]), "failed", self._digest, {"clip": item, "failure": failure}
        )

    def _sound(self, path: Path, clip: ClipEntry, duration_s: float) -> SoundFacts | None:
        """Return what is told of the sound; None: there is none, and none is needed."""
        try:
            facts = sound_facts(path, clip.start_s, duration_s)
        except InputError:  # no sound track, or one that ends too early
            if self._config.require_sound:
                raise
            return None
        if self._config.require_sound and facts.peak <= SILENT_PEAK:
            raise InputError(
                f"the sound is silent (peak {facts.peak:.1e}): nothing can be learnt from it; "
                "--without-sound accepts it"
            )
        return facts

    def _write(self, clip: ClipEntry, result: PhysicsResult, status: str, **facts: Any) -> None:
        if result.masks:  # masks first: the JSON says that all is there
            write_masks(self._folder.result_path(clip.clip_id, MASKS_SUFFIX), result.masks)
        values = {
            "clip": clip.to_json(),
            **facts,
            "physics": result.physics.to_json(),
            "masks": bool(result.masks),
        }
        self._folder.write_result(clip.clip_id, status, self._digest, values)


def cut(video: FrameSource, clip: ClipEntry, duration_s: float | None) -> FrameSource:
    """Return the stretch of a video that a clip is.

    Raises:
        InputError: The video ends before.
    """
    length = duration_s if clip.duration_s is None else clip.duration_s
    if length is not None and duration_s is not None:
        length = min(length, duration_s)
    wanted = video.duration_s - clip.start_s if length is None else length
    if wanted <= 0 or clip.start_s + wanted > video.duration_s + _SHORTER_S:
        raise InputError(
            f"the video is {video.duration_s:.2f} s long, expected {wanted:g} s from "
            f"{clip.start_s:g} s on; --duration says how long clips are"
        )
    if duration_s is not None and wanted < duration_s - _SHORTER_S:
        raise InputError(f"the clip is {wanted:g} s long, expected {duration_s:g} s")
    if clip.start_s == 0 and wanted >= video.duration_s:
        return video
    end_s = min(clip.start_s + wanted, video.duration_s)
    return WindowSource(video, Window(start_s=clip.start_s, end_s=end_s))


def clip_seed(seed: int, clip_id: str) -> int:
    """Return the seed of one clip: it depends on nothing but the job's and the clip's name."""
    digest = hashlib.sha256(f"{seed}/{clip_id}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def _move(estimator: PhysicsEstimator, device: str) -> None:
    import torch

    try:
        estimator.to(torch.device(device))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as err:
        raise ConfigurationError(
            f"--device {device} cannot be used here: {err}; leave it out to use the CPU"
        ) from err
