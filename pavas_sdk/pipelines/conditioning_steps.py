"""The steps of a call that look at the video: physics, pictures, words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.data import FrameSource, PhysicsEstimate
from pavas_sdk.data.memory import give_back_freed_memory
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.media import as_source, open_picture
from pavas_sdk.pipelines.features import (
    VideoFeatures,
    WindowCondition,
    adapter_inputs,
    encode_window,
    objects_within,
)
from pavas_sdk.pipelines.masks import segment_objects
from pavas_sdk.pipelines.no_video import still_features, text_features
from pavas_sdk.pipelines.offload import onload
from pavas_sdk.pipelines.physics_input import PhysicsRequest, check_fits, read_physics
from pavas_sdk.pipelines.storage import StoredPipeline
from pavas_sdk.pipelines.windows import Window, plan_windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.data import MaskTrack, Video
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.models import SequenceConfig
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.arguments import Item
    from pavas_sdk.pipelines.physics_input import PhysicsInput

__all__ = ["ConditioningSteps"]

# One synchronisation segment of 16 frames at 25 Hz: shorter videos are computed as so long (their
# last picture stands still) and the sound is cut.
SHORTEST_S = 0.64

NOTHING_MOVES = (
    "no moving object was found: the sound is made with the learned tokens for no physics"
)

NO_ESTIMATOR = (
    "this pipeline has no physics estimator and no physics was given; pass physics= (an estimate, "
    'its JSON file, or "none"), or load the pipeline with its estimator'
)


class ConditioningSteps(StoredPipeline):
    """What `PavasPipeline` does before it draws noise; every step can be called alone."""

    sequence: SequenceConfig

    def estimate_physics(
        self,
        video: str | Path | Video | FrameSource,
        physics: PhysicsInput = None,
        *,
        prompt: str = "",
        cache: CacheInput = None,
    ) -> PhysicsEstimate:
        """Return the physics of a video: to print, save, edit and pass back in.

        Args:
            video: The clip.
            physics: As in `__call__`; masses and speeds by hand go on top of the estimate.
            prompt: What the user says about the clip.
            cache: As in `__call__`.

        Raises:
            ComponentError: A slot failed.
            ConfigurationError: There is no estimator and no estimate is given.
            PhysicsInputError: A given estimate does not fit the video.
        """
        return self.physics_and_masks(video, physics, prompt=prompt, cache=cache)[0]

    def physics_and_masks(
        self,
        video: str | Path | Video | FrameSource,
        physics: PhysicsInput | PhysicsRequest = None,
        *,
        prompt: str = "",
        masks: Mapping[int, MaskTrack] | None = None,
        cache: CacheInput = None,
    ) -> tuple[PhysicsEstimate, dict[int, MaskTrack], tuple[str, ...]]:
        """Return the physics of a video, masks of its objects, and notes on what is missing.

        Args:
            video: The clip.
            physics: As in `__call__`.
            prompt: What the user says about the clip.
            masks: Masks for a given estimate.
            cache: As in `__call__`.

        Raises:
            ComponentError: A slot failed.
            ConfigurationError: There is no estimator and no estimate is given.
            PhysicsInputError: A given estimate does not fit the video.
        """
        source = as_source(video)
        request = physics if isinstance(physics, PhysicsRequest) else read_physics(physics)
        if request.given is not None:
            check_fits(request.given, source, masks)
            if masks is not None or self.conditioning_adapter is None:
                return request.given, dict(masks or {}), ()
            tracks, notes = segment_objects(self.physics_estimator, source, request.given)
            return request.given, tracks, notes
        if request.disabled or (self.physics_estimator is None and not request.overrides):
            if not request.disabled and self.conditioning_adapter is not None:
                raise ConfigurationError(NO_ESTIMATOR)
            nothing = PhysicsEstimate(
                objects=(),
                duration_s=source.duration_s,
                time_scale=source.time_scale,
                notes=("physics was not used",),
            )
            return nothing, {}, ()
        if self.physics_estimator is None:
            raise ConfigurationError(NO_ESTIMATOR)
        result = self.physics_estimator.estimate(
            source, prompt=prompt, overrides=request.overrides, cache=cache
        )
        tracks = {**result.masks, **(masks or {})}
        check_fits(result.physics, source, masks)
        notes = result.physics.notes
        if not result.physics.objects and self.conditioning_adapter is not None:
            notes = (*notes, NOTHING_MOVES)
        return result.physics, tracks, notes

    def plan_windows(self, duration_s: float) -> tuple[Window, ...]:
        """Return the windows in which a clip of ``duration_s`` is denoised; usually one."""
        length = max(duration_s, SHORTEST_S)
        sequence, config = self.sequence, self.config
        return plan_windows(
            sequence.latent_length(length),
            duration_s=length,
            window=sequence.latent_length(config.window_s),
            overlap=sequence.latent_length(config.overlap_s),
            window_s=config.window_s,
            latent_rate_hz=sequence.latent_rate_hz,
        )

    def encode_video(
        self, video: str | Path | Video | FrameSource, window: Window | None = None
    ) -> VideoFeatures:
        """Encode the pictures of one window (by default of a clip that fits into one).

        Raises:
            InputError: No window is given and the video needs several.
        """
        source = as_source(video)
        if window is None:
            window, *others = self.plan_windows(source.duration_s)
            if others:
                raise InputError(
                    f"a video of {source.duration_s:.2f} s needs {len(others) + 1} windows; pass "
                    "one of pipe.plan_windows(duration_s)"
                )
        return encode_window(
            self.clip, self.sync_encoder, source, window, device=self._execution_device
        )

    def encode_image(self, image: Any, window: Window) -> VideoFeatures:
        """Encode a still picture for one window: its features stand at every visual frame.

        Args:
            image: As in `__call__`.
            window: One of ``pipe.plan_windows(duration_s)``.

        Raises:
            InputError: ``image`` is nothing that shows a picture.
            MediaError: The picture cannot be read.
        """
        source = image if isinstance(image, FrameSource) else open_picture(image, window.duration_s)
        return still_features(
            self.transformer,
            self.clip,
            self.sync_encoder,
            self.sequence,
            source,
            window,
            device=self._execution_device,
        )

    def encode_no_video(self, window: Window) -> VideoFeatures:
        """Return the backbone's learned tokens that stand for "no video" in one window."""
        return text_features(self.transformer, self.clip, self.sync_encoder, self.sequence, window)

    def _encode_item(self, item: Item, window: Window) -> VideoFeatures:
        if item.kind == "video":
            return self.encode_video(item.source, window)
        if item.kind == "image":
            return self.encode_image(item.source, window)
        return self.encode_no_video(window)

    def _encode_windows(
        self, item: Item, estimate: PhysicsEstimate, masks: Mapping[int, MaskTrack]
    ) -> list[WindowCondition]:
        """Encode every window of a clip, and keep of each what denoising needs."""
        windows = self.plan_windows(item.source.duration_s)
        conditions = []
        for window in windows:
            features = self._encode_item(item, window)
            conditions.append(
                WindowCondition(
                    window=window,
                    pooled=features.pooled,
                    sync=features.sync,
                    times_s=features.times_s,
                    state=self.encode_physics(estimate, masks, features),
                )
            )
            del features
            if len(windows) > 1:
                give_back_freed_memory()
        return conditions

    def encode_prompt(
        self, prompt: str | None = "", negative_prompt: str | None = ""
    ) -> tuple[Tensor, Tensor]:
        """Return the text tokens of both branches of guidance, (1, T, D_text) each.

        None means the backbone's stored empty text; "" is encoded like any other text.
        """
        onload(self.clip)
        empty = self.transformer.empty_text(1).to(self._execution_device)
        text, negative = (
            empty if words is None else self.clip.encode_text([words])
            for words in (prompt, negative_prompt)
        )
        return text, negative

    def _text_notes(self, *texts: str | None) -> tuple[str, ...]:
        """Return what the text encoder says about texts, if it says anything."""
        note = getattr(self.clip, "text_note", None)
        if note is None:
            return ()
        return tuple(said for text in texts if text is not None and (said := note(text)))

    def encode_physics(
        self,
        physics: PhysicsEstimate,
        masks: Mapping[int, MaskTrack],
        features: VideoFeatures,
    ) -> AdapterState | None:
        """Return the adapter's state of one window, or None without an adapter.

        Args:
            physics: Of the whole clip; no objects in the window give the learned empty state.
            masks: Of the whole clip; an object without masks counts as occluded.
            features: Of the window.
        """
        adapter = self.conditioning_adapter
        if adapter is None:
            return None
        onload(adapter)
        objects = objects_within(physics.objects, masks, features.times_s)
        if not objects:
            return adapter.null_state(1, features.times_s.size)  # type: ignore[no-any-return]
        inputs = adapter_inputs(
            objects,
            masks,
            features.times_s,
            features.patches.shape[2],
            device=features.patches.device,
        )
        return adapter.encode(  # type: ignore[no-any-return]  # a module erases its types
            features.patches.to(adapter.dtype),
            inputs.masks,
            inputs.mass_kg,
            inputs.speed_m_s,
            inputs.valid,
        )
