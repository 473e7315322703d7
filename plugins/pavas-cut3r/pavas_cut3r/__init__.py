"""CUT3R for pavas_sdk: metric points, camera poses and intrinsics, frame by frame.

Names load on first use, so that listing plugins never imports torch. Saved models record `Cut3R`
under this package; it must stay importable from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "Cut3R": "network",
    "Cut3RConfig": "config",
    "Cut3RReconstructor": "reconstructor",
    "Cut3RSession": "session",
    "FrameGeometry": "heads",
    "OUTPUTS": "network",
    "Placement": "preprocessing",
    "SceneState": "network",
    "convert_checkpoint": "checkpoint",
    "default_folder": "weights",
    "estimate_focal": "focal",
    "estimate_focal_median": "focal",
    "intrinsics": "focal",
    "load_model": "weights",
    "normalise": "preprocessing",
    "place": "preprocessing",
    "preprocess": "preprocessing",
    "ray_map": "rays",
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


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
