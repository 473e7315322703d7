"""What was heard in folders as figures: features by model, clips that cannot be compared, summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.evaluation.network_metrics import NETWORK_METRICS, NetworkMetric
from pavas_sdk.evaluation.network_summary import REFERENCE, Heard, summarise_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.evaluation.extraction import Extraction, MediaItem
    from pavas_sdk.evaluation.folder_networks import NetworkEvaluation

__all__ = ["network_figures"]


def network_figures(evaluation: NetworkEvaluation, names: Sequence[str]) -> dict[str, Any]:
    """Return figures, differences, values per clip, noise floors, conventions: JSON values."""
    found: dict[str, Any] = {
        "figures": {},
        "differences": {},
        "per_clip": {},
        "noise_floor": {},
        "left_out": {},
        "rows": {},
        "empty": {},
    }
    for name in names:
        heard = _heard(evaluation, NETWORK_METRICS[name], found["left_out"])
        if len(heard.clips) < (2 if NETWORK_METRICS[name].of_sets else 1):
            found["empty"][name] = "no clip could be compared: " + "; ".join(
                sorted(set(found["left_out"].get(name, {}).values()))[:2]
            )
            continue
        summary = summarise_metric(name, heard)
        found["figures"][name] = summary.figures
        found["differences"][name] = summary.differences
        found["rows"][name] = list(summary.rows)
        if summary.per_clip:
            found["per_clip"][name] = {"clips": list(heard.clips), **summary.per_clip}
        if summary.noise_floor is not None:
            found["noise_floor"][name] = summary.noise_floor
    return found


def _heard(
    evaluation: NetworkEvaluation, metric: NetworkMetric, left_out: dict[str, dict[str, str]]
) -> Heard:
    """Features of the clips whose true sound (and video, or caption) can be compared."""
    extraction = evaluation.extraction(metric.extractor)
    true = _features(evaluation, extraction, metric, REFERENCE)
    other: list[NDArray[np.float32] | None] | None = None
    if metric.other:
        beside = evaluation.extraction(metric.other)
        item_of = evaluation.video if beside.extractor.medium == "video" else evaluation.caption
        other = _placed(beside, [item_of(clip) for clip in evaluation.clips], metric.output)
    rows = [
        index
        for index in range(len(evaluation.clips))
        if true[index] is not None and (other is None or other[index] is not None)
    ]
    if len(rows) < len(evaluation.clips):
        left_out[metric.name] = {
            clip: _reason(evaluation, extraction, metric, clip)
            for index, clip in enumerate(evaluation.clips)
            if index not in set(rows)
        }
    own = {REFERENCE: [true[row] for row in rows]}
    for model in evaluation.sounds:
        if model != REFERENCE:
            features = _features(evaluation, extraction, metric, model)
            own[model] = [features[row] for row in rows]
    chosen = None if other is None else [found for row in rows if (found := other[row]) is not None]
    return Heard(clips=[evaluation.clips[row] for row in rows], own=own, other=chosen)


def _features(
    evaluation: NetworkEvaluation, extraction: Extraction, metric: NetworkMetric, model: str
) -> list[NDArray[np.float32] | None]:
    items = [evaluation.sound(extraction, model, clip) for clip in evaluation.clips]
    return _placed(extraction, items, metric.output)


def _reason(
    evaluation: NetworkEvaluation, extraction: Extraction, metric: NetworkMetric, clip: str
) -> str:
    needs_video = extraction.beside is not None or metric.name == "ib"
    if needs_video and clip not in evaluation.videos:
        return "no video"
    if metric.form == "cosine" and not needs_video and clip not in evaluation.captions:
        return "no caption"
    item = evaluation.sound(extraction, REFERENCE, clip)
    if item is not None and extraction.key(item) in extraction.refused:
        return extraction.refused[extraction.key(item)]
    return "video or caption could not be used"


def _placed(
    extraction: Extraction, items: Sequence[MediaItem | None], output: str
) -> list[NDArray[np.float32] | None]:
    """Features in the places of the items; None where there is no item or it was refused."""
    features = iter(extraction.features([item for item in items if item is not None], output))
    return [None if item is None else next(features) for item in items]
