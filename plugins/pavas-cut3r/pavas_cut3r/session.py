"""A session: frames go in one by one, geometry comes out, memory stays constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pavas_cut3r.heads import FrameGeometry, geometry
from pavas_cut3r.network import OUTPUTS, SceneState, token_grid
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch import Tensor

    from pavas_cut3r.network import Cut3R

__all__ = ["Cut3RSession"]


class Cut3RSession:
    """Feeds frames to a model in order; each sees the frames before it through the state.

    Sizes may change between frames. Nothing but the state is kept.

    Args:
        model: The network.
        batch_size: How many videos run side by side.

    Example:
        >>> session = Cut3RSession(model)
        >>> for pixels in frames:
        ...     points = session.step(pixels).self_points
    """

    def __init__(self, model: Cut3R, *, batch_size: int = 1) -> None:
        self._model = model
        self._batch_size = batch_size
        self._frames = 0
        self._state = self._initial_state()

    @property
    def frames_seen(self) -> int:
        """Frames since the session began, with those that did not update the state."""
        return self._frames

    @property
    def state(self) -> SceneState:
        """The present state."""
        return self._state

    @torch.no_grad()
    def _initial_state(self) -> SceneState:
        state = self._model.initial_state(self._batch_size)
        return SceneState(tokens=state.tokens.detach(), memory=state.memory.detach())

    def restart(self) -> None:
        """Begin a new session, for a new scene: the next frame's camera is the new world."""
        self._frames = 0
        self._state = self._initial_state()

    @torch.no_grad()
    def step(
        self,
        pixels: Tensor,
        *,
        update: bool = True,
        reset: bool = False,
        outputs: Collection[str] = OUTPUTS,
    ) -> FrameGeometry:
        """Take the next frame and return its geometry.

        Args:
            pixels: (B, 3, H, W) in [-1, 1], sides multiples of 16.
            update: Whether the frame changes the state.
            reset: Forget the scene after this frame. Not the same as `restart`: the next frame
                still reads its pose from the (initial) memory, as in the published model.
            outputs: The maps wanted, of `pavas_cut3r.OUTPUTS`; the pose always comes.

        Raises:
            InputError: Another shape or batch, or unknown outputs.
        """
        self._check(pixels, 3, outputs)
        model = self._model
        raw, state = model.step(
            model.encode_images(pixels),
            token_grid(*pixels.shape[-2:]),
            self._state,
            first=self._frames == 0,
            update=update,
            outputs=frozenset(outputs),
        )
        self._frames += 1
        self._state = self._initial_state() if reset else state
        return geometry(raw)

    @torch.no_grad()
    def query(self, rays: Tensor, *, outputs: Collection[str] = OUTPUTS) -> FrameGeometry:
        """Return what a camera would see that was not there; the state stays.

        Args:
            rays: (B, 6, H, W), of `pavas_cut3r.ray_map` with channels first.
            outputs: As in `step`.

        Raises:
            InputError: Another shape, or no frame has been seen yet.
        """
        self._check(rays, 6, outputs)
        if self._frames == 0:
            raise InputError("a session that has seen no frame knows no scene; call step first")
        model = self._model
        raw, _ = model.step(
            model.encode_rays(rays),
            token_grid(*rays.shape[-2:]),
            self._state,
            first=False,
            update=False,
            outputs=frozenset(outputs),
        )
        return geometry(raw)

    def revisit(
        self,
        frames: Sequence[Tensor],
        *,
        passes: int = 2,
        update_in_later_passes: bool = False,
        outputs: Collection[str] = OUTPUTS,
    ) -> Iterator[FrameGeometry]:
        """Yield the geometry of the last pass over ``frames``, all passes in one session.

        The last pass knows the whole scene from its first frame on.

        Args:
            frames: Each as in `step`.
            passes: How often the frames are gone through.
            update_in_later_passes: Whether the passes after the first change the state.
            outputs: As in `step`.
        """
        for index in range(passes):
            last = index == passes - 1
            for pixels in frames:
                found = self.step(
                    pixels,
                    update=index == 0 or update_in_later_passes,
                    outputs=outputs if last else (),
                )
                if last:
                    yield found

    def _check(self, pixels: Tensor, channels: int, outputs: Collection[str]) -> None:
        if pixels.ndim != 4 or pixels.shape[:2] != (self._batch_size, channels):
            raise InputError(
                f"expected ({self._batch_size}, {channels}, H, W), got {tuple(pixels.shape)}"
            )
        unknown = sorted(set(outputs) - OUTPUTS)
        if unknown:
            raise InputError(
                f"there are no outputs {', '.join(unknown)}; there are {', '.join(sorted(OUTPUTS))}"
            )
