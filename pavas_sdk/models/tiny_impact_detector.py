"""A small network that sees when and where things hit, how fast, and how heavy they look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.data.timing import grid_times
from pavas_sdk.models.tiny_sync_encoder import TinySyncEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["ImpactLogits", "ImpactSight", "TinyImpactDetector"]

_CELL_PX = 8
_CHANGES = ((-1, 3.0), (1, 3.0), (-4, 2.0), (4, 2.0))  # frames away, gain: fast and slow motion
_SMALL = 1.25  # what is smaller by this factor is made larger
_PART = 96  # frames that are seen in one go: memory stays the same however long the clip is


class ImpactLogits(NamedTuple):
    """What the network says, cell by cell.

    Attributes:
        hits: (B, T, h, w, slots): logits; summed as exponentials over cells, those of the slot.
        facts: (B, T, h, w, 2): log10 of the speed in m/s and of the mass in kg of what would hit there.
        motion: (B, T, h, w, 2): logit that something moves there, log10 of its speed in m/s; only taught.
    """

    hits: Tensor
    facts: Tensor
    motion: Tensor

    def slots(self) -> Tensor:
        """Return the logits of whole slots, (B, T * slots)."""
        return torch.logsumexp(self.hits, dim=(2, 3)).flatten(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpactSight:
    """What `TinyImpactDetector.look` saw, slot by slot.

    Attributes:
        likely: (J,), probability that the slot holds an impact.
        place: (J, 2), where it would be: shares of width and height.
        speed_m_s: (J,), the speed whose kinetic energy it would lose, sqrt(|v_before^2 - v_after^2|).
        mass_kg: (J,), how heavy what hits would be.
    """

    likely: NDArray[np.float32]
    place: NDArray[np.float32]
    speed_m_s: NDArray[np.float32]
    mass_kg: NDArray[np.float32]


def _with_neighbours(x: Tensor, step: int) -> Tensor:
    """Channels of ``step`` frames before, now and after, (B, T, h, w, C) to (..., 3 C); zeros outside."""
    outside = x.new_zeros(x.shape[0], step, *x.shape[2:])
    longer = torch.cat([outside, x, outside], dim=1)
    count = x.shape[1]
    return torch.cat([longer[:, :count], x, longer[:, 2 * step :]], dim=-1)


class _Block(nn.Module):
    """Looks around in the picture, in time and at the whole frame, (B, T, h, w, C) to the same."""

    def __init__(self, dim: int, expansion: int, step: int) -> None:
        super().__init__()
        self.step = step
        self.space = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.widen = nn.Linear(3 * dim, expansion * dim)
        self.frame = nn.Linear(2 * dim, expansion * dim)
        self.narrow = nn.Linear(expansion * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        y = self.space(x.flatten(0, 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        y = self.norm(y.unflatten(0, x.shape[:2]))
        whole = self.frame(torch.cat([y.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=-1))
        y = F.silu(self.widen(_with_neighbours(y, self.step)) + whole[:, :, None, None])
        wider: Tensor = self.narrow(y)
        return x + wider


class TinyImpactDetector(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Tells how likely something hits, slot by slot of time and cell by cell of the picture.

    Convolutions over space and time, so that an impact looks the same wherever it happens; pictures may
    have any size. It is ours, not the paper's, whose impacts follow from speeds alone.

    Args:
        image_size: Pictures are brought to about this number of pixels, squared.
        stem_dim: Channels of cells of 4 px.
        dim: Channels of cells of 8 px.
        expansion: Of the hidden layer of a block.
        dilations: Of each block, in frames.
        frame_rate_hz: Frames per second that are looked at.
        slots: Equal parts of the time of a frame.
    """

    __module__ = "pavas_sdk.models"

    max_frame_side = TinySyncEncoder.max_frame_side

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        image_size: int = 128,
        stem_dim: int = 32,
        dim: int = 64,
        expansion: int = 2,
        dilations: tuple[int, ...] = (1, 1, 2, 4, 8, 2, 1),
        frame_rate_hz: float = 25.0,
        slots: int = 4,
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1 + len(_CHANGES), stem_dim, 8, stride=4, padding=2)
        self.stem_norm = nn.LayerNorm(stem_dim)
        self.stem_time = nn.Linear(3 * stem_dim, stem_dim)
        self.down = nn.Conv2d(stem_dim, dim, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList([_Block(dim, expansion, step) for step in dilations])
        self.norm = nn.LayerNorm(dim)
        self.hit_head = nn.Linear(dim, slots)
        cells = (image_size // _CELL_PX) ** 2
        nn.init.constant_(self.hit_head.bias, -3.0 - math.log(cells))  # a slot: -3
        self.fact_head = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, 2))
        self.motion_head = nn.Linear(dim, 2)

    @property
    def slot_rate_hz(self) -> float:
        """Slots per second."""
        return float(self.config.frame_rate_hz * self.config.slots)

    @property
    def reach(self) -> int:
        """Frames to both sides on which what is said of a frame depends."""
        farthest = max(abs(step) for step, _ in _CHANGES)
        return farthest + 1 + int(sum(self.config.dilations))  # changes, stem and blocks

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz within the duration, (T,), at least one."""
        return grid_times(duration_s, self.config.frame_rate_hz)

    def preprocess(self, video: Video) -> Tensor:
        """Return the brightness of the frames, (T, h, w) in [0, 1], both sides multiples of 8 px.

        The shape of the picture stays (to a cell). More than ``image_size`` squared pixels become so
        many, as in the pictures that the network has learnt from; so do far fewer.
        """
        frames = torch.tensor(video.frames).permute(0, 3, 1, 2).float() / 255.0
        grey: Tensor = TinySyncEncoder.grey(frames)
        height, width = grey.shape[1:]
        ratio = self.config.image_size / math.sqrt(height * width)
        ratio = 1.0 if 1.0 < ratio < _SMALL else ratio
        size = tuple(_CELL_PX * max(1, round(side * ratio / _CELL_PX)) for side in (height, width))
        if size == (height, width):
            return grey
        smaller = size[0] <= height and size[1] <= width
        mode: dict[str, Any] = (
            {"mode": "area"} if smaller else {"mode": "bilinear", "antialias": True}
        )
        return F.interpolate(grey[:, None], size=size, **mode)[:, 0]

    @staticmethod
    def changes(grey: Tensor) -> Tensor:
        """Return brightness (T, H, W) and how it differs from frames before and after, (T, 5, H, W).

        Beyond the ends the first and the last frame stand.
        """
        count = len(grey)
        frames = torch.arange(count, device=grey.device)
        seen = [grey - 0.5]
        for step, gain in _CHANGES:
            other = grey[(frames + step).clamp(0, count - 1)]
            seen.append(gain * (other - grey) * (1.0 if step > 0 else -1.0))
        return 3.0 * torch.stack(seen, dim=1)

    def forward(self, changes: Tensor) -> ImpactLogits:
        """Return what is said of clips whose `changes` are (B, T, 5, H, W).

        Args:
            changes: Both sides multiples of 8 px.
        """
        shape = changes.shape[:2]
        flat = changes.flatten(0, 1).to(self.dtype).contiguous(memory_format=torch.channels_last)
        x = F.silu(self.stem(flat)).permute(0, 2, 3, 1)
        x = self.stem_norm(x).unflatten(0, shape)
        x = x + F.silu(self.stem_time(_with_neighbours(x, 1)))
        x = self.down(x.flatten(0, 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).unflatten(0, shape)
        for block in self.blocks:
            x = block(x)
        x = F.silu(self.norm(x))
        return ImpactLogits(
            hits=self.hit_head(x), facts=self.fact_head(x), motion=self.motion_head(x)
        )

    @torch.no_grad()
    def look(self, video: Video) -> ImpactSight:
        """Return what is seen in a clip; slot j spans [j, j + 1) / `slot_rate_hz`.

        Args:
            video: Frames at `frame_times_s`.
        """
        grey = self.preprocess(video).to(self.device)
        changes = self.changes(grey)
        count = len(changes)
        parts = []
        for first in range(0, count, _PART):
            last = min(first + _PART, count)
            start, stop = max(0, first - self.reach), min(count, last + self.reach)
            said = self(changes[None, start:stop])
            parts.append(_read(said, slice(first - start, last - start)))
        return ImpactSight(
            likely=np.concatenate([part.likely for part in parts]),
            place=np.concatenate([part.place for part in parts]),
            speed_m_s=np.concatenate([part.speed_m_s for part in parts]),
            mass_kg=np.concatenate([part.mass_kg for part in parts]),
        )


def _read(said: ImpactLogits, frames: slice) -> ImpactSight:
    """What is said of some frames of one clip, each slot's cells weighed by how likely they are."""
    hits = said.hits[0, frames].float().permute(0, 3, 1, 2)  # (T, slots, h, w)
    height, width = hits.shape[2:]
    weight = torch.softmax(hits.flatten(2), dim=-1)
    facts = torch.einsum("tsc,tcf->tsf", weight, said.facts[0, frames].float().flatten(1, 2))
    grid = weight.unflatten(2, (height, width))
    across = (torch.arange(width, device=grid.device) + 0.5) / width
    down = (torch.arange(height, device=grid.device) + 0.5) / height
    place = torch.stack([grid.sum(2) @ across, grid.sum(3) @ down], dim=-1)
    speed, mass = torch.pow(10.0, facts).flatten(0, 1).unbind(-1)
    likely = torch.sigmoid(torch.logsumexp(hits, dim=(2, 3)).flatten())
    return ImpactSight(
        likely=likely.cpu().numpy(),
        place=place.flatten(0, 1).cpu().numpy(),
        speed_m_s=speed.cpu().numpy(),
        mass_kg=mass.cpu().numpy(),
    )
