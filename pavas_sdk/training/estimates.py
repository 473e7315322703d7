"""Estimated instead of true physics for a share of the clips.

A model that has only seen true masses and speeds believes them too much. The estimators' own
errors are not noise that could be drawn: objects are missed, doubled, and scaled all together.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.errors import ComponentError, FormatError
from pavas_sdk.media import as_source
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs
from pavas_sdk.training.features import FeatureBank, PhysicsSet, masked_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pavas_sdk.data import Video
    from pavas_sdk.models import TinyVisualEncoder
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.training.store import ClipStore

__all__ = ["with_estimates", "write_estimates"]

logger = logging.getLogger(__name__)
_NAMES = ("objects", "visible", "mass_kg", "speed_m_s", "impact_energy_j", "valid")
# The estimator is told what the clip shows in so many clips of ten.
_PROMPTED = 3


@torch.no_grad()
def write_estimates(
    store: ClipStore,
    clips: Sequence[int],
    picture: Callable[[int], Video],
    estimator: PhysicsEstimator,
    visual: TinyVisualEncoder,
    path: Path,
) -> int:
    """Estimate the physics of clips and write what the adapter would be given to ``path``.

    Args:
        store: The clips.
        clips: Which.
        picture: Makes the picture of a seed at the size that the estimator needs.
        estimator: Of masses and speeds.
        visual: The frozen visual encoder.
        path: An ``.npz``.

    Returns:
        Number of clips with an estimate; a clip on which a component fails is left out.
    """
    config = store.config
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("ids", *_NAMES)}
    for count, clip in enumerate(clips):
        fact = store.facts[clip]
        prompt = fact["takes"][0]["prompt"] if clip % 10 < _PROMPTED else ""
        try:
            estimated = estimator.estimate(as_source(picture(fact["seed"])), prompt=prompt)
        except ComponentError as err:
            logger.warning("no estimate for clip %d: %s", fact["seed"], err)
            continue
        inputs = adapter_inputs(
            estimated.physics.objects[: config.max_objects],
            estimated.masks,
            config.times_s,
            config.grid,
            impacts=estimated.physics.impacts(),
        )
        assert inputs.impact_energy_j is not None
        found = inputs.masks.shape[1]
        masks = np.zeros(
            (config.max_objects, config.frames, config.grid, config.grid), dtype=np.float32
        )
        masks[:found] = inputs.masks[0].numpy()
        mass = np.full((1, config.max_objects), np.nan, dtype=np.float32)
        mass[0, :found] = inputs.mass_kg[0].numpy()
        speed = np.full((1, config.max_objects, config.frames), np.nan, dtype=np.float32)
        speed[0, :found] = inputs.speed_m_s[0].numpy()
        energy = np.zeros_like(speed)
        energy[0, :found] = inputs.impact_energy_j[0].numpy()
        frames = torch.tensor(np.asarray(store.get("frames", clip)))
        seen = visual.encode_image(frames.permute(0, 3, 1, 2).float() / 255.0)
        rows["ids"].append(np.asarray(clip))
        rows["objects"].append(masked_sums(seen.patches, masks).numpy().astype(np.float16))
        rows["visible"].append(masks.sum(axis=(2, 3)) > 0)
        rows["mass_kg"].append(mass)
        rows["speed_m_s"].append(speed)
        rows["impact_energy_j"].append(energy)
        rows["valid"].append(np.arange(config.max_objects) < found)
        if count % 100 == 0:
            logger.info("estimates of %d clips", count)
    path.parent.mkdir(parents=True, exist_ok=True)
    if rows["ids"]:
        np.savez(path, **{name: np.stack(kind) for name, kind in rows.items()})  # type: ignore[arg-type]
    return len(rows["ids"])


def with_estimates(bank: FeatureBank, paths: Sequence[Path]) -> FeatureBank:
    """Return the bank with the estimates that `write_estimates` wrote.

    Raises:
        FormatError: A file of an earlier version, without energies of impacts.
    """
    if not paths:
        return bank
    parts = [np.load(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if not set(_NAMES) <= set(part.files):
            lacks = ", ".join(sorted(set(_NAMES) - set(part.files)))
            raise FormatError(
                f"{path} was written by an earlier version and lacks {lacks}; delete it, and the "
                "estimates are made again"
            )
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in ("ids", *_NAMES)}
    count = len(bank)
    has = np.zeros(count, dtype=np.bool_)
    has[arrays["ids"]] = True
    spread = {}
    for name in _NAMES:
        values = arrays[name]
        full = np.zeros((count, *values.shape[1:]), dtype=values.dtype)
        if values.dtype == np.float32:
            full[:] = np.nan
        full[arrays["ids"]] = values
        spread[name] = full
    return replace(bank, estimated=PhysicsSet(**spread), has_estimate=has)
