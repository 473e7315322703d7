"""How far a classifier's opinion of the generated sound is from that of the true sound (KL).

Conventions
-----------
For the class probabilities of one clip's true sound r and generated sound g::

    KL(reference || generated) = sum over classes of p_r (log p_r - log p_g)

and the metric is its mean over clips (KL_PANNs, KL_PaSST: 527 AudioSet classes, softmax over the
logits although the classifiers were trained with sigmoids). Logits in, both logarithms from the
log-softmax, nothing added to the probabilities. Rows are paired: row i of both is the same clip.

Older tools print other numbers under this name: the other direction, 1e-6 added to probabilities,
or the mean over classes in place of the sum. The direction and the activation are arguments here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Activation", "Direction", "kl_divergence", "kl_per_clip", "log_softmax", "validate"]

Direction = Literal["reference||generated", "generated||reference"]
Activation = Literal["softmax", "sigmoid"]


def validate(generated: ArrayLike, reference: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Return both sets of logits in double precision.

    Raises:
        InputError: Not (clips, classes), different shapes, no clips, or numbers that are not finite.
    """
    g, r = np.asarray(generated, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    if g.ndim != 2 or g.shape != r.shape:
        raise InputError(
            f"logits have shapes {g.shape} and {r.shape}, expected (clips, classes) twice: row i "
            "of both is the same clip"
        )
    if not g.size:
        raise InputError("a KL divergence needs at least one clip")
    if not (np.isfinite(g).all() and np.isfinite(r).all()):
        raise InputError("logits must be finite")
    return g, r


def kl_divergence(
    generated: ArrayLike,
    reference: ArrayLike,
    *,
    direction: Direction = "reference||generated",
    activation: Activation = "softmax",
) -> float:
    """Return the mean KL divergence over clips, nats; 0 or more, lower is better.

    Args:
        generated: Logits of the generated sounds, (clips, classes).
        reference: Logits of the true sounds, same clips in the same order.
        direction: Which distribution the logarithms are averaged over.
        activation: ``softmax``; ``sigmoid`` sums p_r (log p_r - log p_g) over independent classes
            (what the public tool computes beside it; it can be negative).

    Raises:
        InputError: See `validate`.
    """
    values = kl_per_clip(generated, reference, direction=direction, activation=activation)
    return float(values.mean())


def kl_per_clip(
    generated: ArrayLike,
    reference: ArrayLike,
    *,
    direction: Direction = "reference||generated",
    activation: Activation = "softmax",
) -> NDArray[np.float64]:
    """Return the divergence of every clip, (clips,), nats. Arguments as for `kl_divergence`.

    Raises:
        InputError: See `validate`; an unknown direction or activation.
    """
    g, r = validate(generated, reference)
    if direction not in get_args(Direction):
        raise InputError(f"direction is {direction!r}, expected one of {get_args(Direction)}")
    if activation not in get_args(Activation):
        raise InputError(f"activation is {activation!r}, expected one of {get_args(Activation)}")
    if direction == "generated||reference":
        g, r = r, g
    logs = log_softmax if activation == "softmax" else _log_sigmoid
    log_r = logs(r)
    return np.asarray((np.exp(log_r) * (log_r - logs(g))).sum(axis=1))


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _log_sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.logaddexp(0.0, -logits))
