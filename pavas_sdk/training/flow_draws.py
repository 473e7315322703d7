"""The random numbers of a training step, row by row."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["FlowDraws", "draw_rows"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlowDraws:
    """The random numbers of each row.

    Attributes:
        posterior: Normals that sample the latents, (B, N, C).
        time: Flow times t in (0, 1), (B,).
        noise: x0, (B, N, C).
        u_video: Uniform, (B,); below the drop share the video is dropped.
        u_text: Uniform, (B,); the same for the text.
        u_physics: Uniform, (B,); the same for the physics.
    """

    posterior: Tensor
    time: Tensor
    noise: Tensor
    u_video: Tensor
    u_text: Tensor
    u_physics: Tensor

    def to(self, device: torch.device | str) -> Self:
        """Return the numbers on a device."""
        return type(self)(**{e.name: getattr(self, e.name).to(device) for e in fields(self)})


def draw_rows(
    seed: int,
    step: int,
    rows: Sequence[int],
    shape: tuple[int, int],
    *,
    time_logit_mean: float = 0.0,
    time_logit_std: float = 1.0,
) -> FlowDraws:
    """Return the draws of some rows of a step; each depends on (seed, step, row) alone.

    So the number of processes and the size of micro-batches change nothing. Within a row the
    order is the reference trainer's: posterior, time, noise, video, text; physics last.

    Args:
        seed: Of the run.
        step: Number of the step.
        rows: Places in the whole batch.
        shape: (N, C) of the latents.
        time_logit_mean: t is sigmoid(normal(this, ...)).
        time_logit_std: Spread of that normal.
    """
    posterior, noise = torch.empty(len(rows), *shape), torch.empty(len(rows), *shape)
    logits, uniform = torch.empty(len(rows)), torch.empty(len(rows), 3)
    generator = torch.Generator()
    for place, row in enumerate(rows):
        generator.manual_seed(_row_seed(seed, step, row))
        posterior[place].normal_(generator=generator)
        logits[place].normal_(generator=generator)
        noise[place].normal_(generator=generator)
        uniform[place].uniform_(generator=generator)
    return FlowDraws(
        posterior=posterior,
        time=torch.sigmoid(logits * time_logit_std + time_logit_mean),
        noise=noise,
        u_video=uniform[:, 0],
        u_text=uniform[:, 1],
        u_physics=uniform[:, 2],
    )


def _row_seed(seed: int, step: int, row: int) -> int:
    return int(np.random.SeedSequence([seed, step, row]).generate_state(1, np.uint64)[0] >> 1)
