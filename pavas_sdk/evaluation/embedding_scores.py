"""Does the sound belong to the picture (ImageBind) or to the words (CLAP)? Cosines of embeddings.

Conventions
-----------
Row i of both is the same clip; the score is the mean over clips of the cosine of its two
embeddings, -1 to 1, higher is better. Papers print 100 times the ImageBind score (IB-score 33.2 is
0.332). Embeddings need not be normalised: an ImageBind embedding is the mean of several normalised
ones and is not normalised again. A vector of zeros has the cosine 0.

The score is the mean of the cosines, not the cosine of the means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["clap_score", "cosines", "imagebind_score"]

_EPS = 1e-8


def imagebind_score(video: ArrayLike, audio: ArrayLike) -> float:
    """Return the mean cosine of video and sound embeddings; papers print it times 100.

    Args:
        video: ImageBind embeddings of the videos, (clips, d).
        audio: ImageBind embeddings of the generated sounds, same clips in the same order.

    Raises:
        InputError: See `cosines`.
    """
    return float(cosines(video, audio).mean())


def clap_score(text: ArrayLike, audio: ArrayLike) -> float:
    """Return the mean cosine of caption and sound embeddings.

    Args:
        text: CLAP embeddings of the captions, (clips, d).
        audio: CLAP embeddings of the generated sounds, same clips in the same order.

    Raises:
        InputError: See `cosines`.
    """
    return float(cosines(text, audio).mean())


def cosines(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Return the cosine of every pair of rows, (clips,).

    Raises:
        InputError: Not (clips, d), different shapes, no clips, or numbers that are not finite.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape or not a.size:
        raise InputError(f"expected embeddings (clips, d) of one shape, got {a.shape}, {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("embeddings must be finite")
    lengths = [np.maximum(np.linalg.norm(values, axis=1), _EPS) for values in (a, b)]
    return np.asarray((a * b).sum(axis=1) / (lengths[0] * lengths[1]))
