"""The adapter's state of one window, from the physics of the whole clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.pipelines.adapter_inputs import adapter_inputs, encode_objects, objects_within
from pavas_sdk.pipelines.components import onload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import MaskTrack, PhysicsEstimate
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.pipelines.components import AdapterModule
    from pavas_sdk.pipelines.encoding import VideoFeatures

__all__ = ["state_of_window"]


def state_of_window(
    adapter: AdapterModule,
    physics: PhysicsEstimate,
    masks: Mapping[int, MaskTrack],
    features: VideoFeatures,
    *,
    told: bool,
) -> AdapterState:
    """Return the adapter's state of one window; arguments as in `PavasPipeline.encode_physics`.

    Args:
        adapter: The adapter.
        physics: Of the whole clip.
        masks: Of the whole clip, by object id.
        features: Of the window.
        told: False where the sound is made without physics.
    """
    onload(adapter)
    impacts = physics.impacts() if adapter.uses_impacts else None
    objects = objects_within(physics.objects, masks, features.times_s, impacts or ())
    if not told or (not objects and impacts is None):
        return adapter.null_state(1, features.times_s.size)
    inputs = adapter_inputs(
        objects,
        masks,
        features.times_s,
        features.patches.shape[2],
        impacts=impacts,
        device=features.patches.device,
    )
    return encode_objects(adapter, features.patches, inputs)
