"""MetricExtractor: what a network hears or sees in a clip, as numbers that metrics compare."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Medium", "MetricExtractor"]

Medium = Literal["audio", "video", "text"]


class MetricExtractor(Component):
    """Gives features, logits or embeddings of the sound, the pictures or the caption of a clip.

    Work is in two halves: `prepare` turns one clip into what the network takes, `extract` asks the
    network about several prepared clips of one shape. What comes out for a clip must not depend on
    the others in its batch beyond rounding (1e-5 of the largest value).

    Attributes:
        medium: What `prepare` gets: "audio" (`pavas_sdk.data.Audio`), "video" (a
            `pavas_sdk.data.FrameSource`) or "text" (a string).
        outputs: Names of the arrays that `extract` returns. Metrics look for "features" (Frechet
            distance), "logits" (KL, Inception Score) and "embedding" (cosines).
        version: Raised when the same clip and weights would give other numbers: kept features of
            other versions are made again.
        beside: Qualified name of an extractor of the clip's *video* whose first output `extract`
            gets beside the batch; "" for none. (Synchformer compares sound with pictures.)
        sample_rate_hz: Of the network's sound; None for other media.
    """

    kind: ClassVar[str] = "metric_extractor"
    medium: ClassVar[Medium]
    outputs: ClassVar[tuple[str, ...]]
    version: ClassVar[int] = 1
    beside: ClassVar[str] = ""
    sample_rate_hz: ClassVar[int | None] = None

    @abstractmethod
    def prepare(self, medium: Any, *, length_s: float | None = None) -> NDArray[Any]:
        """Return what the network takes of one clip, any shape.

        Args:
            medium: See `medium`.
            length_s: Longer sound and video are cut here, seconds; text ignores it.

        Raises:
            InputError: The clip is too short for the network.
        """

    @abstractmethod
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the `outputs` of prepared clips of one shape, each float32 (clips, ...), finite.

        Args:
            batch: Prepared clips, stacked.
            beside: First output of the extractor `beside` for the same clips, stacked.

        Raises:
            WeightsError: The weights are missing or damaged.
            MissingPluginError: A package is missing.
        """

    @abstractmethod
    def weights_digest(self) -> str:
        """Return a hexadecimal digest of the weights; kept features of other weights are not used.

        Raises:
            WeightsError: The weights are missing.
        """
