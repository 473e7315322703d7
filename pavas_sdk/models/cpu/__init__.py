"""Faster ways through the networks on a CPU. This folder can be deleted whole.

``pavas_sdk.models.kernels`` is the only door: it calls these functions in place of the networks'
own, as ``kernel(plain, *args)``, where no gradient is wanted. Each gives the numbers of ``plain``
to rounding, and calls it where it does not apply.
"""

from __future__ import annotations

__all__ = ["KERNELS"]

KERNELS = {
    "BigVGAN.generate": "vocoder:generate",
    "DividedAttention.forward": "time_attention:divided_attention",
    "MMAudioTransformer.forward": "distinct_rows:transformer",
    "Modulator.project": "distinct_rows:modulator",
    "Synchformer.encode_segments": "segments:encode_segments",
    "ScaledConv.forward": "scaled_conv:scaled_conv",
    "linear": "linear:linear",
}
"""Qualified name of a function to ``module:function`` here, imported when it is first called."""
