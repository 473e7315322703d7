"""What is in a folder of training features: sizes, rates, level, and which encoders made it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pavas_sdk.data.documents import read_document
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DESCRIPTION_NAME", "FORMAT", "FORMAT_VERSION", "SetDescription", "SetLayout"]

FORMAT = "pavas.features"
FORMAT_VERSION = 1
DESCRIPTION_NAME = "dataset.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLayout:
    """Sizes of one row; every clip of a set has the same.

    Attributes:
        latent_length: Latents N.
        latent_dim: Channels C of a latent.
        clip_length: Visual frames L, which are the physics frames, too.
        clip_dim: Width of a visual vector.
        sync_length: Synchronisation features M.
        sync_dim: Width of one.
        text_length: Text tokens T.
        text_dim: Width of one.
        duration_s: Seconds of a clip.
        patch_dim: Width D_p of a masked sum (PAVAS Eq. 4); 0: the set holds no physics.
        max_objects: Objects K kept per clip at most.
        has_video: Whether there are pictures; an audio-text set has none.
        dtype: Of the features as stored, "float16" or "float32".
    """

    latent_length: int
    latent_dim: int
    clip_length: int
    clip_dim: int
    sync_length: int
    sync_dim: int
    text_length: int
    text_dim: int
    duration_s: float
    patch_dim: int = 0
    max_objects: int = 4
    has_video: bool = True
    dtype: str = "float16"

    @property
    def frame_rate_hz(self) -> float:
        """Visual and physics frames per second."""
        return self.clip_length / self.duration_s

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of each feature of a row, by name."""
        return {
            "mean": (self.latent_length, self.latent_dim),
            "std": (self.latent_length, self.latent_dim),
            "clip_features": (self.clip_length, self.clip_dim),
            "sync_features": (self.sync_length, self.sync_dim),
            "text_features": (self.text_length, self.text_dim),
        }

    def differences(self, other: SetLayout) -> list[str]:
        """Name what keeps rows of both from standing in one batch; empty: nothing does.

        A set without pictures, or without physics, goes with any.
        """
        names = ["latent_length", "latent_dim", "text_length", "text_dim"]
        if self.has_video and other.has_video:
            names += ["clip_length", "clip_dim", "sync_length", "sync_dim"]
        if self.patch_dim and other.patch_dim:
            names += ["patch_dim"]
        return [
            f"{name} {getattr(self, name)} and {getattr(other, name)}"
            for name in names
            if getattr(self, name) != getattr(other, name)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDescription:
    """The document ``dataset.json`` of a folder of features, written when all shards are.

    Attributes:
        layout: Sizes.
        model: Name, folder or Hub repository whose frozen encoders made the features.
        encoders: Digest of each frozen network, by slot ("clip", "sync_encoder", "vae"): features
            belong to these weights and to no others.
        level: Level policy: "policy" ("constant", "reference" or "none"), and for "constant" its
            "gain" (a factor, the same for all clips).
        rows: Clips.
        annotation: What the clips' physics came from: hash of the job, versions.
    """

    layout: SetLayout
    model: str = ""
    encoders: Mapping[str, str] = field(default_factory=dict)
    level: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 0
    annotation: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the document."""
        return {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read ``dataset.json`` of a folder.

        Raises:
            FormatError: There is none, it is damaged, or of a newer version.
        """
        path = Path(folder) / DESCRIPTION_NAME
        if not path.is_file():
            raise FormatError(
                f"{folder} is no finished folder of features: it has no {DESCRIPTION_NAME}. Make "
                f"one, or finish it: pavas prepare DATA --model MODEL -o {folder}"
            )
        found = read_document(
            path, format_name=FORMAT, newest=FORMAT_VERSION, what="description of features"
        )
        try:
            known = {entry.name for entry in fields(cls)}
            values = {name: value for name, value in found.items() if name in known}
            return cls(**{**values, "layout": SetLayout(**values["layout"])})
        except (KeyError, TypeError) as err:
            raise FormatError(f"{path} is damaged: {err}; run pavas prepare again") from err
