"""Faster ways through the networks on a CPU. This folder can be deleted whole.

``pavas_sdk.models.kernels`` is the only door: it calls these functions in place of the networks'
own, as ``kernel(plain, *args)``. Each gives the numbers of ``plain`` to rounding, and calls it where
it does not apply. Those of ``KERNELS`` know no gradients and run where none is wanted, those of
``GRADIENT_KERNELS`` where one is.
"""

from __future__ import annotations

__all__ = ["GRADIENT_KERNELS", "KERNELS"]

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

GRADIENT_KERNELS = {
    "ChannelLastConv.forward": "conv_gradient:channel_last_conv",
    "linear": "linear_gradient:linear",
}
"""The same, called where gradients are wanted."""
