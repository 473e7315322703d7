"""Sound as ImageBind gets it: three pieces of 2 s as log-mel pictures. No network is here.

ImageBind's own weights are for non-commercial use; this is for whoever wraps them. Facts of the public
evaluation code: 16 kHz, whole file, channels kept; pieces begin at 0, (T - 2) / 2 and T - 2; the mean over
all channels is taken away, and then the *first* channel is heard.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.models.listening.filterbanks import mel_triangles

__all__ = ["imagebind_pictures", "imagebind_starts_s"]

_RATE_HZ = 16000
_PIECE_S = 2.0
_FRAME, _HOP, _N_FFT = 400, 160, 512
_BANDS, _MIN_HZ, _MAX_HZ = 128, 20.0, 8000.0
_FLOOR = 1.1920928955078125e-07  # epsilon of float32, as in Kaldi
_PRE_EMPHASIS = 0.97
_FRAMES = 204
_MEAN, _STD = -4.268, 9.138


def imagebind_starts_s(duration_s: float) -> tuple[float, float, float]:
    """Return where the pieces begin, seconds.

    Raises:
        InputError: Less than 2 s.
    """
    if duration_s < _PIECE_S:
        raise InputError(
            f"ImageBind hears pieces of {_PIECE_S:g} s, the sound has {duration_s:g} s"
        )
    return 0.0, (duration_s - _PIECE_S) / 2.0, duration_s - _PIECE_S


def imagebind_pictures(samples: Tensor, starts_s: tuple[float, ...] | None = None) -> Tensor:
    """Return scaled log-mel pictures, (pieces, 1, 128, 204), of sound (channels, n) at 16 kHz.

    Args:
        samples: The whole file.
        starts_s: Of the pieces; None: `imagebind_starts_s`.

    Raises:
        InputError: Another shape, or less than 2 s.
    """
    if samples.ndim != 2:
        raise InputError(f"sound of shape {tuple(samples.shape)}, expected (channels, samples)")
    starts_s = imagebind_starts_s(samples.shape[1] / _RATE_HZ) if starts_s is None else starts_s
    length = int(_PIECE_S * _RATE_HZ)
    pieces = [samples[:, int(start * _RATE_HZ) :][:, :length] for start in starts_s]
    return torch.stack([_picture(piece) for piece in pieces])


def _picture(piece: Tensor) -> Tensor:
    frames = (piece - piece.mean())[0].unfold(0, _FRAME, _HOP)  # no partial frame
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    frames = frames - _PRE_EMPHASIS * before
    window = torch.hann_window(_FRAME, periodic=False, device=piece.device)
    spectrum = torch.fft.rfft(frames * window, n=_N_FFT)[:, : _N_FFT // 2]
    power = spectrum.real.square() + spectrum.imag.square()
    bins = np.linspace(0.0, _RATE_HZ / 2, _N_FFT // 2 + 1)[:-1]  # without the Nyquist bin
    triangles = torch.from_numpy(mel_triangles(_BANDS, _MIN_HZ, _MAX_HZ, bins)).float()
    bands = (power @ triangles.T.to(piece.device)).clamp_min(_FLOOR).log().T
    filled = F.pad(bands, (0, _FRAMES - bands.shape[1]))
    return ((filled - _MEAN) / _STD)[None]
