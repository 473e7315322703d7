"""CUT3R for pavas_sdk: metric points, camera poses and intrinsics, frame by frame.

Names load on first use, so that listing plugins never imports torch. Saved models record `Cut3R`
under this package; it must stay importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_cut3r.checkpoint import convert_checkpoint
    from pavas_cut3r.config import Cut3RConfig
    from pavas_cut3r.focal import estimate_focal, estimate_focal_median, intrinsics
    from pavas_cut3r.heads import FrameGeometry
    from pavas_cut3r.network import OUTPUTS, Cut3R, SceneState
    from pavas_cut3r.preprocessing import Placement, normalise, place, preprocess
    from pavas_cut3r.rays import ray_map
    from pavas_cut3r.reconstructor import Cut3RReconstructor
    from pavas_cut3r.session import Cut3RSession
    from pavas_cut3r.weights import default_folder, load_model

_EXPORTS = {
    "checkpoint": ["convert_checkpoint"],
    "config": ["Cut3RConfig"],
    "focal": ["estimate_focal", "estimate_focal_median", "intrinsics"],
    "heads": ["FrameGeometry"],
    "network": ["Cut3R", "OUTPUTS", "SceneState"],
    "preprocessing": ["Placement", "normalise", "place", "preprocess"],
    "rays": ["ray_map"],
    "reconstructor": ["Cut3RReconstructor"],
    "session": ["Cut3RSession"],
    "weights": ["default_folder", "load_model"],
}

__all__ = [
    "OUTPUTS",
    "Cut3R",
    "Cut3RConfig",
    "Cut3RReconstructor",
    "Cut3RSession",
    "FrameGeometry",
    "Placement",
    "SceneState",
    "convert_checkpoint",
    "default_folder",
    "estimate_focal",
    "estimate_focal_median",
    "intrinsics",
    "load_model",
    "normalise",
    "place",
    "preprocess",
    "ray_map",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
