"""Reconstructor "planar": the scene as one plane facing the camera, with a metric scale."""

from __future__ import annotations
