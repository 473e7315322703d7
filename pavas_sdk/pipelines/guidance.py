"""The weights of guidance of a call: the pipeline's own, and what the call says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import composed_branches, guidance_branches

if TYPE_CHECKING:
    from pavas_sdk.models import GuidanceBranch
    from pavas_sdk.pipelines.arguments import CallArguments
    from pavas_sdk.pipelines.components import Config

__all__ = ["GuidanceScales"]

_MOST = 1000.0  # far beyond, numbers overflow; useful weights are below 20
_NAMES = ("guidance_scale", "video_guidance_scale", "physics_guidance_scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceScales:
    """One weight of guidance, or two.

    Attributes:
        guidance_scale: The one weight; None where there are two.
        video_guidance_scale: Weight of the pictures, or None.
        physics_guidance_scale: Weight of physics and text, or None.
        keep: With one weight, features that the empty branch keeps: "clip", "sync".
    """

    guidance_scale: float | None
    video_guidance_scale: float | None = None
    physics_guidance_scale: float | None = None
    keep: tuple[str, ...] = ()

    @classmethod
    def of_config(cls, config: Config) -> GuidanceScales:
        """Return the defaults of a pipeline."""
        video, physics = config["video_guidance_scale"], config["physics_guidance_scale"]
        keep = tuple(filter(None, config["keep_in_negative"].split("+")))
        return cls(
            guidance_scale=config["guidance_scale"] if video is None else None,
            video_guidance_scale=video,
            physics_guidance_scale=physics,
            keep=keep,
        )

    def resolved(self, arguments: CallArguments, problems: list[str]) -> GuidanceScales:
        """Return the weights of a call; what is wrong with its arguments is added to ``problems``.

        ``guidance_scale`` stands for both weights of a pipeline that has two (below 1: only the full
        branch runs, as with one weight). A pipeline with one weight uses two when the call gives
        one of them; the other is then the one weight (that of the pictures 1 where the empty branch
        keeps them, which is the same).
        """
        one, video, physics = (_number(arguments, name, problems) for name in _NAMES)
        if self.video_guidance_scale is None and video is None and physics is None:
            return self if one is None else GuidanceScales(guidance_scale=one, keep=self.keep)
        if self.video_guidance_scale is None and one is None:
            one = self.guidance_scale
        if one is None:
            both = self.video_guidance_scale, self.physics_guidance_scale
        else:
            both = (1.0, 1.0) if one < 1.0 else (one, one)
            both = (1.0, both[1]) if {"clip", "sync"} <= {*self.keep} else both
        return GuidanceScales(
            guidance_scale=None,
            video_guidance_scale=both[0] if video is None else video,
            physics_guidance_scale=both[1] if physics is None else physics,
        )

    def branches(self) -> tuple[GuidanceBranch, ...]:
        """Return what the backbone is shown.

        Raises:
            ConfigurationError: No weight is given, one of two is missing, or below 0.
        """
        video, physics = self.video_guidance_scale, self.physics_guidance_scale
        if self.guidance_scale is not None and video is None and physics is None:
            return guidance_branches(self.guidance_scale, keep=self.keep)
        if self.guidance_scale is not None or video is None or physics is None:
            raise ConfigurationError(
                "give guidance_scale, or both video_guidance_scale and physics_guidance_scale; got "
                f"{self.guidance_scale}, {video} and {physics}"
            )
        return composed_branches(video, physics)


def _number(arguments: CallArguments, name: str, problems: list[str]) -> float | None:
    """Return a weight that a call gives, or None."""
    value: object = arguments.get(name)
    if value is None:
        return None
    of_two = name != "guidance_scale"
    least = 0.0 if of_two else -_MOST
    if isinstance(value, int | float) and least <= value <= _MOST:
        return float(value)
    expected = f"a finite number from {least:g} to {_MOST:g}"
    problems.append(f"{name} must be {expected}, got {value!r}")
    return None
