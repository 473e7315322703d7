"""The field's metrics that need a network: what each is, and its value from extracted features.

A model must not gain by failing. A failed clip (missing, unreadable, short, silent) counts

* in a mean over clips with the worst value: DeSync 2 s, a cosine of -1, and a KL divergence of a
  listener who is sure of what the true sound is not (20 nats below, or the largest that was
  measured);
* in a set of features as the sound, of this model and the reference, that lies farthest from the
  reference's mean. Since |m_x - m_y|^2 + tr C_x is the mean squared distance of the rows from m_y (up to
  1/n), no sound that was heard could have made that part of a Frechet distance larger;
* in the Inception Score as a clip that says nothing: its part of the mean divergence is 0.

Beside each stands the value without the failed clips, which is what public tools print.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.evaluation.embedding_scores import cosines
from pavas_sdk.evaluation.frechet import frechet_distance
from pavas_sdk.evaluation.inception import SHUFFLE_SEED, SPLITS, part_bounds
from pavas_sdk.evaluation.kl import kl_per_clip, log_softmax
from pavas_sdk.evaluation.synchronisation import LARGEST_S, offsets_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "NETWORK_METRICS",
    "NetworkMetric",
    "clip_scores",
    "inception_of_parts",
    "set_score",
    "worst_scores",
]

KL_WORST_NATS = 20.0
_PANNS, _PASST, _VGGISH = "pavas-sdk/panns", "pavas-sdk/passt", "pavas-sdk/vggish"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMetric:
    """A figure of the table that needs networks.

    Attributes:
        name: Under which it is asked for.
        title: Column of the table.
        better: "higher" or "lower".
        convention: What exactly it is.
        form: "frechet", "inception", "kl", "desync" or "cosine".
        extractor: Qualified name of what hears the sounds.
        output: Which of its outputs.
        other: Extractor of the video or caption that a cosine compares with; "" for none.
        scale: Factor of the printed value.
        plugin: Distribution to install where the extractor is not registered; "" for the core's.
    """

    name: str
    title: str
    better: str
    convention: str
    form: str
    extractor: str
    output: str
    other: str = ""
    scale: float = 1.0
    plugin: str = ""

    @property
    def of_sets(self) -> bool:
        """Whether it is of sets of clips; otherwise it is a mean over clips."""
        return self.form in ("frechet", "inception")


_FAILED = "a failed clip counts "
_FARTHEST = _FAILED + "as the heard sound that is farthest from the reference's mean"


def _frechet(name: str, title: str, extractor: str, what: str) -> NetworkMetric:
    return NetworkMetric(
        name=name,
        title=title,
        better="lower",
        convention=f"squared Frechet distance of {what}, covariance over n - 1; {_FARTHEST}",
        form="frechet",
        extractor=extractor,
        output="features",
    )


def _kl(name: str, title: str, extractor: str) -> NetworkMetric:
    return NetworkMetric(
        name=name,
        title=title,
        better="lower",
        convention="mean over clips of KL(reference || generated) of the softmax of 527 logits, "
        f"nats; {_FAILED}{KL_WORST_NATS:g} nats less the entropy of the true sound, or the largest",
        form="kl",
        extractor=extractor,
        output="logits",
    )


NETWORK_METRICS: Mapping[str, NetworkMetric] = {
    metric.name: metric
    for metric in (
        _frechet("fd-passt", "FD PaSST", _PASST, "768 PaSST features, 32 kHz, heard as 10 s"),
        _frechet("fd-panns", "FD PANNs", _PANNS, "2048 Cnn14 features, 16 kHz"),
        _frechet("fd-vgg", "FD VGG", _VGGISH, "128 VGGish features of each 0.96 s, 16 kHz"),
        _kl("kl-panns", "KL PANNs", _PANNS),
        _kl("kl-passt", "KL PaSST", _PASST),
        NetworkMetric(
            name="is",
            title="IS",
            better="higher",
            convention=f"Inception Score of Cnn14's softmax, {SPLITS} parts of the clips in order of "
            f"their names shuffled by RandomState({SHUFFLE_SEED}); {_FAILED}nothing",
            form="inception",
            extractor=_PANNS,
            output="logits",
        ),
        NetworkMetric(
            name="ib",
            title="IB-score",
            better="higher",
            convention="mean over clips of 100 x cosine of the ImageBind embeddings of video and "
            f"sound; {_FAILED}-100",
            form="cosine",
            extractor="pavas-imagebind/imagebind-audio",
            output="embedding",
            other="pavas-imagebind/imagebind-video",
            scale=100.0,
            plugin="pavas-imagebind",
        ),
        NetworkMetric(
            name="desync",
            title="DeSync (s)",
            better="lower",
            convention="mean over clips of the absolute offset of the largest logit, first and last "
            f"14 segments, seconds; {_FAILED}{LARGEST_S:g}",
            form="desync",
            extractor="pavas-sdk/synchformer",
            output="logits",
        ),
        NetworkMetric(
            name="clap",
            title="CLAP",
            better="higher",
            convention="mean over clips of the cosine of LAION-CLAP's embeddings of caption and "
            f"sound, cut at 10 s from the beginning; {_FAILED}-1",
            form="cosine",
            extractor="pavas-sdk/clap-audio",
            output="embedding",
            other="pavas-sdk/clap-text",
        ),
    )
}
"""By name, in the order of the table."""


def clip_scores(
    metric: NetworkMetric, own: NDArray[np.float32], other: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """Return the value of every clip, as printed, (clips,).

    Args:
        metric: One that is a mean over clips.
        own: Features of the model's clips, (clips, ...).
        other: Of the reference (KL), or of video or caption (cosines); same clips.
    """
    if metric.form == "desync":
        return np.asarray(np.abs(offsets_s(own)).mean(axis=1))
    assert other is not None
    if metric.form == "kl":
        return kl_per_clip(own, other)
    return metric.scale * cosines(own, other)


def worst_scores(
    metric: NetworkMetric, reference: NDArray[np.float32], measured: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what each clip counts if a model fails it, (clips,).

    Args:
        metric: One that is a mean over clips.
        reference: Features of the true sounds, (clips, ...).
        measured: All values that were measured, of any model; may be empty.
    """
    if metric.form == "kl":
        log_r = log_softmax(np.asarray(reference, dtype=np.float64))
        worst = KL_WORST_NATS + (np.exp(log_r) * log_r).sum(axis=1)
        return np.asarray(np.maximum(worst, measured.max(initial=-np.inf)))
    value = LARGEST_S if metric.form == "desync" else -metric.scale
    return np.full(len(reference), value)


def set_score(
    metric: NetworkMetric,
    own: Sequence[NDArray[np.float32] | None],
    reference: Sequence[NDArray[np.float32]],
    *,
    kept: NDArray[np.bool_] | None = None,
) -> float:
    """Return the value of a set of clips; NaN where there are too few.

    Args:
        metric: One of sets.
        own: Features of the model's clips by clip, (d,) or (pieces, d); None for a failed clip.
        reference: Features of the true sounds, same clips.
        kept: Which clips count, for leaving out some of them; None: all. What failed clips count
            is decided before, on all.
    """
    if kept is None:
        kept = np.ones(len(own), dtype=bool)
    if metric.form == "inception":
        return inception_of_parts(own, kept)
    filled = _filled(own, reference)
    x = _rows([row for row, keep in zip(filled, kept, strict=True) if keep])
    y = _rows([row for row, keep in zip(reference, kept, strict=True) if keep])
    return frechet_distance(x, y) if min(len(x), len(y)) > 1 else float("nan")


def inception_of_parts(
    logits: Sequence[NDArray[np.float32] | None], kept: NDArray[np.bool_]
) -> float:
    """Return the Inception Score; failed clips add nothing, left out ones are gone.

    The parts are those of all clips, so that leaving out clips moves none from part to part. NaN
    where a part is empty.
    """
    count = len(logits)
    order = np.random.RandomState(SHUFFLE_SEED).permutation(count)
    scores = []
    for start, end in part_bounds(count, SPLITS):
        part = [clip for clip in order[start:end] if kept[clip]]
        if not part:
            return float("nan")
        present = [found for clip in part if (found := logits[clip]) is not None]
        if not present:
            scores.append(1.0)
            continue
        logs = log_softmax(np.stack(present).astype(np.float64))
        shares = np.exp(logs)
        mean = shares.mean(axis=0)
        log_mean = np.log(np.maximum(mean, np.finfo(np.float64).tiny))
        divergence = (shares * (logs - log_mean)).sum() / len(part)
        scores.append(float(np.exp(divergence)))
    return float(np.mean(scores))


def _filled(
    own: Sequence[NDArray[np.float32] | None], reference: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Put the row that is farthest from the reference's mean in place of failed clips."""
    if all(row is not None for row in own):
        return [row for row in own if row is not None]
    mean = _rows(reference).mean(axis=0, dtype=np.float64)
    farthest, distance = reference[0], -1.0
    for clip in (*reference, *(row for row in own if row is not None)):
        rows = np.atleast_2d(clip)
        apart = np.square(rows - mean).sum(axis=1)
        if apart.max() > distance:
            farthest, distance = rows[apart.argmax()], float(apart.max())
    return [
        np.broadcast_to(farthest, true.shape) if row is None else row
        for row, true in zip(own, reference, strict=True)
    ]


def _rows(clips: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.atleast_2d(clip) for clip in clips])
