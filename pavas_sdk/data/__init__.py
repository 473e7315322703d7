"""Value types that cross every boundary: numpy, frozen, validated; no torch."""

from __future__ import annotations

from pavas_sdk.data.audio import Audio
from pavas_sdk.data.background import background_motion_m_s
from pavas_sdk.data.clips import Contact, LabelledClip
from pavas_sdk.data.component_ref import ComponentRef
from pavas_sdk.data.everyday_things import EverydayThing, everyday_things, find_everyday_thing
from pavas_sdk.data.frames import SourceFacts
from pavas_sdk.data.geometry import Reconstruction, Trajectory
from pavas_sdk.data.impact import Impact
from pavas_sdk.data.impacts import find_impacts
from pavas_sdk.data.mass import MassEstimate
from pavas_sdk.data.object_physics import ObjectPhysics
from pavas_sdk.data.objects import MaskTrack, MovingObject
from pavas_sdk.data.physics import PhysicsEstimate
from pavas_sdk.data.video import FrameSource, Video

__all__ = [
    "Audio",
    "ComponentRef",
    "Contact",
    "EverydayThing",
    "FrameSource",
    "Impact",
    "LabelledClip",
    "MaskTrack",
    "MassEstimate",
    "MovingObject",
    "ObjectPhysics",
    "PhysicsEstimate",
    "Reconstruction",
    "SourceFacts",
    "Trajectory",
    "Video",
    "background_motion_m_s",
    "everyday_things",
    "find_everyday_thing",
    "find_impacts",
]
