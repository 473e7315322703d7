"""The vocoder on a CPU in float32: compiled activations, and wide convolutions by tiles.

The same numbers as `BigVGAN.generate` to rounding, in less time; `tiling` says how.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.models.cpu import vocoder_kernels as kernels
from pavas_sdk.models.cpu.jit import share_rows
from pavas_sdk.models.cpu.operands import are_plain_float32
from pavas_sdk.models.cpu.tiling import POINTS, tile_counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pavas_sdk.models.bigvgan import BigVGAN, OversampledActivation, PeriodicBlock

__all__ = ["CPUVocoder", "generate"]

# Below these the direct convolution is faster: tiles need wide products, and preparing the weights
# must pay off.
_MIN_PRODUCT = 700  # channels times taps
_MIN_SAMPLES = 256


def generate(plain: Callable[..., Tensor], vocoder: BigVGAN, mel: Tensor) -> Tensor:
    """Return the waveform (B, 1, T * hop) of ``mel`` (B, M, T) before it is limited.

    Item by item: a batch gives bit for bit what its items give alone.
    """
    if not _applies(vocoder, mel):
        return plain(vocoder, mel)
    run = CPUVocoder(vocoder)
    return torch.stack([run(item) for item in mel])


def _applies(vocoder: BigVGAN, mel: Tensor) -> bool:
    """Whether all is float32 on a CPU, and the convolutions are torch's own."""
    convolutions = (module for block in vocoder.resblocks for module in block.modules())
    return are_plain_float32(mel, *vocoder.parameters()) and all(
        type(module) is nn.Conv1d for module in convolutions if isinstance(module, nn.Conv1d)
    )


class CPUVocoder:
    """Runs one spectrogram through a vocoder.

    Args:
        vocoder: Whose weights are read; nothing of it is changed or kept.
    """

    def __init__(self, vocoder: BigVGAN) -> None:
        self._vocoder = vocoder
        taps: NDArray[np.float32] = vocoder.activation_post.taps.numpy()
        self._up: NDArray[np.float32] = np.float32(2.0) * taps
        self._down: NDArray[np.float32] = taps
        self._memory: dict[str, Tensor] = {}

    def __call__(self, mel: Tensor) -> Tensor:
        """Return the last convolution's output, before squashing, (1, T) of ``mel`` (M, frames)."""
        vocoder = self._vocoder
        per_stage = len(vocoder.config.block_kernel_sizes)
        x = vocoder.conv_pre(mel[None])
        for stage, up in enumerate(vocoder.ups):
            x = cast("nn.ModuleList", up)[0](x)[0].contiguous()
            blocks = vocoder.resblocks[stage * per_stage : (stage + 1) * per_stage]
            total = self._block(cast("PeriodicBlock", blocks[0]), x)
            for block in blocks[1:]:
                total += self._block(cast("PeriodicBlock", block), x)
            x = (total / per_stage)[None]
        last = self._activate(vocoder.activation_post, x[0])
        wave: Tensor = vocoder.conv_post(last[None])[0]
        return wave

    def _block(self, block: PeriodicBlock, x: Tensor) -> Tensor:
        first, second = block.activations[::2], block.activations[1::2]
        for conv1, conv2, act1, act2 in zip(block.convs1, block.convs2, first, second, strict=True):
            hidden = self._convolve(conv1, act1, x, None)
            x = self._convolve(conv2, act2, hidden, x)
        return x

    def _convolve(self, conv: Any, act: Any, x: Tensor, residual: Tensor | None) -> Tensor:
        """Return the convolution of the activated ``x`` (C, T), plus ``residual`` if given."""
        if x.shape[0] * conv.kernel_size[0] < _MIN_PRODUCT or x.shape[1] < _MIN_SAMPLES:
            y: Tensor = conv(self._activate(act, x)[None])[0]
            return y if residual is None else y.add_(residual)
        return self._convolve_by_tiles(conv, act, x, residual)

    def _convolve_by_tiles(
        self, conv: nn.Conv1d, act: OversampledActivation, x: Tensor, residual: Tensor | None
    ) -> Tensor:
        channels, length = x.shape
        size, dilation = conv.kernel_size[0], conv.dilation[0]
        pieces, count, columns = tile_counts(length, size, dilation)
        tiles = self._scratch("tiles", POINTS, channels, columns)
        share_rows(
            kernels.activate_to_tiles,
            channels,
            x.numpy(),
            *self._snake(act),
            self._up,
            self._down,
            tiles.numpy(),
            size,
            dilation,
        )
        factors = self._scratch("factors", POINTS, channels, channels, pieces)
        share_rows(
            kernels.weights_to_points, channels, conv.weight.detach().numpy(), factors.numpy()
        )
        if pieces == 1:
            products = self._scratch("products", POINTS, channels, columns)
            torch.bmm(factors[..., 0], tiles, out=products)
        else:
            products = F.conv1d(
                tiles.view(1, -1, columns), factors.flatten(0, 1), groups=POINTS
            ).view(POINTS, channels, -1)
        out = torch.empty_like(x)
        bias = conv.bias
        assert bias is not None
        share_rows(
            kernels.tiles_to_rows,
            channels,
            products.numpy(),
            bias.detach().numpy(),
            (x if residual is None else residual).numpy(),
            residual is not None,
            out.numpy(),
            count + pieces - 1,
            count,
            dilation,
        )
        return out

    def _activate(self, act: Any, x: Tensor) -> Tensor:
        out = torch.empty_like(x)
        share_rows(
            kernels.activate,
            x.shape[0],
            x.numpy(),
            *self._snake(act),
            self._up,
            self._down,
            out.numpy(),
        )
        return out

    def _scratch(self, name: str, *shape: int) -> Tensor:
        """Return memory of that shape, used again by the next call of that name.

        Fresh memory of this size costs as much as the arithmetic that fills it.
        """
        wanted = math.prod(shape)
        if name not in self._memory or self._memory[name].numel() < wanted:
            self._memory[name] = torch.empty(wanted)
        return self._memory[name][:wanted].view(shape)

    @staticmethod
    def _snake(act: OversampledActivation) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the frequency over pi, and the factor of sin^2."""
        frequency = (act.act.alpha.detach().double().exp() / math.pi).float()
        return frequency.numpy(), act.act.weight().detach().numpy()
